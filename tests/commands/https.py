"""HTTP servers on this machine, with TLS if they are given it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from server.commands.dev_certificates import Authority, general_name

__all__ = ["serving", "tls_for_localhost"]


def tls_for_localhost(directory: Path) -> tuple[str, ssl.SSLContext]:
    """Write a CA file; return its path, and TLS with a certificate of this CA for ``localhost``."""
    authority = Authority("ca", datetime.now(UTC), 1)
    issued = authority.issue("server", [general_name("localhost")])
    for name, content in (
        ("ca.pem", authority.issued.certificate),
        ("cert.pem", issued.certificate),
        ("key.pem", issued.key),
    ):
        (directory / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return str(directory / "ca.pem"), context


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a port of this machine; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
