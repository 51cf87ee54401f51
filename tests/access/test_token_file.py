"""The file of tokens, and the tokens of a process that reads it."""

from __future__ import annotations

import json
import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import lacking
from server.access.callers import Grant, Role
from server.access.errors import TokenError
from server.access.token_file import change_tokens, parse_tokens, read_tokens, tokens_path, tokens_text
from server.access.token_store import TokenStore
from server.access.token_text import digest_of, new_token
from server.access.token_uses import TokenUses, read_uses
from server.access.tokens import NO_TOKENS, Token, Tokens
from server.notary.origin import Stream

NOW = 1_800_000_000
TEXT = new_token()
TOKEN = Token("checkout", digest_of(TEXT), created=NOW)

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,9}", fullmatch=True)
LIMITS = st.none() | st.frozensets(st.text(max_size=5), max_size=3)
TIMES = st.integers(0, 4_000_000_000)
TOKENS = st.builds(
    Token,
    name=NAMES,
    digest=st.binary(min_size=32, max_size=32),
    grants=st.lists(st.builds(Grant, st.sampled_from(Role), LIMITS, LIMITS, LIMITS), max_size=3).map(tuple),
    tenant=st.just("") | st.just("acme"),
    streams=st.none() | st.frozensets(st.sampled_from(Stream)),
    created=TIMES,
    expires=st.none() | TIMES,
    revoked=st.none() | TIMES,
)


def add(file: Path, name: str) -> None:
    change_tokens(file, lambda tokens: (tokens.created(Token(name, digest_of(name), created=NOW), NOW), None))


def store_of(directory: Path) -> TokenStore:
    store = TokenStore(tokens_path(directory), TokenUses(directory, "server"))
    store.load()
    return store


@given(st.lists(TOKENS, max_size=4))
def test_what_is_written_is_read(listed: list[Token]) -> None:
    tokens = Tokens(tuple(listed))
    assert parse_tokens(tokens_text(tokens), "file") == tokens


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner)))
def test_anything_else_is_a_clear_error(document: object) -> None:
    for each in (document, {"version": 1, "tokens": [document]}, {"version": 1, "tokens": document}):
        if each != {"version": 1, "tokens": []}:
            with pytest.raises(TokenError, match="the file of tokens f is damaged"):
                parse_tokens(json.dumps(each), "f")


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "00"},
        {"sha256": "xyz"},
        {"grants": [{"role": "root"}]},
        {"grants": [{"role": "viewer", "tenants": "acme"}]},
        {"grants": [{"role": "viewer", "services": [1]}]},
        {"streams": ["audits"]},
        {"streams": "audit"},
        {"tenant": "a/b"},
        {"name": "token:x"},
        {"expires": "soon"},
    ],
)
def test_a_member_that_is_wrong_is_never_taken_for_a_wider_right(changes: dict[str, object]) -> None:
    document = json.loads(tokens_text(Tokens((TOKEN,))))
    document["tokens"][0] |= changes
    with pytest.raises(TokenError):
        parse_tokens(json.dumps(document), "f")


def test_without_a_file_there_are_no_tokens(tmp_path: Path) -> None:
    assert read_tokens(tokens_path(tmp_path)) == NO_TOKENS


def test_the_file_is_for_its_owner_only_and_has_no_token(tmp_path: Path) -> None:
    file = tokens_path(tmp_path)
    change_tokens(file, lambda _: (Tokens((TOKEN,)), None))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert TEXT not in file.read_text()


@pytest.mark.parametrize("listed", ["{}", '""', "0", "null"])
def test_tokens_that_are_no_list_are_not_taken_for_none(listed: str) -> None:
    with pytest.raises(TokenError, match="the file of tokens f is damaged: its tokens are not a list"):
        parse_tokens(f'{{"version": 1, "tokens": {listed}}}', "f")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_is_out_of_range_is_damage(time: str) -> None:
    document = json.loads(tokens_text(Tokens((TOKEN,))))
    document["tokens"][0]["expires"] = time
    with pytest.raises(TokenError, match="is damaged"):
        parse_tokens(json.dumps(document), "f")


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_may_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = tokens_path(tmp_path)
    add(file, "checkout")
    file.chmod(mode)
    with pytest.raises(TokenError, match=rf"can be changed by others \(owner \d+, mode {mode:04o}\).* chmod 600"):
        read_tokens(file)
    with pytest.raises(TokenError, match="can be changed by others"):
        add(file, "other")
    file.chmod(0o644)
    assert read_tokens(file).valid("checkout", NOW)


def test_a_file_of_another_user_is_refused_unless_that_is_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lacking("only root can give a file to another user")
    file = tokens_path(tmp_path)
    add(file, "checkout")
    os.chown(file, 10_001, 10_001)
    with pytest.raises(TokenError, match="can be changed by others"):
        read_tokens(file)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokens.json", 0o600)
    with pytest.raises(TokenError, match="it is not a regular file"):
        read_tokens(tmp_path / "tokens.json")


