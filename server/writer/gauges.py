"""Gauges of a process that writes logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.admission.admission import MEMORY_FACTOR, Admission
from server.admission.tenant_limits import TenantMeters
from server.audit_ids.gates import AuditGates
from server.log.journal import Journal
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.process.metrics import GaugeSample
from server.process.storage_probe import StorageProbe
from server.writer.open_streams import OpenStreams

__all__ = ["admission_gauges", "audit_gauges", "log_gauges", "rules_gauge", "tenant_gauges"]

_MOST_TENANTS = 1000  # that metrics name: each is three more time series for who collects them


def log_gauges(streams: OpenStreams, batchers: Mapping[Stream, Batcher], probe: StorageProbe) -> Iterator[GaugeSample]:
    """Yield the state of logs, of streams without logs, of their queues, and of storage's clock."""
    ahead = probe.clock_offset
    yield (
        "lognotary_storage_clock_offset_seconds",
        "Seconds by which this machine's clock is ahead of storage's",
        {},
        ahead,
    )
    for stream, signed_stream in streams.logs.items():
        labels = {"stream": stream.value}
        yield from _journal_gauges(signed_stream.stream.journal, batchers[stream], labels)
        logs = list(signed_stream)
        signed = sum(log.writer.signed + log.statements.signed for log in logs)
        entries = sum(log.writer.checkpoint.size for log in logs)
        yield "lognotary_log_entries", "Entries in storage of the stream's logs", labels, entries
        yield "lognotary_logs", "Logs of the stream that this process writes, one for each tenant", labels, len(logs)
        refusing = "Logs of the stream, of one tenant each, that kept none of the last records sent to them"
        yield "lognotary_logs_refusing", refusing, labels, signed_stream.refusing
        pending = sum(log.writer.keys.pending for log in logs)
        yield "lognotary_key_change_pending", "Logs of which a change of keys is not stated", labels, pending
        yield "lognotary_signatures_total", "Checkpoints and statements signed since the start", labels, signed
        yield (
            "lognotary_checkpoint_age_seconds",
            "Seconds since the last checkpoint of a log of the stream was stored",
            labels,
            min(log.checkpoint_age for log in logs),
        )
    for stream, writer in streams.unsigned.items():
        yield from _journal_gauges(writer.journal, batchers[stream], {"stream": stream.value})


def _journal_gauges(journal: Journal, batcher: Batcher, labels: dict[str, str]) -> Iterator[GaugeSample]:
    yield "lognotary_journal_batches", "Commits in the journal that are not in storage", labels, len(journal)
    yield "lognotary_journal_bytes", "Size of the journal in bytes", labels, journal.size
    yield "lognotary_journal_limit_bytes", "Size limit of the journal in bytes", labels, journal.limit
    yield (
        "lognotary_oldest_unacknowledged_seconds",
        "Seconds that the oldest unacknowledged records have waited",
        labels,
        batcher.oldest,
    )
    if (free := journal.free) is not None:
        yield "lognotary_journal_disk_free_bytes", "Free bytes on the disk of the journal", labels, free


def rules_gauge(problem: str) -> GaugeSample:
    """Return the gauge of a failed reload of the audit rules: 0 if there is no reason why it failed, otherwise 1."""
    help_text = "1 while older audit rules than those of the settings file are in force, which cannot be used"
    return "lognotary_audit_rules_reload_failed", help_text, {}, float(bool(problem))


def audit_gauges(gate: AuditGates) -> Iterator[GaugeSample]:
    """Yield the state of audit records that get one row for each id."""
    for kind, count in gate.chain_breaks.items():
        help_text = "Breaks of producers' chains of audit records since the start"
        yield "lognotary_audit_chain_breaks_total", help_text, {"kind": kind}, count
    yield "lognotary_audit_claims_open", "Claims of audit ids of which storage does not know the end", {}, gate.waiting


def tenant_gauges(tenants: TenantMeters) -> Iterator[GaugeSample]:
    """Yield the usage of the tenants that used most; the default tenant has an empty name."""
    used = sorted(tenants.usage().items(), key=lambda one: (-one[1].records, one[0]))
    for tenant, usage in used[:_MOST_TENANTS]:
        labels = {"tenant": tenant}
        yield "lognotary_tenant_records_total", "Records and spans of a tenant since the start", labels, usage.records
        yield "lognotary_tenant_bytes_total", "Bytes of requests of a tenant since the start", labels, usage.size
        refused = "Requests of a tenant that were refused because of its limits"
        yield "lognotary_tenant_refused_total", refused, labels, usage.refused


def admission_gauges(admission: Admission) -> Iterator[GaugeSample]:
    """Yield the state of admission control."""
    yield "lognotary_requests_in_flight", "Requests in flight", {}, admission.requests
    yield (
        "lognotary_request_bytes_held",
        "Bytes of memory reserved for requests in flight",
        {},
        admission.size * MEMORY_FACTOR,
    )
