"""Statements: their text, who signs them, and that nothing else passes for one."""

from __future__ import annotations

import base64
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from server.notary.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from server.notary.errors import MalformedError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import SignedNote, parse_note
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import (
    KeyChange,
    ReceiptBound,
    Statement,
    StatementKind,
    data_digest,
    data_word,
    key_change_words,
    open_statement,
    read_key_change,
    read_receipt_bound,
    read_retention,
    sign_statement,
)

ORIGIN = "shop/audit/node-1"
CHECKPOINT = Checkpoint(ORIGIN, 3, sha256(b"root").digest())
OLD, NEW, OTHER = (Signer.generate() for _ in range(3))
DIGEST = sha256(b"rules").hexdigest()
BOTH = Signer(Ed25519Key.generate(), MlDsa44Key.generate())
OLD_KEY, NEW_KEY, OTHER_KEY = (signer.verifier_key(ORIGIN) for signer in (OLD, NEW, OTHER))


def statement(kind: StatementKind = StatementKind.HEARTBEAT, *words: str, number: int = 1) -> Statement:
    return Statement(CHECKPOINT, number, 1_790_000_000, kind, words)


def keys_statement(after: Signer, before: Signer, *signers: Signer) -> tuple[Statement, SignedNote]:
    words = key_change_words(after.verifier_keys(ORIGIN), before.verifier_keys(ORIGIN))
    return open_statement(sign_statement(statement(StatementKind.KEYS, *words), signers or (before, after)).note)


def note_of(text: str) -> str:
    return str(OLD.sign(text, ORIGIN))


class TestText:
    def test_a_statement_is_a_checkpoint_with_one_more_line(self) -> None:
        root = base64.b64encode(CHECKPOINT.root).decode()
        said = replace(statement(), number=17)
        assert said.text() == f"{ORIGIN}\n3\n{root}\nlognotary/v1 17 1790000000 heartbeat\n"
        said = statement(StatementKind.RETENTION, "86400")
        assert said.text() == f"{ORIGIN}\n3\n{root}\nlognotary/v1 1 1790000000 retention 86400\n"

    def test_a_change_of_keys_names_the_new_keys_and_then_the_old_ones(self) -> None:
        said = statement(StatementKind.KEYS, *key_change_words([NEW_KEY], [OLD_KEY]))
        line = said.text().splitlines()[3]
        assert line == f"lognotary/v1 1 1790000000 keys {NEW_KEY} after {OLD_KEY}"

    def test_it_is_read_as_it_was_signed_and_any_reader_of_checkpoints_reads_it_too(self) -> None:
        said = statement(StatementKind.WITNESSED, data_digest(b"data"))
        row = sign_statement(said, [OLD], b"data")
        read, note = open_statement(row.note)
        assert read == said
        assert note.text == said.text()
        assert note.verify([OLD_KEY]) == [OLD_KEY]
        assert open_checkpoint(row.note)[0] == CHECKPOINT

    def test_its_row_repeats_what_it_says(self) -> None:
        row = sign_statement(statement(StatementKind.TIMESTAMPED, data_digest(b"der"), number=9), [OLD], b"der")
        assert (row.number, row.kind, row.tree_size, row.signed_at) == (9, "timestamped", 3, 1_790_000_000)
        assert row.log_id == sha256(ORIGIN.encode()).hexdigest()[:16]
        assert row.data == b"der"
        assert sha256(b"der").hexdigest() in row.note

    def test_two_signers_with_a_key_in_common_make_one_line_of_it(self) -> None:
        with_ml_dsa = Signer(OLD.ed25519, BOTH.ml_dsa)
        note = parse_note(sign_statement(statement(), [OLD, with_ml_dsa]).note)
        assert note.verify([OLD_KEY]) == [OLD_KEY]
        assert len(note.signatures) == 1

    def test_ml_dsa_signs_no_statements(self) -> None:
        note = parse_note(sign_statement(statement(), [BOTH]).note)
        assert note.verify(BOTH.verifier_keys(ORIGIN)) == [BOTH.verifier_key(ORIGIN)]
        assert len(note.signatures) == 1

    @given(
        size=st.integers(0, 2**63 - 1),
        root=st.binary(min_size=32, max_size=32),
        number=st.integers(1, 10**19 - 1),
        time=st.integers(0, 2**32 - 1),
        kind=st.sampled_from(StatementKind),
        words=st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1), max_size=4),
    )
    def test_every_statement_is_read_back_as_it_was_written(
        self, size: int, root: bytes, number: int, time: int, kind: StatementKind, words: list[str]
    ) -> None:
        said = Statement(Checkpoint(ORIGIN, size, root), number, time, kind, tuple(words))
        assert open_statement(sign_statement(said, [OLD]).note)[0] == said


