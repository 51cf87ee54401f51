"""Scopes of callers: conditions on the tables of storage, by what the callers are granted."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from server.access.callers import Grant, Role
from storage.bound import LOG_TABLES, NOTHING, SPAN_TABLES, TABLES, UNLIMITED, ReadScope, any_of, of_tenants
from storage.sql_texts import sql_text

__all__ = [
    "EVERYTHING",
    "NO_RECORDS",
    "PUBLIC_TILES",
    "is_limited_to_tenants",
    "is_unlimited",
    "scope_of",
    "usage_of",
    "with_logs_of",
]

EVERYTHING = UNLIMITED
"""Scope of who may read everything."""

NO_RECORDS = ReadScope.of(dict.fromkeys(LOG_TABLES, "1"))
"""Scope of an operator: the logs of all tenants, and no record."""

PUBLIC_TILES = ReadScope.of(dict.fromkeys((*LOG_TABLES, "audit_logs", "otel_logs", "otel_traces"), "1"))
"""Scope of the static files of logs, which have hashes of records only."""

_AUDIT, _OPERATIONAL, _SPANS = "audit_logs", "otel_logs", "otel_traces"
_EARLIER_SPANS, _TIMES = SPAN_TABLES[1:]
# The former name counts only in records without the present one: a record has one environment.
_ENVIRONMENT = (
    "if(mapContains(ResourceAttributes, 'deployment.environment.name'), "
    "ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment'])"
)
_ALL = "1"


def is_unlimited(grant: Grant) -> bool:
    """Return whether a grant is for the whole server."""
    return grant.tenants is None and is_limited_to_tenants(grant)


def is_limited_to_tenants(grant: Grant) -> bool:
    """Return whether a grant is for whole logs: limited to nothing but tenants, if to anything."""
    return grant.services is None and grant.environments is None


def scope_of(grants: Collection[Grant], *, whole_logs: bool = False) -> ReadScope:
    """Return what grants permit to read.

    Args:
        grants: the grants; those of other roles than viewer, auditor and admin permit nothing.
        whole_logs: True for a call that shows no content of records but needs all records of a log; only grants that
            are limited to nothing but tenants count then.
    """
    if whole_logs:
        grants = [grant for grant in grants if is_limited_to_tenants(grant)]
    readers = [grant for grant in grants if grant.role in (Role.VIEWER, Role.AUDITOR, Role.ADMIN)]
    if any(grant.role is Role.ADMIN and is_unlimited(grant) for grant in readers):
        return EVERYTHING
    auditors = [grant for grant in readers if grant.role is not Role.VIEWER]
    viewers = [grant for grant in readers if grant.role is not Role.AUDITOR]
    tenants = _tenants(readers)
    conditions = {
        _AUDIT: _records(auditors),
        _OPERATIONAL: _records(viewers),
        _SPANS: _records(viewers),
        # It has no tenants: what an earlier version took belongs to the default one.
        _EARLIER_SPANS: any_of([_of_grant(grant) for grant in viewers if grant.tenants is None or "" in grant.tenants]),
        # Times of traces, which only narrow down where spans are looked for.
        _TIMES: _ALL if viewers else NOTHING,
        **dict.fromkeys(LOG_TABLES, of_tenants(tenants)),
        "audit_record_ids": of_tenants(_tenants(auditors)),
        "disclosures": of_tenants(_tenants(filter(is_limited_to_tenants, auditors))),
        # Of the whole server.
        **dict.fromkeys(("legal_holds", "retention_policies"), _ALL if any(map(is_unlimited, auditors)) else NOTHING),
    }
    scope = ReadScope.of({table: text for table, text in conditions.items() if table in TABLES}, tenants)
    return scope.of_whole_logs() if whole_logs else scope


def usage_of(grants: Iterable[Grant]) -> ReadScope:
    """Return the scope of a call that counts the records of the tenants of grants, and shows no content."""
    tenants = _tenants(grants)
    return ReadScope.of(dict.fromkeys((*LOG_TABLES, _AUDIT, _OPERATIONAL, _SPANS), of_tenants(tenants)), tenants)


def with_logs_of(scope: ReadScope, grants: Collection[Grant]) -> ReadScope:
    """Return a scope with the logs of the tenants of grants instead of its own."""
    if scope.conditions is None:
        return scope
    tenants = _tenants(grants)
    logs = dict.fromkeys(LOG_TABLES, of_tenants(tenants))
    return ReadScope.of({**dict(scope.conditions), **logs}, tenants)


def _tenants(grants: Iterable[Grant]) -> frozenset[str] | None:
    found: set[str] = set()
    for grant in grants:
        if grant.tenants is None:
            return None
        found |= grant.tenants
    return frozenset(found)


def _records(grants: Iterable[Grant]) -> str:
    return any_of([_and([of_tenants(grant.tenants), _of_grant(grant)]) for grant in grants])


def _of_grant(grant: Grant) -> str:
    """Return the condition of services and environments."""
    parts = []
    if grant.services is not None:
        parts.append(_is_one_of("ServiceName", grant.services))
    if grant.environments is not None:
        parts.append(_is_one_of(_ENVIRONMENT, grant.environments))
    return _and(parts)


def _is_one_of(what: str, values: Collection[str]) -> str:
    return f"{what} IN ({', '.join(map(sql_text, sorted(values)))})" if values else NOTHING


def _and(conditions: Collection[str]) -> str:
    if NOTHING in conditions:
        return NOTHING
    wanted = [text for text in conditions if text != _ALL]
    return " AND ".join(f"({text})" for text in wanted) if wanted[1:] else "".join(wanted) or _ALL
