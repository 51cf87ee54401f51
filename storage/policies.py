"""Policies of retention of which the audit log has a record, so that each change is recorded once."""

from __future__ import annotations

from collections.abc import Mapping

from server.notary.origin import Stream
from storage.engine import Engine
from storage.retention_policy import Policy, policy_from_text
from storage.rowbinary import read_rows, text
from storage.sql_texts import sql_text
from storage.unreadable_rows import tell_once

__all__ = ["DISCLOSURES", "note_earlier_policies", "note_policy", "read_recorded_policies"]

DISCLOSURES = "disclosures"
"""Name of the policy of disclosed values, in place of the name of a stream."""


def read_recorded_policies(engine: Engine) -> dict[str, Policy]:
    """Return the policies that were recorded last: name of a stream, or ``DISCLOSURES`` -> policy.

    A policy that cannot be read counts as not recorded.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query("SELECT Stream, argMax(Policy, At) FROM retention_policies GROUP BY Stream")
    found = {}
    for name, policy in read_rows(rows, (text, text)):
        try:
            found[name] = policy_from_text(policy)
        except ValueError as error:
            tell_once("retention_policies", name, str(error), "the retention that servers set is recorded anew")
    return found


def note_policy(engine: Engine, name: str, policy: Policy) -> None:
    """Note that a policy is recorded.

    Args:
        engine: the storage.
        name: name of a stream, or ``DISCLOSURES``.
        policy: the policy.

    Raises:
        StorageError: it may not be noted.
    """
    engine.execute(
        "INSERT INTO retention_policies (Stream, Policy, At) SETTINGS async_insert = 0 "
        f"SELECT {sql_text(name)}, {sql_text(policy.text())}, "
        "greatest(now64(3, 'UTC'), (SELECT max(At) FROM retention_policies) + toIntervalMillisecond(1))"
    )


def note_earlier_policies(engine: Engine, kept: Mapping[Stream, int | None]) -> None:
    """Note the retention that earlier versions have set, of which there is no record. Raises as ``note_policy``.

    Args:
        engine: the storage.
        kept: days that the tables keep records for, before anything is changed; None for ever, as new tables do.
    """
    recorded = read_recorded_policies(engine)
    for stream, days in kept.items():
        if days is not None and stream.value not in recorded:
            note_policy(engine, stream.value, Policy(days))
