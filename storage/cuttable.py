"""Connections to a ClickHouse server that another thread may cut."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import Any

from clickhouse_connect.driver.httputil import all_managers, check_env_proxy, get_pool_manager
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from storage.url import ServerUrl

__all__ = ["CuttableConnections"]


class CuttableConnections:
    """The connections of one client; between ``cut`` and ``mend``, requests fail at once instead of waiting.

    Attributes:
        pool: the pool for the client; the proxy that the environment names is used, as by any client.
    """

    def __init__(self, url: ServerUrl, parameters: str) -> None:
        """Make a pool without a connection.

        Sixty parameters would cost the driver a fifth of a millisecond for each request, if it encoded them and took
        the URL apart every time. So connections append them, where a request is written.

        Args:
            url: the server.
            parameters: parameters that are appended to every URL that has some, encoded as in a URL.
        """
        self._parameters = parameters
        proxy = check_env_proxy("https" if url.secure else "http", url.host, url.port)
        self.pool: PoolManager = get_pool_manager(
            http_proxy=None if url.secure else proxy,
            https_proxy=proxy if url.secure else None,
            # Read again for each connection.
            ca_cert=url.ca_cert or None,
            client_cert=url.client_cert or None,
            client_cert_key=url.client_key or None,
        )
        self._is_cut = False
        self._opening = threading.Lock()
        self._open: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self.pool.pool_classes_by_scheme = {
            "http": self._recording(HTTPConnectionPool, HTTPConnection),
            "https": self._recording(HTTPSConnectionPool, HTTPSConnection),
        }

    def cut(self) -> None:
        """End what a thread waits for on a connection, and let none be opened. Does not block."""
        self._is_cut = True
        with self._opening:
            open_now = list(self._open)
        for connection in open_now:
            sock = connection.sock
            if sock is not None:
                # Below TLS, which would change what the other thread is using.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let connections be opened again."""
        if self._is_cut:
            self.pool.clear()
            self._is_cut = False

    def close(self) -> None:
        """Close all connections."""
        self.pool.clear()
        all_managers.pop(self.pool, None)

    def _recording(self, pool: type[HTTPConnectionPool], connection: type[HTTPConnection]) -> Any:
        connections = self

        class Connection(connection):  # type: ignore[misc, valid-type]
            def connect(self) -> None:
                if connections._is_cut:
                    raise NewConnectionError(self, "the connection was cut")
                super().connect()
                with connections._opening:
                    connections._open.add(self)
                if connections._is_cut:  # meanwhile
                    connections.cut()

            def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
                longer = f"{url}&{connections._parameters}" if "?" in url else url
                super().putrequest(method, longer, *args, **kwargs)

        class Pool(pool):  # type: ignore[misc, valid-type]
            ConnectionCls = Connection

        return Pool
