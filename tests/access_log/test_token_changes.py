"""Changes of tokens are recorded, also those of the time when the server was down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.waiting import until
from server.access.callers import Grant, Role
from server.access.recorded_tokens import read_recorded, recorded_tokens, recorded_tokens_path, write_recorded
from server.access.tokens import Token, Tokens
from server.access_log.access_log import AccessLog
from server.access_log.record import access_record
from server.access_log.token_changes import note_token_changes, token_changes
from server.notary.origin import Stream
from server.own_records.sender import NotRecordedError
from server.process.pools import Pool
from tests.access_log.test_calls import Taken

ALPHA, BRAVO = Token("alpha", b"a" * 32, tenant="acme", created=3), Token("bravo", b"b" * 32)
REVOKED = Token("bravo", b"b" * 32, revoked=5)


def test_tokens_that_come_are_revoked_or_vanish_are_events() -> None:
    def changes(before: tuple[Token, ...], after: tuple[Token, ...]) -> list[tuple[str, str]]:
        both = (recorded_tokens(Tokens(tokens)) for tokens in (before, after))
        return [(event.action, event.target) for event in token_changes(*both)]

    assert changes((), (ALPHA, BRAVO)) == [("token.create", "alpha"), ("token.create", "bravo")]
    assert changes((ALPHA, BRAVO), (ALPHA, REVOKED)) == [("token.revoke", "bravo")]
    assert changes((ALPHA,), (ALPHA, REVOKED)) == [("token.create", "bravo"), ("token.revoke", "bravo")]
    assert changes((ALPHA, REVOKED), (REVOKED,)) == [("token.remove", "alpha")]
    assert changes((ALPHA, REVOKED), (ALPHA, REVOKED)) == []
    new = Token("bravo", b"c" * 32)
    assert changes((BRAVO,), (BRAVO, new)) == [("token.create", "bravo")]


def test_an_event_about_a_token_has_its_id_and_roles_and_not_its_digest() -> None:
    [event] = token_changes((), recorded_tokens(Tokens((ALPHA,))))
    assert event.asked == (
        f'{{"id":"{ALPHA.id}","roles":["sender"],"tenant":"acme","created":3,"expires":null,"revoked":null}}'
    )
    assert (event.category, event.target_type, event.actor.name) == ("admin", "token", "lognotary")
    assert ALPHA.digest.hex() not in event.asked


def test_an_event_about_a_token_tells_what_its_roles_are_limited_to(tmp_path: Path) -> None:
    grants = (Grant(Role.VIEWER), Grant(Role.AUDITOR, frozenset({""}), frozenset({"pay"})))
    recorded = recorded_tokens(Tokens((replace(ALPHA, grants=grants, streams=frozenset({Stream.AUDIT})),)))
    [event] = token_changes((), recorded)
    asked = json.loads(event.asked)
    assert asked["roles"] == ["viewer", "auditor"]
    assert asked["limits"] == [{"role": "auditor", "tenants": [""], "services": ["pay"]}]
    assert asked["streams"] == ["audit"]
    write_recorded(tmp_path / "recorded.json", recorded)
    assert read_recorded(tmp_path / "recorded.json") == recorded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return recorded_tokens_path(tmp_path)


def note_until(
    condition: Callable[[], object],
    log: AccessLog,
    tokens: Tokens,
    file: Path,
    is_ready: Callable[[], bool] = lambda: True,
) -> None:
    """Record changes of tokens until a condition holds."""

    async def note() -> None:
        with closing(Pool("files", 1)) as pool:
            task = asyncio.create_task(note_token_changes(log, lambda: tokens, file, pool, is_ready))
            await until(condition)
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(note())


def noted(tokens: Tokens, file: Path) -> list[str]:
    """Return the changes that a process records whose log takes them."""
    log = Taken()
    note_until(lambda: file.exists() and read_recorded(file) == recorded_tokens(tokens), log, tokens, file)
    return [event.action for event in log.events]


def test_nothing_is_noted_before_the_server_accepts_records(file: Path) -> None:
    log, answers, noted_at = Taken(), iter((False, True)), []

    def is_ready() -> bool:
        noted_at.append(len(log.events))
        return next(answers, False)  # it may be away again: the log waits for it then

    note_until(file.exists, log, Tokens((ALPHA,)), file, is_ready)
    assert noted_at == [0, 0]
    assert [event.action for event in log.events] == ["token.create"]


def test_changes_while_the_server_is_down_are_recorded_once(file: Path) -> None:
    assert noted(Tokens((ALPHA, BRAVO)), file) == ["token.create", "token.create"]
    assert noted(Tokens((REVOKED,)), file) == ["token.revoke", "token.remove"]
    assert noted(Tokens((REVOKED, ALPHA)), file) == ["token.create"]
    assert noted(Tokens(), file) == ["token.remove", "token.remove"]


def test_the_file_has_no_digests_and_is_for_its_owner_only(file: Path) -> None:
    assert noted(Tokens((ALPHA,)), file)
    assert ALPHA.digest.hex() not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_change_whose_record_was_not_acknowledged_is_recorded_by_the_next_process(file: Path) -> None:
    attempts: list[int] = []

    def refuse(_: str, records: list[LogRecord]) -> None:
        attempts.append(len(records))
        raise NotRecordedError("storage is away")

    with AccessLog(refuse).running() as log:
        note_until(lambda: attempts, log, Tokens((ALPHA,)), file)
    assert not file.exists()
    assert noted(Tokens((ALPHA,)), file) == ["token.create"]


def test_a_change_is_written_once_its_record_is_acknowledged(file: Path) -> None:
    sent: list[int] = []
    with AccessLog(lambda _, records: sent.append(len(records))).running() as log:
        note_until(file.exists, log, Tokens((ALPHA,)), file)
    assert sent == [1]


def test_a_file_that_cannot_be_written_is_logged_and_stops_nothing(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.write_text("not a directory")
    log = Taken()
    note_until(lambda: "are not written" in caplog.text, log, Tokens((ALPHA,)), file)
    assert [event.action for event in log.events] == ["token.create"]


@pytest.mark.parametrize("content", ["", "{", "7", '{"a": 1}', "[1]", '[{"id": "x"}]', '[{"roles": 1}]', "\ufffe"])
def test_a_damaged_file_is_logged_and_all_tokens_are_recorded_again(
    file: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_text(content)
    log = Taken()
    note_until(lambda: log.events, log, Tokens((ALPHA,)), file)
    assert "is damaged" in caplog.text
    assert [event.action for event in log.events] == ["token.create"]


def test_an_event_about_a_token_says_who_changed_it_if_the_file_does() -> None:
    created, revoked = Token("a", b"a" * 32, created_by="alice on db1"), Token("b", b"b" * 32)
    after = Tokens((created, replace(revoked, revoked=5, revoked_by="root (sudo by bob) on db1")))
    events = list(token_changes(recorded_tokens(Tokens((revoked,))), recorded_tokens(after)))
    assert [(event.action, event.changed_by) for event in events] == [
        ("token.create", "alice on db1"),
        ("token.revoke", "root (sudo by bob) on db1"),
    ]
    record = access_record(events[0], "id", 1)
    attributes = {each.key: each.value.string_value for each in record.attributes}
    assert (attributes["lognotary.changed_by"], attributes["audit.actor.id"]) == ("alice on db1", "lognotary")
