"""gRPC API client of the commands."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable

import grpc
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from server.commands.output import complain

__all__ = ["add_address_flag", "add_api_flag", "call", "parse_time", "to_json"]

_DEFAULT_API = "127.0.0.1:7317"
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_http_proxy", 0),  # it would be used for 127.0.0.1 too
)
_FINDINGS = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DATA_LOSS)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_api_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--api`` and ``--json``."""
    add_address_flag(parser)
    parser.add_argument("--json", action="store_true", help="print JSON (protobuf's JSON mapping)")


def add_address_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--api`` alone."""
    parser.add_argument(
        "--api", metavar="H:P", default=_DEFAULT_API, help="the server's gRPC API (default: %(default)s)"
    )


def call(address: str, work: Callable[[grpc.Channel], int]) -> int:
    """Run calls against a server; errors become a message and an exit status.

    Args:
        address: ``host:port``.
        work: makes the calls, and returns the exit status.
    """
    try:
        with grpc.insecure_channel(address, options=_OPTIONS) as channel:
            return work(channel)
    except grpc.RpcError as error:
        code, details = error.code(), error.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE and "storage" not in details:
            details = (
                f"no server is listening on {address} ({details}); start one with 'lognotary serve', or give --api"
            )
        complain(details)
        return 1 if code in _FINDINGS else 2


def to_json(message: Message, *, indent: int | None = 2) -> str:
    """Return a message in protobuf's JSON mapping, in ASCII; zeros and empty lists are shown."""
    return MessageToJson(message, indent=indent, always_print_fields_with_no_presence=True)


def parse_time(text: str) -> Timestamp:
    """Read a time: RFC 3339, or an age, such as ``90s``, ``15m``, ``2h``, ``7d``.

    Raises:
        argparse.ArgumentTypeError: the text is neither.
    """
    timestamp = Timestamp()
    ago = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if ago:
        timestamp.FromNanoseconds(max(0, time.time_ns() - int(ago[1]) * _UNITS[ago[2]] * 10**9))
        return timestamp
    try:
        timestamp.FromJsonString(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: give RFC 3339, such as 2026-01-31T12:00:00Z, or an age such as 15m, 2h, 7d"
        ) from error
    return timestamp
