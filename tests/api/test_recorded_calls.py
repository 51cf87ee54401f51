"""Records of calls of the API, over gRPC and HTTP, in a storage: who looked, what he saw, and who was not let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from lognotary.v1 import (
    administration_pb2,
    administration_pb2_grpc,
    correlation_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    export_pb2,
)
from lognotary.v1 import correlation_pb2 as pb
from server.access_log.access_log import AccessLog
from server.codec.audit.built_in import built_in_rules, native_rules
from server.codec.provenance import Provenance
from server.codec.reference import ReferenceCodec
from server.commands.audit_query import ONLY_ACCESS
from server.log.journal import Journal
from server.notary.audit_words import ACCESS_SCOPE
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.own_records.proof import own_marks
from server.own_records.sender import NotRecordedError, own_request
from storage.engine import Engine
from tests.api.guarded import Guarded
from tests.api.store import START, TRACE, Writer, audit_event, log_record

OWN = Provenance("", "server", access=True)


class Port:
    """The server's own port, which writes records to the access log of a storage; it may be away."""

    def __init__(self, engine: Engine, journal: Journal) -> None:
        self.is_away = False
        self.written = 0
        log = {Stream.AUDIT: LogName("shop", Stream.AUDIT, "node-1", access=True)}
        self.writer = Writer(engine, journal, log, OWN)

    def send(self, _: str, records: Sequence[LogRecord]) -> None:
        if self.is_away:
            raise NotRecordedError("UNAVAILABLE: storage is away")
        request = own_request(ACCESS_SCOPE, records).SerializeToString()
        self.writer.commit(ReferenceCodec(native_rules()).encode(request, START, own_marks(request), OWN))
        self.written += len(records)


class Recorded:
    """The API on a storage with records, whose calls are recorded there."""

    def __init__(self, engine: Engine, directory: Path, stack: ExitStack, *, required: bool) -> None:
        journals = [Journal(directory / name, 1 << 20) for name in ("own", "senders")]
        for journal in journals:
            stack.callback(journal.close)
        self.port = Port(engine, journals[0])
        senders = Writer(engine, journals[1])
        # The names that the server gives its own records hide nothing that a sender sends.
        records = [audit_event("login"), log_record("one"), log_record("two")]
        rows = ReferenceCodec(built_in_rules()).encode(own_request(ACCESS_SCOPE, records).SerializeToString(), START)
        senders.commit(rows)
        keys = TrustedKeys(named=(*senders.keys.named, *self.port.writer.keys.named))
        self.log = stack.enter_context(AccessLog(self.port.send, required=required).running())
        self.api = Guarded(engine, keys=keys, access_log=self.log)

    async def events(self, *, access: bool = True) -> list[dict[str, str]]:
        """Return the attributes of the audit events that a search finds, the earliest first."""
        assert self.log.flush(30)
        request = pb.SearchAuditEventsRequest(query=ONLY_ACCESS if access else "")
        async with self.api.grpc() as channel:
            stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
            found: pb.SearchAuditEventsResponse = await stub.SearchAuditEvents(request, metadata=as_role("auditor"))
        assert {event.evidence.state for event in found.events} <= {evidence_pb2.VERIFIED}
        return [dict(event.log_attributes) for event in sorted(found.events, key=lambda each: each.evidence.leaf_index)]


