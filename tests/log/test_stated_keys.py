"""Resuming the statements of a log: the last statement, and the keys in force."""

from __future__ import annotations

import pytest

from server.log.journal import Journal
from server.log.stated_keys import open_statements
from server.log.statement_writer import StatementWriter
from server.log.stored_log import LogUnusableError
from server.notary.batch import LogState
from server.notary.checkpoint import Checkpoint
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import Statement, StatementKind
from server.notary.trust import TrustedKeys
from storage.engine import Engine

from .recovered import KEY, NAME, SIGNER, write
from .writers import statement_writer

NEXT = Signer.generate()
OWN = TrustedKeys(unnamed=(SIGNER.ed25519.public_key, NEXT.ed25519.public_key))


def opened(
    engine: Engine, name: LogName, own: TrustedKeys, known: Statement | None
) -> tuple[Statement | None, tuple[VerifierKey, ...]]:
    return open_statements(engine, {name: known}, lambda log: own.for_origin(log.origin))[name]


def state(engine: Engine, journal: Journal, *kinds: StatementKind, last: Statement | None = None) -> list[Statement]:
    """Sign a statement with the first key of this server."""
    writer = statements(engine, journal, SIGNER, last=last)
    return [writer.state(kind) for kind in kinds]


def statements(
    engine: Engine, journal: Journal, signer: Signer, *, last: Statement | None = None, size: int = 0
) -> StatementWriter:
    at = LogState(NAME, size, CompactRange().extend(bytes(32 * size))[0])
    return statement_writer(engine, journal, at, signer, last=last)


def test_a_fresh_log_has_no_statement_and_no_key_in_force(engine: Engine) -> None:
    assert opened(engine, NAME, OWN, None) == (None, ())


def test_statements_go_on_where_they_were_left(engine: Engine, journal: Journal) -> None:
    first, second = state(engine, journal, StatementKind.HEARTBEAT, StatementKind.HEARTBEAT)
    assert opened(engine, NAME, OWN, second) == (second, (KEY,))
    assert opened(engine, NAME, OWN, None) == (second, (KEY,))
    assert opened(engine, NAME, OWN, first) == (second, (KEY,))  # what is remembered may be older


def test_statements_of_other_logs_are_not_mistaken_for_this_ones(engine: Engine, journal: Journal) -> None:
    state(engine, journal, StatementKind.HEARTBEAT)
    assert opened(engine, LogName("example.org", Stream.AUDIT, "node-2"), OWN, None) == (None, ())


def test_statements_that_were_rolled_back_are_noticed(engine: Engine, journal: Journal) -> None:
    _, second = state(engine, journal, StatementKind.HEARTBEAT, StatementKind.HEARTBEAT)
    engine.execute("ALTER TABLE log_statements DELETE WHERE Number = 2 SETTINGS mutations_sync = 2")
    with pytest.raises(LogUnusableError, match="had 2 when this server last wrote, but has 1 now"):
        opened(engine, NAME, OWN, second)
    engine.execute("TRUNCATE TABLE log_statements")
    with pytest.raises(LogUnusableError, match="has 0 now"):
        opened(engine, NAME, OWN, second)


@pytest.mark.parametrize("alteration", ["Note = ''", "Note = replaceOne(Note, '\\n0\\n', '\\n1\\n')"])
def test_a_last_statement_that_was_altered_is_refused(engine: Engine, journal: Journal, alteration: str) -> None:
    state(engine, journal, StatementKind.HEARTBEAT)
    engine.execute(f"ALTER TABLE log_statements UPDATE {alteration} WHERE 1 SETTINGS mutations_sync = 2")
    with pytest.raises(LogUnusableError, match="do not verify"):
        opened(engine, NAME, OWN, None)


def test_a_last_statement_by_another_hand_is_refused(engine: Engine, journal: Journal) -> None:
    [last] = state(engine, journal, StatementKind.HEARTBEAT)
    statements(engine, journal, Signer.generate(), last=last).state(StatementKind.HEARTBEAT)
    with pytest.raises(LogUnusableError, match="do not verify"):
        opened(engine, NAME, OWN, last)


def test_the_keys_in_force_are_those_of_the_last_change(engine: Engine, journal: Journal) -> None:
    writer = statements(engine, journal, SIGNER)
    writer.change_keys(SIGNER, NEXT)
    last = writer.state(StatementKind.HEARTBEAT)
    assert opened(engine, NAME, OWN, last) == (last, NEXT.verifier_keys(NAME.origin))
    last = writer.change_keys(NEXT, SIGNER)
    assert opened(engine, NAME, OWN, last) == (last, (KEY,))


@pytest.mark.parametrize("size", [0, 5])
def test_a_second_key_is_in_force_once_it_is_stated(engine: Engine, journal: Journal, size: int) -> None:
    both = Signer(SIGNER.ed25519, MlDsa44Key.generate())
    writer = statements(engine, journal, SIGNER, size=size)
    writer.change_keys(SIGNER, both)
    assert opened(engine, NAME, OWN, None)[1] == both.verifier_keys(NAME.origin)
    writer.change_keys(both, SIGNER)
    assert opened(engine, NAME, OWN, None)[1] == (KEY,)


def test_where_keys_never_changed_that_of_the_last_statement_is_in_force(engine: Engine, journal: Journal) -> None:
    state(engine, journal, StatementKind.RETENTION)
    assert opened(engine, NAME, OWN, None)[1] == (KEY,)


def test_where_nothing_was_stated_the_key_of_the_last_batch_is_in_force(engine: Engine, journal: Journal) -> None:
    write(engine, journal, LogState(NAME), ["a"], ["b"])
    assert opened(engine, NAME, OWN, None) == (None, (KEY,))
    with pytest.raises(LogUnusableError, match="do not verify"):
        opened(engine, NAME, TrustedKeys(unnamed=(NEXT.ed25519.public_key,)), None)


def test_a_change_among_keys_of_others_is_not_followed(engine: Engine, journal: Journal) -> None:
    forger, other = Signer.generate(), Signer(Ed25519Key.generate(), MlDsa44Key.generate())
    statements(engine, journal, forger).change_keys(forger, other)
    [last] = state(
        engine,
        journal,
        StatementKind.HEARTBEAT,
        last=Statement(Checkpoint(NAME.origin, 0, bytes(32)), 1, 0, StatementKind.KEYS),
    )
    assert opened(engine, NAME, OWN, last) == (last, (KEY,))
