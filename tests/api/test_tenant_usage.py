"""Usage of tenants by the API, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lognotary.v1 import status_pb2 as pb
from server.access.call_rules import Permission
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.policy import decide
from server.admission.tenant_limits import TenantLimits, Usage
from server.api.errors import InvalidArgumentError
from server.api.messages import from_nanos, to_nanos
from server.api.server_status import StatusSource
from server.api.tenant_usage import list_tenants
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.bound import BoundEngine, ReadScope, UnboundReadError, reading_as
from storage.engine import Engine, EngineWrapper
from storage.errors import AccessDeniedError
from tests.api.tenants import tenant

SOURCE = StatusSource(
    usage=lambda: {"alpha": Usage(100, 18, 2), "bravo": Usage(7, 1, 0), "quiet": Usage(refused=3)},
    limits=lambda name: TenantLimits(size=10, keys=5) if name == "alpha" else TenantLimits(),
    started=1_800_000_000 * 10**9,
)
Ask = Callable[..., pb.ListTenantsResponse]


def scope(*grants: Grant) -> ReadScope:
    return decide(Caller("somebody", CallerKind.TOKEN, grants), Permission.READ_USAGE)


EVERYBODY = scope(Grant(Role.OPERATOR))
ALPHA = scope(Grant(Role.AUDITOR, frozenset({"alpha"})))


@pytest.fixture
def ask(engine: Engine, tmp_path: Path) -> Ask:
    """Ask about the two tenants of a storage, which have three logs with six or twelve entries each."""
    for name in ("alpha", "bravo"):
        tenant(engine, tmp_path, name)
    bound = BoundEngine(engine)

    def answer(whose: ReadScope = EVERYBODY, source: StatusSource = SOURCE, **fields: object) -> pb.ListTenantsResponse:
        with reading_as(whose):
            return list_tenants(bound, source, pb.ListTenantsRequest(**fields))  # type: ignore[arg-type]

    return answer


def names(answer: pb.ListTenantsResponse) -> list[str]:
    return [one.name for one in answer.tenants]


def test_each_tenant_has_what_it_sent_what_is_stored_and_its_limits(ask: Ask) -> None:
    answer = ask()
    assert names(answer) == ["alpha", "bravo", "quiet"]
    alpha, bravo, quiet = answer.tenants
    assert (alpha.taken_bytes, alpha.taken_records, alpha.refused_requests) == (100, 18, 2)
    assert alpha.limits == pb.TenantLimits(bytes_per_second=10, keys_per_hour=5)
    assert bravo.limits == pb.TenantLimits()
    assert (quiet.refused_requests, quiet.logs, list(quiet.stored)) == (3, 0, [])
    for one in (alpha, bravo):
        assert (one.logs, one.entries) == (3, 18)
        assert {stored.stream: stored.records for stored in one.stored} == {"audit": 6, "operational": 6, "spans": 6}
        for stored in one.stored:
            assert 0 < to_nanos(stored.first_received) <= to_nanos(stored.last_received)
            assert stored.estimated_bytes > 0
            assert stored.estimated_uncompressed_bytes > 0
    # Each has half of the rows.
    assert [one.estimated_bytes for one in alpha.stored] == [one.estimated_bytes for one in bravo.stored]
    assert answer.counted_since == from_nanos(SOURCE.started)


def test_a_caller_of_one_tenant_sees_no_other_and_nothing_that_depends_on_others(ask: Ask) -> None:
    answer = ask(ALPHA)
    assert names(answer) == ["alpha"]
    assert all(not stored.HasField("estimated_bytes") for stored in answer.tenants[0].stored)
    assert not answer.next_page_token
    assert names(ask(ALPHA, page_size=1)) == ["alpha"]
    assert not ask(ALPHA, page_size=1).next_page_token
    assert names(ask(scope(Grant(Role.OPERATOR, frozenset({"none"}))))) == []


def test_tenants_come_in_pages(ask: Ask) -> None:
    found, token = list[str](), ""
    while True:
        page = ask(page_size=1, page_token=token)
        found += names(page)
        assert len(page.tenants) == 1
        token = page.next_page_token
        if not token:
            break
    assert found == ["alpha", "bravo", "quiet"]
    assert names(ask(page_size=2, page_token=ask(page_size=1).next_page_token)) == ["bravo", "quiet"]


def test_a_range_of_time_limits_what_is_counted_but_not_which_tenants_there_are(ask: Ask) -> None:
    (audit,) = (stored for stored in ask().tenants[0].stored if stored.stream == "audit")
    last = audit.last_received
    answer = ask(since=last)
    assert names(answer) == ["alpha", "bravo", "quiet"]
    counted = {stored.stream: stored.records for stored in answer.tenants[0].stored}
    assert 0 < counted["audit"] < audit.records
    assert answer.tenants[0].entries == 18
    before = {stored.stream: stored.records for stored in ask(until=last).tenants[0].stored}
    assert before["audit"] + counted["audit"] == audit.records
    nothing = ask(until=from_nanos(1))
    assert all(not one.stored for one in nothing.tenants)


@pytest.mark.parametrize("token", ["x", "a===", "_w==", "ä", "a" * 5000])
def test_other_page_tokens_are_refused(ask: Ask, token: str) -> None:
    with pytest.raises(InvalidArgumentError, match="page token"):
        ask(page_token=token)


def test_an_empty_range_is_refused(ask: Ask) -> None:
    with pytest.raises(InvalidArgumentError, match="not before until"):
        ask(since=from_nanos(2), until=from_nanos(2))


def test_a_server_without_usage_lists_what_is_stored(ask: Ask) -> None:
    answer = ask(source=replace(SOURCE, usage=dict, started=0))
    assert names(answer) == ["alpha", "bravo"]
    assert not answer.HasField("counted_since")


def test_the_statements_have_limits(ask: Ask, engine: Engine) -> None:
    assert ask().tenants
    with reading_as(EVERYBODY), pytest.raises(QueryTooExpensiveError, match="reads more than 1 rows"):
        list_tenants(BoundEngine(engine), SOURCE, pb.ListTenantsRequest(), QueryLimits(rows=1))


def test_on_nobodys_behalf_nothing_is_read(engine: Engine) -> None:
    with pytest.raises(UnboundReadError):
        list_tenants(BoundEngine(engine), SOURCE, pb.ListTenantsRequest())


class _WithoutSizes(EngineWrapper):
    """An engine whose user may not ask for the sizes of tables."""

    def query(self, select, parameters=None, /, *, settings=None):  # type: ignore[no-untyped-def]
        if "system.parts" in select:
            raise AccessDeniedError("not enough privileges")
        return super().query(select, parameters, settings=settings)


def test_without_the_right_to_ask_for_sizes_there_are_no_estimates(ask: Ask, engine: Engine) -> None:
    assert ask().tenants[0].stored[0].HasField("estimated_bytes")
    with reading_as(EVERYBODY):
        answer = list_tenants(BoundEngine(_WithoutSizes(engine)), SOURCE, pb.ListTenantsRequest())
    assert [one.stored[0].HasField("estimated_bytes") for one in answer.tenants[:2]] == [False, False]