def test_a_change_through_a_link_reaches_all_who_have_one(tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "tokens.json"
    add(shared, "checkout")
    links = [tmp_path / name / "tokens.json" for name in ("a", "b")]
    for link in links:
        link.parent.mkdir()
        link.symlink_to(shared)
    change_tokens(links[0], lambda tokens: tokens.revoked("checkout", NOW))
    assert not read_tokens(links[1]).valid("checkout", NOW)
    assert links[0].is_symlink()
    assert [entry.name for entry in links[0].parent.iterdir()] == ["tokens.json"]  # the lock is beside the file


def test_links_that_lead_to_each_other_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(TokenError, match=r"the tokens: .* cannot be"):
        add(tmp_path / "a", "checkout")


def test_no_change_is_lost_among_many_at_the_same_time(tmp_path: Path) -> None:
    file = tokens_path(tmp_path)
    with ThreadPoolExecutor(8) as threads:  # each call opens the lock anew, as each process does
        list(threads.map(lambda number: add(file, f"t{number}"), range(40)))
    assert {token.name for token in read_tokens(file).all} == {f"t{number}" for number in range(40)}


def test_a_change_that_is_refused_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    file = tokens_path(tmp_path)
    add(file, "checkout")
    before = file.read_bytes()
    with pytest.raises(TokenError):
        add(file, "checkout")
    assert file.read_bytes() == before


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    file = tokens_path(tmp_path)
    add(file, "checkout")
    file.write_text("{")
    with pytest.raises(TokenError, match="is damaged"):
        add(file, "other")
    assert file.read_text() == "{"


class TestStore:
    """The tokens of one process."""

    def test_a_change_is_effective_at_the_next_look(self, tmp_path: Path) -> None:
        store = store_of(tmp_path)
        add(tokens_path(tmp_path), "checkout")
        store.refresh()
        assert store.tokens.valid("checkout", NOW)
        change_tokens(tokens_path(tmp_path), lambda tokens: tokens.revoked("checkout", NOW))
        store.refresh()
        assert not store.tokens.valid("checkout", NOW)

    def test_what_does_not_change_is_read_once(self, tmp_path: Path) -> None:
        add(tokens_path(tmp_path), "checkout")
        store = store_of(tmp_path)
        before = store.tokens
        store.refresh()
        assert store.tokens is before

    def test_a_damaged_file_keeps_the_tokens_of_before(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        file = tokens_path(tmp_path)
        add(file, "checkout")
        store = store_of(tmp_path)
        good = file.read_text()
        file.write_text("{")
        for _ in range(3):
            store.refresh()
        assert store.tokens.valid("checkout", NOW)
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        file.write_text(good)
        add(file, "other")
        store.refresh()
        assert store.tokens.valid("other", NOW)

    def test_a_damaged_file_is_an_error_at_the_start(self, tmp_path: Path) -> None:
        file = tokens_path(tmp_path)
        add(file, "checkout")
        file.write_text("[]")
        with pytest.raises(TokenError, match="restore it from a backup"):
            store_of(tmp_path)

    def test_nobody_gets_in_after_the_file_was_removed(self, tmp_path: Path) -> None:
        add(tokens_path(tmp_path), "checkout")
        store = store_of(tmp_path)
        tokens_path(tmp_path).unlink()
        store.refresh()
        assert store.tokens == NO_TOKENS


class TestUses:
    """Times of the last use."""

    def test_the_latest_use_by_any_process_counts(self, tmp_path: Path) -> None:
        for process, seconds in (("server", 5), ("worker-1", 9), ("worker-2", 7)):
            uses = TokenUses(tmp_path, process)
            uses.note("a", NOW)
            uses.note("a", NOW + seconds)
            uses.write()
        assert read_uses(tmp_path) == {"a": NOW + 9}

    def test_a_process_that_starts_again_keeps_what_it_wrote(self, tmp_path: Path) -> None:
        for token in ("a", "b"):
            uses = TokenUses(tmp_path, "server")
            uses.note(token, NOW)
            uses.write()
        assert read_uses(tmp_path) == {"a": NOW, "b": NOW}

    def test_nothing_is_written_without_a_new_use(self, tmp_path: Path) -> None:
        TokenUses(tmp_path, "server").write()
        assert not (tmp_path / "access").exists()

    def test_damage_costs_no_more_than_the_times(self, tmp_path: Path) -> None:
        uses = TokenUses(tmp_path, "server")
        uses.note("a", NOW)
        uses.write()
        next((tmp_path / "access").glob("token-uses-*.json")).write_text("[1]")
        assert read_uses(tmp_path) == {}

    def test_a_directory_that_cannot_be_written_is_logged_once(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "access").write_text("a file where a directory should be")
        store = store_of(tmp_path)
        store.uses.note("a", NOW)
        for _ in range(2):
            store.write_uses()
        assert len(caplog.records) == 1
