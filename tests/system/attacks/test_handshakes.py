"""Connections that never finish a TLS handshake, on all ports: silent ones, ones that stop, and ones byte by byte."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import httpx
import pytest

from harness.certificates import local_certificate, new_authority, put
from harness.lognotary_server import LognotaryServer
from harness.process_stats import descriptors, peak_resident
from harness.waiting import PATIENCE, wait_for

CONNECTIONS = 10_000
"""Connections to each port; not fewer in CI, as the documentation speaks of connections without end."""

MOST = 1500
"""The server's ``max_connections``."""

MEMORY_LIMIT = 2 << 30
OTHER_DESCRIPTORS = 500  # of storage, files and event loops
JUST_ACCEPTED = 500  # connections of a port that are accepted, and closed in the next turns of its event loop
PORTS = ("otlp_grpc", "otlp_http", "api_grpc", "http")
"""Settings of the ports."""


class Tls:
    """The client's side of a server's TLS."""

    def __init__(self, directory: Path) -> None:
        authority = new_authority()
        self._ca = authority.issued.certificate
        self.files = put(local_certificate(authority), directory, "server")
        self.context = ssl.create_default_context(cadata=self._ca.decode())

    def hello(self) -> bytes:
        """Return what a client says first."""
        said = ssl.MemoryBIO()
        client = self.context.wrap_bio(ssl.MemoryBIO(), said, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        return said.read()

    def channel(self, address: str) -> grpc.Channel:
        return grpc.secure_channel(
            address, grpc.ssl_channel_credentials(self._ca), [("grpc.use_local_subchannel_pool", 1)]
        )


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(tmp_path)


@pytest.fixture
def server(tls: Tls, tmp_path: Path) -> Iterator[LognotaryServer]:
    with LognotaryServer(
        f"chdb://{tmp_path / 'chdb'}",
        tmp_path / "data",
        tls_cert=str(tls.files.cert),
        tls_key=str(tls.files.key),
        max_connections=MOST,
        memory_limit=MEMORY_LIMIT,
    ) as started:
        yield started


def address_of(server: LognotaryServer, port: str) -> str:
    return str(getattr(server, port)).removeprefix("http://")


class Attacker:
    """Connections to some ports that never finish their handshake; every third sends its first message byte by byte."""

    def __init__(self, addresses: Sequence[str], number: int, hello: bytes) -> None:
        self._hello = hello
        self._sent = len(hello) // 2
        self.open: dict[socket.socket, int] = {}
        for turn in range(number):
            for address in addresses:
                host, _, port = address.rpartition(":")
                connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
                connection.setblocking(False)
                self.open[connection] = turn % 3
                if turn % 3 == 1:
                    self._send(connection, hello[: self._sent])

    def go_on(self) -> int:
        """Send another byte where bytes are sent one by one, and return how many connections are still open."""
        self._sent += 1
        for connection, kind in list(self.open.items()):
            if kind == 2:
                self._send(connection, self._hello[self._sent % 100 : self._sent % 100 + 1])
            if is_closed(connection):
                connection.close()
                del self.open[connection]
        return len(self.open)

    def leave(self) -> None:
        for connection in self.open:
            connection.close()

    def _send(self, connection: socket.socket, said: bytes) -> None:
        with contextlib.suppress(OSError):  # it is closed already
            connection.send(said)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1 << 12) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def honest_answers(server: LognotaryServer, tls: Tls, ports: Sequence[str]) -> None:
    """Ask the ports as honest clients do, until each has answered: those of gRPC connect again until they get in."""
    for port in ports:
        address = address_of(server, port)
        if port.endswith("grpc"):
            with tls.channel(address) as channel:
                grpc.channel_ready_future(channel).result(timeout=PATIENCE)
        else:
            assert httpx.get(f"https://{address}/healthz", verify=tls.context, timeout=PATIENCE).status_code in (
                200,
                404,
            )


@contextlib.contextmanager
def many_descriptors() -> Iterator[int]:
    """Let this process open enough files for all ports at once if it may, else for one port; gives the number."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = [number * CONNECTIONS + OTHER_DESCRIPTORS for number in (len(PORTS), 1)]
    for most in needed:
        with contextlib.suppress(ValueError, OSError):  # only root may raise the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, max(most, before[1])))
            break
    else:
        pytest.fail(f"at most {before[1]} files may be open, and this test needs {needed[1]}: raise ulimit -Hn")
    try:
        yield most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_handshakes_that_never_end_keep_nobody_out_and_take_bounded_memory(server: LognotaryServer, tls: Tls) -> None:
    with many_descriptors() as most:
        at_once = (most - OTHER_DESCRIPTORS) // CONNECTIONS
        for ports in (PORTS[at : at + at_once] for at in range(0, len(PORTS), at_once)):
            attacker = Attacker([address_of(server, port) for port in ports], CONNECTIONS, tls.hello())
            try:
                assert descriptors(server.pid) <= (MOST + JUST_ACCEPTED) * len(ports) + OTHER_DESCRIPTORS
                honest_answers(server, tls, PORTS)
                wait_for(lambda attacker=attacker: attacker.go_on() == 0, every=0.2)  # type: ignore[misc]
            finally:
                attacker.leave()
            honest_answers(server, tls, PORTS)
            assert descriptors(server.pid) <= OTHER_DESCRIPTORS
            assert peak_resident(server.pid) < MEMORY_LIMIT
    assert "Traceback" not in server.log_text()
    assert len(server.log_text().splitlines()) < 100  # whoever connects decides nothing about its length
    assert server.stop() == 0
