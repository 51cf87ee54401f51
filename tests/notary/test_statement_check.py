"""Checking statements as rows: what each alteration is called, and what follows from good ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.checkpoint import Checkpoint
from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind
from server.notary.keys import VerifierKey
from server.notary.note import SignedNote, parse_note
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import (
    ReceiptBound,
    Statement,
    StatementKind,
    StatementRow,
    data_digest,
    key_change_words,
    sign_statement,
)
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys, fingerprint

NAME, OTHER = (LogName("shop", stream, "node-1") for stream in (Stream.AUDIT, Stream.OPERATIONAL))
A, B, C, THIEF, THIEF_TOO = (Signer.generate() for _ in range(5))
BOTH, BOTH_TOO = (Signer(Ed25519Key.generate(), MlDsa44Key.generate()) for _ in range(2))
KEYS = TrustedKeys(unnamed=(A.ed25519.public_key,))
DAY = 86_400
T0 = 1_790_000_000
SECOND = 10**9


def key(signer: Signer) -> VerifierKey:
    return signer.verifier_key(NAME.origin)


def said(
    number: int, kind: StatementKind = StatementKind.HEARTBEAT, *words: str, size: int = 0, time: int = 0
) -> Statement:
    checkpoint = Checkpoint(NAME.origin, size or number, bytes([size or number]) * 32)
    return Statement(checkpoint, number, time or T0 + number, kind, words)


def row(*args: object, signer: Signer = A, data: bytes = b"", **fields: int) -> StatementRow:
    return sign_statement(said(*args, **fields), [signer], data)  # type: ignore[arg-type]


def change(number: int, before: Signer, after: Signer, *signers: Signer, **fields: int) -> StatementRow:
    words = key_change_words(after.verifier_keys(NAME.origin), before.verifier_keys(NAME.origin))
    return sign_statement(said(number, StatementKind.KEYS, *words, **fields), signers or (before, after))


def check(*rows: StatementRow, keys: TrustedKeys = KEYS) -> list[Finding]:
    """Check rows as verification does: first learn keys, then check with all of them."""
    logs = check_statements(rows, learn_keys(rows, keys))
    return [finding for log in logs.values() for finding in log.findings]


def kinds(*rows: StatementRow, keys: TrustedKeys = KEYS) -> list[FindingKind]:
    return [finding.kind for finding in check(*rows, keys=keys)]


GOOD = (
    row(1, StatementKind.RETENTION, str(30 * DAY)),
    row(2),
    row(3, StatementKind.WITNESSED, data_digest(b"lines"), data=b"lines"),
    row(4, StatementKind.TIMESTAMPED, data_digest(b"der"), data=b"der"),
    row(5),
)


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


class TestRetention:
    def stated(self, *said_of_it: tuple[int, int | None]) -> LogStatements:
        rows = [
            row(number, StatementKind.RETENTION, "forever" if days is None else str(days * DAY), time=time)
            for number, (time, days) in enumerate(said_of_it, start=1)
        ]
        return check_statements(rows, KEYS).get(NAME.log_id, LogStatements())

    def test_nothing_expires_before_something_is_said_of_it(self) -> None:
        assert LogStatements().expired_before(T0 * SECOND) == 0
        assert self.stated((T0, None)).expired_before((T0 + 999 * DAY) * SECOND) == 0

    def test_what_is_older_than_was_said_has_expired(self) -> None:
        now = T0 + 100 * DAY
        assert self.stated((T0, 30)).expired_before(now * SECOND) == (now - 30 * DAY) * SECOND

    def test_what_a_shorter_time_has_dropped_does_not_come_back(self) -> None:
        stated = self.stated((T0, 1), (T0 + 10 * DAY, 30))
        assert stated.expired_before((T0 + 11 * DAY) * SECOND) == (T0 + 9 * DAY) * SECOND
        assert stated.expired_before((T0 + 90 * DAY) * SECOND) == (T0 + 60 * DAY) * SECOND
        stated = self.stated((T0, 1), (T0 + 10 * DAY, None))
        assert stated.expired_before((T0 + 90 * DAY) * SECOND) == (T0 + 9 * DAY) * SECOND

    def test_a_log_that_was_dropped_has_stated_one_second(self) -> None:
        words = (str(DAY), "1", str(DAY))
        rows = [row(n, StatementKind.RETENTION, word, time=T0 + 10) for n, word in enumerate(words, 1)]
        log = check_statements([*rows, row(4, time=T0 + 11)], KEYS)[NAME.log_id]
        assert log.drops == (T0 + 10,)
        assert log.expired_before((T0 + 20) * SECOND) == (T0 + 9) * SECOND
        assert log.expired_before((T0 + 20) * SECOND, with_drops=False) == (T0 + 20 - DAY) * SECOND
        assert self.stated((T0, 1), (T0 + 1, None)).drops == ()
        assert LogStatements().drops == ()

    @given(
        st.lists(st.tuples(st.integers(0, 400), st.one_of(st.none(), st.integers(1, 400))), min_size=1, max_size=6),
        st.integers(0, 500),
        st.integers(0, 500),
    )
    def test_what_has_expired_stays_so(self, said_of_it: list[tuple[int, int | None]], now: int, later: int) -> None:
        in_order = sorted(said_of_it, key=lambda pair: pair[0])
        log = LogStatements(
            {
                number: said(
                    number,
                    StatementKind.RETENTION,
                    "forever" if days is None else str(days * DAY),
                    time=T0 + day * DAY,
                )
                for number, (day, days) in enumerate(in_order, start=1)
            }
        )
        start = in_order[-1][0]
        first, second = sorted((start + now, start + later))
        assert log.expired_before((T0 + first * DAY) * SECOND) <= log.expired_before((T0 + second * DAY) * SECOND)


class TestReceiptBounds:
    def bounds(self, *rows: StatementRow) -> list[ReceiptBound]:
        assert check(*rows) == []
        [log] = check_statements(rows, KEYS).values()
        return log.receipt_bounds()

    def test_the_signed_bounds_count_and_no_others_once_there_is_one(self) -> None:
        rows = (
            row(1, StatementKind.RETENTION, str(DAY), "0", str(T0 - 5), time=T0),
            row(2, size=4, time=T0 + 10),
            row(3, StatementKind.HEARTBEAT, "9", str(T0 + 20), size=5, time=T0 + 30),
            row(4, StatementKind.RETENTION, "forever", size=6, time=T0 + 9 * DAY),
        )
        assert self.bounds(*rows) == [ReceiptBound(0, T0 - 5), ReceiptBound(9, T0 + 20)]

    def test_they_take_over_from_statements_that_have_none(self) -> None:
        rows = (row(1, size=3, time=T0), row(2, StatementKind.HEARTBEAT, "3", str(T0 + 50), size=3, time=T0 + 60))
        assert self.bounds(*rows) == [ReceiptBound(3, T0 - 3600), ReceiptBound(3, T0 + 50)]

    def test_an_entry_is_bound_by_the_latest_time_of_those_before_it(self) -> None:
        rows = (
            row(1, StatementKind.HEARTBEAT, "9", str(T0), size=5, time=T0),
            row(2, StatementKind.HEARTBEAT, "7", str(T0 + 8), size=5, time=T0 + 10),  # a batch was refused
        )
        assert self.bounds(*rows) == [ReceiptBound(7, T0 + 8), ReceiptBound(9, T0 + 8)]

    @pytest.mark.parametrize("words", [("9",), ("9", "1", "1"), ("9", "x"), ("9", str(T0 + 1))])
    @pytest.mark.parametrize("before", [(StatementKind.HEARTBEAT,), (StatementKind.RETENTION, "forever")])
    def test_a_signed_bound_that_says_nothing_is_found(
        self, before: tuple[object, ...], words: tuple[str, ...]
    ) -> None:
        assert kinds(row(1, *before, *words, time=T0)) == [FindingKind.STATEMENT_ALTERED]

    def test_without_any_what_is_said_of_the_present_bounds_when_later_entries_came(self) -> None:
        rows = (
            row(1, size=3, time=T0 + 10),
            row(2, StatementKind.WITNESSED, data_digest(b""), size=1, time=T0 + 20),  # of an earlier checkpoint
            row(3, size=5, time=T0 + 30),
        )
        assert self.bounds(*rows) == [ReceiptBound(3, T0 + 10 - 3600), ReceiptBound(5, T0 + 30 - 3600)]

    def test_times_never_go_back(self) -> None:
        rows = (row(1, size=3, time=T0 + 10), row(2, size=4, time=T0 + 5))
        assert self.bounds(*rows) == [ReceiptBound(3, T0 + 10 - 3600), ReceiptBound(4, T0 + 10 - 3600)]


def test_a_thief_without_any_key_of_the_log_makes_no_statement_that_is_believed() -> None:
    with pytest.raises(VerificationError):
        KEYS.check_statement(said(1), parse_note(row(1, signer=THIEF).note))
