"""Reads that are bound to what a caller may read: one condition for each table, which no statement can leave out.

Every statement of a bound engine has the conditions of the scope of its context (contextvars) as ClickHouse's setting
``additional_table_filters``. ClickHouse applies them to each place of a statement that reads the table: in subqueries,
unions and joins too, and under an alias. It does not apply them to what a table function such as ``merge`` reads, so a
statement that reads anything but known tables by name is refused.

Without a scope, nothing is read at all: who forgets to say on whose behalf he reads gets an error, and not all rows.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from server.errors.base import LognotaryError
from server.notary.origin import Stream
from storage.engine import EngineWrapper, Pieces
from storage.read_settings import MapLiteral
from storage.schema import RECORD_TABLES
from storage.sql_texts import sql_text

__all__ = [
    "LOG_TABLES",
    "NOTHING",
    "SPAN_TABLES",
    "TABLES",
    "UNLIMITED",
    "BoundEngine",
    "ReadScope",
    "UnboundReadError",
    "any_of",
    "current_scope",
    "may_read",
    "of_tenants",
    "reading_as",
    "reading_whole_logs",
    "scope_if_any",
    "scope_key",
    "sees_all_records",
    "unlimited",
]

LOG_TABLES = ("log_batches", "log_tiles", "log_statements")
"""Tables of evidence: of each tenant's logs."""

SPAN_TABLES = ("otel_traces", "otel_traces_before", "otel_traces_trace_id_ts")
"""Tables of spans: those of this version, those that an earlier one left, and the times of traces."""

TABLES = (
    *("audit_logs", "otel_logs"),
    *SPAN_TABLES,
    *LOG_TABLES,
    *("audit_record_ids", "disclosures", "legal_holds", "retention_policies", "log_writers", "lognotary_migrations"),
)
"""All tables that Lognotary reads."""

NOTHING = "0"
"""Condition of a table of which nothing may be read."""

_ALL = "1"

_FILTERS = "additional_table_filters"
# What a statement reads from: a subquery, a table, a system table, or a table function.
_SOURCE = re.compile(r"\b(?:FROM|(?<!ARRAY )JOIN)\s+(?:\(|((?:\w+\.)?\w+)\b(\s*\()?)", re.IGNORECASE)
_FORBIDDEN = re.compile(r"\bSETTINGS\b|\badditional_table_filters\b", re.IGNORECASE)
_OF_DEFINITION = re.compile(r"(EXISTS|SHOW CREATE) TABLE \w+(\.\w+)?")
# The table of earlier spans may not exist, so it is read through a function; its filter is found by the alias.
_EARLIER = re.compile(r"\bFROM merge\(currentDatabase\(\), '[^'\\]*'\) AS otel_traces_before\b")


class UnboundReadError(LognotaryError):
    """A statement that cannot be bound to what its caller may read: a bug; nothing was read."""


@dataclass(frozen=True, slots=True)
class ReadScope:
    """Rows that a caller may read.

    Attributes:
        conditions: SQL conditions by table, in the order of the tables; of a table without one, nothing may be read.
            None for no limit at all.
        tenants: tenants whose logs may be read; None for all.
        key: text that differs between scopes; a key of caches.
    """

    conditions: tuple[tuple[str, str], ...] | None
    tenants: frozenset[str] | None = None
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", "" if self.conditions is None else _map_literal(self.filters))

    @classmethod
    def of(cls, conditions: Mapping[str, str], tenants: frozenset[str] | None = None) -> ReadScope:
        """Return the scope with conditions by table; of other tables, nothing may be read."""
        return cls(tuple(sorted(conditions.items())), tenants)

    @property
    def filters(self) -> Mapping[str, str]:
        """The condition of each table that is limited."""
        if self.conditions is None:
            return MappingProxyType({})
        known = dict(self.conditions)
        return {table: known.get(table, NOTHING) for table in TABLES if known.get(table, NOTHING) != _ALL}

    def may_read(self, table: str) -> bool:
        """Return whether there may be rows of a table that may be read."""
        return self.filters.get(table, _ALL) != NOTHING

    def of_logs(self) -> ReadScope:
        """Return the scope of the same logs, without any record."""
        if self.conditions is None:
            return self
        return ReadScope.of({table: text for table, text in self.conditions if table in LOG_TABLES}, self.tenants)

    def of_whole_logs(self) -> ReadScope:
        """Return the scope of the same logs, with all of their records."""
        if self.conditions is None:
            return self
        own = of_tenants(self.tenants)
        whole = {**dict(self.conditions), **dict.fromkeys(RECORD_TABLES.values(), own)}
        return ReadScope.of(whole, self.tenants)


UNLIMITED = ReadScope(None)
"""Scope of the server itself, and of who may read everything."""

