"""Streams that are not signed: received and kept by the same rules, shown as unsigned, and not a finding."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import Load, log_record, read_stored, send
from harness.waiting import wait_for
from lognotary.v1.correlation_pb2 import GetTraceRequest, SearchRequest
from lognotary.v1.evidence_pb2 import UNSIGNED, VERIFIED, Evidence
from lognotary.v1.status_pb2 import GetStatusRequest
from lognotary.v1.status_pb2_grpc import StatusServiceStub
from storage.clickhouse import connect
from storage.rowbinary import read_one, uint64
from storage.url import parse_storage_url

NOW = 1_790_000_000 * 10**9
ONLY_AUDIT = "audit"


def server_on(storage_url: str, directory: Path, signed: str, **flags: str | float) -> LognotaryServer:
    settings: dict[str, Any] = {"batch_age": 0.02, "signed_streams": signed, **flags}
    return LognotaryServer(storage_url, directory / "data", **settings)


def send_trace(server: LognotaryServer) -> str:
    """Send an audit event, two logs of the same time, and two spans of a trace; return its ID."""
    trace_id = uuid.uuid4().hex
    event = {"audit_actor_id": "eve", "audit_action": "pay", "audit_outcome": "success"}
    send(
        server.otlp_grpc,
        log_record("paid", trace_id=trace_id, timestamp=NOW, **event),
        *(log_record(f"line {number}", trace_id=trace_id, timestamp=NOW) for number in range(2)),
    )
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in (1, 2):
        spans.add(
            trace_id=bytes.fromhex(trace_id),
            span_id=number.to_bytes(8, "big"),
            name=f"step {number}",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=NOW,
            end_time_unix_nano=NOW + 10,
        )
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        TraceServiceStub(channel).Export(request)
    return trace_id


def evidence_of(server: LognotaryServer, trace_id: str) -> dict[str, Evidence]:
    with server.correlation() as api:
        found = api.GetTrace(GetTraceRequest(trace_id=trace_id))
    contents = [getattr(entry, entry.WhichOneof("entry")) for entry in found.entries]
    return {content.body if hasattr(content, "body") else content.name: content.evidence for content in contents}


@pytest.mark.parametrize("ack", ["commit", "journal"])
def test_what_is_not_signed_is_kept_and_shown_and_no_finding(storage_url: str, tmp_path: Path, ack: str) -> None:
    with server_on(storage_url, tmp_path, ONLY_AUDIT, ack=ack) as server:
        assert "not signed (--signed-streams): operational and spans" in server.log_text()
        trace_id = send_trace(server)
        if ack == "journal":
            assert server.stop() == 0  # all is stored then
            server.start()
        evidence = evidence_of(server, trace_id)
        assert {name: one.state for name, one in evidence.items()} == {
            "paid": VERIFIED,
            **dict.fromkeys(("line 0", "line 1", "step 1", "step 2"), UNSIGNED),
        }
        unsigned = evidence["line 0"]
        assert (unsigned.reason, unsigned.is_expected, unsigned.leaf_index) == (
            "the stream operational is not signed",
            True,
            0,
        )
        shown = server.cli("trace", trace_id)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert "✔ 1 entry verified; 4 entries unsigned: their streams are not signed (signed_streams)" in shown.stdout
        assert "✘" not in shown.stdout
        findings, summary = server.verify()
        assert findings == []
        assert (summary.records, summary.logs, list(summary.unsigned_streams)) == (1, 1, ["operational", "spans"])
        assert "• operational and spans: not signed" in server.cli("verify").stdout
        with grpc.insecure_channel(server.api_grpc) as channel:
            status = StatusServiceStub(channel).GetStatus(GetStatusRequest())
        assert list(status.unsigned_streams) == ["operational", "spans"]
        assert [log.stream for log in status.logs] == ["audit"]
        assert "not signed         operational, spans" in server.cli("status").stdout
        assert server.cli("checkpoint", "--list").stdout.endswith("\nnot signed: operational, spans\n")
        metrics = httpx.get(f"{server.http}/metrics").text
        assert 'lognotary_log_entries{stream="audit"}' in metrics
        assert 'lognotary_log_entries{stream="operational"}' not in metrics
        assert 'lognotary_journal_batches{stream="operational"} 0.0' in metrics
        assert server.stop() == 0
    # A reader of storage has to know which streams are not signed.
    public_key = str(server.public_key)
    arguments = ("verify", "--storage", storage_url, "--public-key", public_key, "--json")
    found, _ = read_verification(run_lognotary(*arguments).stdout)
    assert (kinds(found), found[0].record_count) == ({"RECORDS_UNSIGNED"}, 2)
    found, _ = read_verification(run_lognotary(*arguments, "--unsigned-streams", "operational").stdout)
    assert found == []
    engine = connect(parse_storage_url(storage_url))
    logs = read_one(engine.query("SELECT uniqExact(LogId) FROM log_statements"), uint64)
    engine.close()
    assert logs == 1


def test_pages_of_a_search_have_all_unsigned_records_once_and_in_their_order(storage_url: str, tmp_path: Path) -> None:
    with server_on(storage_url, tmp_path, ONLY_AUDIT) as server:
        for number in range(7):
            send(
                server.otlp_grpc,
                *(log_record(f"needle {number} {part}", timestamp=NOW + number // 3) for part in range(3)),
                log_record("needle audit", timestamp=NOW + number // 3, audit_actor_id="eve", audit_action="pay"),
            )
        found, request = [], SearchRequest(query="needle", page_size=4)
        with server.correlation() as api:
            while True:
                page = api.Search(request)
                assert not page.unproved_omitted
                found += [getattr(entry, entry.WhichOneof("entry")) for entry in page.entries]
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    break
        times = [content.timestamp.ToNanoseconds() for content in found]
        assert times == sorted(times, reverse=True)
        bodies = [content.body for content in found]
        assert sorted(bodies) == sorted(
            [*(f"needle {number} {part}" for number in range(7) for part in range(3)), *["needle audit"] * 7]
        )
        traces = server.cli("search", "needle evidence:unsigned", "--limit", "100", "--json")
        assert traces.returncode == 0, traces.stderr
        assert len(json.loads(traces.stdout)["entries"]) == 21


@pytest.mark.parametrize("ack", ["commit", "journal"])
def test_kill_under_load_loses_and_repeats_nothing_that_was_acknowledged(
    storage_url: str, tmp_path: Path, ack: str
) -> None:
    server = server_on(storage_url, tmp_path, ONLY_AUDIT, ack=ack)
    acknowledged: list[str] = []
    for _ in range(2):
        server.start()
        with Load(server.otlp_grpc) as load:
            load.wait_for_acknowledged(150)
            server.kill()
        acknowledged += load.acknowledged
    with server:
        assert server.verify()[0] == []
        assert server.stop() == 0
    stored = read_stored(storage_url)
    everywhere = stored.committed + stored.uncommitted
    assert {name: everywhere[name] for name in acknowledged if everywhere[name] != 1} == {}
    assert not {name for name in stored.committed if not name.endswith("-0")}, "operational records are not signed"


@pytest.mark.parametrize("ack", ["commit", "journal"])
def test_a_stream_may_stop_to_be_signed_and_be_signed_again(storage_url: str, tmp_path: Path, ack: str) -> None:
    acknowledged: list[str] = []
    for signed in ("audit,operational", "audit", "audit,operational,spans", "audit,operational,spans"):
        server = server_on(storage_url, tmp_path, signed, ack=ack)
        server.start()
        with Load(server.otlp_grpc) as load:
            load.wait_for_acknowledged(100)
            server.kill()
        acknowledged += load.acknowledged
    with server:
        findings, _ = server.verify("--unsigned-streams", "operational")
        assert findings == []
        # Now the stream is signed, so its earlier unsigned records are a finding.
        assert kinds(server.verify()[0]) == {"RECORDS_UNSIGNED"}
        assert server.stop() == 0
    stored = read_stored(storage_url)
    everywhere = stored.committed + stored.uncommitted
    assert {name: everywhere[name] for name in acknowledged if everywhere[name] != 1} == {}
    assert {name for name in stored.committed if not name.endswith("-0")}
    assert stored.uncommitted


@pytest.mark.parametrize("before", ["audit,operational,spans", "audit"])
def test_what_waits_in_a_journal_is_stored_under_the_setting_it_came_under(
    clickhouse_node: ClickHouseNode, tmp_path: Path, before: str
) -> None:
    after = "audit" if "operational" in before else "audit,operational,spans"
    url = f"{clickhouse_node.url}/switched_{uuid.uuid4().hex[:8]}"
    server = server_on(url, tmp_path, before, ack="journal")
    with server:
        clickhouse_node.stop()
        try:
            send(server.otlp_grpc, log_record("earlier", test_id="earlier"))
            server.kill()
            inspected = run_lognotary("journal", "inspect", "--data-dir", str(server.data_dir), "--waiting").stdout
            assert ("1 unsigned batch waits" if before == "audit" else "1 batch waits") in inspected
        finally:
            clickhouse_node.start()
    for signed in (after, before):
        with server_on(url, tmp_path, signed, ack="journal") as server:
            send(server.otlp_grpc, log_record("later", test_id=f"with {signed}"))
            assert server.verify("--unsigned-streams", "operational")[0] == []
            assert server.stop() == 0
    stored = read_stored(url)
    with_log = [f"with {each}" for each in (before, after) if "operational" in each]
    without = [f"with {each}" for each in (before, after) if "operational" not in each]
    (without if before == "audit" else with_log).append("earlier")
    assert (sorted(stored.committed.elements()), sorted(stored.uncommitted.elements())) == (
        sorted(with_log),
        sorted(without),
    )


@pytest.mark.parametrize("ack", ["commit", "journal"])
def test_a_clickhouse_that_is_killed_loses_and_repeats_nothing_that_is_not_signed(
    clickhouse_node: ClickHouseNode, tmp_path: Path, ack: str
) -> None:
    url = f"{clickhouse_node.url}/killed_{uuid.uuid4().hex[:8]}"
    with server_on(url, tmp_path, ONLY_AUDIT, ack=ack, ack_timeout=1) as server:
        with Load(server.otlp_grpc) as load:
            for _ in range(3):
                load.wait_for_acknowledged(60)
                clickhouse_node.kill()
                clickhouse_node.start()
            load.wait_for_acknowledged(60)
        # Batches in a journal reach storage once the server notices that storage is back; it might stop before that.
        wait_for(lambda: set(load.acknowledged) <= _stored_everywhere(url).keys())
        assert server.verify()[0] == []
        assert server.stop() == 0
    everywhere = _stored_everywhere(url)
    assert {name: number for name, number in everywhere.items() if number > 1} == {}
    assert set(load.acknowledged) <= everywhere.keys()


def _stored_everywhere(url: str) -> Counter[str]:
    """Return how often each record of a load is stored, whether in a committed batch or not."""
    stored = read_stored(url)
    return stored.committed + stored.uncommitted


def test_workers_do_not_sign_either_what_their_server_does_not(clickhouse_storage: str, tmp_path: Path) -> None:
    with server_on(clickhouse_storage, tmp_path, ONLY_AUDIT, workers=2) as server:
        trace_id = send_trace(server)
        states = {name: one.state for name, one in evidence_of(server, trace_id).items()}
        assert states == {"paid": VERIFIED, **dict.fromkeys(("line 0", "line 1", "step 1", "step 2"), UNSIGNED)}
        findings, summary = server.verify()
        assert (findings, summary.records, summary.logs) == ([], 1, 1)
        with Load(server.otlp_grpc) as load:
            load.wait_for_acknowledged(150)
        assert server.stop() == 0
    stored = read_stored(clickhouse_storage)
    everywhere = stored.committed + stored.uncommitted
    assert {name: everywhere[name] for name in load.acknowledged if everywhere[name] != 1} == {}


def test_a_server_that_does_not_sign_audit_records_is_refused(tmp_path: Path) -> None:
    done = run_lognotary("serve", "--data-dir", str(tmp_path / "data"), "--signed-streams", "spans")
    assert done.returncode == 2
    assert "--signed-streams: audit is missing: unsigned audit records prove nothing" in done.stderr
