"""Rows of streams that are counted together: one statement, whose branches read each row once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.notary.origin import Stream
from storage.condition_sql import compile_condition, compile_text, severity_expression
from storage.conditions import Condition, Place
from storage.schema import RECORD_TABLES

__all__ = ["CountStatement", "Counted", "Level", "Rows", "StreamName", "shown_text"]

_LEVELS = "['', 'trace', 'debug', 'info', 'warn', 'error', 'fatal']"
_NO_TIME = "fromUnixTimestamp64Nano(toInt64(0))"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a stream.

    Attributes:
        stream: the stream.
        condition: the condition that they satisfy.
        since: earliest time, in nanoseconds since the epoch; None for any.
        until: time after the latest one; None for any.
    """

    stream: Stream
    condition: Condition
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """Level of the severity of records: ``trace`` to ``fatal``, empty for none."""


@dataclass(frozen=True, slots=True)
class StreamName:
    """Name of the stream of records."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Texts of records by which they are counted.

    Attributes:
        place: where they are.
        streams: the streams that have it; records of others have no text.
    """

    place: Place | Level | StreamName
    streams: frozenset[Stream]


@dataclass(slots=True)
class CountStatement:
    """Parts of one statement, whose parameters have different names."""

    parameters: dict[str, object] = field(default_factory=dict)
    _parts: int = 0

    def bind(self, value: str) -> str:
        """Return the placeholder of a text."""
        name = f"{self._prefix()}0"
        self.parameters[name] = value
        return f"{{{name}:String}}"

    def source(self, rows: Rows, places: Sequence[Counted] = (), *, keys_of: str = "") -> str:
        """Return the SELECT of rows: ``t``, their time in nanoseconds, and ``f0`` and so on, their texts.

        Rows with a time of their own and those without are two branches. So an index on either time leaves out what
        is not in the range, and hardly any time of receipt is read.
        """
        condition = compile_condition(rows.stream, rows.condition, self._prefix())
        self.parameters |= condition.parameters
        texts = [self._text(rows.stream, counted) for counted in places] + ([f"{keys_of}.keys"] if keys_of else [])
        columns = "".join(f", {expression} AS f{number}" for number, expression in enumerate(texts))
        return " UNION ALL ".join(
            f"SELECT toUnixTimestamp64Nano({time}) AS t{columns} FROM {RECORD_TABLES[rows.stream]} "
            f"WHERE {' AND '.join([f'({condition.text})', f'Timestamp {sign} {_NO_TIME}', *_ends(time, rows)])}"
            for time, sign in (("Timestamp", "!="), ("IngestedAt", "="))
        )

    def _text(self, stream: Stream, counted: Counted) -> str:
        match counted.place:
            case Level():
                number = severity_expression()
                return f"if({number} > 24, toUInt8(0), toUInt8(intDiv({number} + 3, 4)))"
            case StreamName():
                return f"'{stream.value}'"
            case place:
                compiled = compile_text(stream, place, self._prefix())
                self.parameters |= compiled.parameters
                return compiled.text

    def _prefix(self) -> str:
        self._parts += 1
        return f"p{self._parts}q"


def _ends(time: str, rows: Rows) -> list[str]:
    # All times are before an end that is not an Int64.
    until = None if rows.until is None or rows.until >= 2**63 else rows.until
    return [
        f"{time} {sign} fromUnixTimestamp64Nano(toInt64({int(end)}))"
        for sign, end in ((">=", rows.since), ("<", until))
        if end is not None
    ]


def shown_text(counted: Counted, column: str) -> str:
    """Return a column of groups as texts."""
    return f"{_LEVELS}[{column} + 1]" if isinstance(counted.place, Level) else f"toString({column})"
