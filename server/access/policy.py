"""Decisions of access: the roles that have a permission, and what they may read with it.

The permission that each call needs is in ``server.access.call_rules``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from server.access.call_rules import Permission
from server.access.callers import Caller, Grant, Role
from server.access.errors import ForbiddenError
from server.access.scopes import (
    EVERYTHING,
    NO_RECORDS,
    PUBLIC_TILES,
    is_limited_to_tenants,
    is_unlimited,
    scope_of,
    usage_of,
    with_logs_of,
)
from server.notary.origin import Stream
from storage.bound import ReadScope

__all__ = ["FORBIDDEN", "OPEN_SCOPE", "decide", "may_count"]

FORBIDDEN = "these credentials do not permit this call"

OPEN_SCOPE = PUBLIC_TILES
"""Scope of calls that need no credentials: static files of logs, if they are public."""


class _Limits(Enum):
    """Limits that a grant may have to count for a call."""

    ANY = "services, environments and tenants"
    WHOLE_LOGS = "tenants only"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class _Needs:
    roles: frozenset[Role]
    limits: _Limits = _Limits.ANY


_READERS = frozenset({Role.VIEWER, Role.AUDITOR, Role.ADMIN})
_AUDITORS = frozenset({Role.AUDITOR, Role.ADMIN})
_OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
_READER_OF = MappingProxyType({Stream.AUDIT: Role.AUDITOR})  # otherwise a viewer

_NEEDS: Mapping[Permission, _Needs] = MappingProxyType(
    {
        Permission.READ_RECORDS: _Needs(_READERS),
        Permission.READ_AUDIT: _Needs(_AUDITORS),
        Permission.READ_EVIDENCE: _Needs(_AUDITORS),
        Permission.READ_TILES: _Needs(_AUDITORS),
        Permission.VERIFY: _Needs(_AUDITORS, _Limits.WHOLE_LOGS),
        Permission.READ_DISCLOSURES: _Needs(_AUDITORS, _Limits.WHOLE_LOGS),
        Permission.READ_POLICIES: _Needs(_AUDITORS | _OPERATORS, _Limits.NONE),
        Permission.CHANGE_POLICIES: _Needs(_OPERATORS, _Limits.NONE),
        Permission.READ_STATUS: _Needs(_OPERATORS, _Limits.NONE),
        Permission.READ_METRICS: _Needs(_OPERATORS, _Limits.NONE),
        # Operators watch over limits; auditors see the sizes of logs anyway. Limited to tenants, both see these only.
        Permission.READ_USAGE: _Needs(_AUDITORS | _OPERATORS, _Limits.WHOLE_LOGS),
        Permission.READ_TOKENS: _Needs(_OPERATORS, _Limits.NONE),
        Permission.CHANGE_TOKENS: _Needs(_OPERATORS, _Limits.NONE),
    }
)


def decide(caller: Caller, permission: Permission | None) -> ReadScope:
    """Return what a caller may read with a call, if it may make the call.

    Args:
        caller: the caller, who is authenticated.
        permission: the permission that the call needs; None if the call has no rule.

    Raises:
        ForbiddenError: the caller may not make the call.
    """
    if permission is None:
        raise ForbiddenError(FORBIDDEN)
    if permission is Permission.OPEN:
        return OPEN_SCOPE
    if permission is Permission.ANYBODY:
        return scope_of(())
    needs = _NEEDS[permission]
    fit = [grant for grant in caller.grants if grant.role in needs.roles]
    if not fit:
        roles = " or ".join(role.value for role in Role if role in needs.roles)
        raise ForbiddenError(f"{FORBIDDEN}: it needs the role {roles}")
    counting = [grant for grant in fit if _is_within(grant, needs.limits)]
    if not counting:
        raise ForbiddenError(_too_limited(needs.limits))
    match permission:
        case Permission.READ_RECORDS | Permission.READ_AUDIT:
            return scope_of(caller.grants)
        case Permission.READ_EVIDENCE:
            # Logs of those tenants, and beside a proof the record only if the caller may read records of its stream.
            return with_logs_of(scope_of(caller.grants), counting)
        case Permission.READ_TILES:
            return scope_of(counting).of_whole_logs()
        case Permission.VERIFY | Permission.READ_DISCLOSURES:
            return scope_of(counting, whole_logs=True)
        case Permission.READ_USAGE:
            return usage_of(counting)
        case Permission.READ_POLICIES | Permission.CHANGE_POLICIES:
            return EVERYTHING
        case _:
            return EVERYTHING if any(grant.role is Role.ADMIN for grant in counting) else NO_RECORDS


def may_count(caller: Caller | None, streams: Iterable[Stream]) -> bool:
    """Return whether a caller may learn how many records of streams fit something: who may read all of them.

    Args:
        caller: the caller; None for the server itself.
        streams: the streams.
    """
    if caller is None:
        return True
    roles = {grant.role for grant in caller.grants if is_unlimited(grant)}
    return all(Role.ADMIN in roles or _READER_OF.get(stream, Role.VIEWER) in roles for stream in streams)


def _is_within(grant: Grant, limits: _Limits) -> bool:
    return limits is _Limits.ANY or (is_unlimited if limits is _Limits.NONE else is_limited_to_tenants)(grant)


def _too_limited(limits: _Limits) -> str:
    if limits is _Limits.NONE:
        return "this call is about the whole server, and these credentials are limited to a part of it"
    return (
        "this call needs all records of a log, and these credentials are limited to services or environments: "
        "use credentials that are limited to tenants at most"
    )
