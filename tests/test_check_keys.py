"""``check.py`` and the keys that a reader trusts, through their changes."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from harness.bundles import Cosigner, MemoryLog, audit_record, signer_of
from server import check
from server.notary.note import NoteSignature, SignedNote, parse_note
from server.notary.signers import Signer
from tests.checked_bundles import BUNDLE, FIRST, LOG, NOTE, SECOND, STRANGER, THIRD, failed, key, keys, says


class TestKeys:
    def test_a_signature_of_another_key_is_refused_and_says_whose_it_is(self) -> None:
        why = failed(check.check(BUNDLE, [key(STRANGER)]))["signature"]
        assert str(key(FIRST)) in why

    def test_the_key_of_another_log_is_not_believed(self) -> None:
        other = check.parse_key(str(FIRST.verifier_key("shop/audit/b")))
        assert "shop/audit/a" in failed(check.check(BUNDLE, [other]))["signature"]

    def test_a_key_without_a_name_is_one_of_any_log(self) -> None:
        assert check.check(BUNDLE, [check.Key("", check.ED25519, FIRST.ed25519.public_key)]).holds

    def test_one_wrong_signature_of_a_known_key_refuses_although_another_is_right(self) -> None:
        wrong = NoteSignature(LOG.origin, key(STRANGER).key_id, bytes(64))
        note = SignedNote(NOTE.text, (*NOTE.signatures, wrong))
        assert check.check(LOG.bundle(5, note), [key(FIRST)]).holds
        assert "wrong" in failed(check.check(LOG.bundle(5, note), [key(FIRST), key(STRANGER)]))["signature"]

    def test_an_ml_dsa_signature_that_was_asked_for_has_to_be_there_and_to_hold(self) -> None:
        both = signer_of(1, ml_dsa=True)
        note = LOG.checkpoint(11, both)
        report = check.check(LOG.bundle(5, note), keys(both))
        assert failed(report) == {}
        assert all(str(one) in says(report, "signature") for one in keys(both))
        assert "ML-DSA-44 key that was given did not sign" in failed(check.check(BUNDLE, keys(both)))["signature"]
        second = note.signatures[1]
        for blob in (bytes(8) + bytes(2420), second.signature[:-1], bytes(7), b"\xff" + second.signature[1:]):
            broken = SignedNote(note.text, (note.signatures[0], replace(second, signature=blob)))
            assert "wrong" in failed(check.check(LOG.bundle(5, broken), keys(both)))["signature"]

    def test_an_ml_dsa_signature_that_was_not_asked_for_is_not_checked(self) -> None:
        both = signer_of(1, ml_dsa=True)
        report = check.check(LOG.bundle(5, LOG.checkpoint(11, both)), [key(FIRST)])
        assert report.holds
        assert f"a signature by {keys(both)[1]}" in report.not_checked

    def test_a_cryptography_that_knows_no_ml_dsa_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
        both = signer_of(1, ml_dsa=True)
        files = LOG.bundle(5, LOG.checkpoint(11, both))
        assert "installed cryptography" in failed(check.check(files, keys(both)))["signature"]
        assert check.check(files, keys(both)[:1]).holds

    def test_an_ml_dsa_key_alone_is_enough(self) -> None:
        both = signer_of(1, ml_dsa=True)
        assert check.check(LOG.bundle(5, LOG.checkpoint(11, both)), keys(both)[1:]).holds


class TestKeyChanges:
    """The first key signs up to 6 entries, the second up to 9, the third from then on."""

    CHANGES = (LOG.key_change(6, 2, FIRST, SECOND), LOG.key_change(9, 5, SECOND, THIRD))

    def report(
        self, size: int, signer: Signer, believed: Signer, changes: tuple[str, ...] = CHANGES, log: MemoryLog = LOG
    ) -> check.Report:
        files = LOG.bundle(2, log.checkpoint(size, signer), key_changes=changes)
        return check.check(files, [key(believed)])

    @pytest.mark.parametrize("believed", [FIRST, SECOND, THIRD])
    @pytest.mark.parametrize(
        ("size", "signer"),
        [
            *((size, FIRST) for size in (3, 5, 6)),
            *((size, SECOND) for size in (6, 7, 9)),
            *((size, THIRD) for size in (9, 10, 13)),
        ],
    )
    def test_one_key_is_enough_and_the_one_in_force_has_signed(
        self, size: int, signer: Signer, believed: Signer
    ) -> None:
        report = self.report(size, signer, believed)
        assert failed(report) == {}
        assert says(report, "signature").endswith(str(key(signer)))

    @pytest.mark.parametrize(
        ("size", "signer"), [(7, FIRST), (13, FIRST), (5, SECOND), (10, SECOND), (8, THIRD), (3, THIRD), (7, STRANGER)]
    )
    def test_a_key_that_is_not_in_force_is_refused(self, size: int, signer: Signer) -> None:
        assert "not signed by what is in force" in failed(self.report(size, signer, FIRST))["signature"]

    def test_a_key_that_has_nothing_to_do_with_the_changes_is_not_believed(self) -> None:
        assert set(failed(self.report(7, SECOND, STRANGER))) == {"key changes", "signature"}

    def test_changes_at_the_same_size_let_each_key_sign_there(self) -> None:
        changes = (LOG.key_change(6, 2, FIRST, SECOND), LOG.key_change(6, 3, SECOND, THIRD))
        for signer in (FIRST, SECOND, THIRD):
            assert self.report(6, signer, FIRST, changes).holds
        assert not self.report(7, SECOND, FIRST, changes).holds

    def test_a_change_has_to_be_signed_by_both_keys(self) -> None:
        note = parse_note(self.CHANGES[0])
        for signatures in (note.signatures[:1], note.signatures[1:]):
            lone = str(SignedNote(note.text, signatures))
            assert "both" in failed(self.report(7, SECOND, FIRST, (lone,)))["key changes"]
        wrong = str(SignedNote(note.text, (note.signatures[0], replace(note.signatures[1], signature=bytes(64)))))
        assert "wrong" in failed(self.report(7, SECOND, FIRST, (wrong,)))["key changes"]

    def test_a_change_that_the_old_key_never_signed_lets_nobody_in(self) -> None:
        forged = parse_note(LOG.key_change(6, 2, FIRST, STRANGER))
        own = tuple(signature for signature in forged.signatures if signature.key_id == key(STRANGER).key_id)
        assert len(own) == 1
        report = self.report(7, STRANGER, FIRST, (str(SignedNote(forged.text, own)),))
        assert set(failed(report)) == {"key changes", "signature"}

    def test_a_change_that_goes_on_from_another_key_is_refused(self) -> None:
        changes = (self.CHANGES[0], LOG.key_change(9, 5, STRANGER, THIRD))
        assert "does not go on" in failed(self.report(10, THIRD, FIRST, changes))["key changes"]

    def test_changes_that_were_left_out_or_put_in_another_order_are_refused(self) -> None:
        assert not self.report(10, THIRD, FIRST, self.CHANGES[:1]).holds
        assert not self.report(10, THIRD, FIRST, self.CHANGES[1:]).holds
        assert not self.report(10, THIRD, FIRST, self.CHANGES[::-1]).holds
        assert not self.report(10, THIRD, FIRST, (*self.CHANGES, self.CHANGES[1])).holds

    @pytest.mark.parametrize(("size", "number"), [(5, 5), (9, 2), (9, 1)])
    def test_sizes_and_numbers_of_changes_go_up(self, size: int, number: int) -> None:
        changes = (self.CHANGES[0], LOG.key_change(size, number, SECOND, THIRD))
        assert "cannot follow" in failed(self.report(10, THIRD, FIRST, changes))["key changes"]

    def test_a_change_to_a_key_of_a_witness_is_malformed(self) -> None:
        cosigner = Cosigner(LOG.origin, 2).verifier_key
        change = self.CHANGES[0].replace(str(SECOND.verifier_key(LOG.origin)), str(cosigner))
        assert "of a witness" in failed(self.report(7, SECOND, FIRST, (change,)))["files"]

    def test_a_change_to_more_keys_than_a_log_has_is_malformed(self) -> None:
        word = f" {SECOND.verifier_key(LOG.origin)}"
        change = self.CHANGES[0].replace(word, 3 * word)
        assert set(failed(self.report(7, SECOND, FIRST, (change,)))) == {"files"}

    def test_a_change_of_another_log_is_refused(self) -> None:
        other = MemoryLog(LOG.records, replace(LOG.name, writer="b"))
        changes = (other.key_change(6, 2, FIRST, SECOND),)
        assert "another log" in failed(self.report(7, SECOND, FIRST, changes))["key changes"]

    def test_a_change_with_another_root_for_the_same_size_shows_a_fork(self) -> None:
        fork = MemoryLog([audit_record(100 + number) for number in range(13)])
        changes = (fork.key_change(7, 2, FIRST, SECOND),)
        assert "forked" in failed(self.report(7, SECOND, FIRST, changes))["key changes"]

    def test_changes_that_are_not_numbered_without_gaps_are_refused(self) -> None:
        files = LOG.bundle(2, LOG.checkpoint(10, THIRD), key_changes=self.CHANGES)
        files["key-changes/0003"] = files.pop("key-changes/0002")
        assert "numbered" in failed(check.check(files, [key(FIRST)]))["files"]

    def test_all_keys_of_a_change_have_to_sign_from_then_on(self) -> None:
        both = signer_of(2, ml_dsa=True)
        changes = (LOG.key_change(6, 2, FIRST, both),)
        assert self.report(7, both, FIRST, changes).holds
        assert not self.report(7, SECOND, FIRST, changes).holds
        assert self.report(6, FIRST, FIRST, changes).holds

    def test_an_ml_dsa_key_that_was_given_is_asked_for_also_after_a_change(self) -> None:
        before, after = signer_of(1, ml_dsa=True), signer_of(2, ml_dsa=True)
        changes = (LOG.key_change(6, 2, before, after),)
        files = LOG.bundle(2, LOG.checkpoint(7, after), key_changes=changes)
        assert "ML-DSA-44 key that was given did not sign" in failed(check.check(files, keys(before)))["signature"]
        assert check.check(files, [*keys(before), *keys(after)]).holds
        assert check.check(files, keys(before)[:1]).holds

    def test_an_ml_dsa_key_does_not_vouch_for_a_change_which_it_does_not_sign(self) -> None:
        before, after = signer_of(1, ml_dsa=True), signer_of(2, ml_dsa=True)
        files = LOG.bundle(2, LOG.checkpoint(7, after), key_changes=(LOG.key_change(6, 2, before, after),))
        assert "key changes" in failed(check.check(files, keys(before)[1:]))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("lognotary/v1", "lognotary/v2"),
            (" keys ", " heartbeat "),
            (" 2 ", " 0 "),
            (" 2 ", " 02 "),
            (" after ", " before "),
            (" after ", " after after "),
            (" after ", "  after "),
            (" after ", "\nafter "),
            ("\nlognotary", "\nmore\nlognotary"),
        ],
    )
    def test_what_is_no_statement_about_keys_is_malformed(self, old: str, new: str) -> None:
        change = self.CHANGES[0].replace(old, new, 1)
        assert set(failed(self.report(7, SECOND, FIRST, (change,)))) == {"files"}
