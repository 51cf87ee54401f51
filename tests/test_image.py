"""The image and the Compose file keep their promises: no root, nothing writable that need not be, no capabilities."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness.free_port import free_port
from storage.url import ServerUrl, parse_storage_url

DOCKER = Path(__file__).parents[1] / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))


def health_check(port: int) -> int:
    command = [sys.executable, str(DOCKER / "healthcheck.py"), str(port)]
    return subprocess.run(command, timeout=60, check=False).returncode


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return the TLS of a server whose certificate is for another name and of no known authority."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "logs.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, None)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    (directory / "both.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "both.pem")
    return context


@contextmanager
def answering(status: int, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yield the port of a server that answers every request with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            """Write nothing."""

    class Quiet(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Write nothing about what speaks no TLS."""

    with Quiet(("127.0.0.1", 0), Handler, bind_and_activate=True) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(("status", "result"), [(200, 0), (503, 1)])
def test_the_health_check_tells_what_the_server_answers(status: int, result: int, tls: bool, tmp_path: Path) -> None:
    with answering(status, self_signed(tmp_path) if tls else None) as port:
        assert health_check(port) == result


def test_the_health_check_fails_if_nothing_listens() -> None:
    assert health_check(free_port()) == 1


def test_the_image_runs_its_health_check_and_has_it() -> None:
    [command] = re.findall(r"^HEALTHCHECK .*\\\n +CMD (.*)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command) == ["python", "-I", "/opt/lognotary/healthcheck.py"]
    assert "COPY docker/healthcheck.py /opt/lognotary/" in DOCKERFILE.splitlines()
    assert "!/docker/healthcheck.py" in (DOCKER.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_the_image_runs_as_a_user_that_kubernetes_can_tell_from_root() -> None:
    users = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_container_has_limits(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert service["ulimits"]["core"] == 0


@pytest.mark.parametrize(("name", "capabilities"), [("lognotary", []), ("collector", ["DAC_READ_SEARCH"])])
def test_a_container_that_senders_reach_is_read_only_and_has_the_capabilities_it_needs(
    name: str, capabilities: list[str]
) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert (service["cap_drop"], service.get("cap_add", [])) == (["ALL"], capabilities)


def test_the_server_gets_the_password_of_clickhouse_from_a_file() -> None:
    service = COMPOSE["services"]["lognotary"]
    secret = "/run/secrets/clickhouse-password"  # noqa: S105 - a path
    assert service["environment"]["LOGNOTARY_STORAGE_PASSWORD_FILE"] == secret
    assert service["secrets"] == ["clickhouse-password"]
    url = parse_storage_url(service["environment"]["LOGNOTARY_STORAGE"])
    assert isinstance(url, ServerUrl)
    assert (url.username, url.password) == ("lognotary", "")


def test_everybody_needs_a_token_and_the_collector_has_one_in_a_file() -> None:
    assert "LOGNOTARY_AUTHENTICATION" not in COMPOSE["services"]["lognotary"]["environment"]  # auto: required beyond
    assert COMPOSE["services"]["collector"]["secrets"] == ["collector-token"]
    collector = yaml.safe_load((DOCKER / "collector.yaml").read_text(encoding="utf-8"))
    headers = collector["exporters"]["otlp_grpc"]["headers"]
    assert headers == {"authorization": "Bearer ${file:/run/secrets/collector-token}"}


def test_no_password_is_in_the_environment_of_a_container() -> None:
    variables = [name for service in COMPOSE["services"].values() for name in service.get("environment", {})]
    assert [name for name in variables if name.endswith(("PASSWORD", "SECRET", "TOKEN"))] == []


def test_ports_are_published_on_this_machine_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
