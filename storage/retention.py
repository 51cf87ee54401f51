"""Retention of records: a TTL on their tables, which drops whole parts (``ttl_only_drop_parts``)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import StorageError
from storage.rowbinary import read_rows, text
from storage.schema import RECORD_TABLES

__all__ = ["read_retention_days", "set_retention_days"]

_TTL = re.compile(r" TTL toDateTime\(IngestedAt\) \+ toIntervalDay\((\d+)\)(?: SETTINGS |$)")


def read_retention_days(engine: Engine) -> dict[Stream, int | None]:
    """Return the retention of each stream's table in days, None for ever.

    Raises:
        StorageError: storage cannot be read, or a table has a TTL that is not Lognotary's.
    """
    rows = engine.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    definitions = dict(read_rows(rows, (text, text)))
    return {stream: _days(table, definitions.get(table, "")) for stream, table in RECORD_TABLES.items()}


def set_retention_days(engine: Engine, days: Mapping[Stream, int | None]) -> None:
    """Set the retention of tables in days, None for ever; tables with the right TTL are left alone.

    Raises:
        StorageError: storage cannot be read, or refuses the change.
    """
    kept = read_retention_days(engine)
    for stream, wanted in days.items():
        if kept[stream] == wanted:
            continue
        table = RECORD_TABLES[stream]
        if wanted is None:
            engine.execute(f"ALTER TABLE {table} REMOVE TTL")
        else:
            engine.execute(f"ALTER TABLE {table} MODIFY TTL toDateTime(IngestedAt) + toIntervalDay({int(wanted)})")


def _days(table: str, definition: str) -> int | None:
    if " TTL " not in definition:
        return None
    match = _TTL.search(definition)
    if match is None:
        raise StorageError(
            f"the table {table} has a TTL that is not Lognotary's: remove it, and set retention_* instead"
        )
    return int(match[1])
