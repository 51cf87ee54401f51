"""Connections to the OTLP/HTTP port."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.fuzz.front_door.encodings import bomb, encoded
from tests.fuzz.front_door.http_mutations import CHANGES, bytes_changed
from tests.fuzz.front_door.payloads import json_body, protobuf_body, protobuf_bomb, valid_protobuf
from tests.fuzz.front_door.script import Door, Ending, Script, Step

__all__ = ["Request", "http_script"]

_PROTOBUF = b"application/x-protobuf"
_JSON = b"application/json"


@dataclass(slots=True)
class Request:
    """A request as it is written, piece by piece, so that each piece can be wrong.

    Attributes:
        line: the request line, without its end.
        headers: name and value of each; those of the framing too.
        body: the body with its framing.
        end: the end of each line.
        certain: it is whole, so that there has to be an answer, or the connection ends.
    """

    line: bytes = b"POST /v1/logs HTTP/1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    end: bytes = b"\r\n"
    certain: bool = True

    def serialized(self) -> bytes:
        """Return the bytes."""
        lines = [self.line, *(name + b": " + value for name, value in self.headers)]
        return self.end.join(lines) + self.end * 2 + self.body

    def header(self, name: bytes, value: bytes) -> None:
        """Set a header; only the first of that name is replaced."""
        for place, (other, _) in enumerate(self.headers):
            if other.lower() == name.lower():
                self.headers[place] = (name, value)
                return
        self.headers.append((name, value))


def http_script(chance: random.Random, *, bombs: bool = False) -> Script:
    """Make a connection.

    Args:
        chance: everything is taken from it.
        bombs: let it be one of those few that cost the server a second.
    """
    if bombs:
        return _one(*_bomb(chance), chance, certain=True)
    draw = chance.random()
    if draw < 0.30:
        return _bodies(chance)
    kind, request = _wrong_request(chance)
    data = request.serialized()
    if draw < 0.80:
        return _one(kind, data, chance, certain=request.certain, head=data.startswith(b"HEAD "))
    if draw < 0.88:
        data = bytes_changed(data, chance)
        return _one("bytes", data, chance, certain=False, head=data.lstrip(b"\r\n").startswith(b"HEAD "))
    if draw < 0.96:
        return _cut(data, chance)
    return _pipelined(data, kind, chance)


def _request(body: bytes, media_type: bytes, chance: random.Random) -> Request:
    headers = [
        (b"Host", b"127.0.0.1"),
        (b"User-Agent", b"fuzz"),
        (b"Content-Type", media_type),
        (b"Content-Length", b"%d" % len(body)),
    ]
    chance.shuffle(headers)
    return Request(headers=headers, body=body)


def _valid(chance: random.Random) -> Request:
    return _request(valid_protobuf(chance), _PROTOBUF, chance)


def _payload(chance: random.Random) -> tuple[str, Request]:
    """A request whose framing is right, and whose body is probably not."""
    if chance.random() < 0.4:
        kind, request = "protobuf", _request(protobuf_body(chance), _PROTOBUF, chance)
    else:
        kind, request = "JSON", _request(json_body(chance), _JSON, chance)
    if chance.random() < 0.5:
        kind = "Content-Encoding"
        name, request.body = encoded(request.body, chance)
        request.header(b"Content-Encoding", name)
        request.header(b"Content-Length", b"%d" % len(request.body))
        request.certain = not any(byte < 32 or byte == 127 for byte in name)
    return kind, request


def _bodies(chance: random.Random) -> Script:
    """Requests with right framing, one after another on one connection, all of which are answered."""
    requests = [_payload(chance) for _ in range(chance.choice((1, 4, 8, 16)))]
    steps = tuple(Step(request.serialized(), 0.0, (kind,)) for kind, request in requests)
    return Script(Door.HTTP, steps, Ending.ANSWERED, answers=len(steps))


def _wrong_request(chance: random.Random) -> tuple[str, Request]:
    request = _valid(chance)
    kind, change = chance.choice(CHANGES)
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
        change(request, chance)
        change = chance.choice(CHANGES)[1] if chance.random() < 0.3 else change
    return kind, request


def _one(kind: str, data: bytes, chance: random.Random, *, certain: bool, head: bool = False) -> Script:
    """One request, written in one of several ways."""
    ending = Ending.ANSWERED if certain else chance.choice((Ending.LISTEN, Ending.HALF_CLOSE, Ending.HALF_CLOSE))
    return Script(Door.HTTP, _written(data, kind, chance), ending, answers=1, head=head)


def _written(data: bytes, kind: str, chance: random.Random) -> tuple[Step, ...]:
    draw = chance.random()
    if draw < 0.85 or not data:
        return (Step(data, 0.0, (kind,)),)
    if draw < 0.97 or len(data) > 600:
        cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.choice((1, 1, 2, 5))))
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    else:  # byte by byte
        pieces = [data[at : at + 1] for at in range(len(data))]
    steps = [Step(piece, chance.choice((0.0, 0.0, 0.0, 0.01)) if len(pieces) < 7 else 0.0) for piece in pieces]
    return (*steps[:-1], Step(pieces[-1], 0.0, (kind,)))


def _cut(data: bytes, chance: random.Random) -> Script:
    """A request that ends somewhere, and with it the connection."""
    whole = data if chance.random() < 0.3 else _valid(chance).serialized()
    start = whole[: chance.randint(0, len(whole) - 1)]
    ending = chance.choice((Ending.RESET, Ending.RESET, Ending.LEAVE, Ending.HALF_CLOSE))
    return Script(Door.HTTP, (Step(start, chance.choice((0.0, 0.0, 0.05)), ("cut",)),), ending)


def _pipelined(last: bytes, kind: str, chance: random.Random) -> Script:
    """Valid requests without waiting for answers, and at the end one that is wrong."""
    valid = [_valid(chance).serialized() for _ in range(chance.choice((1, 2, 5, 20)))]
    data = b"".join((*valid, last))
    kinds = ("pipelined",) * len(valid) + (kind,)
    ending = chance.choice((Ending.LISTEN, Ending.RESET, Ending.HALF_CLOSE, Ending.LEAVE))
    head = last.startswith(b"HEAD ")
    return Script(Door.HTTP, (Step(data, 0.0, kinds),), ending, answers=len(valid) + 1, head=head)


def _bomb(chance: random.Random) -> tuple[str, bytes]:
    draw = chance.random()
    if draw < 0.5:
        name, body = bomb(chance)
        request = _request(body, chance.choice((_PROTOBUF, _JSON)), chance)
        request.header(b"Content-Encoding", name)
        return "bomb", request.serialized()
    if draw < 0.75:
        return "bomb", _request(protobuf_bomb(chance), _PROTOBUF, chance).serialized()
    if draw < 0.85:  # objects take many times the bytes of JSON
        body = b'{"resourceLogs":[' + b"{}," * chance.choice((300_000, 3_999_000, 5_000_000)) + b"{}]}"
        return "bomb", _request(body, _JSON, chance).serialized()
    size = chance.choice((1 << 20, 8 << 20, (64 << 20) + 1))
    return "bomb", _request(bytes(size), _PROTOBUF, chance).serialized()
