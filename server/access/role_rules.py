"""Rules that grant roles to people and programs, by what a provider, a proxy or a certificate states about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.access.callers import Grant

__all__ = [
    "CERTIFICATE",
    "EMAIL",
    "GROUP",
    "SUBJECT",
    "Fact",
    "RoleRule",
    "claim_fact",
    "facts_of_claims",
    "grants_of",
    "texts_of_claim",
    "verified_email",
]

Fact = tuple[str, str]
"""One statement about a caller: its kind (such as ``GROUP``, or a kind from ``claim_fact``), and its value."""

CERTIFICATE, GROUP, EMAIL, SUBJECT = "certificate", "group", "email", "subject"

_CLAIM = "claim "
_MOST_VALUES = 10_000  # of one claim


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Rule that grants a role.

    Attributes:
        fact: the fact that must be stated about a caller.
        grant: what is then granted.
    """

    fact: Fact
    grant: Grant


def claim_fact(claim: str, value: str) -> Fact:
    """Return the fact that a claim has a value, or that its list contains the value.

    Args:
        claim: name of the claim; a dot leads into an object, as in ``realm_access.roles``.
        value: the value.
    """
    return f"{_CLAIM}{claim}", value


def grants_of(rules: Iterable[RoleRule], facts: frozenset[Fact]) -> tuple[Grant, ...]:
    """Return what rules grant to somebody, given the facts that are stated about them."""
    return tuple(dict.fromkeys(rule.grant for rule in rules if rule.fact in facts))


def facts_of_claims(claims: Mapping[str, Any], groups: Iterable[str], rules: Sequence[RoleRule]) -> frozenset[Fact]:
    """Return the facts that the claims of a token state, of other claims only those that rules ask for.

    Args:
        claims: the claims. An e-mail address counts only if the provider states that it is verified.
        groups: groups of the subject.
        rules: the rules.
    """
    facts: set[Fact] = {(GROUP, group) for group in groups}
    if isinstance(subject := claims.get("sub"), str) and subject:
        facts.add((SUBJECT, subject))
    if email := verified_email(claims):
        facts.add((EMAIL, email.lower()))
    for kind in {rule.fact[0] for rule in rules if rule.fact[0].startswith(_CLAIM)}:
        facts.update((kind, value) for value in texts_of_claim(claims, kind.removeprefix(_CLAIM)))
    return frozenset(facts)


def verified_email(claims: Mapping[str, Any]) -> str:
    """Return the e-mail address of a subject if the provider states that it is verified, otherwise an empty text."""
    email = claims.get("email")
    verified = claims.get("email_verified")  # some providers write it as a text
    return email if isinstance(email, str) and (verified is True or verified == "true") else ""


def texts_of_claim(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a claim, which is a text or a list; other values are left out.

    Args:
        claims: the claims.
        name: name of the claim as it is, or else with dots that lead into objects.
    """
    value: Any = claims
    if name in claims:
        value = claims[name]
    else:
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    values = value if isinstance(value, list) else [value]
    return tuple(each for each in values[:_MOST_VALUES] if isinstance(each, str) and each)
