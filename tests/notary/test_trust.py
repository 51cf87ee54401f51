"""Trust: which keys are believed, at which place of a log, and what leads from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.errors import KeyMaterialError, VerificationError
from server.notary.keys import VerifierKey
from server.notary.note import SignedNote, UnknownKeyError
from server.notary.origin import Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import (
    KeyChange,
    Statement,
    StatementKind,
    key_change_words,
    open_statement,
    read_key_change,
    sign_statement,
)
from server.notary.trust import (
    KeySpan,
    TrustedKeys,
    check_checkpoint,
    fingerprint,
    fingerprints,
    follow_key_changes,
    parse_public_keys,
    read_public_pem,
)

ORIGIN = "shop/audit/node-1"
ELSEWHERE = "shop/audit/node-2"
A, B, C, D, THIEF, THIEF_TOO = (Signer.generate() for _ in range(6))
BOTH = Signer(A.ed25519, MlDsa44Key.generate())
BOTH_TOO = Signer(Ed25519Key.generate(), MlDsa44Key.generate())
SECOND = 10**9


def key(signer: Signer) -> VerifierKey:
    return signer.verifier_key(ORIGIN)


def root(size: int) -> bytes:
    return size.to_bytes(32, "big")


def change(before: Signer, after: Signer, size: int, number: int, time: int | None = None) -> KeyChange:
    """Return a change as it is read from its signed statement."""
    words = key_change_words(after.verifier_keys(ORIGIN), before.verifier_keys(ORIGIN))
    said = Statement(Checkpoint(ORIGIN, size, root(size)), number, time or number, StatementKind.KEYS, words)
    return read_key_change(*open_statement(sign_statement(said, [before, after]).note))


def given_keys(*keys: VerifierKey | Signer) -> TrustedKeys:
    return TrustedKeys(named=tuple(some if isinstance(some, VerifierKey) else key(some) for some in keys))


def follow(keys: TrustedKeys, changes: Sequence[KeyChange]) -> TrustedKeys:
    return follow_key_changes(keys, {ORIGIN: changes})


def batch(signer: Signer, size: int) -> tuple[Checkpoint, SignedNote]:
    checkpoint = Checkpoint(ORIGIN, size, root(size))
    return checkpoint, sign_checkpoint(checkpoint, signer)


def beat(signer: Signer, number: int) -> tuple[Statement, SignedNote]:
    said = Statement(Checkpoint(ORIGIN, 1, root(1)), number, number, StatementKind.HEARTBEAT)
    return open_statement(sign_statement(said, [signer]).note)


def sizes_signed_by(keys: TrustedKeys, signer: Signer, sizes: Iterable[int] = range(1, 50)) -> list[int]:
    """Return for which sizes a batch's checkpoint is believed with all signatures that some keys make."""
    believed = []
    for size in sizes:
        try:
            signers = keys.check(*batch(signer, size))
        except VerificationError:
            continue
        if set(signers) == set(signer.verifier_keys(ORIGIN)):
            believed.append(size)
    return believed


def numbers_signed_by(keys: TrustedKeys, signer: Signer) -> list[int]:
    believed = []
    for number in range(1, 50):
        try:
            keys.check_statement(*beat(signer, number))
        except VerificationError:
            continue
        believed.append(number)
    return believed


# A signs up to 10 entries, B up to 20, C up to 30, then D; by the statements 5, 7 and 9.
CHANGES = (change(A, B, 10, 5), change(B, C, 20, 7), change(C, D, 30, 9))
SIZES = {A: range(1, 11), B: range(10, 21), C: range(20, 31), D: range(30, 50)}
NUMBERS = {A: range(1, 6), B: range(5, 8), C: range(7, 10), D: range(9, 50)}


class TestOneKey:
    def test_without_changes_the_keys_that_were_given_sign_everything(self) -> None:
        keys = follow(given_keys(A), [])
        assert sizes_signed_by(keys, A) == list(range(1, 50)) == numbers_signed_by(keys, A)
        assert sizes_signed_by(keys, B) == [] == numbers_signed_by(keys, B)
        with pytest.raises(UnknownKeyError, match="no known key"):
            keys.check(*batch(B, 3))

    def test_a_key_without_a_name_is_good_for_any_log(self) -> None:
        keys = TrustedKeys(unnamed=(A.ed25519.public_key,))
        assert keys.for_origin(ORIGIN) == [key(A)]
        assert keys.for_origin(ELSEWHERE) == [A.verifier_key(ELSEWHERE)]

    def test_a_key_with_a_name_is_good_for_its_log_only(self) -> None:
        assert given_keys(A).for_origin(ELSEWHERE) == []

    def test_what_two_believe_is_believed_together(self) -> None:
        one = TrustedKeys((key(A),), (b"1" * 32,), {"a": 1}, {ORIGIN: ()})
        other = TrustedKeys((key(B),), (b"2" * 32,), {"b": 2}, {ELSEWHERE: ()})
        both = one + other
        assert both.named == (key(A), key(B))
        assert both.unnamed == (b"1" * 32, b"2" * 32)
        assert both.compromised == {"a": 1, "b": 2}
        assert both.spans.keys() == {ORIGIN, ELSEWHERE}


