"""A tenant is dropped while it sends: values and ids go with the records that go, and stay with those that stay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from lognotary.v1 import administration_pb2 as messages
from server.api.administration import Administration
from server.api.tenant_drops import TenantDrops
from server.codec.audit.built_in import built_in_rules
from server.codec.provenance import Provenance
from server.codec.redaction_rules import Mode, Redaction
from server.codec.reference import ReferenceCodec
from server.data_dir.drop_orders import DropOrders
from server.notary.origin import Stream
from server.own_records.administration import PolicyChange
from storage.audit_ids import IdRow, IdState, insert_ids, link_id
from storage.disclosures import DisclosedValue, insert_disclosures
from storage.engine import Engine, EngineWrapper
from storage.rowbinary import read_rows, text
from tests.audit_ids.audit_records import audit_record, bytes_of
from tests.writer.dropping import ACME, carrying_out, commit
from tests.writer.log_server import Logs, Server

EARLY, LATE, KEPT = (UUID(int=number) for number in (1, 2, 3))
CODEC = ReferenceCodec(built_in_rules(), redaction=Redaction(Mode.DISCLOSE, keys=("custom",)))


@pytest.fixture
def server(engine: Engine, tmp_path: Path) -> Server:
    return Server(engine, tmp_path)


def send(server: Server, logs: Logs, record: UUID, leaf: int, claimed: int = 0) -> None:
    """Store a record of the tenant that is received now, with its value, its claim, the claim's link and its end."""
    now = time.time_ns()
    rows = CODEC.encode(bytes_of(audit_record(record, custom=f"value of {record}")), now, (), Provenance("acme"))
    [made] = rows[0].disclosures
    insert_disclosures(server.engine, [DisclosedValue(now, made.salt, made.value, made.rule, made.actors, "acme")])
    digest, claim = record.bytes[::-1] + record.bytes, uuid4()
    claimed_at = (claimed or now) // 10**6
    found = IdRow(record, claim, IdState.CLAIMED, digest, ACME.origin, UUID(int=9), claimed_at, tenant="acme")
    link = IdRow(link_id(digest), claim, IdState.LINK, digest, ACME.origin, UUID(int=9), claimed_at, 1, tenant="acme")
    insert_ids(server.engine, [found, link])
    commit(logs[Stream.AUDIT], *rows)
    ended = IdState.STORED, digest, ACME.origin, UUID(int=9), claimed_at, leaf, now
    insert_ids(server.engine, [IdRow(record, claim, *ended, tenant="acme")])


class Meanwhile(EngineWrapper):
    """Does something before the first deletion, as late as it can."""

    def __init__(self, engine: Engine, work: Callable[[], None]) -> None:
        super().__init__(engine)
        self._waiting = [work]

    def execute(self, statement: str, /) -> None:
        while self._waiting:
            self._waiting.pop()()
        super().execute(statement)


async def drop(
    server: Server,
    logs: Logs,
    begun: Callable[[], None] = lambda: None,
    let_go: Callable[[], None] = lambda: None,
) -> messages.DropTenantResponse:
    """Drop the tenant, with something to be done once the drop has begun, and once the logs have let go."""

    def record(change: PolicyChange) -> None:
        if not change.is_done:
            begun()

    administration = Administration(server.engine, {}, lambda _: None, "local")
    administration.begin()
    engine, orders = Meanwhile(server.engine, let_go), DropOrders(server.directory)
    drops = TenantDrops(engine, record, "local", administration.changing, orders, ["vm"])
    request = messages.DropTenantRequest(tenant="acme", reason="the contract ended")
    async with carrying_out(orders, logs, server.engine):
        return await asyncio.to_thread(drops.drop, request, "127.0.0.1")


def stored(server: Server) -> dict[str, list[str]]:
    """Return of which records storage has something."""
    wanted = {
        "values": "SELECT DISTINCT Value FROM disclosures ORDER BY Value",
        "ids": "SELECT toString(RecordId) FROM audit_record_ids",
        "records": "SELECT AuditRecordId FROM audit_logs ORDER BY LeafIndex",
    }
    return {
        name: [one for (one,) in read_rows(server.engine.query(select), (text,))] for name, select in wanted.items()
    }


def states(server: Server) -> list[str]:
    """Return the states of all claims and links, and the last digits of the digests of their records."""
    rows = server.engine.query(
        "SELECT concat(toString(State), ' ', right(hex(Digest), 1)) AS Row FROM audit_record_ids FINAL ORDER BY Row"
    )
    return [row for (row,) in read_rows(rows, (text,))]


async def test_values_and_ids_go_with_records_that_came_after_the_drop_began(server: Server) -> None:
    with server.running() as logs:
        send(server, logs, EARLY, 0)
        answer = await drop(server, logs, begun=lambda: send(server, logs, LATE, 1))
        assert (answer.audit_records, answer.disclosed_values) == (2, 2)
        assert stored(server) == {"records": [], "values": [], "ids": []}


async def test_values_and_ids_of_records_that_stay_stay_until_the_next_drop(server: Server) -> None:
    with server.running() as logs:
        send(server, logs, EARLY, 0)
        before = time.time_ns()  # claimed, and only kept once the drop has begun
        answer = await drop(server, logs, let_go=lambda: send(server, logs, KEPT, 1, claimed=before))
        assert answer.disclosed_values == 1
        assert states(server) == ["0 3", "3 3"]
        assert stored(server)["values"] == [f"value of {KEPT}"]
        assert stored(server)["records"] == [str(KEPT)]
        answer = await drop(server, logs)
        assert (answer.audit_records, answer.disclosed_values) == (1, 1)
        assert stored(server) == {"records": [], "values": [], "ids": []}


async def test_a_value_that_a_kept_record_shares_with_a_dropped_one_stays(server: Server) -> None:
    with server.running() as logs:
        now = time.time_ns()
        rows = CODEC.encode(bytes_of(audit_record(EARLY, custom="shared")), now, (), Provenance("acme"))
        [made] = rows[0].disclosures
        insert_disclosures(server.engine, [DisclosedValue(now, made.salt, made.value, made.rule, (), "acme")])
        commit(logs[Stream.AUDIT], *rows)
        await drop(server, logs, let_go=lambda: commit(logs[Stream.AUDIT], *rows))
        assert stored(server)["values"] == ["shared"]
        await drop(server, logs)
        assert stored(server)["values"] == []
