"""Client certificates as credentials of callers of the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind
from server.access.role_rules import CERTIFICATE, Fact, RoleRule, grants_of

__all__ = ["CertificateAuthenticator", "facts_of_certificate"]


class CertificateAuthenticator:
    """Authenticates callers by the names in their certificates, which TLS has verified; an ``Authenticator``.

    It must be tried last: a certificate that somebody uses for TLS does not replace other credentials, valid or not.
    """

    def __init__(self, rules: Sequence[RoleRule]) -> None:
        """Grant roles by rules; a certificate that no rule is about authenticates nobody."""
        self._rules = tuple(rule for rule in rules if rule.fact[0] == CERTIFICATE)

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return whoever the first identity with a role names, None if there is none."""
        if presented.bearer or presented.session:
            return None
        for identity in presented.certificate:
            if grants_of(self._rules, facts_of_certificate((identity,))):
                grants = grants_of(self._rules, facts_of_certificate(presented.certificate))
                return Caller(identity, CallerKind.CERTIFICATE, grants, presented.address)
        return None


def facts_of_certificate(identities: Iterable[str]) -> frozenset[Fact]:
    """Return what a certificate states: its identities, and the beginnings of URIs, such as ``URI:spiffe://shop/*``."""
    return frozenset((CERTIFICATE, text) for identity in identities for text in (identity, *_beginnings(identity)))


def _beginnings(identity: str) -> Iterator[str]:
    if not identity.startswith("URI:") or "://" not in identity:
        return
    at = identity.index("://") + len("://")
    while (at := identity.find("/", at) + 1) and at < len(identity):
        yield identity[:at] + "*"
