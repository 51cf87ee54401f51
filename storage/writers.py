"""Leases on writers' names: rows of ``log_writers``, by which at most one server at a time writes a log.

A server that starts claims its name, and renews the lease while it runs. One that has not renewed it for ``LEASE``
seconds has lost it to whoever claims it next; one that was stopped has released it. The clock is ClickHouse's own, so
the clocks of hosts do not matter.

Each start is an instance, with three kinds of rows: ``Writing`` is 2 where it claims the name, 1 where it holds the
lease, 0 where it has released it. A claim that does not see another one has precedence over all that come to be seen
later, and of two that see each other the older one: whichever is visible last sees the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from storage.engine import Engine
from storage.errors import LeaseLostError, StorageConfigError
from storage.rowbinary import int64, read_one, read_rows, text, uint8

__all__ = ["LEASE", "RENEWAL", "WriterName", "claim", "release", "renew"]

LEASE = 30.0
"""Seconds after its last renewal for which a server holds a name."""

RENEWAL = 10.0
"""Seconds after which a server renews its lease."""

_RELEASED, _HELD, _CLAIMED = 0, 1, 2

_LOOK_AGAIN = 0.25  # seconds between looks whether a younger claim is gone
_LONGEST_LOOK = LEASE / 2  # seconds for which one is waited for; the own claim must not become old meanwhile


@dataclass(frozen=True, slots=True)
class WriterName:
    """A name that is written under, and by whom.

    Attributes:
        deployment: the deployment.
        writer: the writer's name.
        place: host and data directory; a server that is started again has the same.
        instance: made anew for each claim.
    """

    deployment: str
    writer: str
    place: str
    instance: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class _Rival:
    place: str
    instance: str
    claimed: int
    holds: bool


def claim(engine: Engine, name: WriterName, wait: Callable[[float], None] = time.sleep) -> int:
    """Claim a name and hold the lease on it.

    Args:
        engine: the storage.
        name: the name, with an instance that has not claimed it before.
        wait: waits some seconds.

    Returns:
        When it was claimed, in milliseconds since the epoch by ClickHouse's clock; ``renew`` asks for it.

    Raises:
        StorageConfigError: a server in another place holds the name, or claimed it before.
        LeaseLostError: this process was so slow that another server has taken the name over.
        StorageError: storage is not reached.
    """
    _say(engine, name, _CLAIMED)
    claimed = _claimed_at(engine, name)
    waited = 0.0
    while rivals := _rivals(engine, name):
        if any(rival.holds or (rival.claimed, rival.instance) < _order(name, claimed) for rival in rivals):
            break
        if waited >= _LONGEST_LOOK:
            break
        # They came later: each either sees this claim and gives up, or has not seen it and holds the lease soon.
        wait(_LOOK_AGAIN)
        waited += _LOOK_AGAIN
    if not rivals:
        renew(engine, name, claimed, wait)
        # One that was cut off may have come back, and renewed its lease in between.
        rivals = [rival for rival in _rivals(engine, name) if rival.holds]
    if rivals:
        release(engine, name)
        raise StorageConfigError(
            f"a server at {rivals[0].place} writes under the same name, {name.deployment}/{name.writer}: two writers "
            "of one name would fork the log. Give each server a data directory and a --writer of its own. If that "
            f"server has stopped, wait {LEASE:.0f} seconds"
        )
    return claimed


def renew(engine: Engine, name: WriterName, claimed: int, wait: Callable[[float], None] = time.sleep) -> None:
    """Renew the lease on a name.

    Args:
        engine: the storage.
        name: the name.
        claimed: what ``claim`` returned.
        wait: waits some seconds.

    Raises:
        LeaseLostError: another server has taken the name over.
        StorageError: storage is not reached.
    """
    # Before, so that one that was away for long leaves no trace; and behind it, for what was claimed meanwhile.
    _check_not_taken_over(_younger(engine, name, claimed), name)
    _say(engine, name, _HELD)
    waited = 0.0
    while younger := _younger(engine, name, claimed):
        _check_not_taken_over(younger, name)
        # Claims that are not decided: each sees this renewal and gives up, or has not seen it and holds the lease soon.
        if waited >= _LONGEST_LOOK:
            return
        wait(_LOOK_AGAIN)
        waited += _LOOK_AGAIN


def release(engine: Engine, name: WriterName) -> None:
    """Release the lease on a name, or give up a claim; raises StorageError."""
    _say(engine, name, _RELEASED)


def _check_not_taken_over(younger: Iterable[_Rival], name: WriterName) -> None:
    for rival in younger:
        if rival.holds:
            raise LeaseLostError(
                f"the server at {rival.place} has taken over the name {name.deployment}/{name.writer}, because this "
                f"server had not renewed its lease for {LEASE:.0f} seconds. This server ends and commits nothing more. "
                "Run only one of the two, or give each a data directory and a --writer of its own. Batches that are "
                "not in storage stay in this server's journal: 'lognotary journal inspect' lists them"
            )


def _rivals(engine: Engine, name: WriterName) -> list[_Rival]:
    """Return others elsewhere that hold the name now or claim it; one of the same place is known to have ended."""
    return _instances(engine, name, "NOT released AND alive AND Place != {place:String}", place=name.place)


def _younger(engine: Engine, name: WriterName, claimed: int) -> list[_Rival]:
    """Return others that claimed the name later and have held it since, or have neither got nor given up the lease."""
    return _instances(
        engine,
        name,
        "(claimed, instance) > ({claimed:Int64}, {own:String}) AND (holds OR NOT released AND alive)",
        claimed=claimed,
        own=str(name.instance),
    )


def _instances(engine: Engine, name: WriterName, condition: str, **parameters: str | int) -> list[_Rival]:
    rows = engine.query(
        "SELECT Place, toString(Instance) AS instance, toUnixTimestamp64Milli(min(SeenAt)) AS claimed, "
        f"countIf(Writing = {_HELD}) > 0 AS holds, countIf(Writing = {_RELEASED}) > 0 AS released, "
        f"max(SeenAt) > now64(3) - toIntervalSecond({int(LEASE)}) AS alive "
        "FROM log_writers WHERE Deployment = {deployment:String} AND Writer = {writer:String} "
        f"AND Instance != {{instance:UUID}} GROUP BY Place, Instance HAVING {condition} ORDER BY claimed",
        _parameters(name) | parameters,
    )
    found = read_rows(rows, (text, text, int64, uint8, uint8, uint8))
    return [_Rival(place, instance, claimed, bool(holds)) for place, instance, claimed, holds, *_ in found]


def _claimed_at(engine: Engine, name: WriterName) -> int:
    rows = engine.query(
        "SELECT toUnixTimestamp64Milli(min(SeenAt)) FROM log_writers WHERE Deployment = {deployment:String} "
        "AND Writer = {writer:String} AND Instance = {instance:UUID}",
        _parameters(name),
    )
    return int(read_one(rows, int64))


def _order(name: WriterName, claimed: int) -> tuple[int, str]:
    return claimed, str(name.instance)


def _parameters(name: WriterName) -> dict[str, str | int]:
    return {"deployment": name.deployment, "writer": name.writer, "instance": str(name.instance)}


def _say(engine: Engine, name: WriterName, writing: int) -> None:
    values = ", ".join(f"unhex('{value.encode().hex()}')" for value in (name.deployment, name.writer, name.place))
    engine.execute(
        "INSERT INTO log_writers (Deployment, Writer, Place, Instance, Writing) SETTINGS async_insert = 0 "
        f"VALUES ({values}, '{name.instance}', {writing})"
    )
