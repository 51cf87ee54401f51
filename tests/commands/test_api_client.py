"""Messages of the commands about calls to a server that fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import grpc
import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.correlation_pb2_grpc import (
    CorrelationServiceServicer,
    CorrelationServiceStub,
    add_CorrelationServiceServicer_to_server,
)
from server.access.token_text import new_token
from server.cli import main
from server.commands.api_client import call
from server.commands.arguments.options import ApiServer
from server.commands.dev_certificates import Authority, general_name
from tests.commands.https import serving, tls_for_localhost


class Failing(CorrelationServiceServicer):
    """A server whose calls fail."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        self.error = code, message

    def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchResponse:  # noqa: N802 - the name is the API's
        return context.abort(*self.error)  # type: ignore[no-any-return]

    def Tail(self, request: pb.TailRequest, context: Any) -> Iterator[pb.TailResponse]:  # noqa: N802 - the name is the API's
        return context.abort(*self.error)  # type: ignore[no-any-return]


@contextmanager
def failing(code: grpc.StatusCode, message: str) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_CorrelationServiceServicer_to_server(Failing(code, message), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Listen on a port, and give each connection the same answer to what it says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # it was shut down
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def search(channel: grpc.Channel) -> int:
    CorrelationServiceStub(channel).Search(pb.SearchRequest())
    return 0


@pytest.mark.parametrize(
    ("code", "message", "said", "status"),
    [
        ("INVALID_ARGUMENT", "query: no frame of storage", "query: no frame of storage", 2),
        ("NOT_FOUND", "nothing is stored", "nothing is stored", 1),
        ("UNAVAILABLE", "storage cannot be read: HTTP/1 frame", "storage cannot be read: HTTP/1 frame", 2),
        ("UNAVAILABLE", "the token has no frame", "the call to {address} failed: the token has no frame", 2),
    ],
)
def test_an_error_of_the_server_is_told_as_it_is_whatever_words_are_in_it(
    capsys: pytest.CaptureFixture[str], code: str, message: str, said: str, status: int
) -> None:
    with failing(grpc.StatusCode[code], message) as address:
        assert call(address, search) == status
    assert capsys.readouterr().err == f"lognotary: {said.format(address=address)}\n"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n"])
def test_a_port_that_does_not_speak_grpc_is_named(capsys: pytest.CaptureFixture[str], answer: bytes) -> None:
    with answering(answer) as address:
        assert call(address, search) == 2
    assert capsys.readouterr().err.startswith(f"lognotary: {address} does not speak gRPC (")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "storage.invalid:7317"])
def test_an_address_that_cannot_be_reached_is_named(capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert call(address, search) == 2
    assert capsys.readouterr().err.startswith(f"lognotary: no server is listening on {address} (")


def test_a_call_without_valid_credentials_says_which_to_give(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(grpc.StatusCode.UNAUTHENTICATED, "valid credentials are required") as address:
        assert call(address, search) == 2
        assert "required: give a token with --token-file or LOGNOTARY_TOKEN, or run" in capsys.readouterr().err
        monkeypatch.setenv("LOGNOTARY_TOKEN", new_token())
        assert call(address, search) == 2
    assert "a token may be unknown there, expired or revoked" in capsys.readouterr().err


@contextmanager
def with_tls() -> Iterator[tuple[Authority, str]]:
    """A gRPC server with a certificate for ``localhost``, and no method."""
    authority = Authority("ca", datetime.now(UTC), 1)
    issued = authority.issue("server", [general_name("localhost")])
    server = grpc.server(ThreadPoolExecutor(1))
    credentials = grpc.ssl_server_credentials([(issued.key, issued.certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield authority, f"127.0.0.1:{port}"
    finally:
        server.stop(None)


def test_a_certificate_for_other_names_and_a_damaged_one_are_told_apart(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ca, damaged = tmp_path / "ca.pem", tmp_path / "damaged.pem"
    with with_tls() as (authority, address):
        ca.write_bytes(authority.issued.certificate)
        damaged.write_bytes(authority.issued.certificate[:100])
        assert call(ApiServer(address, ca=str(ca)), search) == 2
        assert f"{address} has a certificate for other names" in capsys.readouterr().err
        assert call(ApiServer(address, ca=str(damaged)), search) == 2
        assert "a file of --api-ca, --api-cert or --api-key is damaged" in capsys.readouterr().err


def test_a_port_with_tls_that_does_not_speak_grpc_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ca, context = tls_for_localhost(tmp_path)
    with serving(BaseHTTPRequestHandler, context) as address:
        assert call(ApiServer(address, ca=ca), search) == 2
    assert f"{address} has TLS, but does not speak gRPC" in capsys.readouterr().err


def test_an_error_about_a_cursor_names_the_file_with_the_cursor(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cursor"
    for message, said in (
        ("cursor: it is old: leave the cursor out", f"--cursor-file {file}: it is old: leave the cursor out (delete"),
        ("query: cursor: leave the cursor out", "query: cursor: leave the cursor out\n"),
    ):
        with failing(grpc.StatusCode.INVALID_ARGUMENT, message) as address:
            assert main(["tail", "--api", address, "--cursor-file", str(file)]) == 2
        assert capsys.readouterr().err.startswith(f"lognotary: {said}")


@pytest.mark.parametrize("command", ["trace", "actor", "target", "near", "audit --actor", "audit --target"])
def test_an_argument_that_is_not_utf8_is_named(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with failing(grpc.StatusCode.NOT_FOUND, "nothing is stored") as address:
        assert main([*command.split(), "a\udcff", "--api", address]) == 2
    assert capsys.readouterr().err == "lognotary: the argument 'a\\udcff' is not text in UTF-8: give it in UTF-8\n"