class TestMalformed:
    @pytest.mark.parametrize(
        "line",
        [
            "",
            "lognotary/v1\n",
            "lognotary/v1 1 5\n",
            "lognotary/v1 0 5 heartbeat\n",
            "lognotary/v1 01 5 heartbeat\n",
            "lognotary/v1 -1 5 heartbeat\n",
            "lognotary/v1 \u0661 5 heartbeat\n",
            f"lognotary/v1 {10**19} 5 heartbeat\n",
            "lognotary/v1 1 05 heartbeat\n",
            f"lognotary/v1 1 {2**32} heartbeat\n",
            "lognotary/v1 1 5 Heartbeat\n",
            "lognotary/v1 1 5 gossip\n",
            "lognotary/v1 1 5 heartbeat \n",
            "lognotary/v1 1 5 retention  5\n",
            "lognotary/v1 1 5 retention\u00a05\n",
            "lognotary/v1 1 5 retention a\u2003b\n",
            "lognotary/v1 1 5 retention 5\nmore\n",
            "lognotary/v1 1 5 heartbeat\nlognotary/v1 2 6 heartbeat\n",
            "\nlognotary/v1 1 5 heartbeat\n",
            "lognotary/v2 1 5 heartbeat\n",
            " lognotary/v1 1 5 heartbeat\n",
        ],
    )
    def test_what_is_not_exactly_a_statement_is_refused(self, line: str) -> None:
        with pytest.raises(MalformedError):
            open_statement(note_of(CHECKPOINT.text() + line))

    def test_a_checkpoint_that_is_written_in_another_way_is_no_statement(self) -> None:
        text = statement().text()
        root = base64.b64encode(CHECKPOINT.root).decode()
        spare = root[:-2] + chr(ord(root[-2]) + 1) + "="  # bits of the last character that mean nothing
        assert base64.b64decode(spare) == CHECKPOINT.root
        with pytest.raises(MalformedError):
            open_statement(note_of(text.replace(root, spare)))

    @given(st.text())
    @example("")
    @example("\n\n— a AAAA\n")
    def test_any_text_is_refused_as_malformed(self, text: str) -> None:
        with pytest.raises(MalformedError):
            open_statement(text)

    @given(st.data())
    def test_an_alteration_anywhere_is_malformed_or_leaves_a_text_that_says_what_it_shows(
        self, data: st.DataObject
    ) -> None:
        note = sign_statement(statement(StatementKind.RETENTION, "86400"), [OLD]).note
        start = data.draw(st.integers(0, len(note)))
        end = data.draw(st.integers(start, min(len(note), start + 3)))
        altered = note[:start] + data.draw(st.text(max_size=3)) + note[end:]
        assume(altered != note)
        try:
            said, signed = open_statement(altered)
        except MalformedError:
            return
        assert said.text() == signed.text
        with pytest.raises(VerificationError):
            signed.verify([OLD_KEY])


