from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import (
    LogsServiceServicer,
    add_LogsServiceServicer_to_server,
)

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import classify
from server.codec.audit.strict_records import check_request
from server.codec.decode import decode
from server.own_records.sender import NotRecordedError, OwnRecords
from server.self_verification.audit_trail import EVENT_NAME, AuditTrail, audit_request
from server.self_verification.finding_ledger import Notice
from server.settings.values import Address

NOTICE = Notice("0f" * 16, "RECORD_CHANGED", "record 5 is not what was signed", "ab", "a/audit/b", "id", 3, (5, 5), 1)


class Receiver(LogsServiceServicer):
    """Takes requests, or refuses them."""

    def __init__(self) -> None:
        self.requests: list[ExportLogsServiceRequest] = []
        self.refuse = False

    def Export(  # noqa: N802 - as it is called
        self, request: ExportLogsServiceRequest, context: grpc.ServicerContext
    ) -> ExportLogsServiceResponse:
        if self.refuse:
            context.abort(grpc.StatusCode.UNAVAILABLE, "storage is away")
        self.requests.append(request)
        return ExportLogsServiceResponse()


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, int]]:
    servicer = Receiver()
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        add_LogsServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield servicer, port
        finally:
            server.stop(None).wait()


def test_a_finding_is_an_audit_record_by_the_built_in_rules() -> None:
    records = decode(audit_request([NOTICE], 1_800_000_000 * 10**9).SerializeToString())
    (fields,) = classify(records, built_in_rules())
    assert fields is not None
    assert (fields.actor_id, fields.actor_type) == (b"lognotary", b"service")
    assert (fields.action, fields.outcome, fields.category) == (b"verify", b"failure", b"system")
    assert (fields.target_id, fields.target_type) == (b"a/audit/b", b"log")
    assert (records.service_name, records.event_name) == ([b"lognotary"], [EVENT_NAME.encode()])
    attributes = dict(records.log_attributes[0])
    assert attributes[b"lognotary.finding.id"] == NOTICE.key.encode()
    assert attributes[b"lognotary.finding.kind"] == b"RECORD_CHANGED"
    assert attributes[b"lognotary.batch.id"] == b"id"
    assert (attributes[b"lognotary.leaf.first"], attributes[b"lognotary.leaf.last"]) == (b"5", b"5")


def test_a_finding_has_all_that_a_strict_server_asks_for() -> None:
    request = audit_request([NOTICE, NOTICE], 1_800_000_000 * 10**9).SerializeToString()
    assert len(check_request(request, every=True).records) == 2


def test_a_finding_of_no_log_is_an_audit_record_too() -> None:
    records = decode(audit_request([Notice("1" * 32, "MORE", "there are more")], 1).SerializeToString())
    (fields,) = classify(records, built_in_rules())
    assert fields is not None
    assert (fields.category, fields.target_id) == (b"system", b"")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_audit_records_are_sent_to_the_port_wherever_it_listens(receiver: tuple[Receiver, int], host: str) -> None:
    servicer, port = receiver
    AuditTrail(OwnRecords(Address(host, port), "token")).record([NOTICE, NOTICE])
    (request,) = servicer.requests
    assert len(request.resource_logs[0].scope_logs[0].log_records) == 2


def test_a_refusal_is_told_to_whoever_sent_them(receiver: tuple[Receiver, int]) -> None:
    servicer, port = receiver
    servicer.refuse = True
    with pytest.raises(NotRecordedError, match="UNAVAILABLE: storage is away"):
        AuditTrail(OwnRecords(Address("127.0.0.1", port), "token")).record([NOTICE])
