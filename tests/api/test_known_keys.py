"""The keys that the API believes, as statements come into storage."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.waiting import wait_for
from server.api.known_keys import KnownKeys
from server.log.journal import Journal
from server.notary.batch import LogState
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import StatementRow
from server.notary.statement_check import learn_keys
from server.notary.trust import TrustedKeys
from storage.engine import Engine, EngineWrapper
from storage.errors import StorageError
from tests.log.writers import statement_writer

NAME = LogName("shop", Stream.AUDIT, "node-1")
FIRST, SECOND, THIEF = (Signer.generate() for _ in range(3))
GIVEN = TrustedKeys(unnamed=(FIRST.ed25519.public_key,))
AT_ONCE, FOREVER = -1.0, float("inf")  # seconds for which what was read counts as fresh


def change_keys(engine: Engine, journal: Journal, before: Signer, after: Signer) -> None:
    statement_writer(engine, journal, LogState(NAME), before).change_keys(before, after)


def believed(keys: TrustedKeys) -> set[VerifierKey]:
    return set(keys.every(NAME.origin))


def test_without_changes_those_that_were_given_are_believed(engine: Engine) -> None:
    assert KnownKeys(engine, GIVEN).now() == GIVEN


def test_a_change_is_learned_from_storage_without_being_told(engine: Engine, journal: Journal) -> None:
    keys = KnownKeys(engine, GIVEN, fresh=AT_ONCE)
    assert believed(keys.now()) == {FIRST.verifier_key(NAME.origin)}
    change_keys(engine, journal, FIRST, SECOND)
    assert believed(keys.now()) == {signer.verifier_key(NAME.origin) for signer in (FIRST, SECOND)}
    assert keys.given == GIVEN


def test_storage_is_not_asked_each_time(engine: Engine, journal: Journal) -> None:
    keys = KnownKeys(engine, GIVEN, fresh=FOREVER)
    assert believed(keys.now()) == {FIRST.verifier_key(NAME.origin)}
    change_keys(engine, journal, FIRST, SECOND)
    assert believed(keys.now()) == {FIRST.verifier_key(NAME.origin)}


def test_changes_among_others_keys_are_not_believed(engine: Engine, journal: Journal) -> None:
    change_keys(engine, journal, THIEF, Signer.generate())
    assert KnownKeys(engine, GIVEN, fresh=AT_ONCE).now() == GIVEN


def test_storage_that_cannot_be_read_is_an_error_and_asked_again(engine: Engine) -> None:
    keys = KnownKeys(engine, GIVEN, fresh=AT_ONCE)
    engine.execute("RENAME TABLE log_statements TO away")
    with pytest.raises(StorageError):
        keys.now()
    engine.execute("RENAME TABLE away TO log_statements")
    assert keys.now() == GIVEN


def test_several_threads_learn_the_same(engine: Engine, journal: Journal) -> None:
    change_keys(engine, journal, FIRST, SECOND)
    keys = KnownKeys(engine, GIVEN, fresh=AT_ONCE)
    with ThreadPoolExecutor(4) as threads:
        learned = [*threads.map(lambda _: believed(keys.now()), range(12))]
    assert all(some == {signer.verifier_key(NAME.origin) for signer in (FIRST, SECOND)} for some in learned)


class SlowEngine(EngineWrapper):
    """A storage that is read only as long as ``open`` is set; counts who reads."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.open = threading.Event()
        self.reads = 0

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> bytes:
        self.reads += 1
        assert self.open.wait(60)
        return super().query(select, parameters, **options)


def test_while_one_thread_learns_keys_anew_others_are_given_those_of_before(engine: Engine, journal: Journal) -> None:
    slow = SlowEngine(engine)
    slow.open.set()
    keys = KnownKeys(slow, GIVEN, fresh=AT_ONCE)
    keys.now()
    slow.open.clear()
    change_keys(engine, journal, FIRST, SECOND)
    with ThreadPoolExecutor(1) as threads:
        learning = threads.submit(keys.now)
        wait_for(lambda: slow.reads == 2)
        assert [believed(keys.now()) for _ in range(3)] == 3 * [{FIRST.verifier_key(NAME.origin)}]
        slow.open.set()
        assert SECOND.verifier_key(NAME.origin) in believed(learning.result())
    assert slow.reads == 2


def test_before_any_keys_are_learned_one_thread_reads_and_all_wait_for_it(engine: Engine) -> None:
    slow = SlowEngine(engine)
    keys = KnownKeys(slow, GIVEN, fresh=FOREVER)
    with ThreadPoolExecutor(4) as threads:
        learning = [threads.submit(keys.now) for _ in range(4)]
        wait_for(lambda: slow.reads)
        slow.open.set()
        assert [some.result() for some in learning] == 4 * [GIVEN]
    assert slow.reads == 1


def test_signatures_are_checked_again_only_when_a_statement_has_come(
    engine: Engine, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def count(rows: Iterable[StatementRow], given: TrustedKeys) -> TrustedKeys:
        checked.append(list(rows))
        return learn_keys(checked[-1], given)

    monkeypatch.setattr("server.api.known_keys.learn_keys", count)
    keys = KnownKeys(engine, GIVEN, fresh=AT_ONCE)
    for _ in range(3):
        keys.now()
    assert len(checked) == 1
    change_keys(engine, journal, FIRST, SECOND)
    for _ in range(3):
        assert SECOND.verifier_key(NAME.origin) in believed(keys.now())
    assert len(checked) == 2


def test_a_thread_that_cannot_read_storage_leaves_the_way_free_for_the_next(engine: Engine) -> None:
    keys = KnownKeys(engine, GIVEN)
    engine.execute("RENAME TABLE log_statements TO away")
    for _ in range(2):
        with pytest.raises(StorageError):
            keys.now()
    engine.execute("RENAME TABLE away TO log_statements")
    assert keys.now() == GIVEN