class TestKeyChange:
    def test_it_tells_the_keys_before_and_after(self) -> None:
        change = read_key_change(*keys_statement(NEW, OLD))
        assert change == KeyChange(3, 1, 1_790_000_000, (OLD_KEY,), (NEW_KEY,))
        assert change.signing == {OLD_KEY, NEW_KEY}

    def test_a_second_key_may_be_turned_on_and_off(self) -> None:
        ed25519 = Signer(BOTH.ed25519)
        on = read_key_change(*keys_statement(BOTH, ed25519))
        assert (on.before, on.after) == (ed25519.verifier_keys(ORIGIN), BOTH.verifier_keys(ORIGIN))
        off = read_key_change(*keys_statement(ed25519, BOTH))
        assert (off.before, off.after) == (on.after, on.before)

    def test_all_keys_may_change_at_once(self) -> None:
        after = Signer(Ed25519Key.generate(), MlDsa44Key.generate())
        change = read_key_change(*keys_statement(after, BOTH))
        assert [key.key_type for key in change.before] == [KeyType.ED25519, KeyType.ML_DSA_44]
        assert change.signing == {BOTH.verifier_key(ORIGIN), after.verifier_key(ORIGIN)}

    @pytest.mark.parametrize("signers", [[OLD], [NEW], [OTHER], [OLD, OTHER], [NEW, OTHER]])
    def test_it_must_be_signed_by_all_keys_it_names(self, signers: list[Signer]) -> None:
        with pytest.raises(VerificationError):
            read_key_change(*keys_statement(NEW, OLD, *signers))

    def test_a_wrong_signature_by_one_of_them_refuses_it(self) -> None:
        said, note = keys_statement(NEW, OLD)
        wrong = replace(note.signatures[1], signature=bytes(64))
        with pytest.raises(VerificationError, match="wrong"):
            read_key_change(said, SignedNote(note.text, (note.signatures[0], wrong)))

    def test_it_names_an_ed25519_key_on_both_sides(self) -> None:
        ml_dsa = BOTH.verifier_keys(ORIGIN)[1]
        for after, before in (([ml_dsa], [OLD_KEY]), ([OLD_KEY], [ml_dsa]), ([OLD_KEY], []), ([], [OLD_KEY])):
            said = statement(StatementKind.KEYS, *key_change_words(after, before))
            with pytest.raises(VerificationError):
                read_key_change(said, OLD.sign(said.text(), ORIGIN))

    def test_keys_of_another_log_are_refused(self) -> None:
        elsewhere = NEW.verifier_key("shop/audit/node-2")
        said = statement(StatementKind.KEYS, *key_change_words([elsewhere], [OLD_KEY]))
        note = SignedNote(
            said.text(),
            (*OLD.sign(said.text(), ORIGIN).signatures, *NEW.sign(said.text(), elsewhere.name).signatures),
        )
        with pytest.raises(VerificationError, match="another log"):
            read_key_change(said, note)

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("after",),
            (str(NEW_KEY), str(OLD_KEY)),
            (str(NEW_KEY), "after", str(OLD_KEY), "after", str(OTHER_KEY)),
            ("nonsense", "after", str(OLD_KEY)),
            (str(NEW_KEY)[:-4], "after", str(OLD_KEY)),
            (str(NEW_KEY), "after", f"{ORIGIN}+00000000+{str(OLD_KEY).rpartition('+')[2]}"),
            (str(NEW_KEY), "after", f"{ORIGIN}+00000000+Ag=="),
        ],
    )
    def test_what_names_no_readable_keys_is_refused(self, words: tuple[str, ...]) -> None:
        said = statement(StatementKind.KEYS, *words)
        with pytest.raises(VerificationError):
            read_key_change(said, OLD.sign(said.text(), ORIGIN))

    @given(st.lists(st.text(st.characters(min_codepoint=0x21, exclude_categories=["Z", "C"]), min_size=1)))
    @example([f"{ORIGIN}+00000000+é"])
    @example(["+", "after", "++"])
    def test_any_words_give_a_verification_error(self, words: list[str]) -> None:
        said = statement(StatementKind.KEYS, *words)
        with pytest.raises(VerificationError):
            read_key_change(said, OLD.sign(said.text(), ORIGIN))

    def test_a_point_that_is_on_no_curve_gives_a_verification_error(self) -> None:
        bad = VerifierKey(ORIGIN, b"\xff" * 32)
        said = statement(StatementKind.KEYS, *key_change_words([bad], [OLD_KEY]))
        note = OLD.sign(said.text(), ORIGIN)
        forged = replace(note.signatures[0], key_id=bad.key_id)
        with pytest.raises(VerificationError):
            read_key_change(said, SignedNote(note.text, (*note.signatures, forged)))

    def test_another_kind_changes_no_keys(self) -> None:
        said = statement(StatementKind.HEARTBEAT, *key_change_words([NEW_KEY], [OLD_KEY]))
        with pytest.raises(MalformedError):
            read_key_change(said, OLD.sign(said.text(), ORIGIN))


