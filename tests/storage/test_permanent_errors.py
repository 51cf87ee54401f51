"""Errors that last until somebody acts: each says what is wrong and what to do, and that it is permanent."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.answering_port import NativePort, PlainPort, listening
from harness.clickhouse_http import ClickHouseServer
from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from storage.clickhouse import connect, connect_to_read
from storage.errors import (
    LoginRefusedError,
    NotAppliedError,
    OutcomeUnknownError,
    StorageError,
    StorageFullError,
    WrongEndpointError,
)
from storage.native import PlainColumn, encode_block
from storage.schema import TableColumn
from storage.url import EmbeddedUrl, ServerUrl, parse_storage_url

from .relay import Mode, relay_to

_BLOCK = encode_block([TableColumn("x", "UInt64")], [[PlainColumn((7).to_bytes(8, "little"))]], 1)
_OPENINGS = pytest.mark.parametrize("opening", [connect, connect_to_read])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody trusts, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clickhouse")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def tls_port(clickhouse_server: ClickHouseServer, certificate: ssl.SSLContext) -> Iterator[int]:
    """A port that speaks TLS, in front of ClickHouse."""
    parts = urlsplit(clickhouse_server.url)

    class Forwarding(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            address = (parts.hostname or "", parts.port or 8123)
            with contextlib.suppress(OSError), socket.create_connection(address) as server:
                server.sendall(self.request.recv(1 << 16))
                server.shutdown(socket.SHUT_WR)
                while piece := server.recv(1 << 16):
                    self.request.sendall(piece)

    with listening(Forwarding, certificate) as port:
        yield port


def _refusal(opening: Callable[[EmbeddedUrl | ServerUrl], object], url: str, kind: type[StorageError]) -> str:
    with pytest.raises(kind) as refusal:
        opening(parse_storage_url(url))
    assert type(refusal.value) is kind
    assert not refusal.value.retryable
    message = str(refusal.value)
    assert "Exception" not in message
    assert "Http Driver" not in message
    return message


@_OPENINGS
@pytest.mark.parametrize("user", ["default:secret", "nobody", "nobody:secret"])
def test_a_wrong_password_or_user_is_named_and_the_password_is_not_shown(
    clickhouse_server: ClickHouseServer, opening: type, user: str
) -> None:
    url = clickhouse_server.url.replace("http://", f"http://{user}@") + "/db"
    message = _refusal(opening, url, LoginRefusedError)
    assert f"refuses the login of the user {user.partition(':')[0]!r}" in message
    assert "http://USER:PASSWORD@127.0.0.1:" in message
    assert "secret" not in message


def test_the_native_port_is_named(tmp_path: Path) -> None:
    try:
        with ClickHouseNode(tmp_path / "node") as node:
            message = _refusal(connect, f"http://127.0.0.1:{node.tcp_port}/db", WrongEndpointError)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")
    assert f"127.0.0.1:{node.tcp_port} is ClickHouse's native port" in message
    assert "8123" in message


@_OPENINGS
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_native_port_is_named_with_and_without_tls(opening: type, scheme: str) -> None:
    with listening(NativePort) as port:
        assert "is ClickHouse's native port" in _refusal(opening, f"{scheme}://127.0.0.1:{port}/db", WrongEndpointError)


def test_the_native_port_with_tls_is_named(certificate: ssl.SSLContext) -> None:
    with listening(NativePort, certificate) as port:
        for scheme in ("http", "https"):
            message = _refusal(connect, f"{scheme}://127.0.0.1:{port}/db", WrongEndpointError)
            assert "is ClickHouse's native port" in message


@_OPENINGS
def test_https_to_a_port_without_tls_is_named(opening: type) -> None:
    with listening(PlainPort) as port:
        message = _refusal(opening, f"https://127.0.0.1:{port}/db", WrongEndpointError)
    assert "answers without TLS: write http:// instead of https://" in message


@_OPENINGS
def test_http_to_a_port_with_tls_is_named(tls_port: int, opening: type) -> None:
    message = _refusal(opening, f"http://127.0.0.1:{tls_port}/db", WrongEndpointError)
    assert f"127.0.0.1:{tls_port} requires TLS: write https:// instead of http://" in message


@_OPENINGS
def test_a_certificate_that_is_not_trusted_is_named(tls_port: int, opening: type) -> None:
    message = _refusal(opening, f"https://127.0.0.1:{tls_port}/db", WrongEndpointError)
    assert f"the certificate of 127.0.0.1:{tls_port} is not accepted: " in message
    assert "self-signed" in message


def _http_server(status: int, body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


@contextlib.contextmanager
def _serving_http(status: int, body: bytes) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _http_server(status, body)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/db"
        finally:
            server.shutdown()
            thread.join()


@_OPENINGS
@pytest.mark.parametrize("status", [200, 404, 405])
def test_another_web_server_is_not_taken_for_clickhouse(opening: type, status: int) -> None:
    with _serving_http(status, b"<html>hello</html>") as url:
        message = _refusal(opening, url, WrongEndpointError)
    assert "is not the HTTP interface of a ClickHouse server" in message


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_without_a_server_behind_it_is_waited_for(status: int) -> None:
    with _serving_http(status, b"<html>upstream timed out</html>") as url, pytest.raises(StorageError) as error:
        connect(parse_storage_url(url))
    assert error.value.retryable


def test_a_full_disk_is_named(clickhouse_server: ClickHouseServer) -> None:
    with (
        relay_to(clickhouse_server.url) as relay,
        contextlib.closing(connect(parse_storage_url(f"{relay.url}/default"), clients=1)) as engine,
    ):
        relay.mode, relay.status = Mode.ANSWER, 500
        relay.headers = {"X-ClickHouse-Exception-Code": "243"}
        relay.body = b"Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)\n"
        for work in (lambda: engine.insert("t", ["x"], _BLOCK, "token"), lambda: engine.query("SELECT 1")):
            with pytest.raises(StorageFullError, match=r"^the disk of ClickHouse at .* is full: free space") as full:
                work()
            assert full.value.retryable
            assert full.value.public == "the disk of storage is full: free space on it"
            assert full.value.sentence == "the disk of storage is full"
        relay.headers = {"X-ClickHouse-Exception-Code": "75"}
        relay.body = b"Code: 75. DB::ErrnoException: Cannot write to file: , errno: 28, No space left on device.\n"
        with pytest.raises(OutcomeUnknownError, match="is full: free space"):  # some of it may be stored
            engine.insert("t", ["x"], _BLOCK, "token")
        with pytest.raises(StorageFullError, match="is full: free space"):
            engine.execute("OPTIMIZE TABLE t")


def test_an_error_of_clickhouse_has_no_words_of_the_driver(clickhouse_server: ClickHouseServer) -> None:
    with (
        contextlib.closing(connect(parse_storage_url(f"{clickhouse_server.url}/default"), clients=1)) as engine,
        pytest.raises(NotAppliedError) as error,
    ):
        engine.query("SELECT nothing FROM nowhere")
    assert str(error.value).startswith("Code: 60. DB::Exception: ")
    assert "(UNKNOWN_TABLE)" in str(error.value)
    assert "for url" not in str(error.value)
    assert "version" not in str(error.value)