class TestChanges:
    @pytest.mark.parametrize("first", [A, B])
    def test_one_change_leads_from_either_key_to_the_other(self, first: Signer) -> None:
        keys = follow(given_keys(first), CHANGES[:1])
        assert sizes_signed_by(keys, A) == list(range(1, 11))
        assert sizes_signed_by(keys, B) == list(range(10, 50))
        assert numbers_signed_by(keys, A) == list(range(1, 6))
        assert numbers_signed_by(keys, B) == list(range(5, 50))
        assert keys.every(ORIGIN) == [key(first), key(A), key(B)]

    @pytest.mark.parametrize("first", [A, B, C, D])
    @pytest.mark.parametrize("named", [True, False])
    def test_any_one_key_is_enough_for_all_of_a_log_and_each_signs_only_in_its_turn(
        self, first: Signer, named: bool
    ) -> None:
        start = given_keys(first) if named else TrustedKeys(unnamed=(first.ed25519.public_key,))
        keys = follow(start, CHANGES)
        for signer in (A, B, C, D):
            assert sizes_signed_by(keys, signer) == list(SIZES[signer])
            assert numbers_signed_by(keys, signer) == list(NUMBERS[signer])

    def test_a_key_that_was_replaced_is_told_from_an_unknown_one(self) -> None:
        keys = follow(given_keys(A), CHANGES)
        with pytest.raises(UnknownKeyError, match="replaced"):
            keys.check(*batch(A, 11))
        with pytest.raises(UnknownKeyError, match="replaced"):
            keys.check_statement(*beat(A, 6))
        with pytest.raises(UnknownKeyError, match="no known key"):
            keys.check(*batch(THIEF, 11))

    def test_a_key_that_signs_again_later_is_believed_in_both_turns(self) -> None:
        keys = follow(given_keys(B), [change(A, B, 10, 5), change(B, A, 20, 7), change(A, C, 30, 9)])
        assert sizes_signed_by(keys, A) == [*range(1, 11), *range(20, 31)]
        assert sizes_signed_by(keys, C) == list(range(30, 50))

    def test_keys_of_other_logs_are_not_led_to(self) -> None:
        keys = follow(TrustedKeys(named=(A.verifier_key(ELSEWHERE),)), CHANGES)
        assert keys.spans == {}
        assert sizes_signed_by(keys, A) == []

    def test_a_change_that_is_missing_breaks_the_way(self) -> None:
        changes = [CHANGES[0], CHANGES[2]]
        assert sizes_signed_by(follow(given_keys(A), changes), D) == []
        keys = follow(given_keys(C), changes)
        assert sizes_signed_by(keys, D) == list(range(30, 50))
        assert sizes_signed_by(keys, A) == []

    def test_a_wrong_signature_is_no_unknown_key(self) -> None:
        keys = follow(given_keys(A), CHANGES)
        checkpoint, note = batch(A, 5)
        with pytest.raises(VerificationError, match="wrong"):
            keys.check(checkpoint, SignedNote(note.text.replace("5", "6"), note.signatures))

    @given(st.integers(0, 3), st.integers(1, 60))
    def test_every_size_has_a_key_that_is_believed_whichever_was_given(self, first: int, size: int) -> None:
        keys = follow(given_keys((A, B, C, D)[first]), CHANGES)
        believed = [signer for signer in (A, B, C, D) if sizes_signed_by(keys, signer, [size])]
        assert 1 <= len(believed) <= 2
        assert len(believed) == 1 or size in (10, 20, 30)


