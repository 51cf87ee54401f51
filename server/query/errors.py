"""Errors of queries: the place in the text that is wrong, and what to write instead."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["QueryError", "QueryTooExpensiveError"]

_SHOWN = 60  # characters of a query around the place that is wrong


class QueryError(LognotaryError):
    """A query cannot be understood.

    Attributes:
        reason: what is wrong, without the place.
        query: the text of the query.
        start: offset of the first character that is wrong; at most the length of the query.
        end: offset of the character after the last one that is wrong.
    """

    def __init__(self, reason: str, query: str, start: int, end: int | None = None) -> None:
        """Create an error about the characters [start, end) of a query; about one character without an end."""
        self.reason = reason
        self.query = query
        self.start = min(start, len(query))
        self.end = max(self.start + 1, end or 0)
        super().__init__(f"column {self.column}: {reason}")

    @property
    def column(self) -> int:
        """Number of the first character that is wrong, from 1."""
        return self.start + 1

    def pointed(self) -> tuple[str, str]:
        """Return the part of the query around the place that is wrong, and a line that marks the place below it."""
        begin = max(0, self.start - _SHOWN)
        part = self.query[begin : self.end + _SHOWN]
        before = "…" if begin else ""
        line = before + "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in part)
        return line, " " * (len(before) + self.start - begin) + "^" * min(self.end - self.start, _SHOWN)


class QueryTooExpensiveError(LognotaryError):
    """A query reached a limit of time, rows or memory; the message says which, and how to narrow the query."""
