from __future__ import annotations

from typing import Any

from lognotary.v1 import evidence_pb2
from server.commands.output import Style
from server.commands.verdict import summary_lines

PLAIN = Style(colour=False)


def lines(**summary: Any) -> list[str]:
    return list(summary_lines(evidence_pb2.VerifySummary(**summary), PLAIN))


def test_the_verdict_is_good_only_without_findings() -> None:
    assert lines(logs=1, records=1)[-1].startswith("✔")
    assert lines(logs=1, records=1, findings=1)[-1].startswith("✘")


def test_nothing_verified_is_said_and_is_no_success() -> None:
    (empty,) = lines(nothing_verified=True)
    assert empty.startswith("✘ nothing was verified: there is no log in storage")
    (quiet,) = lines(nothing_verified=True, logs=2, records=3, batches=1)
    assert quiet.startswith("✘ nothing was verified: nothing was received in the range of time (around it: 3 records")
    assert lines(nothing_verified=True, findings=1)[-1].startswith("✘ 1 finding")


def test_a_verdict_about_a_part_names_the_entries_that_were_read() -> None:
    entries = [
        evidence_pb2.VerifiedEntries(origin="shop/audit/a", first_leaf=3, end_leaf=7),
        evidence_pb2.VerifiedEntries(origin="shop/audit/b", first_leaf=3, end_leaf=4),
        evidence_pb2.VerifiedEntries(origin="shop/audit/c", first_leaf=3, end_leaf=3),
    ]
    told = lines(logs=3, records=5, entries=entries, resumed_entries=9)
    assert told[:3] == [
        "• shop/audit/a: read entries 3 to 6",
        "• shop/audit/b: read entry 3",
        "• shop/audit/c: no entry read, from entry 3 on",
    ]
    assert told[3].endswith("; only entries after the kept checkpoints were read, not the 9 entries before them")


def test_a_verdict_about_nothing_new_has_no_tick() -> None:
    assert lines(logs=2, resumed_entries=9) == [
        "• nothing is new since the kept checkpoints of 2 logs, which are still there; only entries after the kept "
        "checkpoints were read, not the 9 entries before them"
    ]
    assert lines(logs=2, resumed_entries=9, findings=1)[0].startswith("✘ 1 finding")


def test_a_verdict_says_how_many_lookups_were_replayed() -> None:
    assert lines(logs=1, records=9, lookups=1)[-1].endswith("match what was signed; 1 lookup replayed")
    assert lines(logs=1, records=9, findings=1, lookups=2000)[-1].endswith("; 2,000 lookups replayed")


def test_records_that_are_missing_do_not_count_as_verified() -> None:
    (told,) = lines(logs=1, batches=4, records=160, findings=2, mismatched_records=2)
    assert told == "✘ 2 findings; verified 158 of 160 records in 4 batches of 1 log"


def test_a_check_that_was_left_out_is_named_with_the_right_that_is_missing() -> None:
    skipped = evidence_pb2.SkippedCheck(check="updates", grant="SELECT ON system.parts", reason="a right is missing")
    warning, told = lines(logs=1, records=1, skipped_checks=[skipped])
    assert warning == "⚠ not checked, updates: a right is missing"
    assert told.startswith("✔")
    assert told.endswith("; 1 check was left out")


def test_a_log_that_was_not_verified_is_named() -> None:
    told = lines(logs=1, records=1, findings=1, unread_logs=["shop/audit/a\x1b[2J"])
    assert told[0] == "✘ shop/audit/a\\x1b[2J was not verified: a table cannot be read"


def test_an_end_that_may_be_cut_off_is_said_in_one_line() -> None:
    warning, told = lines(logs=2, records=1, logs_without_checkpoint=["shop/audit/a", "shop/audit/b"])
    assert warning.startswith("⚠ not checked, whether records were cut off at the end of 2 logs: only a checkpoint")
    assert told.startswith("✔")
