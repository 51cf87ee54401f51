"""A server that verifies what it stores, while it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from google.protobuf.json_format import Parse

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from lognotary.v1.correlation_pb2 import SearchAuditEventsResponse
from lognotary.v1.evidence_pb2 import VERIFIED
from server.self_verification.audit_trail import EVENT_NAME

SECONDS = 1  # that a walk should take: as often as it can


def metric(server: LognotaryServer, name: str) -> float:
    """A metric of self-verification, 0 where it is not there yet."""
    text = httpx.get(f"{server.http}/metrics").text
    found = re.search(rf"^lognotary_self_verification_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.fixture(params=[1, 2], ids=["alone", "with workers"])
def server(request: pytest.FixtureRequest, clickhouse_storage: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A server on a ClickHouse server, in which others can change what it stored."""
    flags = {"batch_age": 0.02, "workers": request.param, "self_verify": f"{SECONDS / 3600}h"}
    with LognotaryServer(clickhouse_storage, tmp_path / "data", **flags) as running:
        yield running


def test_a_change_behind_its_back_is_a_metric_a_line_of_the_log_and_an_audit_record(
    server: LognotaryServer, clickhouse_server: ClickHouseServer
) -> None:
    send(server.otlp_grpc, log_record("a secret line"), log_record("another line"))
    wait_for(lambda: metric(server, "walks_total") >= 1 and metric(server, "records_total") >= 2)
    assert "self-verification: " not in server.log_text()

    clickhouse_server.query(
        "ALTER TABLE otel_logs UPDATE Body = 'a public line' WHERE Body = 'a secret line' SETTINGS mutations_sync = 2",
        database=server.storage_url.rpartition("/")[2],
    )
    wait_for(lambda: metric(server, 'findings{kind="RECORD_CHANGED"}') == 1)
    wait_for(lambda: metric(server, "unrecorded_findings") == 0)

    (line,) = [line for line in server.log_text().splitlines() if "self-verification: RECORD_CHANGED" in line]
    assert "public" not in line
    answer = httpx.get(f"{server.http}/api/v1/audit-events", params={"action": "verify"}, timeout=60.0).text
    (event,) = Parse(answer, SearchAuditEventsResponse()).events
    assert (event.service_name, event.event_name) == ("lognotary", EVENT_NAME)
    assert (event.audit.category, event.audit.outcome) == ("system", "failure")
    assert event.log_attributes["lognotary.finding.kind"] == "RECORD_CHANGED"
    assert event.log_attributes["lognotary.leaf.first"] in ("0", "1")
    assert event.evidence.state == VERIFIED
