"""``check.py`` and cosignatures of witnesses: required cosignatures must be present and valid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.bundles import Cosigner
from server import check
from server.notary.note import SignedNote
from tests.checked_bundles import BUNDLE, FIRST, LOG, NOTE, PQ_WITNESS, WITNESS, WITNESSED, failed, key, says


class TestWitnesses:
    NOTE = WITNESSED
    KEYS = tuple(check.parse_key(str(cosigner.verifier_key)) for cosigner in (WITNESS, PQ_WITNESS))

    def report(self, note: SignedNote, witnesses: tuple[check.Key, ...]) -> check.Report:
        return check.check(LOG.bundle(5, note), [key(FIRST)], witnesses)

    def test_every_witness_that_was_given_has_cosigned_and_its_time_is_shown(self) -> None:
        report = self.report(self.NOTE, self.KEYS)
        assert failed(report) == {}
        assert says(report, "witnesses") == (
            f"cosigned by {self.KEYS[0]} at 2026-01-01T00:06:39.000000000Z, "
            f"cosigned by {self.KEYS[1]} at 2026-01-01T00:06:40.000000000Z"
        )

    def test_a_witness_that_was_not_given_is_not_checked(self) -> None:
        report = self.report(self.NOTE, ())
        assert report.holds
        assert {f"a signature by {one}" for one in self.KEYS} <= set(report.not_checked)

    def test_a_witness_that_did_not_cosign_is_missed(self) -> None:
        assert "not cosigned" in failed(self.report(WITNESS.cosign(NOTE, 1), self.KEYS))["witnesses"]

    @pytest.mark.parametrize("cosigner", [WITNESS, PQ_WITNESS])
    def test_a_cosignature_of_another_time_or_checkpoint_is_wrong(self, cosigner: Cosigner) -> None:
        mine = check.parse_key(str(cosigner.verifier_key))
        right = cosigner.cosign(NOTE, 1_767_225_999).signatures[-1]
        later = replace(right, signature=(1_767_226_000).to_bytes(8, "big") + right.signature[8:])
        elsewhere = cosigner.cosign(LOG.checkpoint(10, FIRST), 1_767_225_999).signatures[-1]
        for wrong in (later, elsewhere, replace(right, signature=b"\xff" + right.signature[1:])):
            report = self.report(SignedNote(NOTE.text, (*NOTE.signatures, wrong)), (mine,))
            assert "wrong" in failed(report)["witnesses"]

    def test_a_witness_may_come_later_than_the_proof(self) -> None:
        files = {**BUNDLE, "checkpoint": str(self.NOTE).encode()}
        assert check.check(files, [key(FIRST)], self.KEYS).holds

    def test_a_time_that_no_calendar_has_is_shown_as_a_number(self) -> None:
        report = self.report(WITNESS.cosign(NOTE, 2**63 - 1), self.KEYS[:1])
        assert f"{2**63 - 1} seconds" in says(report, "witnesses")
