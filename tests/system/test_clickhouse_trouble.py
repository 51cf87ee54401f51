"""A ClickHouse that refuses what it is sent: senders are told, or the journal keeps it; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import Load, log_record, refusal_of, send
from harness.waiting import wait_for
from storage.clickhouse import connect
from storage.url import parse_storage_url
from tests.system.calls import ready


@dataclass(frozen=True)
class Trouble:
    """A change of the database, how it is undone, and the server's message about it."""

    name: str
    make: tuple[str, ...]
    mend: tuple[str, ...]
    said: str


TROUBLES = (
    Trouble(
        "too many parts",
        (
            "SYSTEM STOP MERGES otel_logs",
            "ALTER TABLE otel_logs MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1",
        ),
        (
            "ALTER TABLE otel_logs RESET SETTING parts_to_delay_insert, parts_to_throw_insert",
            "SYSTEM START MERGES otel_logs",
        ),
        "Too many parts",
    ),
    Trouble(
        "a table is gone",
        ("RENAME TABLE otel_logs TO elsewhere",),
        ("RENAME TABLE elsewhere TO otel_logs",),
        "otel_logs",
    ),
    Trouble(
        "a column is gone",
        ("ALTER TABLE otel_logs RENAME COLUMN EventName TO Event",),
        ("ALTER TABLE otel_logs RENAME COLUMN Event TO EventName",),
        "EventName",
    ),
    Trouble(
        "it refuses what commits",
        ("ALTER TABLE log_batches ADD CONSTRAINT nothing CHECK RecordCount = 0",),
        ("ALTER TABLE log_batches DROP CONSTRAINT nothing",),
        "nothing",
    ),
)


@contextmanager
def troubled(storage_url: str, trouble: Trouble) -> Iterator[None]:
    engine = connect(parse_storage_url(storage_url))
    try:
        for statement in trouble.make:
            engine.execute(statement)
        yield
        for statement in trouble.mend:
            engine.execute(statement)
    finally:
        engine.close()


BODY = b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]}'
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_what_storage_refuses_is_refused_to_senders_and_taken_once_it_is_well_again(
    clickhouse_storage: str, tmp_path: Path, trouble: Trouble
) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, ack_timeout=1) as server:
        send(server.otlp_grpc, log_record("before"))
        record = log_record("in trouble")
        with troubled(clickhouse_storage, trouble):
            with pytest.raises(grpc.RpcError) as caught:
                send(server.otlp_grpc, record)
            refusal = refusal_of(caught.value)
            assert refusal.code is grpc.StatusCode.UNAVAILABLE
            assert refusal.retry
            # What ClickHouse says is for the server's operator, not for senders.
            answer = httpx.post(f"{server.otlp_http}/v1/logs", content=BODY, headers=JSON, timeout=60.0)
            assert answer.status_code == 503
            for message in (caught.value.details(), answer.json()["message"]):
                assert message is not None
                assert not any(word in message for word in (trouble.said, "Code:", "DB::", "otel_logs", "/"))
            wait_for(lambda: trouble.said in server.log_text())
            wait_for(lambda: ready(server)[0] == 503)
            assert trouble.said in ready(server)[1]
            assert httpx.get(f"{server.http}/healthz", timeout=60.0).status_code == 200
        wait_for(lambda: sent(server, record))
        wait_for(lambda: httpx.post(f"{server.otlp_http}/v1/logs", content=BODY, headers=JSON).status_code == 200)
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], 3)
        wait_for(lambda: ready(server)[0] == 200)


def sent(server: LognotaryServer, record: LogRecord) -> bool:
    """Send as a sender does that was told to retry."""
    try:
        send(server.otlp_grpc, record)
    except grpc.RpcError as error:
        if not refusal_of(error).retry:
            raise
        return False
    return True


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_what_storage_refuses_waits_in_the_journal_and_is_stored_once_it_is_well_again(
    clickhouse_storage: str, tmp_path: Path, trouble: Trouble
) -> None:
    server = LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.1, ack="journal")
    with server, Load(server.otlp_grpc, threads=2) as load:
        load.wait_for_acknowledged(20)
        with troubled(clickhouse_storage, trouble):
            load.wait_for_acknowledged(40)
            assert ready(server)[0] == 200
        load.wait_for_acknowledged(20)
        load.stop()
        wait_for(lambda: server.verify()[1].records == len(load.acknowledged))
        assert load.failures == []
        assert server.verify()[0] == []
