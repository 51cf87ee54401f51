"""The audit endpoint of running servers: one row for each id across restarts, workers and servers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from google.protobuf.json_format import Parse

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.waiting import wait_for
from lognotary.v1.receipts_pb2 import AuditExportResponse, GetReceiptResponse
from tests.audit_ids.audit_records import audit_record, bytes_of

_PROTOBUF = {"Content-Type": "application/x-protobuf"}


def post(server: LognotaryServer, request: bytes) -> httpx.Response:
    return httpx.post(f"{server.otlp_http}/v1/audit", content=request, headers=_PROTOBUF, timeout=60)


def accepted(server: LognotaryServer, request: bytes) -> AuditExportResponse:
    """Send a request until it is accepted, as a sender does."""
    wait_for(lambda: (response := post(server, request)).status_code == 200 or _retryable(response))
    return AuditExportResponse.FromString(post(server, request).content)


def _retryable(response: httpx.Response) -> bool:
    assert response.status_code == 503, response.text
    return False


def test_a_record_is_stored_once_whichever_server_gets_it_and_is_proved_by_its_id(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    record_id = uuid4()
    request = bytes_of(audit_record(record_id))
    first = LognotaryServer(clickhouse_storage, tmp_path / "first", batch_age=0.02, workers=2)
    second = LognotaryServer(clickhouse_storage, tmp_path / "second", batch_age=0.02)
    with first, second:
        receipt = accepted(first, request)
        assert accepted(second, request) == receipt
        assert post(second, bytes_of(audit_record(record_id, audit_outcome="failure"))).status_code == 409
        first.stop()
        first.start()
        assert accepted(first, request) == receipt
        answer = httpx.get(f"{second.http}/api/v1/receipts/{record_id}").raise_for_status()
        assert Parse(answer.text, GetReceiptResponse()).receipt == receipt.receipts[0]
        proof = httpx.get(f"{first.http}{receipt.receipts[0].proof_url}").raise_for_status()
        assert proof.json()["leafIndex"] == str(receipt.receipts[0].leaf_index)
        address = urlsplit(f"//{first.api_grpc}").netloc
        proved = run_lognotary("prove", str(record_id), "-o", str(tmp_path / "bundle"), "--api", address)
        assert proved.returncode == 0, proved.stderr
        found = httpx.get(f"{first.http}/api/v1/audit-events").raise_for_status().json()["events"]
        assert len(found) == 1
