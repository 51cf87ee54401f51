"""Usage of tenants at a running server with two workers, over gRPC, HTTP and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, own_connection, request_of
from harness.waiting import PATIENCE, wait_for

MANY = 20  # connections: enough that each of two workers gets some
LINE, EVENT = log_record("a line"), log_record("an event", audit_actor_id="eve", audit_action="pay")


@pytest.fixture
def server(clickhouse_storage: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    with LognotaryServer(
        clickhouse_storage,
        tmp_path / "data",
        workers=2,
        batch_age=0.02,
        authentication="required",
        access_log="on",
        tenant_limits="umbrella:records=1",
    ) as running:
        yield running


def token(server: LognotaryServer, name: str, *arguments: str) -> str:
    done = run_lognotary("tokens", "create", name, "--data-dir", str(server.data_dir), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def send(server: LognotaryServer, credentials: str) -> int:
    """Send over new connections, which reach all workers; return how many requests were refused."""
    refused = 0
    for _ in range(MANY):
        with own_connection(server.otlp_grpc) as channel:
            try:
                LogsServiceStub(channel).Export(
                    request_of([LINE, EVENT, LINE, LINE, LINE, LINE]),
                    timeout=PATIENCE,
                    metadata=[("authorization", credentials)],
                )
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                refused += 1
    return refused


def tenants(server: LognotaryServer, credentials: str, **parameters: str | int) -> list[dict[str, object]]:
    """Return the tenants that the HTTP API lists."""
    answer = httpx.get(
        f"{server.http}/api/v1/tenants",
        params=parameters,
        headers={"Authorization": f"Bearer {credentials}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json().get("tenants", [])
    return found


def test_usage_is_added_up_over_workers_and_each_caller_sees_its_tenants(
    server: LognotaryServer, tmp_path: Path
) -> None:
    acme, umbrella = (token(server, name, "--tenant", name) for name in ("acme", "umbrella"))
    operator = token(server, "operator", "--role", "operator")
    limited = token(server, "limited", "--role", "operator", "--tenant", "acme")
    auditor = token(server, "auditor", "--role", "auditor", "--tenant", "umbrella")
    viewer = token(server, "viewer", "--role", "viewer", "--all-tenants")
    wait_for(lambda: all(_is_known(server, credentials) for credentials in (acme, umbrella) for _ in range(MANY)))
    assert send(server, acme) == 0
    refused = send(server, umbrella)
    assert 0 < refused < MANY

    def by_name() -> dict[object, dict[str, object]]:
        return {one["name"]: one for one in tenants(server, operator) if one.get("name")}

    def totals(name: str) -> tuple[object, ...]:
        one = by_name().get(name, {})
        return one.get("takenRecords"), one.get("refusedRequests"), one.get("entries"), _records(one)

    stored = 6 * (MANY - refused)
    wait_for(lambda: totals("acme") == (str(6 * MANY), "0", str(6 * MANY), [MANY, 5 * MANY]))
    wait_for(lambda: totals("umbrella")[:3] == (str(stored), str(refused), str(stored)))
    assert by_name()["umbrella"]["limits"] == {"recordsPerSecond": "1"}
    # Each of both workers has a log of each stream.
    assert by_name()["acme"]["logs"] == "4"

    file = tmp_path / "operator.token"
    file.write_text(operator)
    shown = server.cli("tenants", "list", "--since", "1h", "--utc", "--token-file", str(file))
    assert shown.returncode == 0, shown.stderr
    assert f"acme  4 logs with {6 * MANY} entries" in shown.stdout
    assert "on disk" in shown.stdout
    answer = server.cli("tenants", "list", "--json", "--until", "2001-01-01", "--utc", "--token-file", str(file))
    assert not any(one.get("stored") for one in json.loads(answer.stdout)["tenants"])

    # These calls have records in the access logs of their tenants.
    assert [one["name"] for one in tenants(server, limited)] == ["acme"]
    assert "estimatedBytes" not in json.dumps(tenants(server, limited))
    assert [one["name"] for one in tenants(server, auditor)] == ["umbrella"]
    assert len(tenants(server, operator, page_size=1)) == 1
    denied = httpx.get(f"{server.http}/api/v1/tenants", headers={"Authorization": f"Bearer {viewer}"}, timeout=PATIENCE)
    assert denied.status_code == 403


def _is_known(server: LognotaryServer, credentials: str) -> bool:
    """Return whether the worker that gets a request without records knows a token."""
    headers = {"Authorization": f"Bearer {credentials}", "Content-Type": "application/json"}
    return httpx.post(f"{server.otlp_http}/v1/logs", headers=headers, content="{}", timeout=PATIENCE).is_success


def _records(one: dict[str, object]) -> list[int]:
    stored = one.get("stored", [])
    assert isinstance(stored, list)
    return [int(each["records"]) for each in stored]
