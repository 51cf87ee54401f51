"""The check of who sends records to a port."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from server.access.bearer import bearer_of
from server.access.errors import Denial, ForbiddenError, UnauthenticatedError
from server.access.proxy_tenants import ProxyTenants
from server.access.sender_certificates import SenderCertificate, sender_of_certificate
from server.access.senders import ANONYMOUS, Sender, SenderCredentials
from server.access.tokens import NO_TOKENS, Tokens
from server.errors.ingest import ForbiddenStreamError
from server.notary.origin import Stream

__all__ = ["SenderCheck"]


@dataclass(frozen=True, slots=True)
class SenderCheck:
    """Check of who sends records to a port.

    Attributes:
        required: True if nobody may send without credentials.
        tokens: function that returns the tokens of now.
        certificates: rules for client certificates, the first that matches applies.
        proxies: header with the tenant that trusted proxies set; None without trusted proxies, or if they set none.
        used: function that is called with the identifier of each token that was accepted, and the time in seconds since
            the epoch.
        clock: function that returns the time in seconds since the epoch.
    """

    required: bool = False
    tokens: Callable[[], Tokens] = lambda: NO_TOKENS
    certificates: tuple[SenderCertificate, ...] = ()
    proxies: ProxyTenants | None = None
    used: Callable[[str, float], object] = lambda *_: None
    clock: Callable[[], float] = time.time

    def sender(self, given: SenderCredentials, streams: frozenset[Stream]) -> Sender:
        """Return who sends a request; a token counts more than a client certificate.

        Args:
            given: the credentials.
            streams: the streams that records of the request can belong to.

        Raises:
            UnauthenticatedError: the credentials are not valid, or they are missing where they are required.
            ForbiddenError: the sender may not send this.
            MalformedError: a trusted proxy names no tenant, or several, or is told to remove its name.
        """
        if token := bearer_of(given.authorization):
            sender = self._sender_of_token(token)
        else:
            sender = self._sender_of_certificate(given.certificate)
        proxies = self.proxies
        if proxies is not None:
            proxies.check_connection(given.header("connection"))
        named = given.header(proxies.header) if proxies is not None else ()
        trusted = proxies is not None and bool(named) and proxies.trusts(given.address())
        # A trusted proxy that names a tenant has authenticated the sender.
        if self.required and sender == ANONYMOUS and not trusted:
            raise UnauthenticatedError(Denial.MISSING)
        if proxies is not None and named:
            sender = proxies.named(named, sender, trusted=trusted)
        if sender.streams is not None and sender.streams.isdisjoint(streams):
            raise ForbiddenError(str(ForbiddenStreamError(*(stream.value for stream in Stream if stream in streams))))
        return sender

    def _sender_of_token(self, text: str) -> Sender:
        now = self.clock()
        token = self.tokens().check(text, now)
        self.used(token.id, now)
        if not token.may_send:
            raise ForbiddenError("these credentials are not for sending records", token=token.label)
        return Sender(f"token:{token.name}", token.tenant, token.streams)

    def _sender_of_certificate(self, certificate: Callable[[], tuple[str, ...]]) -> Sender:
        found = sender_of_certificate(self.certificates, certificate()) if self.certificates else None
        return found or ANONYMOUS
