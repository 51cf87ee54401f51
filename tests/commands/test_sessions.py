"""``lognotary sessions``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.cli import main
from server.login.identities import Identity
from server.login.revocations import read_revocations, revocations_path
from server.login.sessions import Sessions, sessions_path


def run(directory: Path, *arguments: str) -> int:
    try:
        return main(["sessions", *arguments, "--data-dir", str(directory)])
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    sessions = Sessions(sessions_path(tmp_path), (), 1800, 43200)
    for name in ("ada", "ada", "bob"):
        sessions.begin(Identity(name, frozenset()))
    sessions.save()
    return tmp_path


def listed(directory: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    assert run(directory, "list", "--json") == 0
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


def test_sessions_are_listed_and_ended_by_name_by_id_and_all(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listed(directory, capsys)
    assert sorted(each["name"] for each in before) == ["ada", "ada", "bob"]
    assert run(directory, "list") == 0
    text = capsys.readouterr().out
    assert [each["id"] in text for each in before] == [True, True, True]
    assert run(directory, "revoke", "ada") == 0
    assert capsys.readouterr().out.count("the session of ada") == 2
    (bob,) = listed(directory, capsys)
    assert run(directory, "revoke", bob["id"]) == 0
    capsys.readouterr()
    assert listed(directory, capsys) == []
    assert run(directory, "revoke", "--all") == 0
    assert [each.of for each in read_revocations(revocations_path(directory))] == ["ada", bob["id"], "*"]
    assert all(" on " in each.by for each in read_revocations(revocations_path(directory)))


@pytest.mark.parametrize("arguments", [(), ("ada", "--all")])
def test_what_to_end_must_be_clear(directory: Path, arguments: tuple[str, ...]) -> None:
    assert run(directory, "revoke", *arguments) == 2


def test_a_name_without_a_session_ends_nothing(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(directory, "revoke", "alise") == 2
    assert "lognotary sessions list" in capsys.readouterr().err
    assert not revocations_path(directory).exists()


@pytest.mark.parametrize("name", ["sessions.json", "session-revocations.json"])
def test_a_damaged_file_is_told(directory: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (directory / name).write_text("{")
    assert run(directory, "list") == 2
    assert "damaged" in capsys.readouterr().err


def test_without_sessions_nothing_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "list") == 0
    assert "nobody has a session" in capsys.readouterr().err
