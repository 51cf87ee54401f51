from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from server.notary.findings import Finding, FindingKind
from server.self_verification.finding_ledger import MORE, FindingLedger, notice_of

BATCH = UUID(int=7)
CHANGED = Finding(FindingKind.RECORD_CHANGED, "it was changed", "ab", "a/audit/b", BATCH, 3, 12, b"secret content", 1)


def test_the_same_finding_has_the_same_key_whatever_its_words_and_numbers_are() -> None:
    same = replace(CHANGED, message="other words", record=b"other", record_count=9)
    assert notice_of(same).key == notice_of(CHANGED, (0, 99)).key


@pytest.mark.parametrize(
    "other",
    [
        replace(CHANGED, kind=FindingKind.RECORD_MISSING),
        replace(CHANGED, log_id="cd"),
        replace(CHANGED, batch_id=UUID(int=8)),
        replace(CHANGED, sequence=4),
        replace(CHANGED, leaf_index=13),
        replace(CHANGED, leaf_index=None),
    ],
)
def test_another_finding_has_another_key(other: Finding) -> None:
    assert notice_of(other).key != notice_of(CHANGED).key


def test_a_notice_has_no_content_of_records_and_no_second_line() -> None:
    notice = notice_of(replace(CHANGED, message="log a\nERROR root: all is well\x1b[2J"))
    assert notice.message == "log a\\nERROR root: all is well\\x1b[2J"
    assert "secret" not in repr(notice)


def test_a_notice_names_the_records_place_or_else_the_section() -> None:
    assert notice_of(CHANGED, (0, 99)).leaves == (12, 12)
    assert notice_of(replace(CHANGED, leaf_index=None), (0, 99)).leaves == (0, 99)
    assert notice_of(replace(CHANGED, leaf_index=None)).leaves is None


def test_a_finding_is_new_once_until_a_walk_does_not_find_it() -> None:
    notices, notice = FindingLedger(), notice_of(CHANGED)
    assert notices.is_new(notice)
    assert notices.take([notice]) == [notice]
    assert not notices.is_new(notice)
    assert notices.take([notice]) == []
    assert notices.end_walk() == 0
    assert notices.by_kind() == {"RECORD_CHANGED": 1}
    assert notices.end_walk() == 1
    assert notices.by_kind() == {}
    assert notices.take([notice]) == [notice]


def test_only_what_is_on_record_is_remembered() -> None:
    notices = FindingLedger()
    first, second = notice_of(CHANGED), notice_of(replace(CHANGED, leaf_index=13))
    notices.take([first, second])
    notices.sent([first])
    assert notices.unsent == {second.key: second}
    again = FindingLedger(notices.recorded(), notices.seen())
    assert again.take([first, second]) == [second]
    assert again.end_walk() == 0


def test_of_very_many_findings_the_first_are_told_and_that_there_are_more() -> None:
    many = [notice_of(replace(CHANGED, leaf_index=leaf)) for leaf in range(100)]
    notices = FindingLedger(most=10)
    told = notices.take(many)
    assert [notice.key for notice in told[:-1]] == [notice.key for notice in many[:10]]
    assert told[-1].kind == MORE
    assert not notices.is_new(many[50])
    assert notices.take(many) == []
    assert notices.by_kind() == {"RECORD_CHANGED": 10, MORE: 1}
