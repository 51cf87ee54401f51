"""Complete answers of a store through its API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.backend import Backend
from server.notary.origin import LogName
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from tests.tamper.store import AUDIT, OPERATIONAL, Store

__all__ = ["NAMES", "Answer", "answer", "ask", "everything", "kept", "size"]

NAMES = (OPERATIONAL, AUDIT)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer.

    Attributes:
        leaves: (origin, leaf) of each record, in the order given.
        entries: the records.
        findings: the findings.
        summary: the last step.
        extent: the first step.
    """

    leaves: Sequence[tuple[str, int]]
    entries: Sequence[correlation_pb2.TimelineEntry]
    findings: Sequence[evidence_pb2.Finding]
    summary: correlation_pb2.CompleteSummary
    extent: correlation_pb2.CompleteExtent


def answer(
    engine: Engine, keys: TrustedKeys, query: str = "", *streams: str, checkpoints: Sequence[str] = (), **fields: object
) -> Answer:
    """Request a complete answer; ``fields`` are further fields of the request."""
    request = correlation_pb2.CompleteSearchRequest(query=query, streams=streams, checkpoints=checkpoints)
    for name, value in fields.items():
        setattr(request, name, value) if isinstance(value, int) else getattr(request, name).CopyFrom(value)
    first, *steps, last = Backend(engine, keys).complete_search(request)
    entries = [entry for step in steps for entry in step.records.entries]
    evidence = [getattr(entry, entry.WhichOneof("entry")).evidence for entry in entries]
    assert all(one.state == evidence_pb2.VERIFIED for one in evidence)
    findings = [step.finding for step in steps if step.HasField("finding")]
    assert last.summary.findings == len(findings)
    assert last.summary.given == len(entries)
    assert not (findings and last.summary.complete)
    leaves = [(one.origin, one.leaf_index) for one in evidence]
    return Answer(leaves, entries, findings, last.summary, first.extent)


def size(store: Store, name: LogName) -> int:
    """Return the number of entries of a log."""
    return store.batches[name][-1].tree_size


def everything(store: Store, *names: LogName) -> list[tuple[str, int]]:
    """Return the origin and leaf of every record of logs."""
    return [(name.origin, leaf) for name in names for leaf in range(size(store, name))]


def kept(store: Store) -> list[str]:
    """Return kept checkpoints, signed by keys that a verifier knows without statements."""
    return [batches[3].checkpoint for batches in store.batches.values()]


def ask(store: Store, query: str = "", *streams: str, **fields: object) -> Answer:
    """Request a complete answer of somebody who kept checkpoints."""
    return answer(store.reader, store.keys, query, *streams, checkpoints=kept(store), **fields)
