"""The sender of a request, in the words of a receiver."""

from __future__ import annotations

from collections.abc import Mapping

from server.access.browsers import SenderRules
from server.access.errors import ForbiddenError, UnauthenticatedError
from server.access.sender_check import SenderCheck
from server.access.senders import Sender, SenderCredentials
from server.errors.ingest import MalformedRequestError
from server.notary import audit_words
from server.notary.errors import MalformedError
from server.notary.origin import Stream
from server.otlp.errors import ForbiddenSenderError, UnauthenticatedSenderError

__all__ = ["ANYBODY", "ANY_PAGE", "OWN_SENDER", "check_page", "sender_of"]

ANYBODY = SenderCheck()
"""Check of a port that needs no credentials, and knows none."""

ANY_PAGE = SenderRules()
"""Rules of a port that any page may send to, if its browser lets it."""

OWN_SENDER = Sender(audit_words.OWN_SENDER)
"""Sender of the server's own records."""

_STREAMS = {
    "logs": frozenset({Stream.AUDIT, Stream.OPERATIONAL}),
    "traces": frozenset({Stream.SPANS}),
    "audit": frozenset({Stream.AUDIT}),
}


def sender_of(check: SenderCheck, given: SenderCredentials, service: str) -> Sender:
    """Return who sends a request, of which only headers are known yet.

    Args:
        check: the check of the port.
        given: credentials of the request.
        service: what the request is for: "logs", "traces" or "audit".

    Raises:
        UnauthenticatedSenderError: it has no valid credentials.
        ForbiddenSenderError: its sender may not send such a request.
        MalformedRequestError: a trusted proxy names no tenant, or several.
    """
    try:
        return check.sender(given, _STREAMS[service])
    except UnauthenticatedError as error:
        raise UnauthenticatedSenderError(error) from None
    except ForbiddenError as error:
        raise ForbiddenSenderError(error) from None
    except MalformedError as error:
        raise MalformedRequestError(str(error)) from None


def check_page(rules: SenderRules, headers: Mapping[str, str], sender: Sender, address: str) -> None:
    """Check that a request over HTTP was not sent by a page that must not send it.

    Args:
        rules: the rules of the port.
        headers: headers of the request, by lower-case names.
        sender: who was found to send it.
        address: IP address of the peer of the connection.

    Raises:
        ForbiddenSenderError: a page may have sent the request.
    """
    try:
        rules.check(headers, sender, address)
    except ForbiddenError as error:
        raise ForbiddenSenderError(error) from None
