"""Answers that prove themselves, with both engines: each record with its canonical form, path and checkpoint."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.access.callers import Grant, Role
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError
from server.api.given_proofs import MOST_BYTES, GivenProofs
from server.check import entry_of, leaf_hash, root_from_path
from server.notary.keys import VerifierKey
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.verification.record_evidence import RecordEvidence, State
from storage.engine import Engine
from tests.api.growing import delete, update
from tests.api.guarded import Guarded
from tests.api.included_proofs import evidence_of, is_proved, proved_root, without_proofs
from tests.api.store import LOGS, START, TRACE, Writer, audit_event, log_record, search, span
from tests.api.tenants import LOGS as LOGS_OF_TENANTS
from tests.api.tenants import RANGE, tenant
from tests.counting_engine import CountingEngine

ALL = ["audit", "operational", "spans"]


def write(writer: Writer) -> None:
    """Write records of all streams, in several batches."""
    for turn in range(3):
        at = 10 * turn
        writer.write(
            [
                *(audit_event("user.delete", at=at + number, target_id="u1") for number in range(turn + 1)),
                *(log_record(f"log {number}", at=at + number) for number in range(4)),
            ]
        )
        writer.write_spans([span("paid", at=at), span("sent", at=at + 1)])


def key_of(writer: Writer, stream: str = "operational") -> VerifierKey:
    return writer.signer.verifier_key(LOGS[Stream(stream)].origin)


def key_for(writer: Writer, evidence: evidence_pb2.Evidence) -> VerifierKey:
    return writer.signer.verifier_key(evidence.origin)


def searched(writer: Writer, engine: Engine | None = None, **request: Any) -> list[evidence_pb2.Evidence]:
    """Return the evidence in a page of records, the earliest first, with proofs."""
    asked: dict[str, Any] = {"streams": ["operational"], "oldest_first": True, "include_proofs": True, **request}
    found = Backend(engine or writer.engine, writer.keys).search(pb.SearchRequest(**asked))
    return list(evidence_of(found.entries))


def evidence_tables(engine: CountingEngine) -> list[str]:
    """Return the tables of evidence that were read; those of statements are read again whenever a second has passed."""
    return sorted(table for table in engine.tables() if table in ("log_batches", "log_tiles"))


Call = Callable[[Backend, dict[str, Any]], Sequence[pb.TimelineEntry | pb.Record]]


def neighbours(backend: Backend, asked: dict[str, Any], by: str) -> Sequence[pb.TimelineEntry]:
    log = LOGS[Stream.OPERATIONAL].origin
    found = backend.neighbours(pb.NeighboursRequest(log=log, leaf_index=5, by=by, streams=(), **asked))
    return [*found.before, found.record, *found.after]


CALLS: dict[str, tuple[int, Call]] = {
    "search": (24, lambda backend, asked: backend.search(pb.SearchRequest(streams=ALL, **asked)).entries),
    "audit": (6, lambda backend, asked: backend.search_audit_events(pb.SearchAuditEventsRequest(**asked)).events),
    "trace": (24, lambda backend, asked: backend.get_trace(pb.GetTraceRequest(trace_id=TRACE, **asked)).entries),
    "by time": (18, lambda backend, asked: neighbours(backend, asked, "time")),
    "by leaf": (12, lambda backend, asked: neighbours(backend, asked, "leaf")),
    "actor": (
        6,
        lambda backend, asked: backend.actor_timeline(pb.ActorTimelineRequest(actor_id="alice", **asked)).entries,
    ),
    "target": (
        6,
        lambda backend, asked: backend.target_history(pb.TargetHistoryRequest(target_id="u1", **asked)).entries,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_record_of_an_answer_is_proved_by_its_evidence_alone(writer: Writer, name: str) -> None:
    write(writer)
    number, call = CALLS[name]
    engine = CountingEngine(writer.engine)
    backend = Backend(engine, writer.keys)
    backend.get_trace(pb.GetTraceRequest(trace_id=TRACE))  # what is asked once only
    engine.queries.clear()
    plain = list(evidence_of(call(backend, {})))
    read = evidence_tables(engine)
    proved = list(evidence_of(call(backend, {"include_proofs": True})))
    assert evidence_tables(engine) == read, "nothing more is read"
    assert len(proved) == number
    assert {evidence.state for evidence in proved} == {evidence_pb2.VERIFIED}
    assert all(is_proved(evidence, key_for(writer, evidence)) for evidence in proved)
    assert [without_proofs(evidence) for evidence in proved] == plain


@pytest.mark.parametrize("name", CALLS)
def test_proofs_without_the_check_of_records_are_refused(writer: Writer, name: str) -> None:
    asked = {"include_proofs": True, "check": pb.CHECK_SIGNATURES}
    with pytest.raises(InvalidArgumentError, match="include_proofs: proofs are made as records are checked"):
        CALLS[name][1](Backend(writer.engine, writer.keys), asked)


async def test_a_tail_proves_what_it_sends_and_goes_on_without_proofs_from_its_cursor(writer: Writer) -> None:
    tails = Backend(writer.engine, writer.keys).tails
    answers = tails.follow(pb.TailRequest(streams=ALL, include_proofs=True))
    await anext(answers)
    write(writer)
    found: list[evidence_pb2.Evidence] = []
    while len(found) < 24:
        answer = await anext(answers)
        found += evidence_of(answer.entries)
    await answers.aclose()
    assert all(is_proved(evidence, key_for(writer, evidence)) for evidence in found)
    writer.write([log_record("later")])
    more = tails.follow(pb.TailRequest(streams=ALL, cursor=answer.cursor))
    entries: list[pb.TimelineEntry] = []
    while not entries:
        entries += (await anext(more)).entries
    await more.aclose()
    assert [evidence.canonical_record for evidence in evidence_of(entries)] == [b""]


async def test_a_tail_with_proofs_but_without_the_check_of_records_is_refused(writer: Writer) -> None:
    request = pb.TailRequest(include_proofs=True, check=pb.CHECK_SIGNATURES)
    with pytest.raises(InvalidArgumentError, match="include_proofs"):
        await anext(Backend(writer.engine, writer.keys).tails.follow(request))


@pytest.mark.parametrize("first_has", [True, False])
def test_proofs_may_be_asked_for_from_page_to_page(writer: Writer, first_has: bool) -> None:
    write(writer)
    backend = Backend(writer.engine, writer.keys)
    first = backend.search(pb.SearchRequest(page_size=4, include_proofs=first_has))
    token = first.next_page_token
    second = backend.search(pb.SearchRequest(page_size=4, page_token=token, include_proofs=not first_has))
    for page, has in ((first, first_has), (second, not first_has)):
        assert [bool(one.canonical_record) for one in evidence_of(page.entries)] == 4 * [has]
        assert [bool(one.checkpoint) for one in evidence_of(page.entries)] == 4 * [has]


def test_a_reader_sees_himself_that_a_changed_record_is_not_what_was_signed(writer: Writer) -> None:
    write(writer)
    signed = searched(writer)
    update(writer.engine, "otel_logs", "Body = 'other'", "LeafIndex = 5")
    found = searched(writer)
    assert [evidence.state for evidence in found].count(evidence_pb2.TAMPERED) == 1
    assert [is_proved(evidence, key_of(writer)) for evidence in found] == [number != 5 for number in range(12)]
    assert b"other" in found[5].canonical_record
    assert (found[5].inclusion_path, found[5].checkpoint) == (signed[5].inclusion_path, signed[5].checkpoint)
    # The path leads from the leaf that was signed there.
    leaf = leaf_hash(entry_of(signed[5].canonical_record))
    root = root_from_path(5, found[5].tree_size, leaf, list(found[5].inclusion_path))
    assert root == proved_root(found[5], key_of(writer))


def test_a_record_with_the_wrong_batch_gets_the_proof_of_the_leaf_that_it_claims(writer: Writer) -> None:
    write(writer)
    signed = searched(writer)[5]
    update(writer.engine, "otel_logs", "BatchId = generateUUIDv4()", "LeafIndex = 5")
    found = searched(writer)[5]
    assert (found.state, found.checkpoint) == (evidence_pb2.TAMPERED, signed.checkpoint)
    assert is_proved(found, key_of(writer)), "only its BatchId was changed, which is not part of the record"


def test_a_copy_has_the_proof_of_the_record_and_is_tampered_nevertheless(writer: Writer) -> None:
    write(writer)
    writer.engine.execute("INSERT INTO otel_logs SELECT * FROM otel_logs WHERE LeafIndex = 5")
    found = [evidence for evidence in searched(writer) if evidence.leaf_index == 5]
    assert [evidence.state for evidence in found] == [evidence_pb2.VERIFIED, evidence_pb2.TAMPERED]
    assert all(is_proved(evidence, key_of(writer)) for evidence in found)


def test_without_a_valid_batch_there_is_the_canonical_record_only(writer: Writer) -> None:
    write(writer)
    records = [evidence.canonical_record for evidence in searched(writer)]
    update(writer.engine, "log_batches", "RootHash = unhex(repeat('00', 32))", "FirstLeaf = 4")
    delete(writer.engine, "log_batches", f"FirstLeaf = 8 AND LogId = '{LOGS[Stream.OPERATIONAL].log_id}'")
    found = searched(writer)
    assert [evidence.canonical_record for evidence in found] == records
    assert [evidence.state == evidence_pb2.VERIFIED for evidence in found] == 4 * [True] + 8 * [False]
    assert [bool(evidence.checkpoint) for evidence in found] == 4 * [True] + 8 * [False]
    assert [bool(evidence.inclusion_path) for evidence in found] == 4 * [True] + 8 * [False]


def test_records_and_spans_of_no_log_have_no_proof(writer: Writer) -> None:
    writer.engine.execute(f"INSERT INTO otel_logs (Timestamp, Body) VALUES (fromUnixTimestamp64Nano({START}), 'x')")
    writer.write_spans_of_a_collector((1, TRACE, "sent"))
    assert searched(writer, streams=["spans"]) == []
    (found,) = searched(writer)
    assert (found.state, found.checkpoint, list(found.inclusion_path)) == (evidence_pb2.UNSIGNED, "", [])
    assert entry_of(found.canonical_record).hex() == found.record_hash


@pytest.mark.parametrize(
    "change", ["TRUNCATE TABLE log_tiles", "ALTER TABLE log_tiles UPDATE Hashes = reverse(Hashes) WHERE 1"]
)
def test_altered_tiles_lead_to_no_wrong_path(writer: Writer, change: str) -> None:
    write(writer)
    signed = searched(writer)
    writer.engine.execute(f"{change} SETTINGS mutations_sync = 2")
    found = searched(writer)
    assert [evidence.inclusion_path for evidence in found] == [evidence.inclusion_path for evidence in signed]
    assert all(is_proved(evidence, key_of(writer)) for evidence in found)
    # Once a record of a batch is not what was signed, nothing leads to its root hash any more.
    update(writer.engine, "otel_logs", "Body = 'other'", "LeafIndex = 5")
    gone = searched(writer)[4:8]
    assert {evidence.state for evidence in gone} == {evidence_pb2.TAMPERED}
    assert {(evidence.checkpoint, len(evidence.inclusion_path)) for evidence in gone} == {("", 0)}
    assert all(evidence.canonical_record for evidence in gone)


async def test_over_http_proofs_are_in_the_json_for_everyone_who_may_read_the_record(
    engine: Engine, tmp_path: Path
) -> None:
    writers = {name: tenant(engine, tmp_path, name) for name in ("alpha", "bravo")}
    named = tuple(key for writer in writers.values() for key in _keys(writer))
    viewer, auditor = (Grant(role, frozenset({"alpha"})) for role in (Role.VIEWER, Role.AUDITOR))
    grants = {"viewer": (viewer,), "reader": (viewer, auditor)}
    keys = TrustedKeys(named=named)
    async with Guarded(engine, grants, keys).http() as client:
        for token, streams in (("viewer", "operational,spans"), ("reader", ",".join(ALL))):
            asked = {"streams": streams, "include_proofs": "true", "since": RANGE["since"].ToJsonString()}
            answer = await client.get("/api/v1/search", params=asked, headers={"authorization": f"Bearer {token}"})
            found = list(evidence_of(ParseDict(answer.json(), pb.SearchResponse()).entries))
            assert {evidence.origin for evidence in found} == {
                log.origin for log in LOGS_OF_TENANTS["alpha"].values() if log.stream.value in streams
            }
            assert {evidence.state for evidence in found} == {evidence_pb2.VERIFIED}
            assert all(is_proved(evidence, key_for(writers["alpha"], evidence)) for evidence in found)
        first = answer.json()["entries"][0]
        evidence = next(value for key, value in first.items() if key != "timestamp")["evidence"]
        assert len(base64.b64decode(evidence["inclusionPath"][0])) == 32
        assert entry_of(base64.b64decode(evidence["canonicalRecord"])).hex() == evidence["recordHash"]


def _keys(writer: Writer) -> Sequence[VerifierKey]:
    return [writer.signer.verifier_key(log.origin) for logs in LOGS_OF_TENANTS.values() for log in logs.values()]


async def test_over_grpc_proofs_are_in_the_messages(writer: Writer) -> None:
    write(writer)
    found = await search(writer, include_proofs=True)
    assert all(is_proved(one, key_of(writer, "audit")) for one in evidence_of(found.events))


def test_large_records_beyond_a_limit_are_left_out_but_not_their_proofs(writer: Writer) -> None:
    large = 3 << 20
    for number in range(7):
        writer.write([log_record(f"{number} " + "x" * large, at=number)])
    found = searched(writer)
    held = MOST_BYTES // large
    assert [bool(evidence.canonical_record) for evidence in found] == held * [True] + (7 - held) * [False]
    assert all(evidence.checkpoint for evidence in found)
    (alone,) = searched(writer, query=f"log:{LOGS[Stream.OPERATIONAL].origin} leaf:6")
    assert is_proved(alone, key_of(writer))


def test_the_first_record_is_given_even_if_it_is_beyond_the_limit_and_smaller_ones_after_a_larger_one_too() -> None:
    proofs = GivenProofs(10)

    def given(size: int) -> int:
        message = evidence_pb2.Evidence()
        proofs.add(message, RecordEvidence(State.UNSIGNED, "", None, b"x" * size))
        return len(message.canonical_record)

    assert [given(size) for size in (11, 1)] == [11, 0]
    proofs = GivenProofs(10)
    assert [given(size) for size in (4, 7, 6, 1)] == [4, 0, 6, 0]
