"""Reservation of ports on which several processes listen (``SO_REUSEPORT``)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from server.errors.listening import AddressUnavailableError
from server.settings.values import Address

__all__ = ["reserve"]


@contextlib.contextmanager
def reserve(address: Address) -> Iterator[Address]:
    """Reserve a port for this server's processes, which listen on it with ``SO_REUSEPORT``; yield it with its address.

    The port must be free: the kernel lets any process of the same user share such a port, so a second server
    would silently get half of the senders. Until the block ends, no other process can listen on the port unless
    it asks to share it.

    Raises:
        AddressUnavailableError: the server cannot listen on the address.
    """
    with contextlib.ExitStack() as stack:
        try:
            holder = stack.enter_context(_hold(address))
        except OSError as error:
            raise AddressUnavailableError(address, error) from error
        yield Address(address.host, holder.getsockname()[1])


def _hold(address: Address) -> socket.socket:
    with _open(address) as listener:
        # Binding without sharing fails if any other process has the port, even if it does not listen yet.
        listener.bind((address.host, address.port))
        listener.listen(1)
        # From here on the two sockets can share the port, so that it is never free in between.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder = _open(address)
        try:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((address.host, listener.getsockname()[1]))
            # This socket is bound but does not listen, so it gets no connections. Another server could bind the
            # same port if both sockets allowed address reuse, so this one no longer does.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        except BaseException:
            holder.close()
            raise
    return holder


def _open(address: Address) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    # Remains of connections of an earlier server (TIME_WAIT) must not prevent the start.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if opened.family is socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return opened
