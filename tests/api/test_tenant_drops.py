"""Dropping the data of a tenant over the API, with the logs of a writer and a real storage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from lognotary.v1 import administration_pb2 as messages
from server.api.administration import Administration
from server.api.backend import Backend
from server.api.errors import (
    ApiError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    NotPermittedError,
    UnrecordedError,
)
from server.api.http_api import build_http_api
from server.api.tenant_drops import TenantDrops
from server.data_dir.drop_orders import DropOrders
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.own_records.administration import PolicyChange
from server.own_records.sender import NotRecordedError
from server.process.pools import Pool
from storage.disclosures import DisclosedValue, find_disclosures, insert_disclosures
from storage.engine import Engine, EngineWrapper
from storage.errors import AccessDeniedError
from storage.hold_scope import HoldScope
from storage.holds import add_hold, release_hold
from storage.rowbinary import read_rows, text
from storage.tenant_rows import DroppedRows, RowsRemainError, delete_rows
from tests.writer.dropping import ACME, carrying_out, commit, some
from tests.writer.log_server import Logs, Server

HERE = "127.0.0.1"
OPERATIONAL = "shop/acme/operational/vm"
REQUEST = messages.DropTenantRequest(tenant="acme", reason="the contract ended", actor="eve")


@pytest.fixture
def server(engine: Engine, tmp_path: Path) -> Server:
    return Server(engine, tmp_path)


def drops_of(
    server: Server,
    record: Callable[[PolicyChange], object] = lambda _: None,
    allowed: str = "local",
    *,
    writer: str = "vm",
    wait: Callable[[float], None] = time.sleep,
) -> TenantDrops:
    """Drop tenants of a storage as the server does that writes under a name."""
    administration = Administration(server.engine, {}, lambda _: None, allowed)
    administration.begin()
    orders = DropOrders(server.directory)
    return TenantDrops(server.engine, record, allowed, administration.changing, orders, [writer], wait)


async def drop(server: Server, logs: Logs, drops: TenantDrops) -> messages.DropTenantResponse:
    async with carrying_out(DropOrders(server.directory), logs, server.engine):
        return await asyncio.to_thread(drops.drop, REQUEST, HERE)


def commit_some(logs: Logs) -> None:
    commit(logs[Stream.AUDIT], some("acme", "1", "2"), some("umbrella", "3"), some("", "4"))
    commit(logs[Stream.OPERATIONAL], some("acme", "5", stream=Stream.OPERATIONAL))


def stored(server: Server, table: str) -> list[str]:
    """Return the tenants of the rows of a table."""
    rows = server.engine.query(f"SELECT toString(Tenant) AS T FROM {table} ORDER BY T")
    return [tenant for (tenant,) in read_rows(rows, (text,))]


async def test_records_and_disclosed_values_of_one_tenant_are_dropped_and_recorded(server: Server) -> None:
    changes: list[PolicyChange] = []
    values = [DisclosedValue(1, bytes(32), tenant.encode(), "r", tenant=tenant) for tenant in ("acme", "umbrella")]
    with server.running() as logs:
        commit_some(logs)
        insert_disclosures(server.engine, values)
        answer = await drop(server, logs, drops_of(server, changes.append))
    assert (answer.audit_records, answer.operational_records, answer.spans, answer.disclosed_values) == (2, 1, 0, 1)
    assert {log.origin: log.entries for log in answer.logs} == {ACME.origin: 2, OPERATIONAL: 1}
    assert list(answer.kept_logs) == []
    assert (stored(server, "audit_logs"), stored(server, "otel_logs")) == (["", "umbrella"], [])
    assert find_disclosures(server.engine, [value.commitment for value in values]).keys() == {values[1].commitment}
    assert server.findings() == []
    assert [(each.action, each.target, each.actor, each.reason, each.is_done) for each in changes] == [
        ("tenant.drop", "acme", "eve", "the contract ended", False),
        ("tenant.drop", "acme", "eve", "the contract ended", True),
    ]
    assert changes[1].details["lognotary.record.count"] == 3
    assert changes[1].details["lognotary.dropped.logs"] == f"{ACME.origin} 2, {OPERATIONAL} 1"
    assert changes[1].details["lognotary.dropped.audit_logs"] == 2


async def test_a_drop_that_fails_midway_is_repeated(server: Server) -> None:
    def unrecorded_once_done(change: PolicyChange) -> None:
        if change.is_done:
            raise NotRecordedError("UNAVAILABLE")

    with server.running() as logs:
        commit_some(logs)
        with pytest.raises(UnrecordedError, match="were dropped, but the audit log only has"):
            await drop(server, logs, drops_of(server, unrecorded_once_done))
        answer = await drop(server, logs, drops_of(server))
        assert (answer.audit_records, answer.operational_records) == (0, 0)
        commit_some(logs)
        assert (await drop(server, logs, drops_of(server))).audit_records == 2
    assert stored(server, "audit_logs") == ["", "", "umbrella", "umbrella"]
    assert server.findings() == []


async def test_nothing_is_dropped_while_a_hold_keeps_a_record_of_the_tenant(server: Server) -> None:
    with server.running() as logs:
        commit_some(logs)
        add_hold(server.engine, "case-1", HoldScope(stream="operational"), "a lawsuit", "", "")
        add_hold(server.engine, "case-2", HoldScope(service="nobody"), "a lawsuit", "", "")
        with pytest.raises(ConflictError, match=r"keeps records of the tenant acme: case-1\. Release it first"):
            await drop(server, logs, drops_of(server))
        assert server.stated(ACME)[1:] == []
        release_hold(server.engine, "case-1", "settled", "", "")
        assert (await drop(server, logs, drops_of(server))).operational_records == 1


async def test_a_hold_on_everything_keeps_values_whose_records_are_not_stored_yet(server: Server) -> None:
    insert_disclosures(server.engine, [DisclosedValue(1, bytes(32), b"a secret", "r", tenant="acme")])
    add_hold(server.engine, "case-1", HoldScope(), "a lawsuit", "", "")
    with pytest.raises(ConflictError, match="case-1"):
        drops_of(server).drop(REQUEST, HERE)


async def test_a_hold_that_comes_while_logs_let_go_keeps_the_rows(server: Server) -> None:
    def hold(_: PolicyChange) -> None:
        add_hold(server.engine, "case-1", HoldScope(), "a lawsuit", "", "")

    with server.running() as logs:
        commit_some(logs)
        with pytest.raises(ConflictError, match="case-1"):
            await drop(server, logs, drops_of(server, hold))
    assert stored(server, "audit_logs") == ["", "acme", "acme", "umbrella"]
    assert server.findings() == []


async def test_nothing_is_dropped_without_a_record_of_it(server: Server) -> None:
    def unrecorded(_: PolicyChange) -> None:
        raise NotRecordedError("UNAVAILABLE: overloaded")

    with server.running() as logs:
        commit_some(logs)
        with pytest.raises(UnrecordedError, match="nothing was dropped"):
            await drop(server, logs, drops_of(server, unrecorded))
        assert server.stated(ACME)[1:] == []
    assert stored(server, "otel_logs") == ["acme"]


async def test_processes_that_do_not_answer_are_named(server: Server) -> None:
    with server.running() as logs:
        commit_some(logs)
    with pytest.raises(UnrecordedError, match=r"not all processes .* \(vm\): repeat"):
        drops_of(server, wait=lambda _: None).drop(REQUEST, HERE)
    assert DropOrders(server.directory).open("vm") == []
    assert stored(server, "otel_logs") == ["acme"]


async def test_logs_of_other_writers_are_kept_and_named(server: Server, tmp_path: Path) -> None:
    other = Server(server.engine, tmp_path / "other", "other")
    with other.running() as logs:
        commit_some(logs)
        with pytest.raises(ConflictError, match="shop/acme/audit/other, shop/acme/operational/other"):
            drops_of(server).drop(REQUEST, HERE)
    with server.running() as logs:
        commit_some(logs)
        answer = await drop(server, logs, drops_of(server))
    assert list(answer.kept_logs) == ["shop/acme/audit/other", "shop/acme/operational/other"]
    assert (answer.audit_records, stored(server, "otel_logs")) == (2, ["acme"])


async def test_a_user_of_clickhouse_that_may_not_delete_is_told_what_is_missing(server: Server) -> None:
    class WithoutRight(EngineWrapper):
        def execute(self, statement: str, /) -> None:
            raise AccessDeniedError(f"lacks a right: {statement}")

    with server.running() as logs:
        commit_some(logs)
        drops = drops_of(Server(WithoutRight(server.engine), server.directory))
        with pytest.raises(ConflictError, match="grant ALTER DELETE on audit_logs, otel_logs, otel_traces"):
            await drop(server, logs, drops)
        assert server.findings() == []
        assert (await drop(server, logs, drops_of(server))).audit_records == 2


async def test_a_deletion_that_takes_long_is_waited_for_by_a_repeated_call(server: Server) -> None:
    class Slow(EngineWrapper):
        statements: ClassVar[list[str]] = []

        def execute(self, statement: str, /) -> None:
            self.statements.append(statement)

    with server.running() as logs:
        commit_some(logs)
        rows = DroppedRows("acme", {ACME.origin: 2}, 0)
        with pytest.raises(RowsRemainError, match="still deletes rows of audit_logs after 300 seconds: repeat"):
            delete_rows(Slow(server.engine), rows, lambda _: None)
        server.engine.execute(Slow.statements[0].replace("mutations_sync = 0", "mutations_sync = 2"))
        delete_rows(Slow(server.engine), rows, lambda _: None)
    assert len(Slow.statements) == 1


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"tenant": "acme"}, InvalidArgumentError, "reason: it is missing"),
        ({"reason": "why"}, InvalidArgumentError, "default tenant"),
        ({"tenant": "a/b", "reason": "why"}, InvalidArgumentError, "not the name of a tenant"),
        ({"tenant": "acmee", "reason": "why"}, NotFoundError, "acmee has no records"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    server: Server, request_: dict[str, str], error: type[ApiError], message: str
) -> None:
    with pytest.raises(error, match=message):
        drops_of(server).drop(messages.DropTenantRequest(**request_), HERE)


def test_changes_of_policies_may_be_off(server: Server) -> None:
    with pytest.raises(NotPermittedError, match="administration is off"):
        drops_of(server, allowed="off").drop(REQUEST, HERE)


async def test_the_call_over_http_names_the_tenant_in_the_path(server: Server) -> None:
    with server.running() as logs, closing(Pool("api", 1)) as pool:
        commit_some(logs)
        backend = Backend(server.engine, TrustedKeys())
        app = build_http_api(backend, pool, str, bytes, drops=drops_of(server))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
        async with carrying_out(DropOrders(server.directory), logs, server.engine):
            path = "/api/v1/tenants/acme/drop"
            wrong = await client.post(path, json={"tenant": "umbrella", "reason": "why"})
            right = await client.post(path, json={"reason": "why"})
    assert (wrong.status_code, right.status_code) == (400, 200)
    assert right.json()["auditRecords"] == "2"
    assert stored(server, "audit_logs") == ["", "umbrella"]
