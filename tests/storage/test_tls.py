"""TLS to a real ClickHouse server: its CA, and client certificates."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from harness.certificates import client_names, local_certificate, new_authority, put
from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from storage.clickhouse import connect
from storage.errors import StorageError
from storage.url import ServerUrl, parse_storage_url

_USERS = """
<writer>
  <password>hush</password>
  <networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
  <grants><query>GRANT ALL ON *.*</query></grants>
</writer>
"""


class Secured:
    """TLS that asks for client certificates in front of a real ClickHouse server, and certificates of its CA.

    The server from npm has no HTTPS of its own.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.seen: list[bytes] = []
        authority = new_authority()
        (directory / "ca.pem").write_bytes(authority.issued.certificate)
        put(new_authority().issue("robot", client_names(dns=("robot",)), client=True), directory, "foreign")
        server = put(local_certificate(authority), directory, "server")
        put(authority.issue("robot", client_names(dns=("robot",)), client=True), directory, "robot")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(server.cert, server.key)
        self.context.load_verify_locations(directory / "ca.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.node = ClickHouseNode(directory / "node", users=_USERS)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # it was shut down
                return
            threading.Thread(target=self._forward, args=(connection,), daemon=True).start()

    def _forward(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as client:
            request = client.recv(1 << 16)
            self.seen.append(request)
            with socket.create_connection(("127.0.0.1", self.node.http_port)) as server:
                while request:
                    server.sendall(request)
                    ready, _, _ = select.select((client, server), (), ())
                    while server in ready and (piece := server.recv(1 << 16)):
                        client.sendall(piece)
                        ready, _, _ = select.select((client, server), (), ())
                    request = client.recv(1 << 16) if client in ready else b""

    def url(self, user: str, *, ca: bool = True, client: str = "robot") -> ServerUrl:
        files: dict[str, str] = {"ca_cert": str(self.directory / "ca.pem")} if ca else {}
        if client:
            files["client_cert"] = str(self.directory / f"{client}.pem")
            files["client_key"] = str(self.directory / f"{client}-key.pem")
        url = parse_storage_url(f"https://{user}@localhost:{self.port}/db?{urlencode(files)}")
        assert isinstance(url, ServerUrl)
        return url


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    server = Secured(tmp_path_factory.mktemp("tls"))
    try:
        server.node.start()
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")
    serving = threading.Thread(target=server.serve)
    serving.start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    serving.join()
    server.listener.close()
    server.node.kill()


def test_a_server_of_an_own_ca_is_used_with_a_client_certificate_and_a_password(secured: Secured) -> None:
    with closing(connect(secured.url("writer:hush"))) as engine:
        assert engine.info.version
    assert b"authorization: basic" in secured.seen[-1].lower()


def test_without_a_password_the_client_certificate_proves_the_user(secured: Secured) -> None:
    with pytest.raises(StorageError):  # of a server without TLS of its own, which knows no certificates
        connect(secured.url("robot"))
    head = secured.seen[-1].lower()
    assert b"x-clickhouse-ssl-certificate-auth: on" in head
    assert b"x-clickhouse-user: robot" in head
    assert b"authorization" not in head


def test_a_server_of_an_unknown_ca_is_refused_with_the_reason(secured: Secured) -> None:
    with pytest.raises(StorageError, match=r"certificate of localhost:\d+ is not accepted: self-signed.*ca_cert=FILE"):
        connect(secured.url("writer:hush", ca=False))


@pytest.mark.parametrize(
    ("client", "says"),
    [("", "may ask for a client certificate"), ("foreign", "does not accept the client certificate")],
)
def test_a_missing_or_foreign_client_certificate_is_told(secured: Secured, client: str, says: str) -> None:
    with pytest.raises(StorageError, match=says):
        connect(secured.url("writer:hush", client=client))
