"""Tokens of senders that an operator creates, rotates and revokes over the API of a server with worker processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, own_connection, request_of
from harness.waiting import PATIENCE, wait_for
from server.access.token_file import tokens_path
from server.notary.audit_words import ACCESS_SCOPE
from storage.clickhouse import connect
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

MANY = 12  # connections: enough that each of two workers gets some
GOOD, WRONG = {grpc.StatusCode.OK}, {grpc.StatusCode.UNAUTHENTICATED}


@pytest.fixture
def server(clickhouse_storage: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A running server with two workers, where everybody needs credentials and who looked is on record."""
    with LognotaryServer(
        clickhouse_storage,
        tmp_path / "data",
        workers=2,
        batch_age=0.02,
        authentication="required",
        access_log="required",
    ) as running:
        yield running


def outcomes(server: LognotaryServer, token: str) -> set[grpc.StatusCode]:
    """Send over new connections, which reach all workers; return the codes."""
    codes = set()
    for _ in range(MANY):
        with own_connection(server.otlp_grpc) as channel:
            try:
                LogsServiceStub(channel).Export(
                    request_of([log_record("a line")]),
                    timeout=PATIENCE,
                    metadata=[("authorization", f"Bearer {token}")],
                )
                codes.add(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                codes.add(error.code())
    return codes


def looks(server: LognotaryServer) -> list[Mapping[str, str]]:
    """Return the attributes of the records of who looked."""
    query = f"SELECT toJSONString(LogAttributes) FROM audit_logs WHERE ScopeName = '{ACCESS_SCOPE}'"
    with closing(connect(parse_storage_url(server.storage_url))) as engine:
        return [json.loads(found) for (found,) in read_rows(engine.query(query), (text,))]


def everything_stored(server: LognotaryServer) -> str:
    """Return all rows of all tables as text."""
    with closing(connect(parse_storage_url(server.storage_url))) as engine:
        names = read_rows(engine.query("SELECT name FROM system.tables WHERE database = currentDatabase()"), (text,))
        tables = [name for (name,) in names]
        assert "audit_logs" in tables
        rows = [engine.query(f"SELECT * FROM {name}") for name in tables]  # strings are as they are in RowBinary
    return b"".join(rows).decode(errors="backslashreplace")


def test_an_operator_lets_a_sender_in_and_stops_it_on_all_workers(server: LognotaryServer) -> None:
    made = run_lognotary("tokens", "create", "otto", "--role", "operator", "--data-dir", str(server.data_dir))
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    ask = partial(httpx.request, headers=headers, timeout=PATIENCE)
    tokens = f"{server.http}/api/v1/tokens"
    wait_for(lambda: ask("GET", tokens).status_code == 200)

    def change(path: str, **request: Any) -> Any:
        answer = ask("POST", f"{tokens}{path}", json=request)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    first = change("", name="checkout", tenant="acme", actor="alice on her laptop")["text"]
    wait_for(lambda: outcomes(server, first) == GOOD)
    second = change("/checkout/rotate")["text"]
    wait_for(lambda: outcomes(server, second) == GOOD)
    assert outcomes(server, first) == GOOD
    assert len(change("/checkout/revoke")["tokens"]) == 2
    wait_for(lambda: outcomes(server, first) | outcomes(server, second) == WRONG)
    refused = ask("POST", tokens, json={"name": "mine", "roles": ["auditor"]})
    assert refused.status_code == 403, refused.text

    def told(action: str) -> set[tuple[str, str, str]]:
        names = ("audit.actor.id", "lognotary.access.outcome", "lognotary.changed_by")
        found = (look for look in looks(server) if look["audit.action"] == action)
        return {tuple(look.get(name, "") for name in names) for look in found}  # type: ignore[misc]

    by = "otto (token) from 127.0.0.1"
    named = ("lognotary", "success", f"{by}, who claims to act for alice on her laptop")
    wait_for(lambda: named in told("token.create"))  # what the file has
    assert {("otto", "begun", ""), ("otto", "success", ""), ("otto", "denied", "")} <= told("token.create")  # the calls
    wait_for(lambda: ("lognotary", "success", by) in told("token.revoke"))
    assert ("otto", "success", "") in told("token.rotate")
    asked = {look["audit.target.id"] for look in looks(server) if look["audit.action"] == "token.revoke"}
    assert asked == {"checkout"}

    assert server.stop() == 0
    kept = everything_stored(server) + server.log_text() + tokens_path(server.data_dir).read_text()
    assert "checkout" in kept
    for secret in (first, second, made.stdout.strip()):
        assert secret not in kept
