"""Check of legal holds: the table of holds is not signed, so it is compared with the signed records of holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from server.notary.findings import Finding, FindingKind
from storage.engine import Engine
from storage.hold_records import HOLD_ADDED, HOLD_RELEASED, HoldRecord, has_holds_table, read_hold_records
from storage.holds import Hold, read_holds

__all__ = ["check_holds", "compare_holds"]

_RECENT = 600_000  # milliseconds for which a record may be on its way to storage


def check_holds(engine: Engine, kept_since: int, now: int) -> Iterator[Finding]:
    """Yield a finding for each difference between the table of holds and their signed records.

    Args:
        engine: the storage.
        kept_since: time since which retention has dropped no audit record, in nanoseconds since the epoch.
        now: the current time in nanoseconds since the epoch.

    Raises:
        StorageError: storage cannot be read.
    """
    said = read_hold_records(engine)
    # The table is read after the records, and changed before a record says so.
    if has_holds_table(engine):
        yield from compare_holds(said, read_holds(engine), kept_since // 10**6, now // 10**6)
    elif said:
        yield _finding(said[0].name, "has signed records, but the table legal_holds is not there")


def compare_holds(said: Sequence[HoldRecord], stored: Sequence[Hold], kept_since: int, now: int) -> Iterator[Finding]:
    """Yield the findings. Args: as above, with what was read, and times in milliseconds since the epoch."""
    records: defaultdict[str, list[HoldRecord]] = defaultdict(list)
    for record in said:
        records[record.name].append(record)
    holds = {hold.name: hold for hold in stored}

    def is_unrecorded(at: int, name: str, action: str) -> bool:
        """Return whether there must be a record of a change at a time by the table, and is none."""
        return at > kept_since and abs(now - at) > _RECENT and all(one.action != action for one in records[name])

    for name in sorted({*holds, *records}):
        hold = holds.get(name)
        done = {record.action for record in records[name] if record.is_done}
        scopes = {record.scope for record in records[name] if record.action == HOLD_ADDED}
        if hold is None:
            if done:
                yield _finding(name, "has signed records, but is not in the table legal_holds, so it keeps nothing")
            continue
        if scopes and hold.scope.text() not in scopes:
            yield _finding(
                name, f"was added with the scope {min(scopes)}, but has {hold.scope.text()} in the table legal_holds"
            )
        if is_unrecorded(hold.added_at, name, HOLD_ADDED):
            yield _finding(name, "is in the table legal_holds, but no signed record says that it was added")
        if hold.released is None:
            if HOLD_RELEASED in done:
                yield _finding(name, "was released, as a signed record says, but is in force in the table legal_holds")
        elif is_unrecorded(hold.released.at, name, HOLD_RELEASED):
            yield _finding(name, "is released in the table legal_holds, but no signed record says so")


def _finding(name: str, what: str) -> Finding:
    return Finding(FindingKind.TABLE_ALTERED, f"the legal hold {name} {what}: its rows there were changed or removed")
