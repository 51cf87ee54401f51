"""Rules of tenants in the settings file: tables ``[[tenants]]``, each of which says how a tenant's logs are signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.access.tenants import check_tenant
from server.errors.suggestions import did_you_mean
from server.notary.errors import MalformedError
from server.witness.settings import TimestampAuthority, Witness, parse_witness

__all__ = ["TenantRule", "read_tenant_rules", "tenants_with_keys"]

_MOST_RULES = 1000
_NAMES = ("name", "own_key", "witnesses", "timestamps")
_TRUTHS = ("own_key", "timestamps")
_SERVERS = "server"  # the word for the server's own witnesses


@dataclass(frozen=True, slots=True)
class TenantRule:
    """Rule of how the logs of a tenant are signed and confirmed.

    Attributes:
        name: the tenant.
        own_key: True if a key of the tenant's own signs them.
        witnesses: witnesses of their checkpoints.
        timestamps: True if the server's timestamp authority confirms them.
    """

    name: str
    own_key: bool = False
    witnesses: tuple[Witness, ...] = ()
    timestamps: bool = False


def read_tenant_rules(
    tables: Sequence[tuple[str, Any]],
    witnesses: tuple[Witness, ...],
    authority: TimestampAuthority | None,
    problems: list[str],
) -> tuple[TenantRule, ...]:
    """Return the rules, and add what is wrong to ``problems``, one sentence each.

    Args:
        tables: the tables, each with its place in the settings file.
        witnesses: the server's own witnesses.
        authority: the server's timestamp authority.
        problems: receives the problems.
    """
    rules: dict[str, TenantRule] = {}
    for place, table in tables:
        wrong = list(_problems(table, witnesses, authority))
        if not wrong and table["name"] in rules:
            wrong = [f"the tenant {table['name']} has a table [[tenants]] already: put everything into one"]
        problems += [f"{place}: {problem}" for problem in wrong]
        if not wrong:
            rules[table["name"]] = _rule(table, witnesses)
    if len(tables) > _MOST_RULES:
        problems.append(f"{tables[_MOST_RULES][0]}: there are more than {_MOST_RULES} tables [[tenants]]: remove some")
    return tuple(rules.values())


def tenants_with_keys(rules: Iterable[TenantRule]) -> frozenset[str]:
    """Return the tenants whose logs a key of their own signs."""
    return frozenset(rule.name for rule in rules if rule.own_key)


def _problems(table: Any, witnesses: tuple[Witness, ...], authority: TimestampAuthority | None) -> Iterator[str]:
    if not isinstance(table, Mapping):
        yield "a rule of tenants must be a table under [[tenants]]"
        return
    for name in table.keys() - set(_NAMES):
        meant = did_you_mean(name, _NAMES) or f"; a table may have {', '.join(_NAMES)}"
        yield f"unknown setting {name} in [[tenants]]{meant}"
    if "name" not in table:
        yield 'name is missing: write name = "acme", the tenant of tokens and certificates'
    elif not isinstance(table["name"], str):
        yield f'name: {table["name"]!r} is not a text: write name = "acme"'
    else:
        try:
            check_tenant(table["name"])
        except MalformedError as error:
            yield f"name: {error}"
    for name in _TRUTHS:
        if not isinstance(table.get(name, False), bool):
            yield f"{name}: {table[name]!r} is not true or false, without quotes"
    yield from _wrong_witnesses(table.get("witnesses", []), witnesses)
    if table.get("timestamps") is True and authority is None:
        yield "timestamps = true needs the setting timestamp_authority, which is not given"


def _wrong_witnesses(given: object, servers: tuple[Witness, ...]) -> Iterator[str]:
    if given == _SERVERS:
        if not servers:
            yield f'witnesses = "{_SERVERS}" needs the setting witnesses, which names none'
        return
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        yield (
            f'witnesses: {given!r} is not a list of texts: write witnesses = ["<verifier key> <URL>"], or '
            f'witnesses = "{_SERVERS}" for those of the setting witnesses'
        )
        return
    for text in given:
        try:
            parse_witness(text)
        except ValueError as error:
            yield f"witnesses: {error}"


def _rule(table: Mapping[str, Any], servers: tuple[Witness, ...]) -> TenantRule:
    given = table.get("witnesses", [])
    witnesses = servers if given == _SERVERS else tuple(map(parse_witness, dict.fromkeys(given)))
    return TenantRule(table["name"], table.get("own_key", False), witnesses, table.get("timestamps", False))
