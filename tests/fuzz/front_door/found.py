"""Failures that fuzzing found, in the smallest form that shows each: every campaign begins with these."""

from __future__ import annotations

import gzip
import random
import struct

from tests.fuzz.front_door.frames import ACK, END_HEADERS, END_STREAM, PREFACE, Kind, block, frame, settings
from tests.fuzz.front_door.grpc_wire import call_headers, message, whole_call
from tests.fuzz.front_door.payloads import valid_protobuf
from tests.fuzz.front_door.script import After, Door, Ending, Script, Step

__all__ = ["FOUND"]

_VALID = valid_protobuf(random.Random(0))
_OFFER = (
    b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"
    b"Upgrade: h2c\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n"
)
_FORGED = b"\nTraceback (most recent call last):\n"


def _call(name: str, frames: bytes) -> Script:
    handshake = (Step(PREFACE + settings()), Step(settings(flags=ACK), after=After.ANYTHING))
    return Script(Door.GRPC, (*handshake, Step(frames, 0.0, (name,))), Ending.ANSWERED, streams=(1,))


FOUND: tuple[Script, ...] = (
    # grpcio 1.84 and 1.85 decode the path where they take calls: the port was closed, for ever, and healthz said OK.
    _call("path not UTF-8", whole_call(1, message(_VALID), **{":path": b"/\xff"})),
    # Were never answered: a handler of one message is not called without it, and nobody tells the client.
    _call("message cut", whole_call(1, message(_VALID, size=len(_VALID) + 1))),
    _call("no message", frame(Kind.HEADERS, END_HEADERS | END_STREAM, 1, block(call_headers()))),
    # Were answered OK, and all but the first message dropped.
    _call("two messages", whole_call(1, message(_VALID) * 2)),
    # Was written to the log as it came, line breaks and all, by gRPC's C library.
    Script(
        Door.GRPC,
        (Step(PREFACE + settings() + frame(Kind.GOAWAY, 0, 0, struct.pack(">II", 0, 1) + _FORGED), 0.0, ("GOAWAY",)),),
        Ending.HALF_CLOSE,
    ),
    # Tracebacks in the log, one for each.
    _call("metadata not UTF-8", whole_call(1, message(_VALID), user_agent=b"\xff")),
    # An error in the log for each call that is cancelled while it waits for the commit.
    Script(
        Door.GRPC,
        (
            Step(PREFACE + settings() + whole_call(1, message(gzip.compress(_VALID), 1), grpc_encoding=b"gzip"), 0.1),
            Step(frame(Kind.RST_STREAM, 0, 1, struct.pack(">I", 8)), 0.0, ("reset while committed",)),
        ),
        Ending.LISTEN,
    ),
    # Was answered OK, and the body dropped: the HTTP parser took it for what follows an upgrade.
    Script(Door.HTTP, (Step(_OFFER % 3 + b"\nF\n", 0.0, ("upgrade",)),), Ending.ANSWERED, answers=1),
)
"""Scripts, each of which once did what it must not."""
