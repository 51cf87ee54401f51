"""Errors of listening on ports.

ListeningError
├── AddressUnavailableError   the server cannot listen on the address
└── ListenerEndedError        the listener ended by itself
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = ["AddressUnavailableError", "ListenerEndedError", "ListeningError"]


class ListeningError(LognotaryError):
    """Base class of the errors of listening on ports."""


class AddressUnavailableError(ListeningError):
    """The server cannot listen on an address; the message says which, and why."""

    def __init__(self, address: object, reason: str) -> None:
        super().__init__(
            f"cannot listen on {address} ({reason}). If another server runs there, stop it or give this one "
            "another address"
        )


class ListenerEndedError(ListeningError):
    """A listener ended by itself, so its port no longer accepts connections."""

    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = True
