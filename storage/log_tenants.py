"""The tenants of logs in the tables of evidence, by which reads are bound (see ``storage.bound``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage.native import Column, WordColumn
from storage.schema import TableColumn

__all__ = ["TenantOf", "no_tenant", "with_tenants"]

TenantOf = Callable[[str], str]
"""Function that returns the tenant of a log, given its origin; empty for the default one."""

_TENANT = TableColumn("Tenant", "LowCardinality(String)")


def no_tenant(_origin: str) -> str:
    """Return the default tenant."""
    return ""


def with_tenants(
    header: Sequence[TableColumn], columns: Sequence[Column], tenants: Sequence[str]
) -> tuple[tuple[TableColumn, ...], tuple[Column, ...]]:
    """Return columns with the tenant of each row, which is left out if all belong to the default one."""
    if not any(tenants):
        return tuple(header), tuple(columns)
    return (*header, _TENANT), (*columns, WordColumn.of(tenant.encode() for tenant in tenants))
