"""Ports that several processes listen on together (``SO_REUSEPORT``)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from server.errors.listening import AddressUnavailableError
from server.settings.values import Address

__all__ = ["reserve"]


@contextlib.contextmanager
def reserve(address: Address) -> Iterator[Address]:
    """Keep a port for processes of one's own, which listen on it with ``SO_REUSEPORT``.

    The port must be free: the kernel lets any process of the same user share such a port, so a second
    server would silently get half of the senders. Nobody else can listen on it until the block ends,
    unless he asks to share it. Yields the address with the port it got.

    Raises:
        AddressUnavailableError: the address cannot be listened on.
    """
    with contextlib.ExitStack() as stack:
        try:
            holder = stack.enter_context(_hold(address))
        except OSError as error:
            raise AddressUnavailableError(address, error.strerror or str(error)) from error
        yield Address(address.host, holder.getsockname()[1])


def _hold(address: Address) -> socket.socket:
    with _open(address) as listener:
        # Listening without sharing fails if anybody else has the port, also one who does not listen yet.
        listener.bind((address.host, address.port))
        listener.listen(1)
        # From here on the two can share it, so that the port is never free between them.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder = _open(address)
        try:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((address.host, listener.getsockname()[1]))
            # Bound and not listening, it gets no connections. Another server may bind beside such a
            # socket if both permit to reuse the address, so this one no longer does.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        except BaseException:
            holder.close()
            raise
    return holder


def _open(address: Address) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    # What is left of connections of a server that ran before is no reason to refuse.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if opened.family is socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return opened