_SCOPE: ContextVar[ReadScope | None] = ContextVar("read_scope", default=None)


def of_tenants(tenants: frozenset[str] | None) -> str:
    """Return the condition of rows of tenants; None for all."""
    if tenants is None:
        return _ALL
    return f"Tenant IN ({', '.join(map(sql_text, sorted(tenants)))})" if tenants else NOTHING


def any_of(conditions: Collection[str]) -> str:
    """Return the condition of rows that meet one of some conditions."""
    if _ALL in conditions:
        return _ALL
    wanted = sorted(set(conditions) - {NOTHING})
    return " OR ".join(f"({text})" for text in wanted) if wanted[1:] else "".join(wanted) or NOTHING


def current_scope() -> ReadScope:
    """Return the scope of this context.

    Raises:
        UnboundReadError: there is none.
    """
    scope = _SCOPE.get()
    if scope is None:
        raise UnboundReadError("storage was to be read on nobody's behalf")
    return scope


def scope_if_any() -> ReadScope | None:
    """Return the scope of this context; None without one, which an engine that is not bound does not need."""
    return _SCOPE.get()


def may_read(table: str) -> bool:
    """Return whether there may be rows of a table that may be read in this context; what reads decides without one."""
    scope = _SCOPE.get()
    return scope is None or scope.may_read(table)


def sees_all_records(stream: Stream) -> bool:
    """Return whether all records of a stream may be read, in the logs that may be read in this context."""
    scope = _SCOPE.get()
    if scope is None or scope.conditions is None:
        return True
    table = RECORD_TABLES[stream]
    return scope.filters.get(table, _ALL) == scope.of_whole_logs().filters.get(table, _ALL)


def scope_key() -> str:
    """Return a text that differs between scopes: what is kept in memory for one must not be given to another."""
    scope = _SCOPE.get()
    return "" if scope is None else scope.key


@contextlib.contextmanager
def reading_as(scope: ReadScope) -> Iterator[None]:
    """Read in a scope until the block ends."""
    before = _SCOPE.get()
    _SCOPE.set(scope)
    try:
        yield
    finally:
        _SCOPE.set(before)  # by value: the block may end in another context


def unlimited() -> contextlib.AbstractContextManager[None]:
    """Read for the server itself until the block ends: what is read must not reach a caller unchecked."""
    return reading_as(UNLIMITED)


@contextlib.contextmanager
def reading_whole_logs() -> Iterator[None]:
    """Read all records of the logs that may be read until the block ends, to hash or to count them.

    Evidence of a record may rest on its neighbours in the log, whose content the caller may not see.
    """
    scope = _SCOPE.get()
    if scope is None:  # the engine decides whether this matters
        yield
        return
    with reading_as(scope.of_whole_logs()):
        yield


class BoundEngine(EngineWrapper):
    """An engine whose statements read only what the scope of their context permits."""

    def execute(self, statement: str, /) -> None:
        """As ``Engine.execute``, for the server itself only; raises UnboundReadError for anybody else."""
        _check_unlimited()
        super().execute(statement)

    def insert(self, table: str, columns: Any, block: bytes, token: str, /) -> None:
        """As ``Engine.insert``, for the server itself only; raises UnboundReadError for anybody else."""
        _check_unlimited()
        super().insert(table, columns, block, token)

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """As ``Engine.query``; raises UnboundReadError without a scope."""
        return super().query(select, parameters, settings=_bound(select, settings))

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``, in the scope of this call; raises UnboundReadError without one."""
        return super().query_in_pieces(select, parameters, settings=_bound(select, settings))


def _check_unlimited() -> None:
    if current_scope().conditions is not None:
        raise UnboundReadError("a caller who may not read everything was to change storage")


def _bound(select: str, settings: Mapping[str, str | int] | None) -> Mapping[str, str | int] | None:
    scope = current_scope()
    if scope.conditions is None or _OF_DEFINITION.fullmatch(select):
        return settings
    _check_sources(select)
    return {**(settings or {}), _FILTERS: MapLiteral(scope.key)}


def _check_sources(select: str) -> None:
    """Check that a statement reads from nothing that conditions do not apply to; raises UnboundReadError."""
    if _FORBIDDEN.search(select):
        raise UnboundReadError("a statement sets the conditions of tables itself")
    for found in _SOURCE.finditer(_EARLIER.sub("FROM otel_traces_before", select)):
        source, is_function = found[1], found[2]
        if source is None:  # a subquery
            continue
        if is_function or not (source in TABLES or source.startswith("system.")):
            raise UnboundReadError(f"a statement reads from {source}, which has no condition")


def _map_literal(conditions: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{sql_text(table)}: {sql_text(text)}" for table, text in conditions.items()) + "}"
