"""The authorization code flow of OpenID Connect, with PKCE, state and nonce (RFC 6749, 7636, 9207; OIDC Core 3.1)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from server.access.errors import Denial, UnauthenticatedError
from server.access.role_rules import GROUP, RoleRule, texts_of_claim
from server.login.errors import ProviderError
from server.login.fetching import Fetcher
from server.login.identities import Identity, has_group_overage, identity_of_claims
from server.login.pending import Pending
from server.login.provider import Metadata, Provider
from server.login.tokens import check_token, read_header
from server.process.pools import Pool

__all__ = ["Client", "CodeFlow"]

_logger = logging.getLogger(__name__)

_MOST_PAGES = 50  # of groups
_MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class Client:
    """This server as a client of the provider; without ``repr``, so that its secret gets into no message.

    Attributes:
        client_id: ID of the client.
        secret: its secret; empty for a public client.
        scopes: scopes that logins ask for.
        redirect_uri: URL to which the provider sends people back.
        groups_claim: name of the claim with the groups.
        groups_url: URL that lists a person's groups if the token does not contain them; empty for none.
    """

    client_id: str
    secret: str
    scopes: tuple[str, ...]
    redirect_uri: str
    groups_claim: str
    groups_url: str


class CodeFlow:
    """Logins of people with a provider."""

    def __init__(
        self, provider: Provider, fetcher: Fetcher, pool: Pool, client: Client, rules: Sequence[RoleRule]
    ) -> None:
        """Log in people at a provider.

        Args:
            provider: the provider.
            fetcher: client that asks it.
            pool: pool in whose threads it is asked.
            client: this server as the provider knows it.
            rules: rules that grant roles.
        """
        self._provider = provider
        self._fetcher = fetcher
        self._pool = pool
        self._client = client
        self._rules = rules

    async def begin(self, pending: Pending) -> str:
        """Return the URL at the provider to which a browser is sent.

        Raises:
            ProviderError: the provider cannot be used.
        """
        metadata = await self._provider.metadata()
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": " ".join(self._client.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.challenge,
            "code_challenge_method": "S256",
        }
        return _with_query(metadata.authorization_endpoint, query)

    async def finish(self, pending: Pending, code: str) -> Identity:
        """Return the person to whom the provider gave a code.

        Raises:
            ProviderError: the provider cannot be used, or does not accept the code.
            UnauthenticatedError: the ID token is not valid.
        """
        metadata = await self._provider.metadata()
        answer = await self._pool.run(partial(self._redeem, metadata, pending, code))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderError(f"the OpenID provider gave no ID token: {_error_of(answer)}")
        header = read_header(token)
        key = await self._provider.key(header.kid, header.algorithm)
        if key is None:
            raise UnauthenticatedError(Denial.UNKNOWN)
        audiences = (self._client.client_id,)
        claims = check_token(token, header.algorithm, key, self._provider.issuer, audiences, pending.nonce)
        groups = await self._missing_groups(claims, answer)
        return identity_of_claims(claims, self._client.groups_claim, self._rules, groups)

    async def leave(self, landing: str) -> str:
        """Return the URL at the provider that ends the person's login there; the landing page if it has none."""
        try:
            metadata = await self._provider.metadata()
        except ProviderError:
            return landing
        query = {"client_id": self._client.client_id, "post_logout_redirect_uri": landing}
        return _with_query(metadata.end_session_endpoint, query) if metadata.end_session_endpoint else landing

    def _redeem(self, metadata: Metadata, pending: Pending, code: str) -> dict[str, Any]:
        client = self._client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "client_id": client.client_id,
            "code_verifier": pending.verifier,
        }
        basic = (client.client_id, client.secret) if client.secret and metadata.basic_only else None
        if client.secret and basic is None:
            form["client_secret"] = client.secret
        return self._fetcher.post(metadata.token_endpoint, form, basic)

    async def _missing_groups(self, claims: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str] | None:
        token = answer.get("access_token")
        if (
            not self._client.groups_url
            or not has_group_overage(claims, self._client.groups_claim)
            or not any(rule.fact[0] == GROUP for rule in self._rules)
            or not isinstance(token, str)
        ):
            return None
        try:
            return await self._pool.run(partial(self._fetch_groups, token))
        except ProviderError as error:
            _logger.warning("the groups of a person cannot be fetched: %s", error)
            return None

    def _fetch_groups(self, token: str) -> list[str]:
        """Return groups: of ``value`` with IDs, as Microsoft Graph lists them in pages, or of the claim of groups."""
        first = self._client.groups_url
        groups: list[str] = []
        url = first
        for _ in range(_MOST_PAGES):
            page = self._fetcher.get(url, token)
            listed = page.get("value")
            if not isinstance(listed, list):
                return list(texts_of_claim(page, self._client.groups_claim))
            groups += [each["id"] for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]
            url = page.get("@odata.nextLink") or ""
            if not url or len(groups) > _MOST_GROUPS:
                break
            if not isinstance(url, str) or _host(url) != _host(first):  # the token is for this host only
                raise ProviderError("the next page of groups is on another host")
        return groups[:_MOST_GROUPS]


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _error_of(answer: Mapping[str, Any]) -> str:
    error = str(answer.get("error", "no error is named"))[:100]
    return error if error.isprintable() else "its error cannot be printed"
