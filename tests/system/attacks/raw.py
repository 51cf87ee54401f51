"""Raw connections: bytes that are sent as they are, and the statuses of all answers until the server closes."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl

from harness.waiting import PATIENCE

__all__ = ["LAST", "connect", "exchange", "statuses"]

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
"""A request without credentials after which a server closes the connection."""


def connect(address: str, context: ssl.SSLContext | None = None) -> socket.socket:
    """Return a connection to a server."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
    return context.wrap_socket(connection, server_hostname="localhost") if context else connection


def exchange(address: str, sent: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """Send bytes at once, and return what comes until the server closes; a reset is an end like any other."""
    received = bytearray()
    with connect(address, context) as connection, contextlib.suppress(ConnectionError, ssl.SSLEOFError):
        connection.sendall(sent)
        while piece := connection.recv(1 << 16):
            received += piece
    return bytes(received)


def statuses(received: bytes) -> list[int]:
    """Return the statuses of answers over HTTP/1.1, in their order, without those before the last of an answer."""
    found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]
    return [status for status in found if status >= 200]
