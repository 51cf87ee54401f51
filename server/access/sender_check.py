"""The check of who sends records to a port."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.access.bearer import bearer_of
from server.access.errors import Denial, ForbiddenError, UnauthenticatedError
from server.access.sender_certificates import SenderCertificate, sender_of_certificate
from server.access.senders import ANONYMOUS, Sender
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
        used: function that is called with the identifier of each token that was accepted, and the time in seconds since
            the epoch.
        clock: function that returns the time in seconds since the epoch.
    """

    required: bool = False
    tokens: Callable[[], Tokens] = lambda: NO_TOKENS
    certificates: tuple[SenderCertificate, ...] = ()
    used: Callable[[str, float], object] = lambda *_: None
    clock: Callable[[], float] = time.time

    def sender(
        self, authorization: Iterable[str], certificate: Callable[[], tuple[str, ...]], streams: frozenset[Stream]
    ) -> Sender:
        """Return who sends a request; a token counts more than a client certificate.

        Args:
            authorization: all values of ``Authorization``.
            certificate: function that returns the identities of the client certificate; called only if they count.
            streams: the streams that records of the request can belong to.

        Raises:
            UnauthenticatedError: the credentials are not valid, or they are missing where they are required.
            ForbiddenError: the sender may not send this.
        """
        if token := bearer_of(authorization):
            sender = self._sender_of_token(token)
        else:
            sender = self._sender_of_certificate(certificate)
        if sender.streams is not None and sender.streams.isdisjoint(streams):
            raise ForbiddenError(str(ForbiddenStreamError(*(stream.value for stream in Stream if stream in streams))))
        return sender

    def _sender_of_token(self, text: str) -> Sender:
        now = self.clock()
        token = self.tokens().check(text, now)
        self.used(token.id, now)
        if not token.may_send:
            raise ForbiddenError("these credentials are not for sending records")
        return Sender(f"token:{token.name}", token.tenant, token.streams)

    def _sender_of_certificate(self, certificate: Callable[[], tuple[str, ...]]) -> Sender:
        found = sender_of_certificate(self.certificates, certificate()) if self.certificates else None
        if found is None and self.required:
            raise UnauthenticatedError(Denial.MISSING)
        return found or ANONYMOUS
