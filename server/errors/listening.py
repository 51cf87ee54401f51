"""Errors of listening on ports.

ListeningError
├── AddressUnavailableError   the server cannot listen on the address
└── ListenerEndedError        the listener ended by itself
"""

from __future__ import annotations

import errno
import os
import socket
from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = ["AddressUnavailableError", "ListenerEndedError", "ListeningError"]


class ListeningError(LognotaryError):
    """Base class of the errors of listening on ports."""


class AddressUnavailableError(ListeningError):
    """The server cannot listen on an address; the message says which, why, and what to do."""

    def __init__(self, address: object, cause: OSError) -> None:
        """Create an error.

        Args:
            address: the address.
            cause: error of the operating system.
        """
        reason, advice = _REASONS.get(cause.errno or 0, ("", ""))
        if isinstance(cause, socket.gaierror):
            reason, advice = "the host is unknown", "give an address of this machine, such as 127.0.0.1"
        super().__init__(
            f"cannot listen on {address} ({reason or _plain(cause)}): {advice or 'give this server another address'}"
        )


_REASONS = {
    errno.EADDRINUSE: (
        "the port is in use",
        "another program listens there. If another server runs there, stop it, or give this one another address",
    ),
    errno.EADDRNOTAVAIL: (
        "this machine does not have the address",
        "give an address of this machine, 127.0.0.1 to be reached from this machine only, or 0.0.0.0 to be reached "
        "on all its addresses",
    ),
    errno.EACCES: ("not permitted", "ports below 1024 are for privileged users: give another port"),
}


def _plain(cause: OSError) -> str:
    """Return the reason alone: some errors repeat the address in Python's notation."""
    return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else str(cause) or type(cause).__name__


class ListenerEndedError(ListeningError):
    """A listener ended by itself, so its port no longer accepts connections."""

    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = True
