"""Search over all streams, with both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import search_audit, search_records
from server.api.errors import InvalidArgumentError
from server.log.journal import Journal
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.engine import Engine, EngineWrapper
from tests.api.store import OTHER_TRACE, START, TRACE, Writer, audit_event, log_record, moment, serving

DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Records of both streams, some of them of the same time."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        writer.write(
            [
                audit_event("user.create", at=0, source_id="10.0.0.1"),
                log_record("Order 17 paid", at=1, **{"http.status_code": "200"}),
                audit_event("login", actor="bob", at=2, outcome="failure", trace=OTHER_TRACE),
                log_record("order 18 refused", at=2, trace=OTHER_TRACE, **{"http.status_code": "402"}),
                log_record("payment of order 17 late", at=DAY),
                audit_event("export", at=DAY),
                log_record("nothing", at=400 * DAY),
            ]
        )
        yield writer


def find(writer: Writer, query: str = "", **request: Any) -> pb.SearchResponse:
    return search_records(writer.engine, writer.keys, pb.SearchRequest(query=query, **request))


def names(response: pb.SearchResponse) -> list[str]:
    return [entry.audit_event.audit.action or entry.log.body for entry in response.entries]


LATEST = ["nothing", "payment of order 17 late", "export", "order 18 refused", "login", "Order 17 paid", "user.create"]


def test_all_records_come_latest_first_with_their_evidence(records: Writer) -> None:
    response = find(records)
    assert sorted(names(response)) == sorted(LATEST)
    times = [entry.timestamp.ToNanoseconds() - START for entry in response.entries]
    assert times == [400 * DAY, DAY, DAY, 2, 2, 1, 0]
    states = {getattr(entry, entry.WhichOneof("entry")).evidence.state for entry in response.entries}
    assert states == {evidence_pb2.VERIFIED}
    assert not response.next_page_token
    assert names(find(records, oldest_first=True)) == names(response)[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("order", {"Order 17 paid", "order 18 refused", "payment of order 17 late"}),
        ('"order 17"', {"Order 17 paid", "payment of order 17 late"}),
        ("order -17", {"order 18 refused"}),
        ("pay*", {"payment of order 17 late"}),
        ("actor:bob OR refused", {"login", "order 18 refused"}),
        ("actor:alice", {"user.create", "export"}),
        ("source:10.0.0.1", {"user.create"}),
        ("http.status_code:>=400", {"order 18 refused"}),
        (f"trace:{OTHER_TRACE.upper()}", {"login", "order 18 refused"}),
        (f"trace:{TRACE} action:*", {"user.create", "export"}),
        ("outcome:failure", {"login"}),
        ("evidence:verified login OR evidence:verified action:login", None),
        ("evidence:verified action:login", {"login"}),
        ("-evidence:verified", set()),
        ("log:shop/audit/node-1#0", {"user.create"}),
        ("nobody' OR '1", set()),
    ],
)
def test_a_query_finds_records_of_all_streams(records: Writer, query: str, expected: set[str] | None) -> None:
    if expected is None:
        with pytest.raises(InvalidArgumentError, match="query: column 1: evidence is checked after"):
            find(records, query)
        return
    assert set(names(find(records, query))) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"streams": ["audit"]}, {"user.create", "login", "export"}),
        ({"streams": ["operational", "audit", "audit"]}, set(LATEST)),
        ({"streams": ["operational"], "query": "actor:bob OR absent"}, set()),
        ({"since": moment(2), "until": moment(DAY)}, {"login", "order 18 refused"}),
        ({"since": moment(2), "until": moment(DAY), "oldest_first": True}, {"login", "order 18 refused"}),
        ({"until": moment(2)}, {"user.create", "Order 17 paid"}),
        ({"since": moment(2 * DAY)}, {"nothing"}),
    ],
)
def test_streams_and_ranges_of_time_narrow_a_search(
    records: Writer, request_: dict[str, Any], expected: set[str]
) -> None:
    assert set(names(find(records, **request_))) == expected


@pytest.mark.parametrize("oldest_first", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_together_are_all_records_once(records: Writer, size: int, *, oldest_first: bool) -> None:
    whole = names(find(records, oldest_first=oldest_first))
    found: list[str] = []
    token = ""
    while True:
        response = find(records, page_size=size, page_token=token, oldest_first=oldest_first)
        assert len(response.entries) <= size
        found += names(response)
        token = response.next_page_token
        if not token:
            break
    assert found == whole


@pytest.mark.parametrize(
    ("most", "number", "is_bound"), [(0, 0, False), (1, 1, True), (2, 2, True), (3, 3, False), (1000, 3, False)]
)
def test_matching_records_are_counted_up_to_a_bound(records: Writer, most: int, number: int, *, is_bound: bool) -> None:
    response = find(records, "order", page_size=1, count_up_to=most)
    assert (response.count, response.count_is_lower_bound) == (number, is_bound)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"query": "a actr:x"}, "query: column 3: there is no field 'actr'; did you mean 'actor'?"),
        ({"query": "(a"}, "query: column 1: the parenthesis is not closed"),
        ({"streams": ["audits"]}, "streams: 'audits' is not audit, operational or spans; did you mean 'audit'?"),
        ({"page_token": "x"}, "page token"),
        ({"since": moment(3), "until": moment(3)}, "is not before until"),
        ({"until": Timestamp(seconds=1 << 40)}, "until is not between"),
        ({"query": "evidence:verified", "count_up_to": 1}, "count_up_to: a query about evidence cannot be counted"),
        ({"query": "evidence:verified", "check": pb.CHECK_SIGNATURES}, "query: evidence is not checked"),
    ],
    ids=str,
)
async def test_a_search_that_cannot_be_made_is_an_invalid_argument(
    records: Writer, request_: dict[str, Any], message: str
) -> None:
    async with serving(records.engine, records.keys) as channel:
        call = channel.unary_unary(
            "/lognotary.v1.CorrelationService/Search",
            request_serializer=pb.SearchRequest.SerializeToString,
            response_deserializer=pb.SearchResponse.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(pb.SearchRequest(**request_))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in (caught.value.details() or "")


def test_a_page_token_of_another_search_is_refused(records: Writer) -> None:
    token = find(records, page_size=1).next_page_token
    for other in ({"query": "order"}, {"oldest_first": True}, {"streams": ["audit"]}, {"since": moment(0)}):
        with pytest.raises(InvalidArgumentError, match="belongs to another search"):
            find(records, page_token=token, **other)
    assert len(find(records, page_token=token, page_size=3, check=pb.CHECK_SIGNATURES).entries) == 3


def test_audit_events_are_found_by_a_query_too(records: Writer) -> None:
    def events(**request: Any) -> list[str]:
        response = search_audit(records.engine, records.keys, pb.SearchAuditEventsRequest(**request))
        return [event.audit.action for event in response.events]

    assert events(query="-outcome:failure") == ["export", "user.create"]
    assert events(query="action:(login OR export)", actor_id="bob") == ["login"]
    assert events(query="evidence:verified source:10.0.0.1") == ["user.create"]
    assert events(query="severity:<trace") == []
    with pytest.raises(InvalidArgumentError, match="query: column 1: there is no field"):
        events(query="http://x")


class Statements(EngineWrapper):
    """An engine that keeps the statements that read records."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.seen: list[str] = []

    def query(self, select: str, *arguments: object, **settings: Any) -> bytes:
        if "formatRowNoNewline" in select:
            self.seen.append(select)
        return super().query(select, *arguments, **settings)  # type: ignore[arg-type]


