from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from server.access.callers import Grant, Role
from server.access.role_rules import GROUP, RoleRule
from server.login.identities import Identity
from server.login.revocations import ALL, Revocation, RevocationFile, add_revocation, read_revocations
from server.login.sessions import Sessions, public_id, read_sessions

ADA = Identity("ada@example.com", frozenset({(GROUP, "ops"), (GROUP, "shop")}))
RULES = (RoleRule((GROUP, "ops"), Grant(Role.OPERATOR)),)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(directory: Path, clock: Clock, rules: tuple[RoleRule, ...] = RULES) -> Sessions:
    return Sessions(directory / "sessions.json", rules, 1800.0, 43200.0, clock)


def test_a_session_that_is_not_used_ends(tmp_path: Path, clock: Clock) -> None:
    sessions = opened(tmp_path, clock)
    session = sessions.begin(ADA)
    clock.now += 1790
    assert sessions.find(session)
    clock.now += 1810
    assert sessions.find(session) is None


def test_a_session_that_is_used_ends_some_time_after_the_login(tmp_path: Path, clock: Clock) -> None:
    sessions = opened(tmp_path, clock)
    session = sessions.begin(ADA)
    for _ in range(24):
        clock.now += 1790
        assert sessions.find(session)
    clock.now += 250
    assert sessions.find(session) is None


@pytest.mark.parametrize("of", ["name", "id", "all"])
def test_revoked_sessions_end_and_later_ones_do_not(tmp_path: Path, clock: Clock, of: str) -> None:
    sessions = opened(tmp_path, clock)
    stolen, other = sessions.begin(ADA), sessions.begin(Identity("bob", frozenset()))
    sessions.save()
    (digest,) = (
        digest for digest, session in read_sessions(tmp_path / "sessions.json").items() if session.identity == ADA
    )
    revocation = Revocation({"name": ADA.name, "id": public_id(digest), "all": ALL}[of], clock.now)
    clock.now += 1
    later = sessions.begin(ADA)
    assert sessions.revoke(revocation) == (2 if of == "all" else 1)
    assert [bool(sessions.find(session)) for session in (stolen, other, later)] == [False, of != "all", True]
    assert sessions.revoke(revocation) == 0


def test_a_server_sees_each_revocation_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "revoked.json"
    revoked = RevocationFile(file)
    assert revoked.news() == ()
    first, second = Revocation("ada", 5.0, "root on db1"), Revocation(ALL, 9.0)
    add_revocation(file, first, 0.0)
    assert (revoked.news(), revoked.news()) == ((first,), ())
    add_revocation(file, second, 6.0)  # the first one is too old to be needed
    assert (revoked.news(), read_revocations(file)) == ((second,), (second,))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("{")
    assert (revoked.news(), revoked.news()) == ((), ())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    with pytest.raises(ValueError, match="damaged"):
        read_revocations(file)


def test_every_session_has_an_id_of_its_own(tmp_path: Path, clock: Clock) -> None:
    sessions = opened(tmp_path, clock)
    assert sessions.begin(ADA) != sessions.begin(ADA)


def test_a_session_that_was_ended_is_not_found_again(tmp_path: Path, clock: Clock) -> None:
    sessions = opened(tmp_path, clock)
    session = sessions.begin(ADA)
    assert sessions.end(session)
    assert sessions.find(session) is None
    assert sessions.end(session) is None


@pytest.mark.parametrize("session_id", ["", "chosen-by-an-attacker", "x" * 10_000, "\ud800"])
def test_an_id_that_the_server_did_not_make_is_no_session(tmp_path: Path, clock: Clock, session_id: str) -> None:
    assert opened(tmp_path, clock).find(session_id) is None


def test_sessions_outlive_a_restart_in_a_file_that_opens_none(tmp_path: Path, clock: Clock) -> None:
    sessions = opened(tmp_path, clock)
    kept, ended = sessions.begin(ADA), sessions.begin(ADA)
    sessions.end(ended)
    sessions.save()
    file = tmp_path / "sessions.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept not in file.read_text()
    again = opened(tmp_path, clock)
    found = again.find(kept)
    assert found
    assert found.identity == ADA
    assert again.find(ended) is None
    assert again.find(next(iter(json.loads(file.read_text())["sessions"]))) is None


def test_sessions_end_when_the_rules_of_roles_change(tmp_path: Path, clock: Clock) -> None:
    sessions = opened(tmp_path, clock)
    session = sessions.begin(ADA)
    sessions.save()
    assert opened(tmp_path, clock, ()).find(session) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rules": 1', "null"])
def test_a_damaged_file_ends_sessions_and_not_the_server(tmp_path: Path, clock: Clock, content: str) -> None:
    (tmp_path / "sessions.json").write_text(content)
    sessions = opened(tmp_path, clock)
    assert sessions.find(sessions.begin(ADA))


def test_the_number_of_sessions_is_limited(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.login.sessions._MOST", 3)
    sessions = opened(tmp_path, clock)
    made = []
    for _ in range(4):
        clock.now += 1
        made.append(sessions.begin(ADA))
    assert [sessions.find(each) is not None for each in made] == [False, True, True, True]
