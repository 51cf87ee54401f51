"""Searching audit events: what is stored is only read, so the tests share it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.log.journal import Journal
from storage.engine import Engine
from tests.api.store import OTHER_TRACE, START, Writer, audit_event, moment, search, write_events


@pytest.fixture(scope="module")
def events(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Six events of two actors."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        write_events(writer)
        yield writer


def places(response: pb.SearchAuditEventsResponse) -> list[int]:
    return [event.evidence.leaf_index for event in response.events]


async def test_audit_events_come_latest_first_with_their_evidence(events: Writer) -> None:
    response = await search(events)
    assert places(response) == [5, 4, 3, 2, 1, 0]
    assert {event.evidence.state for event in response.events} == {evidence_pb2.VERIFIED}
    assert response.next_page_token == ""


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"actor_id": "bob"}, [3, 2]),
        ({"effective_actor_id": "*"}, []),
        ({"rule": "otel-audit"}, [5, 4, 3, 2, 1, 0]),
        ({"rule": "kube*"}, []),
        ({"action": "user.create"}, [3, 0]),
        ({"action": "user.*"}, [3, 1, 0]),
        ({"action": "user"}, []),
        ({"target_id": "u1"}, [1, 0]),
        ({"target_type": "user", "actor_id": "alice"}, [1, 0]),
        ({"source_id": "10.0.0.1"}, [0]),
        ({"outcome": "failure"}, [2]),
        ({"service_name": "crm"}, [3]),
        ({"trace_id": OTHER_TRACE.upper()}, [2]),
        ({"text": "BOB DID"}, [3, 2]),
        ({"text": "%"}, []),
        ({"since": moment(2)}, [5, 4, 3, 2]),
        ({"until": moment(2)}, [1, 0]),
        ({"since": moment(1), "until": moment(3)}, [2, 1]),
        ({"actor_id": "nobody' OR '1"}, []),
    ],
    ids=str,
)
async def test_a_filter_finds_what_it_says(events: Writer, wanted: dict[str, object], expected: list[int]) -> None:
    assert places(await search(events, **wanted)) == expected


@pytest.mark.parametrize("size", [1, 2, 4, 6])
async def test_pages_together_are_all_events_once(events: Writer, size: int) -> None:
    found: list[int] = []
    token = ""
    for _ in range(6 // size + 1):
        response = await search(events, page_size=size, page_token=token)
        assert len(response.events) <= size
        found += places(response)
        token = response.next_page_token
        if not token:
            break
    assert found == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"page_token": "x"}, "page token"),
        ({"page_token": "é"}, "page token"),
        ({"page_token": "bnVsbA=="}, "page token"),
        ({"trace_id": "x"}, "trace ID"),
        ({"since": Timestamp(seconds=-1)}, "since"),
        ({"until": Timestamp(seconds=1 << 40)}, "until"),
        ({"since": moment(3), "until": moment(2)}, "is not before until"),
        ({"since": moment(3), "until": moment(3)}, "is not before until"),
    ],
    ids=str,
)
async def test_a_search_that_cannot_be_made_is_an_invalid_argument(
    events: Writer, request_: dict[str, object], message: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await search(events, **request_)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in (caught.value.details() or "")


@pytest.mark.parametrize(
    "other",
    [
        *({name: "x"} for name in ("actor_id", "action", "target_id", "target_type", "source_id", "service_name")),
        *({name: "x"} for name in ("effective_actor_id", "rule")),
        {"actor_id": "alic*"},
        {"outcome": "success"},
        {"category": "admin"},
        {"trace_id": OTHER_TRACE},
        {"text": "did"},
        {"query": "did"},
        {"since": moment(0)},
        {"until": moment(9)},
    ],
    ids=str,
)
async def test_a_page_token_of_another_search_is_refused(events: Writer, other: dict[str, object]) -> None:
    token = (await search(events, page_size=1)).next_page_token
    with pytest.raises(grpc.aio.AioRpcError, match="repeat the query, filters") as caught:
        await search(events, page_token=token, **other)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert places(await search(events, page_token=token, page_size=3, check=pb.CHECK_SIGNATURES)) == [4, 3, 2]


async def test_a_page_token_of_a_prefix_is_not_one_of_the_same_text(events: Writer) -> None:
    token = (await search(events, actor_id="al*", page_size=1)).next_page_token
    assert places(await search(events, actor_id="al*", page_token=token, page_size=1)) == [4]
    with pytest.raises(grpc.aio.AioRpcError, match="repeat the query, filters"):
        await search(events, actor_id="al", page_token=token)


async def test_an_event_without_a_time_is_found_by_the_time_of_its_receipt(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    event = audit_event("whenever")
    event.time_unix_nano = 0
    writer.write([event, audit_event("before", at=-10)], received=START)
    assert [event.audit.action for event in (await search(writer, since=moment(0))).events] == ["whenever"]
    assert [event.audit.action for event in (await search(writer, until=moment(0))).events] == ["before"]
