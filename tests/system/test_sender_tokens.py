"""Tokens of senders at a running server with worker processes: created, used, written into records, revoked."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, SimpleLogRecordProcessor

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, own_connection, request_of
from harness.waiting import PATIENCE, wait_for
from server.access.token_text import is_token
from storage.clickhouse import connect
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

MANY = 12  # connections: enough that each of two workers gets some
LINE = log_record("a line")
EVENT = log_record("an event", audit_actor_id="eve", audit_action="pay")


@pytest.fixture
def server(clickhouse_storage: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A running server with two workers, where every sender needs a token."""
    with LognotaryServer(
        clickhouse_storage, tmp_path / "data", workers=2, batch_age=0.02, authentication="required"
    ) as running:
        yield running


def tokens(server: LognotaryServer, *arguments: str) -> str:
    action, *rest = arguments
    done = run_lognotary("tokens", action, "--data-dir", str(server.data_dir), *rest)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def outcomes(server: LognotaryServer, token: str, *records: object) -> set[grpc.StatusCode]:
    """Send over new connections, which reach all workers; return the codes."""
    codes = set()
    metadata = [("authorization", f"Bearer {token}")] if token else []
    for _ in range(MANY):
        with own_connection(server.otlp_grpc) as channel:
            request = request_of(records or [LINE])  # type: ignore[arg-type]
            try:
                LogsServiceStub(channel).Export(request, timeout=PATIENCE, metadata=metadata)
                codes.add(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                codes.add(error.code())
    return codes


def senders(server: LognotaryServer, table: str) -> set[tuple[str, str]]:
    """Return the senders and tenants of the records in a table."""
    with closing(connect(parse_storage_url(server.storage_url))) as engine:
        return set(read_rows(engine.query(f"SELECT DISTINCT Sender, Tenant FROM {table}"), (text, text)))


def export(exporter: LogRecordExporter) -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("test").emit(ApiLogRecord(body=uuid.uuid4().hex))
    provider.shutdown()


def test_tokens_are_effective_on_all_workers_and_in_the_signed_records(server: LognotaryServer, tmp_path: Path) -> None:
    only = partial(outcomes, server)
    wrong = {grpc.StatusCode.UNAUTHENTICATED}
    assert only("") == only("lgn_x") == wrong

    good = tokens(server, "create", "checkout")
    assert is_token(good)
    wait_for(lambda: only(good) == {grpc.StatusCode.OK})

    # SDKs, with the header as their configuration gives it.
    export(GrpcExporter(endpoint=f"http://{server.otlp_grpc}", insecure=True, headers={"authorization": good}))
    export(HttpExporter(endpoint=f"{server.otlp_http}/v1/logs", headers={"Authorization": f"Bearer {good}"}))

    admin = tokens(server, "create", "root", "--role", "admin")
    file = tmp_path / "root.token"
    file.write_text(admin)
    wait_for(lambda: metrics(server, admin).status_code == 200)

    # The server's own records need none.
    as_admin = ("--token-file", str(file))
    added = server.cli("hold", "add", "case-1", "--service", "shop", "--reason", "a lawsuit", *as_admin)
    assert added.returncode == 0, added.stderr

    assert senders(server, "otel_logs") == {("token:checkout", "")}
    assert senders(server, "audit_logs") == {("server", "")}
    findings, summary = server.verify(*as_admin)
    assert (findings, summary.findings) == ([], 0)

    tokens(server, "revoke", "checkout")
    wait_for(lambda: only(good) == wrong)
    answer = httpx.post(
        f"{server.otlp_http}/v1/logs", headers={"Content-Type": "application/json", "Authorization": good}, content="{}"
    )
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    wait_for(lambda: "revoked" in denials(server, admin))
    assert denials(server, admin) >= {"missing", "malformed", "revoked"}
    assert good not in server.log_text()
    wait_for(lambda: "last_used" in json.loads(tokens(server, "list", "--json"))[0])


def metrics(server: LognotaryServer, token: str) -> httpx.Response:
    return httpx.get(f"{server.http}/metrics", headers={"Authorization": f"Bearer {token}"})


def denials(server: LognotaryServer, token: str) -> set[str]:
    """Return the reasons of denials that were counted."""
    text = metrics(server, token).text
    found = re.findall(r'^lognotary_denied_total\{.*reason="(\w+)".*\} (\S+)$', text, re.MULTILINE)
    return {reason for reason, count in found if float(count) > 0}


def test_a_token_for_one_stream_stores_nothing_of_another(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    server = LognotaryServer(storage, tmp_path / "data", batch_age=0.02)
    run_lognotary("tokens", "create", "early", "--data-dir", str(server.data_dir))  # before the server's first start
    logs = tokens(server, "create", "logs", "--stream", "operational")
    with server:
        only = partial(outcomes, server)
        assert only(logs) == {grpc.StatusCode.OK}
        assert only(logs, LINE, EVENT) == {grpc.StatusCode.PERMISSION_DENIED}
        assert only("") == {grpc.StatusCode.OK}  # on this machine, nobody needs a token
        assert only("lgn_x") == {grpc.StatusCode.UNAUTHENTICATED}  # but who has one needs a valid one
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], 2 * MANY)
