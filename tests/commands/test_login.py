"""``lognotary whoami`` and ``login``: the server that they ask, and what they say if it does not answer as hoped."""

from __future__ import annotations

import argparse
import contextlib
import json
import ssl
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from harness.certificates import new_authority, put
from server.access.token_text import new_token
from server.cli import main
from server.commands.dev_certificates import general_name
from server.commands.http_server import given_url
from server.commands.logins import client_of_provider
from server.login.errors import ProviderError
from server.settings.errors import ConfigError
from tests.commands.https import serving, tls_for_localhost

TOKEN = new_token()
OTHER = new_token()


class Answers(BaseHTTPRequestHandler):
    """Knows one token, and no OpenID provider."""

    local: dict[str, object] | None = None
    """Answer to whoever gives no token; None if one is required."""

    def do_GET(self) -> None:
        """Answer ``/login/whoami``."""
        if self.local and "Authorization" not in self.headers:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(self.local).encode())
            return
        knows = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/login/whoami"
        self.send_response(200 if knows else 401)
        self.end_headers()
        roles = [{"role": "auditor", "tenants": ["", "shop"]}]
        answer = {"name": "ann", "roles": roles} if knows else {"message": "valid credentials are required"}
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answering(context: ssl.SSLContext | None = None) -> AbstractContextManager[str]:
    """Serve ``Answers`` on a port of this machine; gives the address."""
    return serving(Answers, context)


@pytest.fixture(autouse=True)
def _no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_a_token_of_a_file_or_a_variable_says_who_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(TOKEN)
    with answering() as address:
        url = f"http://{address}"
        assert main(["whoami", "--url", url, "--token-file", str(file)]) == 0
        assert capsys.readouterr().out == "ann: auditor (default tenant or tenant shop)\n"
        monkeypatch.setenv("LOGNOTARY_TOKEN", TOKEN)
        assert main(["whoami", "--url", url]) == 0
        monkeypatch.setenv("LOGNOTARY_TOKEN", OTHER)
        assert main(["whoami", "--url", url]) == 2
    error = capsys.readouterr().err
    assert "a token may be unknown there, expired or revoked" in error
    assert OTHER not in error


def test_who_has_neither_token_nor_login_and_needs_one_is_told_how_to_get_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with answering() as address:
        assert main(["whoami", "--url", f"http://{address}"]) == 1
    assert "give a token with --token-file or LOGNOTARY_TOKEN, or run 'lognotary login'" in capsys.readouterr().out


def test_a_server_that_needs_no_credentials_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Answers, "local", {"name": "local", "kind": "local", "roles": [{"role": "admin"}]})
    with answering() as address:
        assert main(["whoami", "--url", f"http://{address}"]) == 0
    assert capsys.readouterr().out == "this server needs no credentials: admin\n"


def test_the_ca_of_a_server_with_tls_may_be_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ca, context = tls_for_localhost(tmp_path)
    monkeypatch.setenv("LOGNOTARY_TOKEN", TOKEN)
    with answering(context) as address:
        url = f"https://{address}"
        assert main(["whoami", "--url", url, "--api-ca", ca]) == 0
        assert main(["whoami", "--url", url]) == 2
        assert "its certificate cannot be verified; give the CA that issued it with --api-ca" in capsys.readouterr().err
        assert main(["whoami", "--url", f"http://{address}"]) == 2
        assert "if it has TLS, give https://" in capsys.readouterr().err
        monkeypatch.setenv("LOGNOTARY_API_CA", ca)
        assert main(["whoami", "--url", url]) == 0
        assert main(["whoami", "--url", url.replace("localhost", "127.0.0.1")]) == 2
        assert "its certificate is for other names" in capsys.readouterr().err


