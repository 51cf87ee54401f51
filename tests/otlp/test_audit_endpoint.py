"""Audit records over HTTP and gRPC: accepted as a whole with receipts, or refused as a whole."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from lognotary.v1.receipts_pb2 import AuditExportResponse
from server.admission.admission import Ticket
from server.codec.audit.strict_records import check_request
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.errors.audit_records import AuditRecordClaimedError, AuditRecordConflictError
from server.notary.origin import LogName, Stream
from server.otlp.audit_records import AuditReceiving, answer
from server.otlp.grpc_receiver import SERVICE, build_handlers
from server.otlp.http_receiver import build_http_app
from server.pipeline.audit_ingest import AuditReceipt
from server.pipeline.measures import RequestMeasure
from server.process.pools import Pool
from tests.audit_ids.audit_records import audit_record, bytes_of
from tests.otlp.posting import JSON, PROTOBUF, status_of
from tests.otlp.recording import RecordingIngest

ID = UUID("2f1e7c1a-4c1f-4b0e-9a53-0c8d1f6f7a11")
REQUEST = bytes_of(audit_record(ID))
ORIGIN = "shop/audit/vm"


class CheckingIngest:
    """An ``AuditIngest`` that checks requests and keeps nothing; the first calls meet ``failures``, one each."""

    def __init__(self, *failures: Exception) -> None:
        self.requests: list[tuple[bytes, bool]] = []
        self._failures = list(failures)

    async def submit_audit(
        self,
        request: bytes,
        ticket: Ticket,
        *,
        every: bool,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> Sequence[AuditReceipt]:
        checked = check_request(request, every=every)
        ticket.reserve(len(request))
        if self._failures:
            raise self._failures.pop(0)
        self.requests.append((request, every))
        return [receipt_of(one.record_id, place, one.digest) for place, one in enumerate(checked.records)]


def receipt_of(record_id: UUID, leaf: int, digest: bytes = bytes(32)) -> AuditReceipt:
    return AuditReceipt(record_id, digest, 1_790_000_000_000_000_007, ORIGIN, leaf)


def client(
    audit: CheckingIngest, ingest: RecordingIngest | None = None, *, strict: bool = False, measured: object = None
) -> httpx.AsyncClient:
    measures: list[RequestMeasure] = measured if isinstance(measured, list) else []
    app = build_http_app(
        ingest or RecordingIngest(), 1 << 20, Pool("ingest", 1), measures.append, audit=AuditReceiving(audit, strict)
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver")


@asynccontextmanager
async def export(audit: CheckingIngest, *, strict: bool):  # type: ignore[no-untyped-def]
    server = grpc.aio.server()
    handlers = build_handlers(RecordingIngest(), 1 << 20, Pool("ingest", 1), audit=AuditReceiving(audit, strict))
    server.add_generic_rpc_handlers(handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel.unary_unary(f"/{SERVICE}/Export")
    await server.stop(None)


def as_json() -> bytes:
    record = audit_record(ID)
    one = {
        "timeUnixNano": str(record.time_unix_nano),
        "observedTimeUnixNano": str(record.observed_time_unix_nano),
        "eventName": record.event_name,
        "body": {"stringValue": record.body.string_value},
        "attributes": [
            {"key": pair.key, "value": {"stringValue": pair.value.string_value}} for pair in record.attributes
        ],
    }
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [one]}]}]}).encode()


async def test_audit_records_are_answered_with_receipts_that_an_otlp_client_ignores() -> None:
    measured: list[RequestMeasure] = []
    async with client(CheckingIngest(), measured=measured) as http:
        plain = await http.post("/v1/audit", content=REQUEST, headers=PROTOBUF)
        zipped = await http.post(
            "/v1/audit", content=gzip.compress(REQUEST), headers={**PROTOBUF, "Content-Encoding": "gzip"}
        )
        text = await http.post("/v1/audit", content=as_json(), headers=JSON)
    (receipt,) = AuditExportResponse.FromString(plain.content).receipts
    assert receipt.record_id == str(ID)
    assert receipt.proof_url == f"/api/v1/logs/{LogName.parse(ORIGIN).log_id}/inclusion-proof?leaf_index=0"
    assert receipt.sink_time.ToNanoseconds() == 1_790_000_000_000_000_007
    assert zipped.content == plain.content
    assert json_format.Parse(text.content, AuditExportResponse()).receipts[0].record_id == str(ID)
    assert json.loads(text.content)["receipts"][0]["leafIndex"] == "0"
    assert not ExportLogsServiceResponse.FromString(plain.content).HasField("partial_success")
    json_format.Parse(text.content, ExportLogsServiceResponse(), ignore_unknown_fields=True)
    assert {(one.service, one.outcome) for one in measured} == {("audit", "ok")}


@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
async def test_a_bad_record_rejects_the_whole_request_and_is_named(headers: dict[str, str]) -> None:
    bad = bytes_of(audit_record(), audit_record(ID, audit_outcome=None))
    body = bad if headers == PROTOBUF else as_json().replace(b"audit.outcome", b"audit.result")
    audit, measured = CheckingIngest(), list[RequestMeasure]()
    async with client(audit, measured=measured) as http:
        response = await http.post("/v1/audit", content=body, headers=headers)
    assert response.status_code == 400
    status = status_of(response)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert str(ID) in status.message
    assert "audit.outcome is missing: send success, failure or unknown" in status.message
    assert "Retry-After" not in response.headers
    assert audit.requests == []
    assert [one.outcome for one in measured] == ["invalid_record"]


async def test_a_conflict_is_409_and_an_id_on_its_way_503() -> None:
    failures = AuditRecordConflictError("conflict"), AuditRecordClaimedError("claimed", retry_after=1.5)
    async with client(CheckingIngest(*failures)) as http:
        conflict = await http.post("/v1/audit", content=REQUEST, headers=PROTOBUF)
        claimed = await http.post("/v1/audit", content=REQUEST, headers=PROTOBUF)
    assert conflict.status_code == 409
    assert status_of(conflict).code == grpc.StatusCode.ALREADY_EXISTS.value[0]
    assert "Retry-After" not in conflict.headers
    assert (claimed.status_code, claimed.headers["Retry-After"]) == (503, "2")


async def test_requests_for_logs_are_checked_only_if_the_server_is_strict() -> None:
    audit, ingest = CheckingIngest(), RecordingIngest()
    bad = bytes_of(audit_record(audit_actor_id=None))
    async with client(audit, ingest) as http:
        assert (await http.post("/v1/logs", content=bad, headers=PROTOBUF)).content == b""
    assert (audit.requests, ingest.requests) == ([], [bad])
    async with client(audit, ingest, strict=True) as http:
        assert (await http.post("/v1/logs", content=bad, headers=PROTOBUF)).status_code == 400
        strict = await http.post("/v1/logs", content=REQUEST, headers=PROTOBUF)
    assert len(AuditExportResponse.FromString(strict.content).receipts) == 1
    assert audit.requests == [(REQUEST, False)]


async def test_the_same_holds_over_grpc() -> None:
    audit = CheckingIngest()
    async with export(audit, strict=False) as call:
        assert await call(REQUEST) == b""
    assert audit.requests == []
    audit = CheckingIngest(AuditRecordConflictError("conflict"))
    async with export(audit, strict=True) as call:
        with pytest.raises(grpc.aio.AioRpcError) as conflict:
            await call(REQUEST)
        with pytest.raises(grpc.aio.AioRpcError) as invalid:
            await call(bytes_of(audit_record(ID, audit_actor_type="robot")))
        answered = await call(REQUEST)
    assert conflict.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert invalid.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "audit.actor.type is 'robot'" in str(invalid.value.details())
    assert AuditExportResponse.FromString(answered).receipts[0].record_id == str(ID)
    assert not ExportLogsServiceResponse.FromString(answered).HasField("partial_success")


def test_an_answer_stays_below_what_clients_take() -> None:
    receipts = [receipt_of(ID, 2**63) for _ in range(8_000)]
    for as_text in (False, True):
        assert len(answer(receipts, as_json=as_text)) < 4 << 20
    omitted = AuditExportResponse.FromString(answer([*receipts, receipts[0]], as_json=False))
    assert (omitted.receipts_omitted, len(omitted.receipts)) == (True, 0)
    assert (answer([], as_json=False), answer([], as_json=True)) == (b"", b"{}")
