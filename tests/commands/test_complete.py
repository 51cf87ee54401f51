"""The last lines of a complete answer on the command line."""

from __future__ import annotations

from lognotary.v1.correlation_pb2 import CompleteLog, CompleteSummary
from server.commands.complete import summary_lines
from server.commands.output import Style


def lines(**fields: object) -> list[str]:
    summary = CompleteSummary(complete=True, leaves=50, matched=3, logs=[CompleteLog(end_leaf=50)], **fields)  # type: ignore[arg-type]
    return list(summary_lines(summary, Style(colour=False, utc=True)))


def test_the_verdict_says_that_all_entries_were_read() -> None:
    assert (
        lines()[-1] == "✔ complete: 3 records match of 50 entries of 1 log, which were all read and are what was signed"
    )


def test_the_verdict_does_not_say_that_entries_were_read_that_retention_has_dropped() -> None:
    *_, dropped, verdict = lines(expired=7)
    assert "has removed 7 records of these entries" in dropped
    assert verdict == (
        "✔ complete: 3 records match of 50 entries of 1 log, of which all but 7 were read and are what was signed"
    )


def test_streams_whose_records_nobody_signed_are_named() -> None:
    *_, logs, spans, _ = lines(unsigned_streams=["operational", "spans"])
    assert logs == "⚠ unsigned operational records are not in this answer: a search without --complete shows them"
    assert spans.startswith("⚠ unsigned spans")
