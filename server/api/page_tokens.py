"""Page tokens: the position from which the next page begins, opaque to clients."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from server.api.errors import InvalidArgumentError
from server.notary.origin import Stream
from server.query.pages import Position
from server.query.traces import TracePlace
from storage.records import Place

__all__ = [
    "StatementPosition",
    "TracePosition",
    "make_search_token",
    "make_statements_token",
    "make_trace_token",
    "make_traces_token",
    "parse_search_token",
    "parse_statements_token",
    "parse_trace_token",
    "parse_traces_token",
]

_HASH_SIZE = 32
_LARGEST = 1 << 63
_LONGEST = 4096  # characters: more than any token has
_UNUSABLE = (ValueError, TypeError, OverflowError, RecursionError)
_BEGIN = Position()


@dataclass(frozen=True, slots=True)
class TracePosition:
    """Position in a trace from which a page begins.

    Attributes:
        audit: position among the audit events; None if all have been returned.
        logs: position among the operational logs; None if all have been returned.
        spans: position among the spans; None if all have been returned.
        earlier: number of spans of the earlier table that have been returned; None if all have.
    """

    audit: Position | None = _BEGIN
    logs: Position | None = _BEGIN
    spans: Position | None = _BEGIN
    earlier: int | None = 0


@dataclass(frozen=True, slots=True)
class StatementPosition:
    """Position among the statements of a log from which a page begins.

    Attributes:
        number: highest number of a statement.
        skipped: number of rows with this number that have been returned.
    """

    number: int = (1 << 64) - 1
    skipped: int = 0


def make_search_token(position: Position, asked: str) -> str:
    """Return the token of a position in what was asked for, which is any text."""
    return _encode([_mark(asked), _dump_position(position)])


def parse_search_token(token: str, asked: str) -> Position:
    """Return the position of a token.

    Raises:
        InvalidArgumentError: the token was not made by ``make_search_token``, or something else was asked for.
    """
    try:
        mark, position = _decode(token)
        known = _load_position(position)
    except _UNUSABLE as error:
        raise InvalidArgumentError(_UNKNOWN) from error
    if mark != _mark(asked):
        raise InvalidArgumentError(_OTHER)
    return known


def make_traces_token(place: TracePlace, asked: str) -> str:
    """Return the token of a position among the traces that were asked for, which is any text."""
    return _encode([_mark(asked), place.received, _dump(place.after), place.only_fitting])


def parse_traces_token(token: str, asked: str) -> TracePlace:
    """Return the position of a token.

    Raises:
        InvalidArgumentError: the token was not made by ``make_traces_token``, or something else was asked for.
    """
    try:
        mark, received, after, only_fitting = _decode(token)
        place = TracePlace(_in_range(received), _load(after), bool(only_fitting))
    except _UNUSABLE as error:
        raise InvalidArgumentError(_UNKNOWN) from error
    if mark != _mark(asked):
        raise InvalidArgumentError(_OTHER)
    return place


def make_statements_token(position: StatementPosition, asked: str) -> str:
    """Return the token of a position among the statements that were asked for, which is any text."""
    return _encode([_mark(asked), position.number, position.skipped])


def parse_statements_token(token: str, asked: str) -> StatementPosition:
    """Return the position of a token.

    Raises:
        InvalidArgumentError: the token was not made by ``make_statements_token``, or something else was asked for.
    """
    try:
        mark, number, skipped = _decode(token)
        position = StatementPosition(_in_range(number, 1 << 64), _in_range(skipped))
    except _UNUSABLE as error:
        raise InvalidArgumentError(_UNKNOWN) from error
    if mark != _mark(asked):
        raise InvalidArgumentError(_OTHER)
    return position


def _mark(asked: str) -> str:
    return sha256(asked.encode()).hexdigest()[:16]


def make_trace_token(position: TracePosition, trace_id: str) -> str:
    """Return the token of a position in a trace."""
    positions = (position.audit, position.logs, position.spans)
    dumped = (None if one is None else _dump_position(one) for one in positions)
    return _encode([_mark(trace_id), *dumped, position.earlier])


def parse_trace_token(token: str, trace_id: str) -> TracePosition:
    """Return the position of a token.

    Raises:
        InvalidArgumentError: the token was not made by ``make_trace_token``, or for another trace.
    """
    try:
        mark, *positions, earlier = _decode(token)
        audit, logs, spans = map(_load_if_any, positions)
        known = TracePosition(audit, logs, spans, None if earlier is None else _in_range(earlier))
    except _UNUSABLE as error:
        raise InvalidArgumentError(_UNKNOWN) from error
    if mark != _mark(trace_id):
        raise InvalidArgumentError(_OTHER_TRACE)
    return known


_OTHER = (
    "the page token belongs to another search: repeat the query, filters, streams, order and range of time unchanged"
)
_OTHER_TRACE = "the page token belongs to another trace: repeat the trace ID unchanged"
_UNKNOWN = "the page token is not one that this server gave out for such a call"


def _encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _decode(token: str) -> Any:
    if len(token) > _LONGEST:
        raise ValueError("too long")
    return json.loads(base64.urlsafe_b64decode(token))


def _dump_position(position: Position) -> list[object]:
    return [position.passes, _dump(position.after), _dump(position.others_after)]


def _load_position(value: Any) -> Position:
    passes, after, others_after = value
    return Position(_load(after), (0, 1, 2, 3).index(passes), _load(others_after))


def _dump(place: Place | None) -> list[object] | None:
    if place is None:
        return None
    return [
        place.stream.value,
        place.timestamp,
        place.log_id,
        place.leaf_index,
        place.batch_id.hex,
        place.leaf_hash.hex(),
    ]


def _load_if_any(value: Any) -> Position | None:
    return None if value is None else _load_position(value)


def _in_range(number: Any, end: int = _LARGEST) -> int:
    if not 0 <= int(number) < end:
        raise ValueError("out of range")
    return int(number)


def _storable(text: Any) -> str:
    """Return a text that storage can be asked for: an altered row may name any log, but never half a character."""
    if not isinstance(text, str):
        raise TypeError("not a text")
    text.encode()
    return text


def _load(value: Any) -> Place | None:
    if value is None:
        return None
    stream, timestamp, log_id, leaf_index, batch_id, leaf_hash = value
    place = Place(
        Stream(stream),
        int(timestamp),
        _storable(log_id),
        int(leaf_index),
        UUID(hex=str(batch_id)),
        bytes.fromhex(leaf_hash),
    )
    if not (
        -(1 << 63) <= place.timestamp < 1 << 63
        and 0 <= place.leaf_index < 1 << 64
        and len(place.leaf_hash) == _HASH_SIZE
    ):
        raise ValueError("out of range")
    return place
