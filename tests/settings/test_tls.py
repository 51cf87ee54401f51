"""Settings of TLS: what each port gets, and what is wrong with files."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from harness.certificates import CertificateFiles, local_certificate, new_authority, put
from server.access.requirement import Authentication, is_loopback
from server.commands.dev_certificates import Authority
from server.settings.certificates import TlsFiles, readable_by_others
from server.settings.errors import ConfigError
from server.settings.exposure import exposure_problems, ports_without_authentication
from server.settings.settings import load_settings
from server.settings.table import PORTS
from server.settings.values import Address


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority()


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> CertificateFiles:
    return put(local_certificate(authority), tmp_path, "server")


def tls(**flags: object) -> dict[str, TlsFiles]:
    return dict(load_settings({name: str(value) for name, value in flags.items()}, {}).tls)


def problems(**flags: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        tls(**flags)
    return list(caught.value.problems)


def test_without_settings_no_port_has_tls() -> None:
    assert tls() == {}


def test_one_certificate_is_for_all_ports(files: CertificateFiles) -> None:
    assert tls(tls_cert=files.cert, tls_key=files.key) == dict.fromkeys(PORTS, TlsFiles(files.cert, files.key))


def test_a_port_may_have_files_of_its_own_or_no_tls(
    files: CertificateFiles, authority: Authority, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.issued.certificate)
    other = put(local_certificate(authority), tmp_path, "other")
    found = tls(
        tls_cert=files.cert,
        tls_key=files.key,
        tls_client_ca=ca,
        otlp_grpc_tls_cert=other.cert,
        otlp_grpc_tls_key=other.key,
        otlp_http_tls_client_certificates="optional",
        api_grpc_tls_client_ca="off",
        http_tls_cert="OFF",
    )
    assert found == {
        "otlp_grpc": TlsFiles(other.cert, other.key, ca, True),
        "otlp_http": TlsFiles(files.cert, files.key, ca, False),
        "api_grpc": TlsFiles(files.cert, files.key),
    }


def test_a_grpc_port_cannot_have_optional_client_certificates(
    files: CertificateFiles, authority: Authority, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.issued.certificate)
    flags = {"tls_cert": files.cert, "tls_key": files.key, "tls_client_ca": ca, "tls_client_certificates": "optional"}
    otlp, api = problems(**flags)
    assert "--tls-client-certificates: a gRPC port cannot ask for a client certificate that is optional" in otlp
    assert "otlp_grpc_tls_client_certificates = required" in otlp
    assert "api_grpc_tls_client_ca = off" in api


Break = Callable[[CertificateFiles, Authority], None]


def _encrypt(files: CertificateFiles, _: Authority) -> None:
    key = load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")))


def _expire(files: CertificateFiles, _: Authority) -> None:
    past = Authority("past", datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=9), 8)
    put(local_certificate(past), files.cert.parent, "server")


def _put_ca_first(files: CertificateFiles, authority: Authority) -> None:
    files.cert.write_bytes(authority.issued.certificate + files.cert.read_bytes())


@pytest.mark.parametrize(
    ("break_it", "place", "says"),
    [
        (lambda files, _: files.cert.unlink(), "cert", "there is no file"),
        (lambda files, _: files.key.unlink(), "key", "there is no file"),
        (lambda files, _: files.cert.write_text("nothing"), "cert", "has no certificate in PEM: name a file"),
        (lambda files, _: files.cert.write_bytes(files.key.read_bytes()), "cert", "PEM, but a private key: name"),
        (lambda files, _: files.key.write_bytes(files.cert.read_bytes()), "key", "PEM, but a certificate: name"),
        (lambda files, ca: files.key.write_bytes(ca.issued.key), "key", "is not the key of the certificate in"),
        (_put_ca_first, "cert", "does not begin with the server's certificate: put it before"),
        (_encrypt, "key", "is encrypted: decrypt it with 'openssl pkey -in"),
        (_expire, "cert", "UTC: renew it"),
    ],
)
def test_files_that_cannot_be_used_are_told_once_with_the_setting(
    files: CertificateFiles, authority: Authority, break_it: Break, place: str, says: str
) -> None:
    break_it(files, authority)
    (problem,) = problems(tls_cert=files.cert, tls_key=files.key)
    assert problem.startswith(f"--tls-{place}: ")
    assert says in problem


def test_a_client_ca_must_have_a_certificate(files: CertificateFiles, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    (problem,) = problems(tls_cert=files.cert, tls_key=files.key, tls_client_ca=tmp_path / "ca.pem")
    assert problem.startswith("--tls-client-ca: ")


def test_a_certificate_needs_a_key_and_a_key_or_a_client_ca_a_certificate(files: CertificateFiles) -> None:
    assert problems(tls_cert=files.cert) == [
        "--tls-cert: the key of the certificate is missing: give --tls-key as well",
    ]
    with pytest.raises(ConfigError, match=r"LOGNOTARY_TLS_CERT: .*give LOGNOTARY_TLS_KEY as well"):
        load_settings({}, {"LOGNOTARY_TLS_CERT": str(files.cert)})
    for name in ("key", "client_ca"):
        (problem,) = problems(**{f"http_tls_{name}": files.key})
        assert problem.startswith(f"--http-tls-{name.replace('_', '-')}: there is no certificate")


def test_a_key_that_any_user_may_read_is_noticed(files: CertificateFiles) -> None:
    assert not readable_by_others(files.key)
    files.key.chmod(0o640)
    assert not readable_by_others(files.key)
    files.key.chmod(0o644)
    assert readable_by_others(files.key)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_neither_tls_nor_authentication(host: str) -> None:
    assert is_loopback(host)
    assert list(exposure_problems({"http": Address(host, 7318)}, (), {"http"})) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "logs.example", "128.0.0.1"])
@pytest.mark.parametrize(
    ("with_tls", "authentication", "missing"),
    [
        (True, Authentication.AUTO, ""),
        (True, Authentication.REQUIRED, ""),
        (False, Authentication.AUTO, "TLS: "),
        (True, Authentication.OFF, "authentication: "),
        (False, Authentication.OFF, "TLS and authentication: "),
    ],
)
def test_a_port_beyond_this_machine_needs_both(
    host: str, with_tls: bool, authentication: Authentication, missing: str
) -> None:
    unprotected = ports_without_authentication(authentication, login_is_used=False)
    ports = {"http": Address(host, 7318), "api_grpc": Address("127.0.0.1", 7317)}
    found = list(exposure_problems(ports, {"http"} if with_tls else (), unprotected))
    if not missing:
        assert found == []
        return
    (problem,) = found
    assert f"is beyond this machine, and the port has no {missing}" in problem
    assert ("tls_cert and tls_key" in problem) == (not with_tls)
    assert ("authentication to auto" in problem) == (authentication is Authentication.OFF)
    assert "--insecure-listen if something else protects http" in problem


def test_with_a_way_to_log_in_only_ports_of_records_can_be_without_authentication(files: CertificateFiles) -> None:
    given = {"authentication": "off", "trusted_proxies": "10.0.0.7", "tls_cert": files.cert, "tls_key": files.key}
    (problem,) = problems(**given, otlp_grpc="0.0.0.0:4317", http="0.0.0.0:7318")
    assert problem.startswith("--otlp-grpc: 0.0.0.0:4317 is beyond this machine, and the port has no authentication")


def test_a_server_that_would_be_exposed_does_not_start_unless_that_is_allowed(files: CertificateFiles) -> None:
    exposed = {"otlp_grpc": "0.0.0.0:4317", "otlp_http": ":4318"}
    first, second = problems(**exposed)
    assert first.startswith("--otlp-grpc: 0.0.0.0:4317 is beyond this machine")
    assert second.startswith("--otlp-http: 0.0.0.0:4318 is beyond this machine")
    assert load_settings({**exposed, "insecure_listen": "true"}, {}).insecure_listen
    assert set(tls(**exposed, tls_cert=files.cert, tls_key=files.key)) == set(PORTS)
    (problem,) = problems(**exposed, tls_cert=files.cert, tls_key=files.key, otlp_http_tls_cert="off")
    assert problem.startswith("--otlp-http: ")


def test_files_that_cannot_be_used_are_not_told_as_exposure_too(tmp_path: Path) -> None:
    (problem,) = problems(otlp_grpc="0.0.0.0:4317", tls_cert=tmp_path / "a", tls_key=tmp_path / "b")
    assert "there is no file" in problem
