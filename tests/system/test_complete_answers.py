"""Complete answers of a running server: over gRPC, over HTTP, and on the command line."""

from __future__ import annotations

import json
import uuid
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import (
    CompleteSearchRequest,
    CompleteSearchResponse,
    CompleteSummary,
    SearchRequest,
    TimelineEntry,
)
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub

EVENTS = 25


@pytest.fixture
def word(shared_server: LognotaryServer) -> str:
    """A word that is in some records which were just acknowledged: logs and audit events."""
    word = f"w{uuid.uuid4().hex}"
    for number in range(EVENTS):
        event: dict[str, Any] = {
            "audit_actor_id": f"actor-{word}",
            "audit_action": "role.grant",
            "audit_target_id": f"t{number % 5}",
        }
        send(shared_server.otlp_grpc, log_record(f"granted {number} {word}", log_type="audit", **event))
        send(shared_server.otlp_grpc, log_record(f"Order {number} paid {word}"))
    return word


def parts(steps: list[CompleteSearchResponse]) -> tuple[list[TimelineEntry], CompleteSummary]:
    assert [step.WhichOneof("step") for step in (steps[0], steps[-1])] == ["extent", "summary"]
    return [entry for step in steps for entry in step.records.entries], steps[-1].summary


def bodies(entries: list[TimelineEntry]) -> list[str]:
    return sorted(getattr(entry, entry.WhichOneof("entry")).body for entry in entries)


@pytest.mark.parametrize(
    "query",
    ["{word}", "actor:actor-{word}", "{word} paid", "{word} -target:t3", "{word} target:(t1 OR t2)", "{word} zzz"],
)
def test_a_complete_answer_has_what_a_search_finds(api: CorrelationServiceStub, word: str, query: str) -> None:
    query = query.format(word=word)
    entries, summary = parts(list(api.CompleteSearch(CompleteSearchRequest(query=query))))
    found = list(api.Search(SearchRequest(query=query, page_size=1000)).entries)
    assert bodies(entries) == bodies(found)
    assert {entry.SerializeToString(deterministic=True) for entry in entries} == {
        entry.SerializeToString(deterministic=True) for entry in found
    }
    assert summary.complete
    assert summary.matched == len(entries)
    assert summary.leaves >= len(entries)
    assert all(log.checkpoint for log in summary.logs)


def test_an_answer_over_http_is_the_one_over_grpc_a_line_for_each_step(
    shared_server: LognotaryServer, api: CorrelationServiceStub, word: str
) -> None:
    answer = httpx.post(f"{shared_server.http}/api/v1/complete-search", json={"query": word}, timeout=60.0)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [Parse(line, CompleteSearchResponse()) for line in answer.text.splitlines()]
    assert parts(lines) == parts(list(api.CompleteSearch(CompleteSearchRequest(query=word))))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": "actr:x"}, "query: column 1: there is no field 'actr'; did you mean 'actor'?"),
        ({"query": "evidence:tampered"}, "query: a complete answer has verified records only"),
        ({"streams": ["logs"]}, "streams: 'logs' is not audit, operational or spans"),
        ({"query": "actor:x", "streams": ["operational"]}, "query: only audit events have the fields"),
        ({"checkpoints": ["x"]}, "checkpoints: "),
        (
            {"receivedSince": "2026-01-02T00:00:00Z", "receivedUntil": "2026-01-01T00:00:00Z"},
            "received_since is not before received_until",
        ),
    ],
)
def test_a_wrong_request_is_refused_over_http(
    shared_server: LognotaryServer, fields: dict[str, object], message: str
) -> None:
    answer = httpx.post(f"{shared_server.http}/api/v1/complete-search", json=fields, timeout=60.0)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert message in answer.json()["message"]


def test_a_wrong_query_is_refused_over_grpc(api: CorrelationServiceStub) -> None:
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        list(api.CompleteSearch(CompleteSearchRequest(query="(")))


def test_the_command_shows_the_records_in_the_order_of_time_and_the_verdict(
    shared_server: LognotaryServer, word: str
) -> None:
    done = run_lognotary("search", "--api", shared_server.api_grpc, "--complete", word)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum(word in line for line in lines) == 2 * EVENTS
    times = [line.split("  ")[0] for line in lines if "paid" in line]
    assert times == sorted(times, reverse=True)
    assert lines[-1].startswith(f"✔ complete: {2 * EVENTS} records match of "), lines[-3:]
    assert sum(line.startswith("• ") and "root hash" in line for line in lines) == len(lines[-3:-1])


def test_filters_of_audit_events_are_a_query_of_a_complete_answer(shared_server: LognotaryServer, word: str) -> None:
    command = [
        "audit",
        "--api",
        shared_server.api_grpc,
        "--actor",
        f"actor-{word}",
        "--target",
        "t*",
        "--text",
        word[:9],
    ]
    plain = run_lognotary(*command, "--json")
    complete = run_lognotary(*command, "--complete", "--json")
    assert (plain.returncode, complete.returncode) == (0, 0), complete.stderr
    entries, summary = parts([Parse(line, CompleteSearchResponse()) for line in complete.stdout.splitlines()])
    assert [event["body"] for event in reversed(json.loads(plain.stdout)["events"])] == [
        entry.audit_event.body for entry in entries
    ]
    assert (summary.complete, summary.matched, len(entries)) == (True, EVENTS, EVENTS)


def test_the_exit_status_is_1_if_nothing_matches(shared_server: LognotaryServer) -> None:
    done = run_lognotary("search", "--api", shared_server.api_grpc, "--complete", "actor:nobody-at-all")
    assert done.returncode == 1
    assert "no record matches actor:nobody-at-all" in done.stdout
    assert "✔ complete: 0 records match of " in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--complete", "--signatures-only"], "--signatures-only: a complete answer hashes all records"),
        (["--received-since", "2h"], "--received-since requires --complete"),
        (["--complete", "--checkpoint", "/nowhere"], "--checkpoint: "),
    ],
)
def test_options_that_do_not_belong_together_are_refused(
    shared_server: LognotaryServer, options: list[str], message: str
) -> None:
    done = run_lognotary("search", "--api", shared_server.api_grpc, "x", *options)
    assert done.returncode == 2
    assert message in done.stderr
