"""Encryption of the disks of the tables, according to ClickHouse."""

from __future__ import annotations

from storage.engine import Engine
from storage.rowbinary import read_rows, uint8

__all__ = ["encryption_of_disks"]

_DISKS = (
    "SELECT DISTINCT toUInt8(is_encrypted) FROM system.disks WHERE name IN ("
    "SELECT arrayJoin(disks) FROM system.storage_policies WHERE policy_name IN ("
    "SELECT storage_policy FROM system.tables WHERE database = currentDatabase() AND storage_policy != ''))"
)


def encryption_of_disks(engine: Engine) -> str:
    """Return which of the disks that tables may use are encrypted: ``all``, ``some`` or ``none``; empty if unknown.

    The file systems beneath ClickHouse may be encrypted too, which it does not know.

    Raises:
        StorageError: storage cannot be read, or its user may not ask.
    """
    found = {bool(encrypted) for (encrypted,) in read_rows(engine.query(_DISKS), (uint8,))}
    if len(found) > 1:
        return "some"
    return {True: "all", False: "none"}[found.pop()] if found else ""
