from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import correlation_pb2_grpc, evidence_pb2, evidence_pb2_grpc
from server.notary.origin import Stream
from tests.api.store import OTHER_TRACE, START, TRACE, Writer, audit_event, log_record, search, serving, write_events


async def get_trace(writer: Writer, **request: Any) -> pb.GetTraceResponse:
    async with serving(writer.engine, writer.keys) as channel:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        response: pb.GetTraceResponse = await stub.GetTrace(pb.GetTraceRequest(**request))
        return response


async def verify(writer: Writer, **request: Any) -> list[evidence_pb2.VerifyResponse]:
    async with serving(writer.engine, writer.keys) as channel:
        stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
        return [step async for step in stub.Verify(evidence_pb2.VerifyRequest(**request))]


def insert_span(writer: Writer, name: str, offset: int) -> None:
    writer.engine.execute(
        "INSERT INTO otel_traces (Timestamp, TraceId, SpanId, SpanName, ServiceName, Duration) VALUES "
        f"(fromUnixTimestamp64Nano({START + offset}), '{TRACE}', '0101010101010101', '{name}', 'shop', 5)"
    )


def names(response: pb.GetTraceResponse) -> list[str]:
    """Return what the entries of a timeline are called."""
    found = []
    for entry in response.entries:
        kind = entry.WhichOneof("entry")
        found.append(entry.span.name if kind == "span" else getattr(entry, kind).body)
    return found


async def test_a_trace_is_one_timeline_of_events_logs_and_spans(writer: Writer) -> None:
    writer.write([log_record("third", at=30), audit_event("delete", at=20), log_record("elsewhere", trace=OTHER_TRACE)])
    writer.write([log_record("fifth", at=2_000_000_050)])
    insert_span(writer, "first", 10)
    insert_span(writer, "fourth", 1_000_000_040)
    response = await get_trace(writer, trace_id=TRACE.upper())
    assert response.trace_id == TRACE
    assert names(response) == ["first", "alice did delete", "third", "fourth", "fifth"]
    assert not response.truncated
    event = response.entries[1].audit_event
    assert (event.audit.actor_id, event.audit.action, event.audit.outcome) == ("alice", "delete", "success")
    assert event.evidence.state == evidence_pb2.VERIFIED
    assert event.evidence.origin == "shop/audit/node-1"
    assert (event.evidence.leaf_index, event.evidence.tree_size) == (0, 1)
    assert len(event.evidence.record_hash) == 64


async def test_a_trace_has_at_most_so_many_entries_of_each_kind_as_asked_for(writer: Writer) -> None:
    writer.write([log_record(f"log {number}", at=number) for number in range(5)])
    writer.write([audit_event(f"action-{number}", at=number) for number in range(3)])
    response = await get_trace(writer, trace_id=TRACE, limit=3)
    assert sorted(names(response)) == [*(f"alice did action-{n}" for n in range(3)), "log 0", "log 1", "log 2"]
    assert response.truncated
    assert not (await get_trace(writer, trace_id=TRACE, limit=5)).truncated


async def whole_trace(writer: Writer, limit: int) -> list[pb.GetTraceResponse]:
    """Return all pages of a trace."""
    pages = [await get_trace(writer, trace_id=TRACE, limit=limit)]
    while pages[-1].next_page_token:
        assert pages[-1].truncated
        pages.append(await get_trace(writer, trace_id=TRACE, limit=limit, page_token=pages[-1].next_page_token))
    assert not pages[-1].truncated
    return pages


async def test_the_pages_of_a_trace_together_are_all_its_entries_once_and_the_first_counts_them(writer: Writer) -> None:
    writer.write([log_record(f"log {number}", at=number) for number in range(7)])
    writer.write([audit_event(f"action-{number}", at=number) for number in range(3)])
    for number in range(5):
        insert_span(writer, f"span {number}", number)
    first, *others = await whole_trace(writer, 2)
    assert (first.audit_event_count, first.log_count, first.span_count) == (3, 7, 5)
    found = [name for page in (first, *others) for name in names(page)]
    assert len(found) == len(set(found)) == 15
    (whole,) = await whole_trace(writer, 10)
    assert (whole.audit_event_count, whole.log_count, whole.span_count) == (3, 7, 5)
    assert sorted(names(whole)) == sorted(found)


