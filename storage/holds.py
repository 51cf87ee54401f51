"""Legal holds, in an append-only table: which records are kept whatever their retention, and who asked for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.notary.origin import Stream
from storage.engine import Engine
from storage.hold_scope import ACTOR_COLUMNS, HoldScope
from storage.rowbinary import int64, read_one, read_rows, text, uint64
from storage.schema import RECORD_TABLES
from storage.sql_texts import sql_text
from storage.unreadable_rows import tell_once

__all__ = [
    "Hold",
    "add_hold",
    "count_held",
    "count_hidden_actors",
    "holds_covering",
    "is_actor_id",
    "read_holds",
    "release_hold",
    "scopes_in_force",
]

_ADD, _RELEASE = "add", "release"
_ID_COLUMNS = tuple(column for column in ACTOR_COLUMNS if column != "ActorName")
_MARKS = r"\[(redacted|hmac):[a-z_.]+[:\]]"


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold.

    Attributes:
        name: its name.
        scope: the records that it keeps.
        reason: why.
        who: who asked for it, as the caller claimed.
        caller: address of the caller.
        added_at: when, in milliseconds since the epoch.
        released: its release; None while it is in force.
    """

    name: str
    scope: HoldScope
    reason: str
    who: str
    caller: str
    added_at: int
    released: Release | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The release of a hold; attributes as those of ``Hold``."""

    reason: str
    who: str
    caller: str
    at: int


def read_holds(engine: Engine) -> list[Hold]:
    """Return all holds, the earliest first. A hold whose scope cannot be read keeps everything.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        "SELECT Name, Kind, Scope, Reason, Who, Caller, toUnixTimestamp64Milli(At) FROM legal_holds "
        "ORDER BY At, Kind, Name"
    )
    holds: dict[str, Hold] = {}
    for name, kind, scope, reason, who, caller, at in read_rows(rows, (text, text, text, text, text, text, int64)):
        if kind == _ADD and name not in holds:
            holds[name] = Hold(name, _scope(name, scope), reason, who, caller, at)
        elif kind == _RELEASE and name in holds and holds[name].released is None:
            holds[name] = replace(holds[name], released=Release(reason, who, caller, at))
    return list(holds.values())


def scopes_in_force(engine: Engine) -> list[HoldScope]:
    """Return the scopes of the holds that are in force, each once and always in the same order. Raises as above."""
    scopes = {hold.scope.text(): hold.scope for hold in read_holds(engine) if hold.released is None}
    return [scopes[key] for key in sorted(scopes)]


def holds_covering(
    engine: Engine,
    *,
    streams: Sequence[Stream] = tuple(Stream),
    since: int | None = None,
    until: int | None = None,
    actor: str = "",
) -> list[Hold]:
    """Return the holds in force that may cover records of streams, a range of time and an actor; if unsure, the hold.

    Args:
        engine: the storage.
        streams: the streams.
        since: beginning of the range in nanoseconds since the epoch; None for none.
        until: end of the range, exclusive; None for none.
        actor: ID or name of the actor; empty for any.

    Raises:
        StorageError: storage cannot be read.
    """
    return [
        hold
        for hold in read_holds(engine)
        if hold.released is None
        and any(hold.scope.may_cover(stream, since=since, until=until, actor=actor) for stream in streams)
    ]


def add_hold(engine: Engine, name: str, scope: HoldScope, reason: str, who: str, caller: str) -> None:
    """Store a hold. It keeps records once the TTL of the tables has it.

    Raises:
        StorageError: it may not be stored.
    """
    _insert(engine, name, _ADD, scope.text(), reason, who, caller)


def release_hold(engine: Engine, name: str, reason: str, who: str, caller: str) -> None:
    """Store the release of a hold. Raises as ``add_hold``."""
    _insert(engine, name, _RELEASE, "", reason, who, caller)


def count_held(engine: Engine, scope: HoldScope) -> int:
    """Return the number of stored records that a scope covers.

    Raises:
        StorageError: storage cannot be read.
    """
    counts = (
        read_one(
            engine.query(f"SELECT count() FROM {RECORD_TABLES[stream]} WHERE {scope.condition(stream)}"),
            uint64,
        )
        for stream in scope.streams
    )
    return sum(counts)


def is_actor_id(engine: Engine, actor: str) -> bool:
    """Return whether a stored audit record has a text as the ID of its actor, or of who the actor acts for.

    Raises:
        StorageError: storage cannot be read.
    """
    is_it = " OR ".join(f"{column} = {sql_text(actor)}" for column in _ID_COLUMNS)
    found = engine.query(f"SELECT count() FROM (SELECT 1 FROM audit_logs WHERE {is_it} LIMIT 1)")
    return bool(read_one(found, uint64))


def count_hidden_actors(engine: Engine, scope: HoldScope, *, by_id: bool = False) -> int:
    """Return the number of stored audit records that match all else of a scope, and hide who may be its actor.

    Args:
        engine: the storage.
        scope: the scope, with an actor.
        by_id: True if the actor is known to be an ID: then records that hide only a name are not its records.

    Raises:
        StorageError: storage cannot be read.
    """
    others = replace(scope, stream=Stream.AUDIT.value, actor="").condition(Stream.AUDIT)
    columns = _ID_COLUMNS if by_id else ACTOR_COLUMNS
    hidden = " OR ".join(f"match({column}, {sql_text(_MARKS)})" for column in columns)
    condition = f"{others} AND ({hidden}) AND NOT ({scope.condition(Stream.AUDIT)})"
    return int(read_one(engine.query(f"SELECT count() FROM audit_logs WHERE {condition}"), uint64))


def _insert(engine: Engine, *values: str) -> None:
    # Not at a time before the last row's, even if the clock of ClickHouse was set back.
    engine.execute(
        "INSERT INTO legal_holds (Name, Kind, Scope, Reason, Who, Caller, At) SETTINGS async_insert = 0 "
        f"SELECT {', '.join(map(sql_text, values))}, "
        "greatest(now64(3, 'UTC'), (SELECT max(At) FROM legal_holds) + toIntervalMillisecond(1))"
    )


def _scope(name: str, scope: str) -> HoldScope:
    try:
        return HoldScope.from_text(scope)
    except ValueError as error:
        # It may keep any record, so nothing may be removed or erased until it is released.
        tell_once("legal_holds", name, str(error), "this hold keeps everything until it is released")
        return HoldScope()
