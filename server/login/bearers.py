"""The authenticator of bearer tokens that an OpenID provider has signed."""

from __future__ import annotations

from collections.abc import Sequence

from server.access.authentication import Presented
from server.access.callers import Caller
from server.access.errors import Denial, UnauthenticatedError
from server.access.role_rules import RoleRule
from server.login.identities import caller_of, identity_of_claims
from server.login.provider import Provider
from server.login.tokens import check_token, looks_like_jwt, read_header

__all__ = ["JwtAuthenticator"]


class JwtAuthenticator:
    """Authenticator of people and programs by signed tokens (JWT)."""

    def __init__(
        self,
        provider: Provider,
        audiences: Sequence[str],
        groups_claim: str,
        rules: Sequence[RoleRule],
    ) -> None:
        """Accept the tokens of a provider.

        Args:
            provider: the provider.
            audiences: audiences of which a token must have one.
            groups_claim: name of the claim with the groups.
            rules: rules that grant roles.
        """
        self._provider = provider
        self._audiences = audiences
        self._groups_claim = groups_claim
        self._rules = rules

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return the subject of the token, None if the credential is not a signed token.

        Raises:
            UnauthenticatedError: the token is not valid.
        """
        token = presented.bearer
        if not looks_like_jwt(token):
            return None
        header = read_header(token)
        key = await self._provider.key(header.kid, header.algorithm)
        if key is None:
            raise UnauthenticatedError(Denial.UNKNOWN)
        claims = check_token(token, header.algorithm, key, self._provider.issuer, self._audiences)
        identity = identity_of_claims(claims, self._groups_claim, self._rules)
        return caller_of(identity, self._rules, presented.address)