async def test_rows_that_somebody_inserted_are_on_the_last_pages_of_a_trace(writer: Writer) -> None:
    writer.write([log_record(f"log {number}", at=10 + number) for number in range(3)])
    writer.engine.execute(
        "INSERT INTO otel_logs (Timestamp, TraceId, Body) "
        f"SELECT fromUnixTimestamp64Nano({START}), '{TRACE}', 'forged' FROM numbers(4)"
    )
    pages = await whole_trace(writer, 2)
    assert pages[0].log_count == 7
    assert names(pages[0]) == ["log 0", "log 1"]
    assert pages[0].unproved_omitted
    assert not pages[-1].unproved_omitted
    found = [name for page in pages for name in names(page)]
    assert found.count("log 2") == 1
    assert "forged" in found


@pytest.mark.parametrize("token", ["x", "bnVsbA==", "WzAsIG51bGwsIG51bGxd", "W251bGwsIG51bGwsIC0xXQ=="])
async def test_a_page_token_of_another_call_is_an_invalid_argument(writer: Writer, token: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_trace(writer, trace_id=TRACE, page_token=token)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "page token" in (caught.value.details() or "")


async def test_a_page_token_of_another_trace_is_refused(writer: Writer) -> None:
    writer.write([log_record(f"log {number}", trace=trace) for number in range(2) for trace in (TRACE, OTHER_TRACE)])
    token = (await get_trace(writer, trace_id=TRACE, limit=1)).next_page_token
    with pytest.raises(grpc.aio.AioRpcError, match="belongs to another trace") as caught:
        await get_trace(writer, trace_id=OTHER_TRACE, page_token=token)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert names(await get_trace(writer, trace_id=f"0x{TRACE}", page_token=token)) == ["log 1"]


async def test_entries_of_one_time_keep_the_order_in_which_they_were_sent(writer: Writer) -> None:
    writer.write([log_record("first"), audit_event("second"), log_record("third"), audit_event("fourth")])
    writer.write([audit_event("fifth"), log_record("sixth")], received=START + 10)
    bodies = ["first", "alice did second", "third", "alice did fourth", "alice did fifth", "sixth"]
    assert names(await get_trace(writer, trace_id=TRACE)) == bodies


async def test_a_record_without_a_time_stands_where_it_was_received(writer: Writer) -> None:
    nameless = log_record("whenever")
    nameless.time_unix_nano = 0
    seen = log_record("seen")
    seen.time_unix_nano, seen.observed_time_unix_nano = 0, START + 10
    writer.write([log_record("before", at=5), nameless, seen, log_record("after", at=30)], received=START + 20)
    response = await get_trace(writer, trace_id=TRACE)
    assert names(response) == ["before", "seen", "whenever", "after"]
    whenever = response.entries[2]
    assert whenever.timestamp == whenever.log.ingested_at
    assert whenever.log.timestamp == whenever.timestamp


async def test_signatures_alone_are_checked_on_demand(writer: Writer) -> None:
    writer.write([log_record("a")])
    response = await get_trace(writer, trace_id=TRACE, check=pb.CHECK_SIGNATURES)
    assert response.entries[0].log.evidence.state == evidence_pb2.SIGNED


async def test_a_tampered_record_is_shown_as_such(writer: Writer) -> None:
    writer.write([log_record("a", at=1), log_record("b", at=2)])
    writer.engine.execute("ALTER TABLE otel_logs UPDATE Body = 'x' WHERE Body = 'b' SETTINGS mutations_sync = 2")
    states = [entry.log.evidence for entry in (await get_trace(writer, trace_id=TRACE)).entries]
    assert [state.state for state in states] == [evidence_pb2.VERIFIED, evidence_pb2.TAMPERED]
    assert states[1].reason


@pytest.mark.parametrize("trace_id", ["", "abc", "g" * 32, "0" * 32, TRACE + "0", "' OR 1"])
async def test_what_is_no_trace_id_is_an_invalid_argument(writer: Writer, trace_id: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_trace(writer, trace_id=trace_id)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "32 hexadecimal digits" in (caught.value.details() or "")


async def test_a_trace_of_which_nothing_is_stored_is_not_found(writer: Writer) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_trace(writer, trace_id=OTHER_TRACE)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert OTHER_TRACE in (caught.value.details() or "")


async def test_a_storage_that_cannot_be_read_is_unavailable(writer: Writer) -> None:
    writer.engine.execute("DROP TABLE audit_logs SYNC")
    for call in (get_trace(writer, trace_id=TRACE), search(writer)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "storage" in (caught.value.details() or "")


async def test_verification_goes_on_without_a_table_that_is_gone(events: Writer) -> None:
    events.engine.execute("DROP TABLE otel_logs SYNC")
    steps = await verify(events)
    findings = [step.finding for step in steps if step.HasField("finding")]
    assert {finding.kind for finding in findings} == {evidence_pb2.TABLE_ALTERED}
    assert steps[-1].summary.records == 6


@pytest.fixture
def events(writer: Writer) -> Writer:
    """Six events of two actors."""
    write_events(writer)
    return writer


async def test_verification_ends_with_a_summary(events: Writer) -> None:
    steps = await verify(events)
    assert [step.WhichOneof("step") for step in steps][-1] == "summary"
    summary = steps[-1].summary
    assert (summary.logs, summary.batches, summary.records, summary.findings) == (1, 3, 6, 0)
    progress = [step.progress for step in steps if step.HasField("progress")]
    assert progress[-1].records == progress[-1].total_records == 6


async def test_a_finding_names_the_record_and_shows_it(events: Writer) -> None:
    events.engine.execute(
        "ALTER TABLE audit_logs UPDATE ActorId = 'eve' WHERE LeafIndex = 1 SETTINGS mutations_sync = 2"
    )
    (finding,) = [step.finding for step in await verify(events) if step.HasField("finding")]
    assert finding.kind == evidence_pb2.RECORD_CHANGED
    assert (finding.origin, finding.sequence, finding.leaf_index) == ("shop/audit/node-1", 1, 1)
    assert "alice did user.delete" in finding.record


async def test_a_checkpoint_from_before_shows_what_was_cut_off(events: Writer) -> None:
    last = events.write([audit_event("logout", at=5)])[Stream.AUDIT]
    for table in ("log_batches", "log_tiles", "audit_logs"):
        events.engine.execute(
            f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{last.batch_id}') SETTINGS mutations_sync = 2"
        )
    (finding,) = [
        step.finding for step in await verify(events, checkpoints=[last.checkpoint]) if step.HasField("finding")
    ]
    assert finding.kind == evidence_pb2.LOG_TRUNCATED


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"public_keys": ["no key"]}, "verifier key"),
        ({"public_keys": [" \n"]}, "public key"),
        ({"checkpoints": ["no checkpoint"]}, "note"),
    ],
    ids=str,
)
async def test_a_verification_that_cannot_be_made_is_an_invalid_argument(
    writer: Writer, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await verify(writer, **request_)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in (caught.value.details() or "")


async def test_the_callers_public_keys_count_instead_of_the_servers(events: Writer) -> None:
    key = events.signer.verifier_key("shop/audit/other")
    steps = await verify(events, public_keys=[str(key)])
    kinds = {step.finding.kind for step in steps if step.HasField("finding")}
    assert kinds == {evidence_pb2.LOG_FOREIGN_SIGNED}
