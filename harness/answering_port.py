"""Ports that give one recorded answer, where a ClickHouse server of the tests' own would end after giving it."""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator

# Answers of ClickHouse 26.7. The library that tests run as a server ends after it has sent the first, and after the
# second if the client has closed the connection.
_NATIVE_ANSWER = b"""HTTP/1.0 400 Bad Request\r
\r
Port 9000 is for clickhouse-client program\r
You must use port 8123 for HTTP.\r
"""
_HTTP_ANSWER_TO_TLS = b"""HTTP/1.1 400 Bad Request\r
Connection: Close\r
Content-Length: 39\r
Content-Type: text/plain\r
\r
HTTP request method invalid or too long"""


class NativePort(socketserver.BaseRequestHandler):
    """ClickHouse's native port, to which somebody speaks HTTP."""

    def handle(self) -> None:
        """Answer one request."""
        if self.request.recv(1) in b"GP":
            self.request.sendall(_NATIVE_ANSWER)


class PlainPort(socketserver.BaseRequestHandler):
    """ClickHouse's HTTP port without TLS, to which somebody speaks TLS."""

    def handle(self) -> None:
        """Answer one request."""
        self.request.recv(1)
        self.request.sendall(_HTTP_ANSWER_TO_TLS)


@contextlib.contextmanager
def listening(handler: type[socketserver.BaseRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve connections with a handler, with TLS if a context is given; yields the port."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, object]:
            connection, peer = super().get_request()
            if context is None:
                return connection, peer
            return context.wrap_socket(connection, server_side=True), peer  # an OSError: the connection is dropped

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
