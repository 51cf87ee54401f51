"""Certificates in use: how they change with their files, and what is said before they expire."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
from pathlib import Path

import pytest

from harness.certificates import local_certificate, new_authority, put
from server.commands.dev_certificates import Authority
from server.process.pools import Pool
from server.settings.certificates import TlsFiles
from server.settings.errors import CertificateError
from server.transport.certificates import Certificates, PortCertificate
from server.transport.expiry import Expiry

_DAY = 86_400.0


def written(directory: Path, days: float = 30) -> TlsFiles:
    authority = Authority("test CA", datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=60), 60 + days)
    files = put(local_certificate(authority), directory, "server")
    return TlsFiles(files.cert, files.key)


def test_a_pair_that_does_not_fit_is_not_used_until_it_fits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    files = written(tmp_path)
    served = PortCertificate(files)
    before = served.context()
    renewed = local_certificate(new_authority())
    files.cert.write_bytes(renewed.certificate)
    served.reload()
    served.reload()
    assert served.context() is before
    files.key.write_bytes(renewed.key)
    served.reload()
    assert served.context() is not before
    trouble, ended, read = caplog.messages
    assert "stays as it was" in trouble
    assert "is not the key of the certificate" in trouble
    assert "is usable after" in ended
    assert "was read anew; it expires on" in read


def test_files_that_stay_as_they_are_change_nothing(tmp_path: Path) -> None:
    served = PortCertificate(written(tmp_path))
    before = served.context()
    served.reload()
    assert served.context() is before


def test_a_missing_or_expired_certificate_leaves_the_one_in_use(tmp_path: Path) -> None:
    files = written(tmp_path)
    served = PortCertificate(files)
    before = served.context()
    files.cert.unlink()
    served.reload()
    written(tmp_path, days=-1)
    served.reload()
    assert served.context() is before
    with pytest.raises(CertificateError, match="expired on"):
        PortCertificate(files)


def test_a_swapped_link_of_a_directory_is_a_change(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        put(local_certificate(new_authority()), tmp_path / name, "server")
    current = tmp_path / "current"
    current.symlink_to("1")
    served = PortCertificate(TlsFiles(current / "server.pem", current / "server-key.pem"))
    before = served.context()
    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").rename(current)
    served.reload()
    assert served.context() is not before


def test_a_key_that_every_user_can_read_draws_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = written(tmp_path)
    PortCertificate(files)
    assert caplog.messages == []
    files.key.chmod(0o644)
    PortCertificate(files)
    assert caplog.messages == [
        f"every user of this machine can read the key {files.key}: take that right away ('chmod 600 {files.key}')"
    ]


async def test_a_watch_finds_a_change_by_itself_or_when_asked(tmp_path: Path) -> None:
    files = written(tmp_path)
    certificates = Certificates({"http": files, "api_grpc": files})
    served = certificates.of("http")
    assert served is not None
    assert served is certificates.of("api_grpc")
    assert certificates.of("otlp_grpc") is None
    asked = asyncio.Event()
    with contextlib.closing(Pool("files", 1)) as pool:
        for interval in (0.01, 3600.0):
            before = served.context()
            watching = asyncio.create_task(certificates.watch(pool, asked, interval))
            written(tmp_path)
            if interval > 1:
                asked.set()
            async with asyncio.timeout(30):
                while served.context() is before:  # noqa: ASYNC110 - has no event
                    await asyncio.sleep(0.01)
            watching.cancel()


def test_the_gauge_has_the_end_of_each_port_s_certificate(tmp_path: Path) -> None:
    files = written(tmp_path)
    certificates = Certificates({"http": files})
    served = certificates.of("http")
    assert served is not None
    ((name, _, labels, value),) = certificates.gauges()
    assert name == "lognotary_tls_certificate_not_after_seconds"
    assert labels == {"port": "http"}
    assert value == served.expires


def test_an_end_is_announced_once_at_each_step() -> None:
    expiry, end = Expiry(), 100 * _DAY
    said = [expiry.told(end, end - left * _DAY) for left in (31, 30, 29, 8, 6.5, 6, 1, 0.5, 0, -1)]
    assert said == [
        "",
        "expires in 30 days: renew it",
        "",
        "",
        "expires in 6 days: renew it",
        "",
        "expires in 1 day: renew it",
        "",
        "has expired, so clients refuse to connect: renew it",
        "",
    ]
    assert expiry.told(end + 200 * _DAY, end) == ""
    assert expiry.told(end + 205 * _DAY, end + 200 * _DAY) == "expires in 5 days: renew it"
    assert expiry.told(end, end - 0.5 * _DAY) == "expires today: renew it"
