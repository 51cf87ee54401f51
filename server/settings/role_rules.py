"""Rules of roles in the settings file: tables ``[[roles]]``, each of which grants a role to some people or programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.access.callers import Grant, Role
from server.access.role_rules import CERTIFICATE, EMAIL, GROUP, SUBJECT, Fact, RoleRule, claim_fact
from server.access.sender_certificates import check_identity
from server.access.tenants import DEFAULT_TENANT, check_tenant
from server.errors.suggestions import not_one_of
from server.notary.errors import MalformedError
from server.settings.rule_tables import misshapen

__all__ = ["read_role_rules"]

_MOST_RULES = 1000
_WHO = (GROUP, EMAIL, SUBJECT, CERTIFICATE, "claim")
_LIMITS = ("tenants", "services", "environments")
_NAMES = (GROUP, "claim", "value", EMAIL, SUBJECT, CERTIFICATE, "role", *_LIMITS)


def read_role_rules(tables: Sequence[tuple[str, Any]], problems: list[str]) -> tuple[RoleRule, ...]:
    """Return the rules, and add what is wrong to ``problems``, one sentence each.

    Args:
        tables: the tables, each with its place in the settings file.
        problems: receives the problems.
    """
    rules: list[RoleRule] = []
    for place, table in tables:
        wrong = [f"{place}: {problem}" for problem in _problems(table)]
        problems += wrong
        if not wrong:
            rules.append(_rule(table))
    if len(tables) > _MOST_RULES:
        problems.append(f"{tables[_MOST_RULES][0]}: there are more than {_MOST_RULES} rules of roles: remove some")
    return tuple(rules)


def _problems(table: Any) -> Iterator[str]:
    yield from misshapen(table, "roles", _NAMES)
    if not isinstance(table, Mapping):
        return
    roles = [role.value for role in Role if role is not Role.SENDER]
    if "role" not in table:
        yield f'role is missing: write role = "viewer" (or {", ".join(role for role in roles if role != "viewer")})'
    elif table["role"] == Role.SENDER.value:
        yield (
            "role: a table [[roles]] lets nobody send records: use a token ('lognotary tokens create') or "
            "sender_certificates"
        )
    elif table["role"] not in roles:
        yield f"role: {not_one_of(str(table['role']), roles)}"
    given = [name for name in _WHO if name in table]
    if len(given) != 1:
        yield f"the rule must have one of {', '.join(_WHO)}: it grants the role to whom this describes"
    if ("claim" in table) != ("value" in table):
        yield 'claim and value belong together: write claim = "roles" and value = "Lognotary.Auditor"'
    for name in (*given, *(["value"] if "value" in table else [])):
        value = table[name]
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            yield f'{name}: {value!r} is not a text: write {name} = "…"'
        elif name == CERTIFICATE:
            yield from _wrong_identity(value)
    for name in _LIMITS:
        yield from _wrong_limit(name, table.get(name))


def _wrong_identity(identity: str) -> Iterator[str]:
    try:
        check_identity(identity)
    except ValueError as error:
        yield f"{CERTIFICATE}: {error}"


def _wrong_limit(name: str, values: object) -> Iterator[str]:
    if values is None:
        return
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        yield f'{name}: {values!r} is not a list of texts: write {name} = ["…"], or leave it out for no limit'
        return
    for value in values:
        if name == "tenants" and value != DEFAULT_TENANT:
            try:
                check_tenant(value)
            except MalformedError as error:
                yield f"{name}: {error}"


def _rule(table: Mapping[str, Any]) -> RoleRule:
    limits = {name: frozenset(table[name]) if name in table else None for name in _LIMITS}
    return RoleRule(_fact(table), Grant(Role(table["role"]), **limits))


def _fact(table: Mapping[str, Any]) -> Fact:
    if "claim" in table:
        return claim_fact(table["claim"], table["value"])
    if EMAIL in table:
        return EMAIL, table[EMAIL].lower()
    name = next(name for name in (GROUP, SUBJECT, CERTIFICATE) if name in table)
    return name, table[name]
