"""The server's own log never has what senders sent, whatever goes wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, request_of, send
from storage.clickhouse import connect
from storage.url import parse_storage_url

MARKER = "hush-4711"


def test_the_log_has_nothing_of_what_senders_sent(clickhouse_storage: str, tmp_path: Path) -> None:
    server = LognotaryServer(
        clickhouse_storage, tmp_path / "data", batch_age=0.02, ack_timeout=1, log_format="json", log_level="debug"
    )
    with server:
        post = f"{server.otlp_http}/v1/logs"
        record = log_record(MARKER, audit_actor_id=MARKER, audit_action=MARKER)
        send(server.otlp_grpc, record)
        body = request_of([record]).SerializeToString()
        for content, kind in (
            (f'{{"{MARKER}": '.encode(), "application/json"),
            (json.dumps({"resourceLogs": MARKER}).encode(), "application/json"),
            (MARKER.encode(), "application/x-protobuf"),
            (body[:-3], "application/x-protobuf"),
        ):
            answer = httpx.post(post, content=content, headers={"Content-Type": kind})
            assert answer.status_code == 400
        engine = connect(parse_storage_url(clickhouse_storage))
        engine.execute("ALTER TABLE audit_logs ADD CONSTRAINT quiet CHECK length(ActorId) != 9")
        with pytest.raises(grpc.RpcError):
            send(server.otlp_grpc, record)
        engine.execute("ALTER TABLE audit_logs DROP CONSTRAINT quiet")
        engine.execute("RENAME TABLE audit_logs TO elsewhere")
        with pytest.raises(grpc.RpcError):
            send(server.otlp_grpc, record)
        engine.execute("RENAME TABLE elsewhere TO audit_logs")
        engine.close()
    lines = server.log_text().splitlines()
    assert any("was refused" in line for line in lines)
    assert [line for line in lines if MARKER in line] == []
    assert all(json.loads(line)["level"] for line in lines)
