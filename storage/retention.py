"""Retention of records: the TTL of their tables, made from policies and from the holds that are in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.notary.origin import Stream
from storage.create_statement import Table, parse_create
from storage.engine import Engine
from storage.errors import StorageConfigError, StorageError
from storage.hold_scope import HoldScope
from storage.holds import scopes_in_force
from storage.retention_policy import Policy
from storage.retention_sql import StoredTtl, drops_parts_only, parse_ttl, ttl_of
from storage.rowbinary import read_one, read_rows, text
from storage.schema import RECORD_TABLES
from storage.sql_texts import sql_text

__all__ = ["apply_retention", "check_cold_volume", "lacks_hold", "read_retention_days", "set_retention"]

_SHOWN = "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x TTL "
_PARTS_ONLY = "ttl_only_drop_parts"


def read_retention_days(engine: Engine) -> dict[Stream, int | None]:
    """Return the days for which each stream's table keeps every record, None for ever.

    Raises:
        StorageError: storage cannot be read, or a table has a TTL that is not Lognotary's.
    """
    tables = _read_tables(engine)
    return {stream: _stored(tables.get(table), table).days for stream, table in RECORD_TABLES.items()}


def set_retention(
    engine: Engine, policies: Mapping[Stream, Policy], holds: Sequence[HoldScope] = (), *, rewrite: bool = True
) -> None:
    """Set the TTL of tables; tables with the right TTL are left alone.

    Args:
        engine: the storage.
        policies: the policies of streams.
        holds: scopes of the holds that are in force.
        rewrite: note in parts that exist, in the background, when their rows fall due by the new TTL. Without that,
            what falls due later than before is kept all the same, and what falls due earlier may go later.

    Raises:
        StorageError: storage cannot be read, or refuses the change.
    """
    tables = _read_tables(engine)
    for table in RECORD_TABLES.values():
        _stored(tables.get(table), table)
    for stream, policy in policies.items():
        name = RECORD_TABLES[stream]
        _set(engine, name, tables.get(name), ttl_of(stream, policy, holds), rewrite=rewrite)


def apply_retention(engine: Engine, policies: Mapping[Stream, Policy], *, rewrite: bool = True) -> None:
    """Set the TTL of tables to policies, and to all holds in force. Arguments and errors as above."""
    holds = scopes_in_force(engine)
    while True:
        set_retention(engine, policies, holds, rewrite=rewrite)
        before, holds = holds, scopes_in_force(engine)
        if holds == before:
            return


def lacks_hold(engine: Engine) -> bool:
    """Return whether a hold in force is not in the TTL of a table that removes records.

    Another server may have set a TTL that it had made before the hold, and have ended before it looked again.

    Raises:
        StorageError: storage cannot be read.
    """
    ttls = {name: table.clauses.get("TTL", "") for name, table in _read_tables(engine).items()}
    return any(
        bool(ttl := ttls.get(RECORD_TABLES[stream], "")) and any(mark not in ttl for mark in scope.marks())
        for scope in scopes_in_force(engine)
        for stream in scope.streams
    )


def check_cold_volume(engine: Engine, table: str, volume: str) -> None:
    """Check that a table can move parts to a volume.

    Raises:
        StorageConfigError: it cannot; the message says what to do.
        StorageError: storage cannot be read.
    """
    if engine.info.exclusive:
        raise StorageConfigError(
            "audit_cold_volume: embedded storage has one volume only: remove the setting, or give --storage "
            "http://user:password@host:8123/database"
        )
    policy = read_one(
        engine.query(
            "SELECT any(storage_policy) FROM system.tables "
            "WHERE database = currentDatabase() AND name = {table:String}",
            {"table": table},
        ),
        text,
    )
    rows = engine.query(
        "SELECT volume_name FROM system.storage_policies WHERE policy_name = {policy:String}", {"policy": policy}
    )
    volumes = [name for (name,) in read_rows(rows, (text,))]
    if volume not in volumes:
        raise StorageConfigError(
            f"audit_cold_volume: the storage policy {policy!r} of the table {table} has no volume {volume!r} (it has "
            f"{', '.join(volumes) or 'none that this user sees'}): name one of them, or give the table a "
            f"storage policy that has it: ALTER TABLE {table} MODIFY SETTING storage_policy = '…'"
        )


def _read_tables(engine: Engine) -> dict[str, Table]:
    names = ", ".join(map(sql_text, RECORD_TABLES.values()))
    rows = engine.query(
        "SELECT name, create_table_query FROM system.tables "
        f"WHERE database = currentDatabase() AND name IN ({names}) AND create_table_query != ''"
    )
    return {name: parse_create(create) for name, create in read_rows(rows, (text, text))}


def _stored(table: Table | None, name: str) -> StoredTtl:
    found = parse_ttl(table.clauses.get("TTL", "") if table is not None else "")
    if found is None:
        raise StorageError(
            f"the table {name} has a TTL that is not Lognotary's: remove it, and set retention_* instead"
        )
    return found


def _set(engine: Engine, name: str, table: Table | None, ttl: str, *, rewrite: bool) -> None:
    parts_only = drops_parts_only(ttl)
    is_parts_only = table is None or table.settings.get(_PARTS_ONLY) == "1"
    # Rows are only deleted one by one if all rows of a batch expire together: so never with the TTL of whole parts.
    if parts_only and not is_parts_only:
        _set_parts_only(engine, name, value=1)
    if (table.clauses.get("TTL", "") if table is not None else "") != _as_shown(engine, ttl):
        # Not until all parts are rewritten: that may take hours.
        change = f"MODIFY TTL {ttl}" if ttl else "REMOVE TTL"
        engine.execute(
            f"ALTER TABLE {name} {change} SETTINGS alter_sync = 0, mutations_sync = 0, "
            f"materialize_ttl_after_modify = {int(rewrite)}"
        )
    if not parts_only and is_parts_only:
        _set_parts_only(engine, name, value=0)


def _set_parts_only(engine: Engine, name: str, *, value: int) -> None:
    engine.execute(f"ALTER TABLE {name} MODIFY SETTING {_PARTS_ONLY} = {value}")


def _as_shown(engine: Engine, ttl: str) -> str:
    """Return a TTL as ClickHouse shows it in the definition of a table."""
    if " WHERE " not in ttl:
        return ttl
    shown = read_one(engine.query(f"SELECT formatQuery({sql_text(_SHOWN + ttl)})"), text)
    return parse_create(shown).clauses.get("TTL", "")
