"""The signed records of holds: audit records of servers' own, which say that a hold was added or released."""

from __future__ import annotations

from dataclasses import dataclass

from storage.engine import Engine
from storage.rowbinary import read_one, read_rows, text, uint8

__all__ = [
    "HOLD_ADDED",
    "HOLD_RELEASED",
    "OWN_MARK",
    "POLICY_CHANGE",
    "SCOPE_KEY",
    "HoldRecord",
    "has_holds_table",
    "read_hold_records",
]

OWN_MARK = "own_record"
"""Member of ``OtlpDetails`` of the server's own records: an object with the part of the server that they come from."""

POLICY_CHANGE = "lognotary.policy.change"
"""EventName of the records of changes of policy."""

SCOPE_KEY = "lognotary.hold.scope"
"""Attribute of the records of added holds: the scope as JSON."""

HOLD_ADDED, HOLD_RELEASED = "hold.add", "hold.release"
"""Actions of the records."""


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """Statement of a record about a hold.

    Attributes:
        name: name of the hold.
        action: ``HOLD_ADDED`` or ``HOLD_RELEASED``.
        is_done: False if it was only about to be done.
        scope: the scope as JSON; empty for a release.
    """

    name: str
    action: str
    is_done: bool
    scope: str


def read_hold_records(engine: Engine) -> list[HoldRecord]:
    """Return what the records of holds say, each once, in any order; whether they are signed is not checked here.

    Raises:
        StorageError: storage cannot be read.
    """
    # The first condition is the one that an index has. The attributes count, as rules may make anything of them.
    rows = engine.query(
        "SELECT DISTINCT LogAttributes['audit.target.id'], LogAttributes['audit.action'], "
        "LogAttributes['audit.outcome'] = 'success', LogAttributes[{scope:String}] FROM audit_logs "
        "WHERE hasAny(mapValues(LogAttributes), {actions:Array(String)}) "
        "AND LogAttributes['audit.action'] IN {actions:Array(String)} "
        "AND EventName = {event:String} AND JSONHas(OtlpDetails, {mark:String})",
        {"scope": SCOPE_KEY, "actions": [HOLD_ADDED, HOLD_RELEASED], "event": POLICY_CHANGE, "mark": OWN_MARK},
    )
    return [
        HoldRecord(name, action, bool(is_done), scope)
        for name, action, is_done, scope in read_rows(rows, (text, text, uint8, text))
    ]


def has_holds_table(engine: Engine) -> bool:
    """Return whether storage has the table of holds, which early versions lack; raises StorageError."""
    return bool(read_one(engine.query("EXISTS TABLE legal_holds"), uint8))
