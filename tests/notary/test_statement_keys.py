"""Keys that statements introduce and replace, and those that were stolen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.notary.errors import VerificationError
from server.notary.findings import FindingKind
from server.notary.note import parse_note
from server.notary.signers import Signer
from server.notary.statement import StatementKind
from server.notary.statement_check import learn_keys
from server.notary.trust import TrustedKeys, fingerprint
from tests.notary.checked_statements import (
    BOTH,
    BOTH_TOO,
    GOOD,
    KEYS,
    NAME,
    OTHER,
    SECOND,
    T0,
    THIEF,
    THIEF_TOO,
    A,
    B,
    C,
    change,
    check,
    key,
    kinds,
    row,
    said,
)


class TestKeys:
    def test_a_change_is_learned_and_gives_no_finding(self) -> None:
        rows = (*GOOD, change(6, A, B), row(7, signer=B), change(8, B, C), row(9, signer=C))
        for signer in (A, B, C):
            assert kinds(*rows, keys=TrustedKeys(unnamed=(signer.ed25519.public_key,))) == []

    def test_the_order_of_rows_does_not_matter(self) -> None:
        rows = (*GOOD, change(6, A, B), row(7, signer=B), change(8, B, C), row(9, signer=C))
        assert kinds(*reversed(rows)) == []

    def test_a_second_key_that_is_turned_on_rotated_and_turned_off_gives_no_finding(self) -> None:
        ed25519 = Signer(BOTH.ed25519)
        rows = (
            change(1, ed25519, BOTH),
            row(2, signer=BOTH),
            change(3, BOTH, BOTH_TOO),
            row(4, signer=BOTH_TOO),
            change(5, BOTH_TOO, Signer(BOTH_TOO.ed25519)),
        )
        for signer in (BOTH, BOTH_TOO):
            keys = TrustedKeys(named=(key(signer),))
            assert kinds(*rows, keys=keys) == []
            assert len(learn_keys(rows, keys).spans[NAME.origin]) == 4

    def test_a_key_that_was_replaced_signs_no_statements(self) -> None:
        assert kinds(*GOOD, change(6, A, B), row(7)) == [FindingKind.STATEMENT_FOREIGN_SIGNED]

    def test_a_change_that_not_all_keys_signed_changes_nothing_and_is_found(self) -> None:
        rows = (*GOOD, change(6, A, B, A), row(7, signer=B))
        assert kinds(*rows) == [FindingKind.STATEMENT_ALTERED, FindingKind.STATEMENT_FOREIGN_SIGNED]

    @pytest.mark.parametrize("number", [1, 3, 6, 50])
    @pytest.mark.parametrize("first", [True, False])
    def test_changes_among_others_keys_disturb_nothing_whatever_number_they_bear(
        self, number: int, first: bool
    ) -> None:
        rows = (*GOOD, change(6, A, B), row(7, signer=B))
        forged = change(number, THIEF, THIEF_TOO)
        assert kinds(*(forged, *rows) if first else (*rows, forged)) == [FindingKind.STATEMENT_FOREIGN_SIGNED]

    def test_a_change_that_is_stored_twice_is_learned_once(self) -> None:
        rows = (change(1, A, B), change(1, A, B), row(2, signer=B))
        assert kinds(*rows) == [FindingKind.STATEMENT_DUPLICATED]
        assert len(learn_keys(rows, KEYS).spans[NAME.origin]) == 2

    def test_a_change_whose_row_was_altered_still_leads_on(self) -> None:
        altered = replace(change(1, A, B), log_id=OTHER.log_id, number=9, kind="heartbeat")
        [finding] = check(altered, row(2, signer=B))
        assert (finding.kind, finding.sequence) == (FindingKind.STATEMENT_ALTERED, 1)

    def test_what_is_no_change_is_passed_over(self) -> None:
        words = ("nonsense", "after", "nonsense")
        broken = row(1, StatementKind.KEYS, *words)
        assert learn_keys([broken, replace(broken, note="")], KEYS) == KEYS
        assert kinds(broken) == [FindingKind.STATEMENT_ALTERED]


class TestCompromised:
    def keys(self, since: int, *stolen: Signer) -> TrustedKeys:
        marks = {fingerprint(signer.ed25519.public_key): since * SECOND for signer in stolen}
        return TrustedKeys(unnamed=(A.ed25519.public_key,), compromised=marks)

    def test_statements_that_a_stolen_key_signed_are_findings(self) -> None:
        keys = self.keys(T0 + 4, A)
        findings = check(*GOOD, keys=keys)
        assert [(finding.kind, finding.sequence) for finding in findings] == [
            (FindingKind.SIGNED_BY_COMPROMISED_KEY, 4),
            (FindingKind.SIGNED_BY_COMPROMISED_KEY, 5),
        ]

    @pytest.mark.parametrize(("before", "after"), [(A, THIEF), (Signer(A.ed25519, BOTH.ml_dsa), THIEF)])
    def test_a_change_to_the_thiefs_key_is_named_as_signed_by_the_stolen_one(
        self, before: Signer, after: Signer
    ) -> None:
        keys = self.keys(T0 + 6, A)
        assert kinds(*GOOD, change(6, before, after), row(7, signer=after), keys=keys) == [
            FindingKind.SIGNED_BY_COMPROMISED_KEY,
            FindingKind.STATEMENT_FOREIGN_SIGNED,
        ]

    def test_a_rotation_away_from_a_stolen_key_is_good_for_who_knows_the_new_key(self) -> None:
        rows = (*GOOD, change(6, A, B), row(7, signer=B))
        assert kinds(*rows, keys=replace(self.keys(T0 + 6, A), named=(key(B),))) == []


def test_a_thief_without_any_key_of_the_log_makes_no_statement_that_is_believed() -> None:
    with pytest.raises(VerificationError):
        KEYS.check_statement(said(1), parse_note(row(1, signer=THIEF).note))
