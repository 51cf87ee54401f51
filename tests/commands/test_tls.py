"""``lognotary tls dev``: certificates that a server and a client can use, and never over others."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from server.cli import main
from server.settings.settings import load_settings


def names(file: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def test_what_it_makes_fits_together_and_only_the_owner_reads_the_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "tls"
    assert main(["tls", "dev", str(directory), "--name", "logs.example", "--name", "192.0.2.7"]) == 0
    assert {"localhost", "127.0.0.1", "::1", "logs.example", "192.0.2.7"} <= set(names(directory / "server.pem"))
    assert names(directory / "client.pem") == ["lognotary-client"]
    for name in ("server-key.pem", "client-key.pem"):
        assert (directory / name).stat().st_mode & 0o777 == 0o600
    assert not (directory / "ca-key.pem").exists()
    flags = {"tls_cert": "server.pem", "tls_key": "server-key.pem", "tls_client_ca": "ca.pem"}
    load_settings({name: str(directory / file) for name, file in flags.items()}, {})
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=directory / "ca.pem")
    server.load_cert_chain(directory / "server.pem", directory / "server-key.pem")
    server.load_verify_locations(directory / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    client.load_cert_chain(directory / "client.pem", directory / "client-key.pem")
    assert shaken(client, server, "logs.example") == {("DNS", "lognotary-client")}
    said = capsys.readouterr().out
    assert f"lognotary serve --tls-cert {directory}/server.pem --tls-key {directory}/server-key.pem" in said
    assert f"ca_file: {directory}/ca.pem" in said
    assert "PRIVATE KEY" not in said


def shaken(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> set[tuple[str, str]]:
    """Return the names of the client after a handshake in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sender = client.wrap_bio(down, up, server_hostname=host)
    receiver = server.wrap_bio(up, down, server_side=True)
    waiting = [sender, receiver]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    certificate = receiver.getpeercert()
    assert certificate
    return set(certificate["subjectAltName"])  # type: ignore[arg-type]


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server-key.pem").write_text("mine")
    assert main(["tls", "dev", str(tmp_path)]) == 2
    assert f"{tmp_path} has server-key.pem already, and nothing is overwritten" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["server-key.pem"]


@pytest.mark.parametrize(
    "name", ["a/b", "", "a:1", "bücher.example", "a" * 64, "a" * 300, "a..b", "a\n", ".".join(["a" * 60] * 5)]
)
def test_what_is_no_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["tls", "dev", str(tmp_path / "tls"), "--name", name]) == 2
    assert "--name: " in capsys.readouterr().err
    assert not (tmp_path / "tls").exists()