def as_role(role: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call by a caller with a role, who has its name."""
    return (("authorization", f"Bearer {role}"),)


@pytest.fixture
def recorded(engine: Engine, tmp_path: Path) -> Iterator[Callable[..., Recorded]]:
    with ExitStack() as stack:
        yield lambda required=False: Recorded(engine, tmp_path, stack, required=required)


@contextmanager
def unavailable() -> Iterator[None]:
    """Expect that a call over gRPC is refused because there is no record of it."""
    with pytest.raises(grpc.aio.AioRpcError, match="the access log did not take the record of this call") as refused:
        yield
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def told(event: dict[str, str]) -> tuple[str, ...]:
    """Return what most tests look at."""
    names = ("audit.actor.id", "audit.action", "lognotary.access.outcome", "lognotary.access.records")
    return tuple(event.get(name, "") for name in names)


async def test_each_call_over_grpc_leaves_one_record_that_verifies(recorded: Callable[..., Recorded]) -> None:
    server = recorded()
    async with server.api.grpc() as channel:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        found = await stub.Search(pb.SearchRequest(query="one"), metadata=as_role("viewer"))
        assert len(found.entries) == 1
        trace = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), *as_role("admin"))
        await stub.GetTrace(pb.GetTraceRequest(trace_id=TRACE), metadata=trace)
        for credentials in (as_role("operator"), as_role("nobody"), ()):
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.Search(pb.SearchRequest(query="two"), metadata=credentials)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Search(pb.SearchRequest(query="("), metadata=as_role("viewer"))
        async for _ in stub.Export(export_pb2.ExportRequest(streams=["operational"]), metadata=as_role("admin")):
            pass
    events = await server.events()
    assert [told(event) for event in events] == [
        ("viewer", "search", "success", "1"),
        ("admin", "trace.get", "success", "3"),
        ("operator", "search", "denied", ""),
        ("127.0.0.1", "search", "denied", ""),
        ("127.0.0.1", "search", "denied", ""),
        ("viewer", "search", "failed", ""),
        ("admin", "export", "begun", ""),
        ("admin", "export", "success", "2"),
    ]
    reasons = [event.get("lognotary.access.reason", "") for event in events]
    assert reasons == ["", "", "forbidden", "unknown", "missing", "INVALID_ARGUMENT", "", ""]
    assert events[0]["lognotary.access.request"] == '{"query":"one"}'
    assert events[1]["audit.target.id"] == TRACE
    assert "lognotary.access.request" not in events[2]
    assert events[6]["lognotary.access.call"] == events[7]["lognotary.access.call"]
    async with server.api.grpc() as channel:
        verify = evidence_pb2_grpc.EvidenceServiceStub(channel).Verify
        steps = [step async for step in verify(evidence_pb2.VerifyRequest(), metadata=as_role("auditor"))]
    assert [step.finding for step in steps if step.HasField("finding")] == []
    assert steps[-1].summary.records >= 11  # with all events above; more may follow


async def test_each_call_over_http_leaves_one_record(recorded: Callable[..., Recorded]) -> None:
    server = recorded()
    async with server.api.http() as client:
        for role, path in (
            ("viewer", "/api/v1/search?query=one"),
            ("viewer", f"/api/v1/traces/{TRACE}"),
            ("operator", f"/api/v1/traces/{TRACE}"),
            ("viewer", "/api/v1/search?query=("),
            ("viewer", "/api/v1/nothing%1B%5B31m"),
            ("viewer", "/api/v1/export?streams=operational"),
            ("operator", "/metrics"),
            ("viewer", "/metrics"),
        ):
            await client.get(path, headers={"Authorization": f"Bearer {role}"})
        await client.get("/healthz")
        await client.post("/api/v1/verify", headers={"Authorization": "Bearer auditor"})
    events = await server.events()
    assert [(*told(event), event.get("audit.target.id", "")) for event in events] == [
        ("viewer", "search", "success", "1", ""),
        ("viewer", "trace.get", "success", "2", TRACE),
        ("operator", "trace.get", "denied", "", TRACE),
        ("viewer", "search", "failed", "", ""),
        ("viewer", "call", "failed", "", "/api/v1/nothing\\x1b[31m"),
        ("viewer", "export", "begun", "", ""),
        ("viewer", "export", "success", "2", ""),
        ("viewer", "metrics.get", "denied", "", ""),
        ("auditor", "verify", "begun", "", ""),
        ("auditor", "verify", "success", events[-1]["lognotary.access.records"], ""),
    ]
    assert {event["lognotary.access.protocol"] for event in events} == {"http"}


async def test_a_tail_has_a_record_at_its_begin_and_one_when_the_caller_leaves(
    recorded: Callable[..., Recorded],
) -> None:
    server = recorded()
    async with server.api.grpc() as channel:
        tail = correlation_pb2_grpc.CorrelationServiceStub(channel).Tail(pb.TailRequest(), metadata=as_role("admin"))
        await tail.read()
        tail.cancel()
    found: list[tuple[str, ...]] = []
    while len(found) < 2:  # the server notices later that the caller has left
        found = [told(event)[:3] for event in await server.events() if event["audit.action"] == "tail"]
    assert found == [("admin", "tail", "begun"), ("admin", "tail", "success")]


async def test_searches_for_audit_events_leave_out_who_looked_unless_they_ask_for_it(
    recorded: Callable[..., Recorded],
) -> None:
    server = recorded()
    assert [event["audit.action"] for event in await server.events(access=False)] == ["login"]
    assert [event["audit.action"] for event in await server.events(access=False)] == ["login"]
    assert [event["audit.action"] for event in await server.events()] == ["audit.search", "audit.search"]
    assert server.log.flush(30)
    async with server.api.grpc() as channel:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        everything = pb.SearchAuditEventsRequest(include_access=True)
        found = await stub.SearchAuditEvents(everything, metadata=as_role("auditor"))
    assert len(found.events) == 4


def _answers(client: httpx.AsyncClient, path: str) -> Any:
    return client.get(path, headers={"Authorization": "Bearer admin"})


async def test_a_server_that_stops_refuses_calls_that_it_could_not_record(recorded: Callable[..., Recorded]) -> None:
    server = recorded()
    for calls in server.api.recorded.values():
        calls.stop()
    async with server.api.grpc() as channel, server.api.http() as client:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError, match="the server is stopping") as refused:
            await stub.Search(pb.SearchRequest(query="one"), metadata=as_role("viewer"))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        answer = await _answers(client, "/api/v1/search?query=one")
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert (await client.get("/healthz")).status_code == 200
        assert (await _answers(client, "/metrics")).status_code == 200


async def test_without_a_record_there_is_no_answer_if_records_are_required(recorded: Callable[..., Recorded]) -> None:
    server = recorded(required=True)
    async with server.api.grpc() as channel, server.api.http() as client:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        await stub.Search(pb.SearchRequest(query="one"), metadata=as_role("viewer"))
        assert server.port.written == 1
        assert (await _answers(client, "/api/v1/search?query=one")).status_code == 200
        assert (await _answers(client, "/api/v1/export?query=*")).status_code == 200
        assert server.port.written >= 3
        server.port.is_away = True
        with unavailable():
            await stub.Search(pb.SearchRequest(query="one"), metadata=as_role("viewer"))
        with unavailable():
            async for _ in stub.Export(export_pb2.ExportRequest(query="*"), metadata=as_role("admin")):
                pytest.fail("there was an answer")
        for path in ("/api/v1/search?query=one", "/api/v1/export?query=*", "/api/v1/tail"):
            answer = await _answers(client, path)
            assert answer.status_code == 503
            assert answer.json()["code"] == "UNAVAILABLE"
            assert "the access log did not take the record of this call" in answer.json()["message"]
        assert (await client.get("/healthz")).status_code == 200
        server.port.is_away = False
    failed = [event for event in await server.events() if event["lognotary.access.outcome"] == "failed"]
    assert {event["audit.action"] for event in failed} == {"search", "export", "tail"}
    reasons = {(event["lognotary.access.protocol"], event["lognotary.access.reason"]) for event in failed}
    assert reasons == {(each, "there was no record of the call in time") for each in ("grpc", "http")} | {
        ("grpc", "UNAVAILABLE")  # the end of a long answer
    }


async def test_denied_and_failed_calls_need_a_record_too_if_records_are_required(
    recorded: Callable[..., Recorded],
) -> None:
    server = recorded(required=True)
    server.port.is_away = True
    async with server.api.grpc() as channel, server.api.http() as client:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        for credentials, query in ((), "one"), (as_role("operator"), "one"), (as_role("viewer"), "("):
            with unavailable():
                await stub.Search(pb.SearchRequest(query=query), metadata=credentials)
        for headers in {}, {"Authorization": "Bearer operator"}, {"Authorization": "Bearer viewer"}:
            assert (await client.get("/api/v1/search?query=(", headers=headers)).status_code == 503
        server.port.is_away = False
        with pytest.raises(grpc.aio.AioRpcError) as denied:
            await stub.Search(pb.SearchRequest(query="one"), metadata=as_role("operator"))
        assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert server.port.written == 7  # all of them are on record before the answer


async def test_a_change_is_not_made_without_a_record_if_records_are_required(
    recorded: Callable[..., Recorded],
) -> None:
    server = recorded(required=True)
    hold = administration_pb2.AddHoldRequest(name="case-1", actor="otto", reason="a dispute", scope={"actor": "alice"})
    body = {"actor": "otto", "reason": "a dispute", "scope": {"actor": "alice"}}
    headers = {"Authorization": "Bearer operator"}
    async with server.api.grpc() as channel, server.api.http() as client:
        stub = administration_pb2_grpc.AdministrationServiceStub(channel)
        server.port.is_away = True
        with unavailable():
            await stub.AddHold(hold, metadata=as_role("operator"))
        answer = await client.post("/api/v1/holds", json={"name": "case-2", **body}, headers=headers)
        assert answer.status_code == 503
        server.port.is_away = False
        listed = await stub.ListHolds(administration_pb2.ListHoldsRequest(), metadata=as_role("operator"))
        assert [each.name for each in listed.holds] == []
        await stub.AddHold(hold, metadata=as_role("operator"))
        assert (await client.post("/api/v1/holds", json={"name": "case-2", **body}, headers=headers)).status_code == 200
        listed = await stub.ListHolds(administration_pb2.ListHoldsRequest(), metadata=as_role("operator"))
        assert sorted(each.name for each in listed.holds) == ["case-1", "case-2"]
    events = [told(event)[1:3] for event in await server.events()]
    assert [events.count(("hold.add", outcome)) for outcome in ("begun", "success", "failed")] == [4, 2, 2]
    assert events.count(("hold.add", "failed")) >= 2


async def test_a_change_has_one_record_if_records_are_not_required(recorded: Callable[..., Recorded]) -> None:
    server = recorded()
    hold = administration_pb2.AddHoldRequest(name="case-1", actor="otto", reason="a dispute", scope={"actor": "alice"})
    async with server.api.grpc() as channel:
        stub = administration_pb2_grpc.AdministrationServiceStub(channel)
        await stub.AddHold(hold, metadata=as_role("operator"))
    assert [told(event)[:3] for event in await server.events()] == [("operator", "hold.add", "success")]
