"""Legal holds on disclosures: values of records that a hold covers must not be erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from storage.disclosures import in_statements, stored_actor
from storage.engine import Engine
from storage.hold_scope import HoldScope
from storage.holds import Hold, holds_covering
from storage.rowbinary import read_one, read_rows, string, uint64
from storage.schema import RECORD_TABLES

__all__ = ["holds_on_values"]

_WANTED = "lower(hex(Commitment)) IN {commitments:Array(String)}"
_SECOND = "intDiv(toUnixTimestamp64Nano(IngestedAt), 1000000000)"
# A request's records are received within nanoseconds of its values, so in the same second or the next.
_WHEN = f"{_SECOND} IN (SELECT arrayJoin([{_SECOND}, {_SECOND} + 1]) FROM disclosures WHERE {_WANTED})"
# Rows list the commitments that the server has made in them.
_HAS_ONE = "hasAny(JSONExtract(toString(OtlpDetails), 'commitments', 'Array(String)'), {commitments:Array(String)})"


def holds_on_values(engine: Engine, commitments: Sequence[str], actor: str = "") -> list[Hold]:
    """Return the holds in force that cover a stored record with one of some commitments.

    Values are stored before their records, and a journal may have the records. So a hold on all records covers every
    value; of other holds, only stored records tell whether they cover one.

    Args:
        engine: the storage.
        commitments: the commitments to the values, in hexadecimal.
        actor: ID or name of the actor whose values they are, if they were chosen by actor.

    Raises:
        StorageError: storage cannot be read.
    """
    return [
        hold
        for hold in holds_covering(engine)
        if hold.scope == HoldScope()
        or any(_on_some(engine, hold.scope, some, actor) for some in in_statements(commitments))
    ]


def _on_some(engine: Engine, scope: HoldScope, commitments: Sequence[str], actor: str) -> bool:
    # A record may have a commitment in place of its actor: then the disclosures say who the actor is.
    if scope.actor and (scope.actor == actor or stored_actor(scope.actor.encode()) in _actors(engine, commitments)):
        scope = replace(scope, stream=scope.streams[0].value, actor="")
    return any(
        read_one(
            engine.query(
                f"SELECT count() FROM {RECORD_TABLES[stream]} PREWHERE {_WHEN} "
                f"WHERE {scope.condition(stream)} AND {_HAS_ONE}",
                {"commitments": commitments},
            ),
            uint64,
        )
        for stream in scope.streams
    )


def _actors(engine: Engine, commitments: Sequence[str]) -> set[bytes]:
    answer = engine.query(
        f"SELECT DISTINCT arrayJoin(ActorIds) FROM disclosures WHERE {_WANTED}", {"commitments": commitments}
    )
    return {actor for (actor,) in read_rows(answer, (string,))}
