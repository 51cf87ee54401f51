"""Scopes of legal holds: which records a hold keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from server.errors.suggestions import not_one_of
from server.notary.audit_words import CATEGORIES
from server.notary.origin import Stream
from storage.retention_policy import Record
from storage.schema import HAPPENED
from storage.sql_texts import sql_text

__all__ = ["ACTOR_COLUMNS", "HoldScope"]

ACTOR_COLUMNS = ("ActorId", "ActorName", "EffectiveActorId")
"""Columns of which one must be the actor of a hold."""

_RECEIVED = "toUnixTimestamp64Nano(IngestedAt)"
# Not 1: ClickHouse leaves out what a constant makes superfluous in a TTL, and then misses its columns at each insert.
_EARLIEST = str(-(2**63) + 1)
_ALL = f"{_RECEIVED} >= {_EARLIEST}"
_TIMES = range(-62_135_596_800 * 10**9, 253_402_300_800 * 10**9)  # of protobuf timestamps
_TEXTS = ("stream", "service", "actor", "trace", "category")
_AUDIT_ONLY = ("actor", "category")


@dataclass(frozen=True, slots=True)
class HoldScope:
    """The records that a hold keeps: those that match all that is given.

    Attributes:
        stream: name of the stream; empty for all.
        since: records that happened, or were received, at this time or later, in nanoseconds since the epoch.
        until: records that happened, or were received, before this time.
        service: name of the service; empty for any.
        actor: ID or name of the actor, or of who the actor acts for; empty for any.
        trace: trace ID in hexadecimal; empty for any.
        category: category of audit records; empty for any.
    """

    stream: str = ""
    since: int | None = None
    until: int | None = None
    service: str = ""
    actor: str = ""
    trace: str = ""
    category: str = ""

    def check(self) -> None:
        """Check that the scope can cover a record.

        Raises:
            ValueError: it cannot; the message says what to give.
        """
        for time in (self.since, self.until):
            if time is not None and time not in _TIMES:
                raise ValueError("since, until: give times from the year 1 to 9999")
        names = [stream.value for stream in Stream]
        if self.stream and self.stream not in names:
            raise ValueError(f"stream: {not_one_of(self.stream, names)}, or none for all")
        if self.category and self.category not in CATEGORIES:
            raise ValueError(f"category: {not_one_of(self.category, CATEGORIES)}")
        for name in ("service", "actor"):
            if "*" in getattr(self, name):
                raise ValueError(f"{name}: * stands for nothing else here: give the whole {name}, and a hold for each")
        for name in _AUDIT_ONLY:
            if getattr(self, name) and self.stream not in ("", Stream.AUDIT.value):
                raise ValueError(f"{name}: only audit records have one: give the stream audit, or no {name}")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("until: the time is not after since, so the hold would keep nothing")

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams whose records the scope may cover."""
        if self.stream:
            return (Stream(self.stream),)
        return (Stream.AUDIT,) if self.actor or self.category else tuple(Stream)

    def condition(self, stream: Stream) -> str:
        """Return the condition of the covered records of a stream in SQL."""
        if stream not in self.streams:
            return "0"
        return " AND ".join(self._conditions()) or _ALL

    def _conditions(self) -> Iterator[str]:
        if self.since is not None and self.until is not None:
            times = (f"({time} >= {self.since} AND {time} < {self.until})" for time in (HAPPENED, _RECEIVED))
            yield f"({' OR '.join(times)})"
        elif self.since is not None:
            yield f"({HAPPENED} >= {self.since} OR {_RECEIVED} >= {self.since})"
        elif self.until is not None:
            yield f"({HAPPENED} < {self.until} OR {_RECEIVED} < {self.until})"
        if self.service:
            yield f"ServiceName = {sql_text(self.service)}"
        if self.actor:
            yield f"({' OR '.join(f'{column} = {sql_text(self.actor)}' for column in ACTOR_COLUMNS)})"
        if self.trace:
            yield f"TraceId = {sql_text(self.trace)}"
        if self.category:
            yield f"Category = {sql_text(self.category)}"

    def marks(self) -> Iterator[str]:
        """Yield texts that stand in each TTL with the condition, however ClickHouse writes it."""
        texts = [sql_text(text) for text in (self.service, self.actor, self.trace, self.category) if text]
        times = [str(time) for time in (self.since, self.until) if time is not None]
        yield from texts + times or [_EARLIEST]

    def covers(self, stream: Stream, record: Record) -> bool:
        """Return whether the scope covers a record; the definition of ``condition``."""
        received = record["IngestedAt"]
        happened = record.get("Timestamp") or received
        times = [time for time in (happened, received) if isinstance(time, int)]
        return (
            stream in self.streams
            and any(self._has(time) for time in times)
            and self.service in ("", record.get("ServiceName", ""))
            and (not self.actor or self.actor in [record.get(column) for column in ACTOR_COLUMNS])
            and self.trace in ("", record.get("TraceId", ""))
            and self.category in ("", record.get("Category", ""))
        )

    def may_cover(self, stream: Stream, *, since: int | None, until: int | None, actor: str) -> bool:
        """Return whether the scope may cover a record of a stream, a range of time and an actor; if unsure, True."""
        if stream not in self.streams or (self.actor and actor and self.actor != actor):
            return False
        apart = (self.since is not None and until is not None and until <= self.since) or (
            self.until is not None and since is not None and since >= self.until
        )
        return not apart

    def _has(self, time: int) -> bool:
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def text(self) -> str:
        """Return the scope as JSON, with what is given only."""
        given = {name: value for name, value in asdict(self).items() if value not in ("", None)}
        return json.dumps(given, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> HoldScope:
        """Read the result of ``text``.

        Raises:
            ValueError: the text is not a scope.
        """
        try:
            scope = cls(**json.loads(text))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"this is not a scope of a hold: {text[:200]!r}") from error
        if not all(isinstance(getattr(scope, name), str) for name in _TEXTS):
            raise ValueError(f"{', '.join(_TEXTS)}: they must be texts, and one is not: {text[:200]!r}")
        if not all(time is None or type(time) is int for time in (scope.since, scope.until)):
            raise ValueError(f"since, until: they must be whole numbers of nanoseconds, and one is not: {text[:200]!r}")
        for name in _TEXTS:
            getattr(scope, name).encode()  # fails if there is half of a surrogate pair
        scope.check()
        return scope
