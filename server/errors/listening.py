"""Errors of ports.

ListeningError
├── AddressUnavailableError   the address cannot be listened on
└── ListenerEndedError        what listened on it ended by itself
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = ["AddressUnavailableError", "ListenerEndedError", "ListeningError"]


class ListeningError(LognotaryError):
    """Base of the errors of ports."""


class AddressUnavailableError(ListeningError):
    """An address cannot be listened on; the message says which, and why."""

    def __init__(self, address: object, reason: str) -> None:
        super().__init__(
            f"cannot listen on {address} ({reason}). If another server runs there, stop it or give this one "
            "another address"
        )


class ListenerEndedError(ListeningError):
    """A server ended by itself, so its port takes nothing any more."""

    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = True