class TestForgedChanges:
    @pytest.mark.parametrize("first", [A, B, C, D])
    @pytest.mark.parametrize("at", range(4))
    def test_changes_among_others_keys_lead_nowhere_and_disturb_nothing(self, first: Signer, at: int) -> None:
        forged = change(THIEF, THIEF_TOO, 15, 6)
        changes = [*CHANGES[:at], forged, *CHANGES[at:]]
        keys = follow(given_keys(first), changes)
        assert keys == follow(given_keys(first), CHANGES)
        assert sizes_signed_by(keys, THIEF) == [] == sizes_signed_by(keys, THIEF_TOO)

    def test_naming_an_ml_dsa_key_that_is_believed_leads_nowhere_for_it_did_not_sign(self) -> None:
        _, ml_dsa = BOTH.verifier_keys(ORIGIN)
        words = key_change_words([key(THIEF)], [key(THIEF_TOO), ml_dsa])
        said = Statement(Checkpoint(ORIGIN, 0, root(0)), 1, 1, StatementKind.KEYS, words)
        forged = read_key_change(*open_statement(sign_statement(said, [THIEF, THIEF_TOO]).note))
        keys = follow(given_keys(*BOTH.verifier_keys(ORIGIN)), [forged])
        assert keys.spans == {}
        assert sizes_signed_by(keys, THIEF) == []
        assert sizes_signed_by(keys, BOTH) == list(range(1, 50))

    def test_nobody_who_has_no_key_of_the_log_makes_a_change_from_one(self) -> None:
        words = key_change_words([key(THIEF)], [key(A)])
        said = Statement(Checkpoint(ORIGIN, 1, root(1)), 1, 1, StatementKind.KEYS, words)
        with pytest.raises(VerificationError):
            read_key_change(*open_statement(sign_statement(said, [THIEF]).note))


class TestCompromised:
    def since(self, signer: Signer, time: int) -> dict[str, int]:
        return {fingerprint(signer.ed25519.public_key): time * SECOND}

    def test_a_change_that_a_stolen_key_signed_leads_nowhere(self) -> None:
        keys = TrustedKeys((key(A),), compromised=self.since(A, 100))
        assert sizes_signed_by(follow(keys, [change(A, THIEF, 10, 5, time=100)]), THIEF) == []
        assert sizes_signed_by(follow(keys, [change(A, B, 10, 5, time=99)]), B) == list(range(10, 50))

    def test_a_change_to_a_stolen_key_does_not_lead_back(self) -> None:
        keys = TrustedKeys((key(B),), compromised=self.since(B, 100))
        assert sizes_signed_by(follow(keys, [change(THIEF, B, 10, 5, time=100)]), THIEF) == []
        assert sizes_signed_by(follow(keys, [change(A, B, 10, 5, time=99)]), A) == list(range(1, 11))

    def test_a_stolen_key_in_the_middle_ends_the_way_in_both_directions(self) -> None:
        changes = [change(A, B, 10, 5, time=50), change(B, C, 20, 7, time=150)]
        keys = TrustedKeys((key(A),), compromised=self.since(B, 100))
        assert sizes_signed_by(follow(keys, changes), B) == list(range(10, 21))
        assert sizes_signed_by(follow(keys, changes), C) == []
        keys = TrustedKeys((key(C),), compromised=self.since(B, 100))
        assert sizes_signed_by(follow(keys, changes), A) == list(range(1, 11))  # by then B was its owner's alone

    def test_after_a_rotation_the_new_key_may_be_given_and_the_stolen_one_is_known_by_it(self) -> None:
        keys = TrustedKeys((key(B),), compromised=self.since(A, 100))
        keys = follow(keys, [change(A, B, 10, 5, time=150)])
        assert sizes_signed_by(keys, A) == list(range(1, 11))
        assert keys.compromised_by([key(A)], 99 * SECOND) is None
        assert keys.compromised_by([key(B), key(A)], 100 * SECOND) == key(A)