class TestRetention:
    def test_it_is_a_number_of_seconds_or_for_ever(self) -> None:
        assert read_retention(statement(StatementKind.RETENTION, "86400")) == 86400
        assert read_retention(statement(StatementKind.RETENTION, "forever")) is None

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("0",),
            ("-5",),
            ("5d",),
            ("\u0665",),
            ("5", "6"),
            ("1" * 13,),
            ("Forever",),
            ("5", "F" * 64),
            ("5", "a" * 63),
            ("5", "6", "7", "8"),
        ],
    )
    def test_anything_else_is_malformed(self, words: tuple[str, ...]) -> None:
        with pytest.raises(MalformedError):
            read_retention(statement(StatementKind.RETENTION, *words))

    def test_another_kind_says_nothing_of_it(self) -> None:
        with pytest.raises(MalformedError):
            read_retention(statement(StatementKind.HEARTBEAT, "forever"))

    def test_rules_are_named_by_their_digest_beside_the_shortest_time(self) -> None:
        bound = ReceiptBound(4711, 1_789_996_400)
        for words in ((), bound.words):
            said = statement(StatementKind.RETENTION, "86400", DIGEST, *words)
            assert (read_retention(said), data_word(said)) == (86400, DIGEST)
            assert read_receipt_bound(said) == (bound if words else None)

    def test_statements_without_data_name_none(self) -> None:
        assert data_word(statement(StatementKind.RETENTION, "86400", "4711", "1789996400")) == ""
        assert data_word(statement(StatementKind.HEARTBEAT, "4711", "1789996400")) == ""
        assert data_word(statement(StatementKind.WITNESSED, DIGEST)) == DIGEST


class TestReceiptBound:
    BOUND = ReceiptBound(4711, 1_789_996_400)

    @pytest.mark.parametrize("before", [(StatementKind.HEARTBEAT,), (StatementKind.RETENTION, "forever")])
    def test_it_is_the_last_two_words_and_older_statements_lack_it(self, before: tuple[StatementKind, str]) -> None:
        said = statement(*before, *self.BOUND.words)
        assert said.text().endswith(f"{before[-1] if before[1:] else 'heartbeat'} 4711 1789996400\n")
        assert read_receipt_bound(open_statement(sign_statement(said, [OLD]).note)[0]) == self.BOUND
        assert read_receipt_bound(statement(*before)) is None

    def test_how_long_records_are_kept_is_read_beside_it(self) -> None:
        assert read_retention(statement(StatementKind.RETENTION, "86400", *self.BOUND.words)) == 86400

    @pytest.mark.parametrize(
        "words",
        [
            ("1",),
            ("1", "2", "3"),
            ("-1", "2"),
            ("01", "2"),
            ("1", "02"),
            ("1", "\u0665"),
            ("1", str(1_790_000_001)),  # later than it was signed
            ("1" * 20, "2"),
            ("1", "2" * 11),
        ],
    )
    def test_anything_else_is_malformed(self, words: tuple[str, ...]) -> None:
        with pytest.raises(MalformedError):
            read_receipt_bound(statement(StatementKind.HEARTBEAT, *words))

    def test_other_kinds_have_none(self) -> None:
        for kind in (StatementKind.KEYS, StatementKind.WITNESSED, StatementKind.TIMESTAMPED):
            assert read_receipt_bound(statement(kind, *self.BOUND.words)) is None


def test_a_plain_checkpoint_is_no_statement() -> None:
    with pytest.raises(MalformedError, match="not a Lognotary statement"):
        open_statement(str(sign_checkpoint(CHECKPOINT, OLD)))
