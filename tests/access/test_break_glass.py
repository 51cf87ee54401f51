from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from server.access.authentication import Presented
from server.access.break_glass import BreakGlassAuthenticator, read_break_glass
from server.access.callers import CallerKind, Grant, Role

SECRET = "0123456789abcdef" * 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "break-glass"
    made.write_text(f"{SECRET}\n")
    made.chmod(0o600)
    return made


@pytest.fixture
def administrator(file: Path) -> BreakGlassAuthenticator:
    return BreakGlassAuthenticator(file)


async def test_the_secret_in_the_file_makes_an_administrator_and_is_logged(
    administrator: BreakGlassAuthenticator, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await administrator.authenticate(Presented(SECRET, address="192.0.2.1"))
    assert caller
    assert (caller.kind, caller.grants, caller.address) == (
        CallerKind.BREAK_GLASS,
        (Grant(Role.ADMIN),),
        "192.0.2.1",
    )
    assert [(record.levelno, "192.0.2.1" in record.message) for record in caplog.records] == [(logging.WARNING, True)]
    assert SECRET not in caplog.text


@pytest.mark.parametrize("bearer", ["", SECRET[:-1], SECRET + "0", SECRET.upper(), "x" * 5000, "\ud800" * 40])
async def test_other_secrets_are_left_to_other_authenticators(
    administrator: BreakGlassAuthenticator, caplog: pytest.LogCaptureFixture, bearer: str
) -> None:
    assert await administrator.authenticate(Presented(bearer)) is None
    assert not caplog.records


def test_a_file_that_is_replaced_or_removed_counts_at_once(administrator: BreakGlassAuthenticator, file: Path) -> None:
    def accepts(bearer: str) -> bool:
        return asyncio.run(administrator.authenticate(Presented(bearer))) is not None

    file.write_text("f" * 64)
    assert not accepts(SECRET)
    assert accepts("f" * 64)
    file.unlink()
    assert not accepts("f" * 64)


def test_a_file_that_cannot_be_used_is_logged_once_however_many_secrets_are_tried(
    administrator: BreakGlassAuthenticator, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def accepts(bearer: str) -> bool:
        return asyncio.run(administrator.authenticate(Presented(bearer))) is not None

    file.chmod(0o644)
    assert not any(accepts(f"{SECRET}{attempt}") for attempt in range(5))
    assert not accepts(SECRET)
    assert ["chmod 600" in record.message for record in caplog.records] == [True]
    file.chmod(0o600)
    assert accepts(SECRET)


async def test_the_file_is_read_only_when_it_has_changed(
    administrator: BreakGlassAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await administrator.authenticate(Presented(SECRET))
    monkeypatch.setattr("server.access.break_glass.read_break_glass", lambda _: pytest.fail("it was read again"))
    assert await administrator.authenticate(Presented(SECRET))


@pytest.mark.parametrize("content", ["", "short\n", "x" * 2000, f"{SECRET}\n{SECRET}\n", f"{SECRET} x", "ä" * 64])
def test_a_file_without_a_usable_secret_is_refused(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(ValueError, match="openssl rand -hex 32") as error:
        read_break_glass(file)
    assert not content.strip() or content.strip() not in str(error.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ValueError, match="chmod 600"):
        read_break_glass(file)
