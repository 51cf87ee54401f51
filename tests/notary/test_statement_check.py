"""Checking statements as rows: the name of each alteration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.findings import FindingKind
from server.notary.note import SignedNote, parse_note
from server.notary.statement import StatementKind, StatementRow, data_digest
from server.notary.statement_check import LogStatements, check_statements, statement_problem
from tests.notary.checked_statements import DAY, GOOD, KEYS, NAME, OTHER, T0, THIEF, A, check, kinds, row


class TestRows:
    def test_good_rows_give_no_finding_and_are_returned_by_number(self) -> None:
        logs = check_statements(GOOD, KEYS)
        assert logs.keys() == {NAME.log_id}
        assert logs[NAME.log_id].findings == []
        assert list(logs[NAME.log_id].statements) == [1, 2, 3, 4, 5]
        assert check_statements([], KEYS) == {}

    def test_they_name_their_log_and_the_retention_that_was_stated_last(self) -> None:
        (log,) = check_statements([*GOOD, row(6, StatementKind.RETENTION, "forever")], KEYS).values()
        assert log.origins == {NAME.origin}
        assert (log.last_retention, LogStatements().last_retention) == (None, 0)
        (log,) = check_statements(GOOD, KEYS).values()
        assert log.last_retention == 30 * DAY

    @pytest.mark.parametrize("at", range(4))
    def test_a_row_that_is_gone_is_missed(self, at: int) -> None:
        [finding] = check(*GOOD[:at], *GOOD[at + 1 :])
        assert finding.kind is FindingKind.STATEMENT_MISSING
        assert (finding.log_id, finding.origin, finding.sequence) == (NAME.log_id, NAME.origin, at + 1)

    def test_several_that_follow_each_other_are_missed_at_once(self) -> None:
        [finding] = check(GOOD[0], GOOD[4])
        assert "statement 2 to 4 is not stored" in finding.message
        assert kinds(GOOD[1], GOOD[3], GOOD[4]) == 2 * [FindingKind.STATEMENT_MISSING]

    @pytest.mark.parametrize(
        "altered",
        [
            {"log_id": OTHER.log_id},
            {"log_id": ""},
            {"number": 4},
            {"number": 0},
            {"number": 2**64 - 1},
            {"kind": "timestamped"},
            {"kind": ""},
            {"tree_size": 4},
            {"signed_at": T0},
            {"data": b"other"},
            {"data": b""},
            {"note": GOOD[2].note.replace("\n3\n", "\n4\n")},
            {"note": GOOD[2].note.replace("witnessed", "timestamped")},
            {"note": GOOD[2].note[:-10]},
            {"note": ""},
            {"note": "\ufffd"},
        ],
    )
    def test_a_column_that_was_altered_is_one_finding_that_names_the_statement(self, altered: dict[str, str]) -> None:
        changed = replace(GOOD[2], **altered)  # type: ignore[arg-type]
        [finding] = check(*GOOD[:2], changed, *GOOD[3:])
        assert finding.kind is FindingKind.STATEMENT_ALTERED
        if "note" not in altered:
            assert (finding.origin, finding.sequence) == (NAME.origin, 3)

    def test_one_row_alone_is_valid_or_has_the_message_of_its_finding(self) -> None:
        assert [statement_problem(one, KEYS) for one in GOOD] == len(GOOD) * [""]
        changed = replace(GOOD[2], tree_size=4)
        assert statement_problem(changed, KEYS) == check(*GOOD[:2], changed, *GOOD[3:])[0].message

    def test_data_beside_a_statement_that_has_none_is_found(self) -> None:
        assert kinds(replace(GOOD[0], data=b"x"), *GOOD[1:]) == [FindingKind.STATEMENT_ALTERED]

    def test_a_row_that_is_stored_twice_is_found_once(self) -> None:
        assert kinds(*GOOD[:3], GOOD[2], *GOOD[3:]) == [FindingKind.STATEMENT_DUPLICATED]

    def test_two_statements_of_one_number_are_two_histories(self) -> None:
        assert kinds(*GOOD, row(2, size=7)) == [FindingKind.LOG_FORKED]

    def test_a_statement_of_an_unknown_key_is_foreign(self) -> None:
        assert kinds(*GOOD[:4], row(5, signer=THIEF)) == [FindingKind.STATEMENT_FOREIGN_SIGNED]

    def test_a_signature_that_was_added_is_found(self) -> None:
        note = parse_note(GOOD[1].note)
        more = SignedNote(note.text, (*note.signatures, *THIEF.sign(note.text, NAME.origin).signatures))
        assert kinds(GOOD[0], replace(GOOD[1], note=str(more)), *GOOD[2:]) == [FindingKind.STATEMENT_ALTERED]

    def test_a_signed_retention_that_says_nothing_is_found(self) -> None:
        assert kinds(row(1, StatementKind.RETENTION, "long")) == [FindingKind.STATEMENT_ALTERED]

    def test_rules_of_retention_stand_beside_their_statement(self) -> None:
        rules = b'{"days":400,"rules":[{"days":30,"category":"data"}]}'
        good = row(1, StatementKind.RETENTION, str(30 * DAY), data_digest(rules), data=rules)
        assert kinds(good) == []
        (log,) = check_statements([good], KEYS).values()
        assert log.last_retention == 30 * DAY
        assert kinds(replace(good, data=rules.replace(b"30", b"31"))) == [FindingKind.STATEMENT_ALTERED]
        assert kinds(replace(good, data=b"")) == [FindingKind.STATEMENT_ALTERED]

    def test_a_plain_checkpoint_in_its_place_is_found(self) -> None:
        plain = str(A.sign(GOOD[1].note.rpartition("lognotary/")[0], NAME.origin))
        assert kinds(GOOD[0], replace(GOOD[1], note=plain), *GOOD[2:]) == [FindingKind.STATEMENT_ALTERED]

    def test_a_signed_statement_of_what_is_no_log_is_found(self) -> None:
        text = GOOD[1].note.rpartition("\n\n")[0] + "\n"
        note = str(A.sign(text.replace(NAME.origin, "elsewhere"), "elsewhere"))
        assert kinds(GOOD[0], replace(GOOD[1], note=note), *GOOD[2:]) == [FindingKind.STATEMENT_ALTERED]

    @given(
        st.builds(
            StatementRow,
            *(st.text(), st.integers(0, 2**64 - 1), st.text()),
            *2 * (st.integers(0),),
            st.text(),
            st.binary(),
        )
    )
    def test_any_row_is_a_finding_and_never_an_error(self, nonsense: StatementRow) -> None:
        assert FindingKind.STATEMENT_ALTERED in kinds(*GOOD, nonsense)
