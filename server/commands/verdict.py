"""The verdict of a verification: what was verified, what was not, and how it turned out."""

from __future__ import annotations

from collections.abc import Iterator

from lognotary.v1 import evidence_pb2
from server.commands.output import Style, shown
from server.notary.counted import counted

__all__ = ["summary_lines"]

_EMPTIED = (
    "Storage that was emptied looks the same: name the logs that must be there with --log, or give a kept --checkpoint"
)


def summary_lines(summary: evidence_pb2.VerifySummary, style: Style) -> Iterator[str]:
    """Format the summary of a verification: the entries that were verified, if not all, and last the verdict."""
    summary = shown(summary)
    for part in summary.entries:
        yield f"• {part.origin}: {_entries(part)}"
    for origin in summary.unread_logs:
        yield style.paint(f"✘ {origin} was not verified: a table cannot be read", "1;31")
    for skipped in summary.skipped_checks:
        yield style.paint(f"⚠ not checked, {skipped.check}: {skipped.reason or skipped.grant}", "33")
    if logs := len(summary.logs_without_checkpoint):
        yield style.paint(
            f"⚠ not checked, whether records were cut off at the end of {counted(logs, 'log')}: only a checkpoint that "
            "was kept outside the storage shows it (--checkpoint FILE)",
            "33",
        )
    if summary.unsigned_streams:
        names = " and ".join(summary.unsigned_streams)
        yield f"• {names}: not signed, so records outside logs were not verified"
    text, colour = _verdict(summary)
    if summary.resumed_entries:
        text += (
            f"; only entries after the kept checkpoints were read, not the "
            f"{counted(summary.resumed_entries, 'entry', 'entries')} before them"
        )
    if summary.lookups:
        text += f"; {counted(summary.lookups, 'lookup')} replayed"
    if summary.skipped_checks:
        text += f"; {counted(len(summary.skipped_checks), 'check was', 'checks were')} left out"
    yield style.paint(text, colour)


def _entries(part: evidence_pb2.VerifiedEntries) -> str:
    number = part.end_leaf - part.first_leaf
    if number == 0:
        return f"no entry read, from entry {part.first_leaf} on"
    if number == 1:
        return f"read entry {part.first_leaf}"
    return f"read entries {part.first_leaf} to {part.end_leaf - 1}"


def _verdict(summary: evidence_pb2.VerifySummary) -> tuple[str, str]:
    """Return the verdict and its colour."""
    what = _verified(summary)
    if summary.nothing_verified and not summary.findings:
        return _nothing(summary), "1;31"
    if summary.findings and summary.findings == summary.acknowledged and not summary.nothing_verified:
        known = counted(summary.findings, "finding")
        return f"• {known}, all acknowledged, and no other; verified {what}", "33"
    if summary.findings:
        new = f" ({summary.acknowledged:,} acknowledged)" if summary.acknowledged else ""
        return f"✘ {counted(summary.findings, 'finding')}{new}; verified {what}", "1;31"
    if summary.resumed_entries and not summary.batches:
        return (
            f"• nothing is new since the kept checkpoints of {counted(summary.logs, 'log')}, which are still there",
            "36",
        )
    return f"✔ {what} verified: all signatures are valid, all records match what was signed", "32"


def _nothing(summary: evidence_pb2.VerifySummary) -> str:
    if not summary.logs:
        return f"✘ nothing was verified: there is no log in storage. {_EMPTIED}"
    around = f" (around it: {_verified(summary)}, as they were signed)" if summary.records else ""
    return f"✘ nothing was verified: nothing was received in the range of time{around}. {_EMPTIED}"


def _verified(summary: evidence_pb2.VerifySummary) -> str:
    """Return the number of records that are as they were signed, and where they are."""
    records = counted(summary.records, "record")
    if summary.mismatched_records:
        records = f"{summary.records - summary.mismatched_records:,} of {records}"
    what = f"{records} in {counted(summary.batches, 'batch', 'batches')} of {counted(summary.logs, 'log')}"
    if summary.expired_records:
        what += f" ({summary.expired_records:,} of the records have expired or were dropped)"
    return what
