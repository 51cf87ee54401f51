"""Settings of access: who needs credentials, and which senders client certificates stand for."""

from __future__ import annotations

from server.access.errors import TokenError
from server.access.requirement import Authentication
from server.access.sender_certificates import SenderCertificate, parse_sender_certificate
from server.notary.errors import MalformedError
from server.settings.values import read_choice, read_list

__all__ = ["read_authentication", "read_sender_certificates"]


def read_authentication(text: str) -> Authentication:
    """Parse ``auto``, ``required`` or ``off``."""
    return Authentication(read_choice(text, [each.value for each in Authentication]))


def read_sender_certificates(text: str) -> tuple[SenderCertificate, ...]:
    """Parse ``IDENTITY=NAME[@TENANT]``, separated by commas.

    Raises:
        ValueError: an item has not this form, or two items have the same identity.
    """
    rules: dict[str, SenderCertificate] = {}
    for item in read_list(text):
        try:
            rule = parse_sender_certificate(item)
        except (TokenError, MalformedError) as error:
            raise ValueError(str(error)) from error
        if rule.identity in rules:
            raise ValueError(f"the identity {rule.identity!r} is mapped twice: map it once")
        rules[rule.identity] = rule
    return tuple(rules.values())