def test_a_server_that_requires_a_client_certificate_gets_the_one_of_the_options_or_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ca, context = tls_for_localhost(tmp_path)
    clients = new_authority()
    context.load_verify_locations(cadata=clients.issued.certificate.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    files = put(clients.issue("ann", [general_name("ann.example")], client=True), tmp_path, "ann")
    cert, key = str(files.cert), str(files.key)
    monkeypatch.setenv("LOGNOTARY_TOKEN", TOKEN)
    with answering(context) as address:
        whoami = ["whoami", "--url", f"https://{address}", "--api-ca", ca]
        assert main([*whoami, "--api-cert", cert, "--api-key", key]) == 0
        assert main(whoami) == 2
        assert "a client certificate; give one with --api-cert and --api-key" in capsys.readouterr().err
        monkeypatch.setenv("LOGNOTARY_API_CERT", cert)
        assert main(whoami) == 2
        assert "--api-cert is given without --api-key: give both" in capsys.readouterr().err
        monkeypatch.setenv("LOGNOTARY_API_KEY", key)
        assert main(whoami) == 0


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_key_that_cannot_be_used_is_told_before_the_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_encrypted: bool
) -> None:
    tls_for_localhost(tmp_path)
    encryption = BestAvailableEncryption(b"secret") if is_encrypted else NoEncryption()
    found = load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    key = found if is_encrypted else ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (tmp_path / "other.pem").write_bytes(pem)
    given = ["--api-cert", str(tmp_path / "cert.pem"), "--api-key", str(tmp_path / "other.pem")]
    assert main(["login", "--url", "https://localhost:1", *given]) == 2
    assert "is not the key of the certificate" in capsys.readouterr().err


def test_the_ca_of_a_provider_may_be_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, context = tls_for_localhost(tmp_path)

    def ask(address: str) -> object:
        with contextlib.closing(client_of_provider()) as provider:
            return provider.get(f"https://{address}/login/whoami", TOKEN)["name"]

    with answering(context) as address:
        with pytest.raises(ProviderError, match="give the CA that issued it with the variable SSL_CERT_FILE"):
            ask(address)
        monkeypatch.setenv("SSL_CERT_FILE", ca)
        assert ask(address) == "ann"


@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://localhost:1", "nothing is listening there"), ("https://lognotary.invalid", "there is no such host")],
)
def test_a_server_that_cannot_be_reached_is_told_with_the_reason(
    url: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGNOTARY_TOKEN", TOKEN)
    assert main(["whoami", "--url", url]) == 2
    assert f"cannot be reached: {reason}" in capsys.readouterr().err


def test_a_port_without_tls_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOGNOTARY_TOKEN", TOKEN)
    with answering() as address:
        assert main(["whoami", "--url", f"https://{address}"]) == 2
    assert "it has no TLS, so https:// is wrong, or the port" in capsys.readouterr().err


def test_who_logs_in_at_a_server_without_a_provider_is_told_to_use_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    with answering() as address:
        assert main(["login", "--url", f"http://{address}"]) == 2
    assert "has no OpenID provider to log in at: use a token" in capsys.readouterr().err


def test_a_file_without_a_certificate_is_told_before_the_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
    assert main(["login", "--url", "https://localhost:1", "--api-ca", str(tmp_path / "key.pem")]) == 2
    assert "has no certificate in PEM" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        (None, {}, "http://127.0.0.1:7318"),
        ("https://logs.example/", {"LOGNOTARY_API": "https://other:7317"}, "https://logs.example"),
        (None, {"LOGNOTARY_API": "https://logs.example:7317/"}, "https://logs.example:7318"),
        (None, {"LOGNOTARY_API": "logs.example:7317", "LOGNOTARY_API_CA": "ca.pem"}, "https://logs.example:7318"),
        (None, {"LOGNOTARY_API": "[::1]:7317"}, "http://[::1]:7318"),
    ],
)
def test_the_http_api_is_on_the_host_of_the_variable(url: str | None, environ: dict[str, str], expected: str) -> None:
    assert given_url(argparse.Namespace(url=url), environ) == expected


@pytest.mark.parametrize("api", ["logs.example:7317", "logs.example", "https://"])
def test_a_variable_that_gives_no_safe_url_is_refused(api: str) -> None:
    with pytest.raises(ConfigError, match="give --url"):
        given_url(argparse.Namespace(url=None), {"LOGNOTARY_API": api})
