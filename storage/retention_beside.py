"""Retention of what is stored beside records: the ids of audit records, and disclosed values."""

from __future__ import annotations

from storage.audit_ids import TABLE, set_ids_retention
from storage.disclosures import set_disclosure_days
from storage.engine import Engine
from storage.holds import scopes_in_force

__all__ = ["TABLES_BESIDE", "apply_retention_beside"]

TABLES_BESIDE = (TABLE, "disclosures")
"""The tables."""


def apply_retention_beside(engine: Engine, audit_days: int | None, disclosure_days: int | None) -> None:
    """Set the TTL of the tables; none while a hold is in force.

    Their rows do not tell whether a hold covers the records that they belong to, so any hold keeps all of them.

    Args:
        engine: the storage.
        audit_days: days after which every audit record is gone; None for never.
        disclosure_days: days after which disclosed values are dropped; None for never.

    Raises:
        StorageError: storage cannot be read, or refuses the change.
    """
    held = bool(scopes_in_force(engine))
    while True:
        set_ids_retention(engine, None if held else audit_days)
        set_disclosure_days(engine, None if held else disclosure_days)
        before, held = held, bool(scopes_in_force(engine))
        if held == before:
            return
