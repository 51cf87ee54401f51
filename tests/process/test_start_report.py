"""The lines that a server logs as it starts."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from pathlib import Path

import pytest

from harness.certificates import local_certificate, new_authority, put
from server.process.start_report import explorer_url, log_ready, log_start, until_ready
from server.settings.settings import load_settings
from server.settings.values import Address


def lines(caplog: pytest.LogCaptureFixture, directory: Path, **flags: str) -> list[tuple[str, str]]:
    caplog.set_level(logging.INFO)
    settings = load_settings({"data_dir": str(directory), **flags}, {})
    log_start(settings, "vm", "e5e19566c552719d")
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_one_line_names_version_storage_without_password_directory_key_codec_retention_and_limit(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    storage = "http://writer:hush@db.example:8123/logs"
    ((level, line),) = lines(caplog, tmp_path, storage=storage, codec="reference", retention_audit="forever")
    assert level == "INFO"
    assert line.startswith("lognotary 0.")
    for said in (
        "storage http://writer@db.example:8123/logs",
        f"data directory {tmp_path}",
        "writer vm",
        "signing key e5e19566c552719d",
        "codec reference (plain Python)",
        "OK after commit",
        "retention forever (audit), 30 days (operational) and 30 days (spans)",
        "memory limit 1 GiB",
    ):
        assert said in line
    assert "hush" not in line


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "logs.example", ""])
def test_listening_beyond_loopback_without_tls_draws_a_warning_that_names_the_ports(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, host: str
) -> None:
    addresses = {"otlp_grpc": f"{host}:4317", "http": f"{host}:7318"}
    _, (level, warning) = lines(caplog, tmp_path, codec="reference", insecure_listen="true", **addresses)
    assert level == "WARNING"
    assert "without TLS (--insecure-listen)" in warning
    assert re.search(r"otlp_grpc=\S+:4317 and http=\S+:7318, others can read", warning)


def test_a_port_with_tls_draws_none(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    files = put(local_certificate(new_authority()), tmp_path, "server")
    flags = {"tls_cert": str(files.cert), "tls_key": str(files.key), "otlp_grpc": "0.0.0.0:4317"}
    assert len(lines(caplog, tmp_path, codec="reference", **flags)) == 1


def test_listening_beyond_loopback_without_authentication_draws_a_warning_even_with_tls(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    files = put(local_certificate(new_authority()), tmp_path, "server")
    open_to_all = {"tls_cert": str(files.cert), "tls_key": str(files.key), "authentication": "off"}
    addresses = {"otlp_grpc": "0.0.0.0:4317", "http": "0.0.0.0:7318", "insecure_listen": "true"}
    _, (level, warning) = lines(caplog, tmp_path, codec="reference", **open_to_all, **addresses)
    assert level == "WARNING"
    assert "without authentication (authentication = off, --insecure-listen)" in warning
    assert "otlp_grpc=0.0.0.0:4317 and http=0.0.0.0:7318, anybody on the network" in warning


def test_a_port_that_lacks_both_draws_both_warnings(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    flags = {"authentication": "off", "http": "0.0.0.0:7318", "insecure_listen": "true"}
    _, (_, first), (_, second) = lines(caplog, tmp_path, codec="reference", **flags)
    assert "without TLS" in first
    assert "without authentication" in second


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_loopback_draws_none(caplog: pytest.LogCaptureFixture, tmp_path: Path, host: str) -> None:
    assert len(lines(caplog, tmp_path, otlp_grpc=f"{host}:4317", codec="reference")) == 1


def test_falling_back_to_the_reference_codec_draws_a_warning(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import server.codec

    monkeypatch.setitem(sys.modules, "server.codec._native", None)
    monkeypatch.delattr(server.codec, "_native", raising=False)
    (_, line), (level, warning) = lines(caplog, tmp_path)
    assert "codec reference" in line
    assert level == "WARNING"
    assert "compiled codec is not installed" in warning


def test_the_addresses_are_logged_when_it_is_ready(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log_ready({"otlp_grpc": Address("127.0.0.1", 4317), "http": Address("::1", 7318)})
    assert caplog.messages == ["lognotary is ready: otlp_grpc=127.0.0.1:4317, http=[::1]:7318"]


async def test_a_server_that_is_not_ready_says_what_it_waits_for_and_waits(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    reasons = iter(["the disk is full: 3 bytes", "the disk is full: 2 bytes", "no key", ""])
    assert await until_ready(lambda: next(reasons), asyncio.Event())
    assert caplog.messages[:2] == ["not ready yet: the disk is full: 3 bytes", "not ready yet: no key"]
    assert caplog.messages[2].startswith("the server has become ready after")
    stopped = asyncio.Event()
    stopped.set()
    assert not await until_ready(lambda: "", stopped)


@pytest.mark.parametrize(
    ("host", "has_tls", "url"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:7318/"),
        ("::1", True, "https://[::1]:7318/"),
        ("0.0.0.0", True, "https://localhost:7318/"),
        ("::", False, "http://localhost:7318/"),
        ("logs.example", True, "https://logs.example:7318/"),
    ],
)
def test_the_explorer_is_at_an_address_that_a_browser_can_open(host: str, has_tls: bool, url: str) -> None:
    assert explorer_url(Address(host, 7318), has_tls=has_tls) == url