class TestMlDsa:
    @pytest.mark.parametrize("size", [0, 10])
    def test_once_a_second_key_is_stated_both_signatures_are_required(self, size: int) -> None:
        keys = follow(given_keys(A), [change(A, BOTH, size, 1)])
        assert sizes_signed_by(keys, A) == list(range(1, size + 1))
        assert sizes_signed_by(keys, BOTH) == list(range(max(1, size), 50))
        with pytest.raises(VerificationError, match="a signature is missing"):
            keys.check(*batch(A, size + 1))
        checkpoint, note = batch(BOTH, size + 1)
        assert keys.check(checkpoint, note) == list(BOTH.verifier_keys(ORIGIN))
        with pytest.raises(VerificationError, match="a signature is missing"):
            keys.check(checkpoint, SignedNote(note.text, note.signatures[1:]))

    def test_statements_are_signed_by_ed25519_alone(self) -> None:
        keys = follow(given_keys(A), [change(A, BOTH, 0, 1)])
        assert numbers_signed_by(keys, A) == list(range(1, 50)) == numbers_signed_by(keys, BOTH)

    def test_it_may_be_turned_off_again(self) -> None:
        keys = follow(given_keys(A), [change(A, BOTH, 10, 1), change(BOTH, A, 20, 3)])
        assert sizes_signed_by(keys, A) == [*range(1, 11), *range(20, 50)]
        assert sizes_signed_by(keys, BOTH) == list(range(10, 21))

    def test_both_keys_may_change_at_once(self) -> None:
        changes = [change(A, BOTH, 10, 1), change(BOTH, BOTH_TOO, 20, 3)]
        for first in (A, BOTH_TOO):
            keys = follow(given_keys(first), changes)
            assert sizes_signed_by(keys, A) == list(range(1, 11))
            assert sizes_signed_by(keys, BOTH) == list(range(10, 21))
            assert sizes_signed_by(keys, BOTH_TOO) == list(range(20, 50))
            assert sizes_signed_by(keys, Signer(BOTH_TOO.ed25519)) == []
            assert sizes_signed_by(keys, Signer(BOTH_TOO.ed25519, BOTH.ml_dsa)) == []


class TestKeptCheckpoints:
    def test_a_plain_checkpoint_and_a_statement_are_both_read(self) -> None:
        checkpoint, note = batch(A, 3)
        assert check_checkpoint(str(note), given_keys(A)) == checkpoint
        said, note = beat(A, 2)
        assert check_checkpoint(str(note), given_keys(*BOTH.verifier_keys(ORIGIN))) == said

    def test_it_may_be_by_any_key_that_ever_signed(self) -> None:
        keys = follow(given_keys(D), CHANGES)
        assert isinstance(check_checkpoint(str(batch(A, 3)[1]), keys), Checkpoint)
        with pytest.raises(UnknownKeyError):
            check_checkpoint(str(batch(THIEF, 3)[1]), keys)


class TestReadingKeys:
    def test_pem_and_verifier_keys_are_read_together(self) -> None:
        keys = parse_public_keys([A.public_pem().decode(), f"{key(B)}\n\n{BOTH.verifier_keys(ORIGIN)[1]}\n"])
        assert keys.unnamed == (A.ed25519.public_key,)
        assert keys.named == (key(B), BOTH.verifier_keys(ORIGIN)[1])

    @pytest.mark.parametrize("text", ["", "\n", "nonsense", "-----BEGIN PUBLIC KEY-----\n", "a+b+c"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(KeyMaterialError):
            parse_public_keys([text])

    def test_a_pem_of_another_kind_of_key_is_refused(self) -> None:
        assert isinstance(A.ed25519, Ed25519Key)
        with pytest.raises(KeyMaterialError):
            read_public_pem(A.ed25519.to_pem().decode())

    def test_a_fingerprint_is_16_hex_digits_of_the_keys_digest(self) -> None:
        assert fingerprint(b"") == "e3b0c44298fc1c14"


def test_a_span_covers_what_lies_between_its_ends() -> None:
    span = KeySpan((key(A),), 3, 5, 7, None)
    assert [size for size in range(8) if span.covers(size)] == [3, 4, 5]
    assert [number for number in range(10) if span.covers_statement(number)] == [7, 8, 9]


def test_a_signer_is_named_by_the_fingerprints_of_its_keys_ed25519_first() -> None:
    ed25519, ml_dsa = (key.public_key for key in BOTH.verifier_keys(ORIGIN))
    assert fingerprints(A) == fingerprint(key(A).public_key) == fingerprint(ed25519)
    assert fingerprints(BOTH) == f"{fingerprint(ed25519)} {fingerprint(ml_dsa)}"


def test_rows_without_a_log_are_expected_of_spans_and_of_streams_that_are_not_signed() -> None:
    none = TrustedKeys()
    some = none + TrustedKeys(unsigned_streams=frozenset({Stream.OPERATIONAL}))
    assert [stream for stream in Stream if none.expects_unsigned(stream)] == [Stream.SPANS]
    assert [stream for stream in Stream if some.expects_unsigned(stream)] == [Stream.OPERATIONAL, Stream.SPANS]
    assert (some + none).unsigned_streams == {Stream.OPERATIONAL}
