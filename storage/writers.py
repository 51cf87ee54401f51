"""Leases on writers' names, which ensure that at most one server at a time writes a log; rows of ``log_writers``.

A server claims its name when it starts, renews the lease while it runs, and releases it when it stops. A lease that has
not been renewed for ``LEASE`` seconds is lost to the next server that claims the name. Times are ClickHouse's, so the
clocks of hosts do not matter. Rows are kept for a day; so a renewal that comes more than ``_MEMORY`` seconds after the
one before cannot tell whether another server has held the lease meanwhile, and finds the lease lost.

Each start is an instance, with three kinds of rows: ``Writing`` is 2 for a claim, 1 for a held lease, 0 for a released
lease. A claim that sees no other claim has precedence over all claims that become visible later. Of two claims that see
each other, the older one has precedence; the claim that becomes visible last always sees the other.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from storage.engine import Engine
from storage.errors import LeaseHeldError, LeaseLostError, StorageError
from storage.rowbinary import int64, read_one, read_rows, text, uint8

__all__ = ["LEASE", "RENEWAL", "Held", "WriterName", "claim", "release", "renew"]

LEASE = 30.0
"""Duration of a lease in seconds, from its last renewal."""

RENEWAL = 10.0
"""Seconds between renewals of a lease."""

_MEMORY = 12 * 3600  # seconds for which rows of other servers are there for sure; their TTL is a day

_RELEASED, _HELD, _CLAIMED = 0, 1, 2

_LOOK_AGAIN = 0.25  # seconds between checks whether a younger claim is gone
_LONGEST_LOOK = LEASE / 2  # seconds to wait for a younger claim to go; the own claim must not expire meanwhile


@dataclass(frozen=True, slots=True)
class WriterName:
    """A writer's name, and the instance that writes under it.

    Attributes:
        deployment: name of the deployment.
        writer: name of the writer.
        place: host and data directory, followed by ``" ["`` and an identifier of the running machine and the data
            directory's lock. Of one place, at most one process runs at a time.
        instance: identifier of the claim, new for each start.
    """

    deployment: str
    writer: str
    place: str
    instance: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that is held. Times are ClickHouse's, in milliseconds since the epoch.

    Attributes:
        claimed: time of the claim.
        renewed: time of the last renewal.
    """

    claimed: int
    renewed: int


@dataclass(frozen=True, slots=True)
class _Rival:
    place: str
    instance: str
    claimed: int
    holds: bool


def claim(engine: Engine, name: WriterName, wait: Callable[[float], None] = time.sleep) -> Held:
    """Claim a name and acquire the lease on it.

    Args:
        engine: the storage.
        name: the name, with an instance that has not claimed it before.
        wait: function that waits for some seconds.

    Returns:
        The lease, for ``renew``.

    Raises:
        LeaseHeldError: a server in another place holds the name, or claimed it before.
        LeaseLostError: another server has taken the name over, because this process was too slow.
        StorageError: storage cannot be reached.
    """
    if holders := [rival for rival in _rivals(engine, name) if rival.holds]:
        raise _held_by(holders[0], name)
    try:
        return _acquire(engine, name, wait)
    except StorageError:
        with contextlib.suppress(StorageError):
            release(engine, name)  # a claim that is given up delays no other server
        raise


def _acquire(engine: Engine, name: WriterName, wait: Callable[[float], None]) -> Held:
    _say(engine, name, _CLAIMED)
    claimed = _claimed_at(engine, name)
    waited = 0.0
    while rivals := _rivals(engine, name):
        if any(rival.holds or (rival.claimed, rival.instance) < _order(name, claimed) for rival in rivals):
            break
        if waited >= _LONGEST_LOOK:
            break
        # Younger claims: each either sees this claim and gives up, or has not seen it and will soon hold the lease.
        wait(_LOOK_AGAIN)
        waited += _LOOK_AGAIN
    if not rivals:
        held = renew(engine, name, Held(claimed, claimed), wait)
        # A server that was cut off from storage may be back, and may have renewed its lease in between.
        rivals = [rival for rival in _rivals(engine, name) if rival.holds]
        if not rivals:
            return held
    raise _held_by(rivals[0], name)


