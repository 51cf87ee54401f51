"""Rights of ClickHouse users, by what the users do; ``lognotary grants`` prints them.

The rights are minimal: tests run servers and verifications as users with these rights only.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

__all__ = ["Role", "grants", "quoted", "system_right"]

_EVIDENCE = ("log_batches", "log_tiles", "log_statements")
_LOGS = ("otel_logs", "audit_logs")
_SPANS = "otel_traces"
_RECORDS = (*_LOGS, _SPANS)
_SPAN_TIMES = "otel_traces_trace_id_ts"
_VIEW = "otel_traces_trace_id_ts_mv"
_RECORD_IDS = "audit_record_ids"
_DISCLOSURES = "disclosures"
_HOLDS = "legal_holds"
_WRITTEN = (
    *_RECORDS,
    *_EVIDENCE,
    _RECORD_IDS,
    "log_writers",
    "lognotary_migrations",
    _HOLDS,
    "retention_policies",
)

# Retention, and what migrations alter.
_ALTERED = (
    "ALTER TTL, ALTER SETTINGS, ALTER ADD COLUMN, ALTER DROP COLUMN, ALTER ADD INDEX, ALTER DROP INDEX, "
    "ALTER MATERIALIZE INDEX"
)

# What verification asks about tables: rows that updates or policies change. A user sees only tables that it may read.
_SYSTEM = {
    "parts": ("database", "table", "name", "active", "rows"),
    "mutations": ("database", "table", "command", "is_done"),
    "masking_policies": ("database", "table"),
}

# What a hold waits for, which volumes there are, whether their disks are encrypted, and how much room tables take.
_SYSTEM_OF_SERVERS = {
    "merges": ("database", "table", "result_part_name"),
    "storage_policies": ("policy_name", "volume_name", "disks"),
    "disks": ("name", "is_encrypted"),
    "parts": ("bytes_on_disk", "data_uncompressed_bytes"),
}


class Role(Enum):
    """Purpose of a user of ClickHouse."""

    AUDITOR = "auditor"
    SERVER = "server"
    READER = "reader"


def grants(role: Role, user: str, database: str) -> list[str]:
    """Return the GRANT statements of a role, without semicolons.

    Args:
        role: what the user does: verify and prove (auditor), run a server, or read records and traces (reader).
        user: name of the user, which is not created.
        database: name of the database, which need not exist.
    """
    return [f"GRANT {rights} TO {quoted(user)}" for rights in _rights(role, quoted(database))]


def _rights(role: Role, database: str) -> Iterator[str]:
    if role is Role.READER:
        yield from (f"SELECT ON {database}.{table}" for table in (*_RECORDS, _SPAN_TIMES))
        return
    if role is Role.AUDITOR:
        yield from (f"SELECT ON {database}.{table}" for table in (*_RECORDS, *_EVIDENCE, _RECORD_IDS, _HOLDS))
    else:
        yield f"CREATE DATABASE ON {database}.*"
        yield from (f"SELECT, INSERT, CREATE TABLE ON {database}.{table}" for table in (*_WRITTEN, _SPAN_TIMES))
        yield f"CREATE VIEW, ALTER VIEW MODIFY QUERY ON {database}.{_VIEW}"
        yield from (f"{_ALTERED} ON {database}.{table}" for table in _LOGS)
        yield f"ALTER TTL, ALTER SETTINGS ON {database}.{_SPANS}"
        yield f"ALTER TTL, ALTER ADD COLUMN ON {database}.{_RECORD_IDS}"
        yield from (f"SYSTEM TTL MERGES ON {database}.{table}" for table in (*_RECORDS, _RECORD_IDS, _DISCLOSURES))
        yield from (f"SELECT({', '.join(columns)}) ON system.{table}" for table, columns in _SYSTEM_OF_SERVERS.items())
        yield from (f"ALTER SETTINGS, ALTER ADD COLUMN ON {database}.{table}" for table in _EVIDENCE)
        yield f"SELECT, INSERT, CREATE TABLE, ALTER DELETE, ALTER TTL ON {database}.{_DISCLOSURES}"
        yield "TABLE ENGINE ON MergeTree"
        yield "TABLE ENGINE ON ReplacingMergeTree"
    yield from map(system_right, _SYSTEM)


def system_right(table: str) -> str:
    """Return the right to ask a system table, given without its database, what verification asks it."""
    return f"SELECT({', '.join(_SYSTEM[table])}) ON system.{table}"


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL, in printable characters."""
    return f"`{''.join(map(_escaped, name))}`"


def _escaped(letter: str) -> str:
    if letter in "\\`":
        return f"\\{letter}"
    return letter if letter.isprintable() else "".join(f"\\x{byte:02X}" for byte in letter.encode(errors="replace"))