def test_a_full_page_is_read_from_the_window_that_has_it(records: Writer) -> None:
    def statements(query: str, **request: Any) -> int:
        seen = Statements(records.engine)
        search_records(seen, records.keys, pb.SearchRequest(query=query, streams=["operational"], **request))
        return len(seen.seen)

    assert statements("", oldest_first=True, page_size=1) == 1
    assert statements("", oldest_first=True, page_size=2) > 1
    assert statements(f"trace:{TRACE}") == 1
    assert statements("severity:[error TO info]") == 0


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (QueryLimits(rows=1), "the query reads more than 1 rows: give a shorter range of time"),
        (QueryLimits(memory=1000), "the query needs more than 1000 bytes of memory in storage: give a shorter"),
        (QueryLimits(seconds=0), "the query takes longer than 0 s: give a shorter range of time"),
    ],
    ids=["rows", "memory", "seconds"],
)
def test_a_limit_that_is_reached_is_named_with_what_to_do(records: Writer, limits: QueryLimits, message: str) -> None:
    with pytest.raises(QueryTooExpensiveError) as caught:
        search_records(records.engine, records.keys, pb.SearchRequest(query="order"), limits)
    assert message in str(caught.value)


def test_all_columns_of_who_did_what_are_answered_and_found(writer: Writer) -> None:
    columns = {"audit.actor.name": "Alice Liddell", "audit.actor.effective_id": "root", "audit.session.id": "s-1"}
    columns |= {"source.domain": "web-1.example", "audit.description": "Alice became root"}
    event = audit_event("su", source_id="10.0.0.1")
    for key, value in columns.items():
        event.attributes.add(key=key).value.string_value = value
    writer.write([event, audit_event("login", actor="bob", at=1)])
    (found,) = (entry.audit_event.audit for entry in find(writer, "action:su").entries)
    assert (found.actor_name, found.effective_actor_id, found.session_id, found.source_host, found.description) == (
        tuple(columns.values())
    )
    for query in (
        "actor_name:liddell",
        'actor_name:"Alice Liddell"',
        "effective_actor:root",
        "session:s-1",
        "host:web-1.example",
        "description:became",
        "Description:*",
    ):
        assert names(find(writer, query)) == ["su"], query
