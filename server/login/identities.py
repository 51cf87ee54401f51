"""People and programs as an OpenID provider names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.access.callers import Caller, CallerKind
from server.access.errors import Denial, UnauthenticatedError
from server.access.role_rules import GROUP, Fact, RoleRule, facts_of_claims, grants_of, texts_of_claim, verified_email

__all__ = ["Identity", "caller_of", "has_group_overage", "identity_of_claims"]

_OVERAGE = (
    "the token does not contain the groups, because there are too many of them (group overage), and no other role rule "
    "matches: assign app roles to the groups at the identity provider, and name them in [[roles]] with "
    'claim = "roles"; for logins of people, oidc_groups_url is another way'
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Person or program.

    Attributes:
        name: verified e-mail address, otherwise the subject: names that people choose for themselves prove nothing.
        facts: what the provider states about it.
        lacks_groups: True if it has groups that the provider did not state.
    """

    name: str
    facts: frozenset[Fact]
    lacks_groups: bool = False


def identity_of_claims(
    claims: Mapping[str, Any], groups_claim: str, rules: Sequence[RoleRule], groups: Sequence[str] | None = None
) -> Identity:
    """Return the identity that the claims of a checked token state.

    Args:
        claims: the claims.
        groups_claim: name of the claim with the groups.
        rules: rules that grant roles.
        groups: groups that were fetched because the token does not contain them; None if they were not.
    """
    lacks_groups = groups is None and has_group_overage(claims, groups_claim)
    stated = texts_of_claim(claims, groups_claim) if groups is None else groups
    email = verified_email(claims)
    name = email if email.isprintable() and len(email) <= 256 and email else str(claims["sub"])
    return Identity(name, facts_of_claims(claims, stated, rules), lacks_groups)


def has_group_overage(claims: Mapping[str, Any], groups_claim: str) -> bool:
    """Return whether a token refers to groups without containing them, as Microsoft Entra's do above 200 groups.

    Its source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference (groups overage).
    """
    if groups_claim in claims:
        return False
    elsewhere = claims.get("_claim_names")
    return (isinstance(elsewhere, Mapping) and groups_claim in elsewhere) or claims.get("hasgroups") in (True, "true")


def caller_of(identity: Identity, rules: Sequence[RoleRule], address: str) -> Caller:
    """Return the caller that an identity is.

    Raises:
        UnauthenticatedError: the caller has no role, but might have one if its groups were known.
    """
    grants = grants_of(rules, identity.facts)
    if not grants and identity.lacks_groups and any(rule.fact[0] == GROUP for rule in rules):
        raise UnauthenticatedError(Denial.FORBIDDEN, _OVERAGE)
    return Caller(identity.name, CallerKind.OIDC, grants, address)