def renew(engine: Engine, name: WriterName, held: Held, wait: Callable[[float], None] = time.sleep) -> Held:
    """Renew the lease on a name.

    Args:
        engine: the storage.
        name: the name, with the instance that holds the lease.
        held: return value of ``claim``, or of the last renewal.
        wait: function that waits for some seconds.

    Returns:
        The lease, for the next renewal.

    Raises:
        LeaseLostError: another server has taken the name over, or may have and rows no longer show it.
        StorageError: storage cannot be reached.
    """
    # Checked before the renewal, so that a server that was away for long leaves no row; and after it, for new claims.
    _check_not_taken_over(_younger(engine, name, held.claimed), name)
    _check_remembered(engine, name, held)
    _say(engine, name, _HELD)
    waited = 0.0
    while younger := _younger(engine, name, held.claimed):
        _check_not_taken_over(younger, name)
        # Undecided claims: each either sees this renewal and gives up, or has not seen it and will hold the lease.
        if waited >= _LONGEST_LOOK:
            break
        wait(_LOOK_AGAIN)
        waited += _LOOK_AGAIN
    # Checked again after the look at other claims: the process may have been suspended before that.
    return Held(held.claimed, _check_remembered(engine, name, held))


def release(engine: Engine, name: WriterName) -> None:
    """Release the lease on a name, or withdraw a claim; raises StorageError."""
    _say(engine, name, _RELEASED)


def _check_not_taken_over(younger: Iterable[_Rival], name: WriterName) -> None:
    for rival in younger:
        if rival.holds:
            raise LeaseLostError(
                f"the server at {rival.place} has taken over the name {name.deployment}/{name.writer}, because this "
                f"server had not renewed its lease for {LEASE:.0f} seconds. This server ends and commits nothing more. "
                "Run only one of the two, or give each its own data directory and --writer. Batches that are "
                "not in storage stay in this server's journal: 'lognotary journal inspect' lists them"
            )


def _check_remembered(engine: Engine, name: WriterName, held: Held) -> int:
    """Return the time of the last own row; raise LeaseLostError if rows of other servers may be gone since ``held``."""
    rows = engine.query(
        "SELECT toUnixTimestamp64Milli(max(SeenAt)), toUnixTimestamp64Milli(now64(3)) FROM log_writers "
        "WHERE Deployment = {deployment:String} AND Writer = {writer:String} AND Instance = {instance:UUID}",
        _parameters(name),
    )
    last, now = next(read_rows(rows, (int64, int64)))
    if last < held.renewed or now - held.renewed > _MEMORY * 1000:  # without rows, the last one is of 1970
        raise LeaseLostError(
            f"this server has not renewed its lease on the name {name.deployment}/{name.writer} for so long that the "
            "table log_writers does not show any more whether another server has held it meanwhile. This server ends "
            "and commits nothing more. Start it again, unless another server has continued its logs; batches that are "
            "not in storage stay in this server's journal: 'lognotary journal inspect' lists them"
        )
    return int(last)


def _held_by(rival: _Rival, name: WriterName) -> LeaseHeldError:
    return LeaseHeldError(
        f"a server at {rival.place} is writing under the same name, {name.deployment}/{name.writer}: two "
        "writers with one name would fork the log. Give each server its own data directory and --writer. If that "
        f"server has stopped, wait {LEASE:.0f} seconds",
        same_location=_location(rival.place) == _location(name.place),
    )


def _identifier(place: str) -> str:
    """Return the identifier of machine and lock, with its brackets; empty if the place has none."""
    _, bracket, rest = place.rpartition(" [")
    return bracket + rest if rest.endswith("]") else ""


def _location(place: str) -> str:
    return place.rpartition(" [")[0] or place


def _rivals(engine: Engine, name: WriterName) -> list[_Rival]:
    """Return other instances that hold or claim the name from another place; one from the same place has ended.

    The identifier at the end of a place decides: a container that is made anew has another host name.
    """
    same = "endsWith(Place, {place:String})" if (place := _identifier(name.place)) else "Place = {place:String}"
    return _instances(engine, name, f"NOT released AND alive AND NOT {same}", place=place or name.place)


def _younger(engine: Engine, name: WriterName, claimed: int) -> list[_Rival]:
    """Return instances with a later claim that have held the lease since, or whose claim is still undecided."""
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
