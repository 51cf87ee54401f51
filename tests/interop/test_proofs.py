"""Checkpoints and proofs of a running server, checked with what others wrote for other logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import pytest

from server.notary.keys import KeyType, VerifierKey
from tests.interop.altering import flip, flip_in_line
from tests.interop.checkers import Checker, GoChecker, RefusedError
from tests.interop.served_log import ORIGIN, SIZES, Consistency, Inclusion, ServedLog

ROOT, ED25519, ML_DSA = 2, 4, 5  # lines of a checkpoint
OTHERS_KEY = str(VerifierKey(ORIGIN, bytes(range(32)), KeyType.ED25519))
LAST = SIZES[-1]

NOTES: Mapping[str, Callable[[str], str]] = {
    "the origin": lambda note: note.replace("shop/operational/a\n", "shop/operational/b\n"),
    "the size": lambda note: note.replace("0\n", "1\n", 1),
    "the root hash": lambda note: flip_in_line(note, ROOT, 0),
    "the root hash's end": lambda note: flip_in_line(note, ROOT, -1),
    "the key ID": lambda note: flip_in_line(note, ED25519, 31),
    "the signature": lambda note: flip_in_line(note, ED25519, 32),
    "the signature's end": lambda note: flip_in_line(note, ED25519, -8),
    "an extension line": lambda note: note.replace("\n\n", "\nmore\n\n", 1),
}
ML_DSA_NOTES: Mapping[str, Callable[[str], str]] = {
    "its key ID": lambda note: flip_in_line(note, ML_DSA, 0),
    "its time": lambda note: flip_in_line(note, ML_DSA, 95),
    "its beginning": lambda note: flip_in_line(note, ML_DSA, 96),
    "its end": lambda note: flip_in_line(note, ML_DSA, -1),
    "all of it": lambda note: note[: note.rindex("— ")],
}
INCLUSIONS: Mapping[str, Callable[[Inclusion], Inclusion]] = {
    "the record": lambda given: replace(given, record=flip(given.record, 0)),
    "the record's end": lambda given: replace(given, record=flip(given.record, -1)),
    "the index": lambda given: replace(given, index=given.index ^ 1),
    "the path": lambda given: replace(given, path=[flip(given.path[0], 0), *given.path[1:]]),
    "the path's end": lambda given: replace(given, path=[*given.path[:-1], flip(given.path[-1], -1)]),
    "a hash too few": lambda given: replace(given, path=given.path[:-1]),
    "a hash too many": lambda given: replace(given, path=[*given.path, given.path[-1]]),
    "another checkpoint": lambda given: replace(given, checkpoint=given.checkpoint.replace("600", "512")),
}
CONSISTENCIES: Mapping[str, Callable[[Consistency], Consistency]] = {
    "the path": lambda given: replace(given, path=[flip(given.path[0], 0), *given.path[1:]]),
    "the path's end": lambda given: replace(given, path=[*given.path[:-1], flip(given.path[-1], -1)]),
    "a hash too few": lambda given: replace(given, path=given.path[:-1]),
    "a hash too many": lambda given: replace(given, path=[*given.path, given.path[-1]]),
    "the earlier root hash": lambda given: replace(given, earlier=flip_in_line(given.earlier, ROOT, 100)),
    "the later root hash": lambda given: replace(given, checkpoint=flip_in_line(given.checkpoint, ROOT, 100)),
    "the other way round": lambda given: replace(given, earlier=given.checkpoint, checkpoint=given.earlier),
}


def test_every_checkpoint_is_a_signed_note(checker: Checker, log: ServedLog) -> None:
    for size in SIZES:
        checker.check_checkpoint(log.verifier_keys, log.checkpoint(size))
    checker.check_checkpoint(log.verifier_keys, log.file("checkpoint").decode())


@pytest.mark.parametrize("what", NOTES)
def test_a_checkpoint_that_was_changed_is_refused(checker: Checker, log: ServedLog, what: str) -> None:
    checkpoint = log.checkpoint(LAST)
    changed = NOTES[what](checkpoint)
    assert changed != checkpoint
    with pytest.raises(RefusedError):
        checker.check_checkpoint(log.verifier_keys, changed)


def test_a_checkpoint_is_refused_with_the_key_of_another(checker: Checker, log: ServedLog) -> None:
    with pytest.raises(RefusedError):
        checker.check_checkpoint([OTHERS_KEY, *log.verifier_keys[1:]], log.checkpoint(LAST))


def test_each_signature_can_be_checked_alone(go_checker: GoChecker, log: ServedLog) -> None:
    for key in log.verifier_keys:
        go_checker.check_checkpoint([key], log.checkpoint(LAST))


@pytest.mark.parametrize("what", ML_DSA_NOTES)
def test_a_post_quantum_signature_that_was_changed_is_refused(go_checker: GoChecker, log: ServedLog, what: str) -> None:
    changed = ML_DSA_NOTES[what](log.checkpoint(LAST))
    go_checker.check_checkpoint(log.verifier_keys[:1], changed)
    with pytest.raises(RefusedError):
        go_checker.check_checkpoint(log.verifier_keys, changed)


@pytest.mark.parametrize("size", SIZES)
def test_a_record_is_proved_to_be_in_every_tree_since_it_came(checker: Checker, log: ServedLog, size: int) -> None:
    for index in sorted({0, size // 2, max(0, size - 2), size - 1, min(255, size - 1), min(256, size - 1)}):
        checker.check_inclusion(log.inclusion(index, size))


@pytest.mark.parametrize("what", INCLUSIONS)
def test_a_proof_of_a_record_that_was_changed_is_refused(checker: Checker, log: ServedLog, what: str) -> None:
    for index in (3, 599):
        with pytest.raises(RefusedError):
            checker.check_inclusion(INCLUSIONS[what](log.inclusion(index, LAST)))


def test_every_tree_is_proved_to_go_on_from_every_earlier_one(checker: Checker, log: ServedLog) -> None:
    for first, second in combinations(SIZES, 2):
        checker.check_consistency(log.consistency(first, second))
    checker.check_consistency(log.consistency(LAST, LAST))


@pytest.mark.parametrize("what", CONSISTENCIES)
def test_a_proof_of_a_tree_that_was_changed_is_refused(checker: Checker, log: ServedLog, what: str) -> None:
    for first in (255, 512):
        with pytest.raises(RefusedError):
            checker.check_consistency(CONSISTENCIES[what](log.consistency(first, LAST)))
