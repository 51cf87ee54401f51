"""The OpenID provider: its metadata (OpenID Connect Discovery) and its keys, which are fetched in a pool and cached."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from server.login.errors import ProviderError
from server.login.signing_keys import PublicKey, SigningKey, find_key, parse_key_set
from server.process.pools import Pool
from server.settings.secure_urls import is_safe_url

__all__ = ["DISCOVERY", "Metadata", "Provider", "parse_metadata"]

_logger = logging.getLogger(__name__)

DISCOVERY = "/.well-known/openid-configuration"
"""Path of the metadata, behind the issuer."""

_ONCE_IN = 60.0  # seconds between two fetches
_FRESH = 3600.0  # seconds after which keys are fetched anew
_USABLE = 24 * 3600.0  # seconds for which keys are believed while the provider cannot be reached
_REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint", "device_authorization_endpoint", "revocation_endpoint")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata of a provider; empty texts for endpoints that it does not have.

    Attributes:
        issuer: the issuer, exactly as it is in tokens.
        basic_only: True if the provider takes client secrets in the header ``Authorization`` only.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    device_authorization_endpoint: str = ""
    revocation_endpoint: str = ""
    basic_only: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    metadata: Metadata
    keys: tuple[SigningKey, ...]
    since: float


class Provider:
    """Provider whose metadata and keys are cached; may be used from several event loops.

    However many tokens name unknown keys, the provider is asked at most once a minute.
    """

    def __init__(
        self,
        issuer: str,
        fetch: Callable[[str], Mapping[str, Any]],
        pool: Pool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know nothing yet; the first use fetches.

        Args:
            issuer: the issuer.
            fetch: function that returns the JSON object at a URL; it blocks, and raises ProviderError.
            pool: pool in whose threads it runs.
            clock: function that returns a time in seconds.
        """
        self.issuer = issuer
        self._fetch = fetch
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Known | None = None
        self._asked = -_ONCE_IN
        self._running: Future[None] | None = None

    async def key(self, kid: str, algorithm: str) -> PublicKey | None:
        """Return the key that a token names, None if the provider has no such key, or cannot be asked now."""
        known = self._usable()
        found = find_key(known.keys, kid, algorithm) if known else None
        if found is None:
            await self._wait(self._refresh())
            known = self._usable()
            return find_key(known.keys, kid, algorithm) if known else None
        if known and self._clock() - known.since > _FRESH:
            self._refresh()  # not waited for
        return found

    async def metadata(self) -> Metadata:
        """Return the metadata.

        Raises:
            ProviderError: the metadata could not be fetched.
        """
        known = self._usable()
        if known is None:
            await self._wait(self._refresh())
            known = self._usable()
        if known is None:
            raise ProviderError(f"the OpenID provider {self.issuer} cannot be used: see the server's log")
        return known.metadata

    def begin(self) -> None:
        """Fetch metadata and keys before they are needed; not waited for."""
        self._refresh()

    def _usable(self) -> _Known | None:
        known = self._known
        return known if known and self._clock() - known.since <= _USABLE else None

    def _refresh(self) -> Future[None] | None:
        """Return the fetch that runs, or begin one; None if the last one was too recent."""
        with self._lock:
            if self._running is not None:
                return self._running
            now = self._clock()
            if now - self._asked < _ONCE_IN:
                return None
            running = self._pool.submit(self._load)
            self._asked = now
            self._running = running
        running.add_done_callback(self._end)  # not under the lock: it may be called at once
        return running

    def _end(self, _: Future[None]) -> None:
        with self._lock:
            self._running = None

    @staticmethod
    async def _wait(running: Future[None] | None) -> None:
        if running is not None:
            await asyncio.shield(asyncio.wrap_future(running))  # others wait too

    def _load(self) -> None:
        try:
            metadata = parse_metadata(self._fetch(self.issuer.rstrip("/") + DISCOVERY), self.issuer)
            keys = parse_key_set(self._fetch(metadata.jwks_uri))
        except (ProviderError, ValueError) as error:
            _logger.error("the keys of the OpenID provider %s cannot be fetched: %s", self.issuer, error)  # noqa: TRY400 - told whole
            return
        self._known = _Known(metadata, keys, self._clock())


def parse_metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Return the metadata in a provider's document.

    Args:
        document: the document.
        issuer: issuer that the document must have.

    Raises:
        ValueError: the document is of another issuer, or has no endpoint, or one that is not safe.
    """
    if document.get("issuer") != issuer:
        raise ValueError(f"the document is of another issuer ({str(document.get('issuer'))[:200]!r}): set oidc_issuer")
    endpoints: dict[str, str] = {}
    for name in (*_REQUIRED, *_OPTIONAL):
        url = document.get(name, "")
        if not url and name in _OPTIONAL:
            continue
        if not isinstance(url, str) or not is_safe_url(url):
            raise ValueError(f"{name} is not an https:// URL: {str(url)[:200]!r}")
        endpoints[name] = url
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    basic_only = isinstance(methods, list) and "client_secret_post" not in methods
    return Metadata(issuer, **endpoints, basic_only=basic_only)
