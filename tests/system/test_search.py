"""Search with a running server: over gRPC, over HTTP, and on the command line."""

from __future__ import annotations

import json

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import SearchRequest, SearchResponse
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import VERIFIED


def bodies(response: SearchResponse) -> list[str]:
    return [getattr(entry, entry.WhichOneof("entry")).body.rpartition(" ")[0] for entry in response.entries]


def test_what_was_acknowledged_is_found_with_its_evidence(api: CorrelationServiceStub, word: str) -> None:
    found = api.Search(SearchRequest(query=word.upper(), count_up_to=10))
    assert sorted(bodies(found)) == ["Order 17 paid", "granted", "order 18 refused"]
    assert (found.count, found.count_is_lower_bound) == (3, False)
    for entry in found.entries:
        assert getattr(entry, entry.WhichOneof("entry")).evidence.state == VERIFIED
    assert bodies(api.Search(SearchRequest(query=f"{word} order -17"))) == ["order 18 refused"]
    assert bodies(api.Search(SearchRequest(query=f"actor:actor-{word} outcome:failure"))) == ["granted"]


def test_pages_over_grpc_are_all_records_once(api: CorrelationServiceStub, word: str) -> None:
    found: list[str] = []
    request = SearchRequest(query=word, page_size=1)
    while True:
        page = api.Search(request)
        found += bodies(page)
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert sorted(found) == ["Order 17 paid", "granted", "order 18 refused"]


def test_search_over_http_answers_as_over_grpc(
    shared_server: LognotaryServer, api: CorrelationServiceStub, word: str
) -> None:
    parameters = {"query": f"{word} (paid OR granted)", "streams": "operational,audit", "oldest_first": "true"}
    answer = httpx.get(f"{shared_server.http}/api/v1/search", params=parameters, timeout=60.0)
    assert answer.status_code == 200
    wanted = SearchRequest(query=parameters["query"], oldest_first=True)
    assert Parse(answer.text, SearchResponse()) == api.Search(wanted)
    events = httpx.get(f"{shared_server.http}/api/v1/audit-events", params={"query": word}, timeout=60.0)
    assert [event["audit"]["action"] for event in events.json()["events"]] == ["role.grant"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"query": "actr:x"}, "query: column 1: there is no field 'actr'; did you mean 'actor'?"),
        ({"streams": "audit,logs"}, "streams: 'logs' is not audit, operational or spans"),
        ({"query": "evidence:verified OR x"}, "query: column 1: evidence is checked after records are read"),
    ],
)
def test_a_wrong_search_is_refused_over_http(
    shared_server: LognotaryServer, parameters: dict[str, str], message: str
) -> None:
    answer = httpx.get(f"{shared_server.http}/api/v1/search", params=parameters, timeout=60.0)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert message in answer.json()["message"]


def test_a_wrong_search_is_refused_over_grpc(api: CorrelationServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.Search(SearchRequest(query="x AND"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == (
        "query: column 6: a term is missing after AND: write one, or put it in quotes to search for it as text"
    )


def test_the_command_shows_records_of_both_streams(shared_server: LognotaryServer, word: str) -> None:
    done = shared_server.cli("search", word, "--count")
    assert done.returncode == 0, done.stderr
    assert f"Order 17 paid {word}" in done.stdout
    assert f"AUDIT actor-{word} role.grant → failure" in done.stdout
    assert "✔ 3 records verified" in done.stdout
    assert "3 matches in storage" in done.stdout
    only = shared_server.cli("search", word, "order", "--stream", "operational", "--json", "--limit", "1")
    found = json.loads(only.stdout)
    assert len(found["entries"]) == 1
    assert found["nextPageToken"]


def test_the_command_says_that_nothing_matches(shared_server: LognotaryServer) -> None:
    done = shared_server.cli("search", "actor:nobody", "--since", "1h")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "no record matches actor:nobody")


def test_the_command_points_at_what_is_wrong(shared_server: LognotaryServer) -> None:
    done = shared_server.cli("search", "order severity:erorr")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-3:] == [
        "lognotary: search: column 16: 'erorr' is not a severity (trace, debug, info, warn, error, fatal, or a "
        "number from 1 to 24); did you mean 'error'?",
        "  order severity:erorr",
        "                 ^^^^^",
    ]


def test_the_storage_itself_can_be_searched(lognotary: LognotaryServer) -> None:
    lognotary.start()
    send(lognotary.otlp_grpc, log_record("straight from storage"))
    lognotary.stop()
    storage = ("--storage", lognotary.storage_url, "--public-key", str(lognotary.public_key))
    done = run_lognotary("search", "straight", *storage, cwd=lognotary.directory)
    assert done.returncode == 0, done.stderr
    assert "straight from storage" in done.stdout
