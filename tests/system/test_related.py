"""Traces by what happened in them, neighbours, actors and targets, with a running server: gRPC, HTTP, command line."""

from __future__ import annotations

import json
import uuid

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import VERIFIED


@pytest.fixture
def actor(shared_server: LognotaryServer) -> str:
    """An actor of whom two requests were just acknowledged; the second one failed."""
    name = f"user/{uuid.uuid4().hex}"
    for action, outcome, severity in (("order.place", "success", 9), ("order.cancel", "failure", 17)):
        trace = uuid.uuid4().bytes
        event = log_record(
            f"{action} done",
            log_type="audit",
            audit_actor_id=name,
            audit_action=action,
            audit_outcome=outcome,
            audit_target_id=f"order-{name}",
            audit_record_id=f"{action}-{name}",
        )
        log = log_record(f"{action} handled")
        log.severity_number = severity  # type: ignore[assignment]
        for record in (event, log):
            record.trace_id = trace
        send(shared_server.otlp_grpc, event, log)
    return name


def get(server: LognotaryServer, path: str, **parameters: str) -> httpx.Response:
    return httpx.get(f"{server.http}/api/v1/{path}", params=parameters, timeout=60.0)


def actions(entries: object) -> list[str]:
    return [entry.audit_event.audit.action for entry in entries]  # type: ignore[attr-defined]


def test_traces_of_an_actor_with_errors_are_found_in_one_request(
    shared_server: LognotaryServer, api: CorrelationServiceStub, actor: str
) -> None:
    query = f'actor:"{actor}"'
    assert [actions([trace.match]) for trace in api.FindTraces(pb.FindTracesRequest(query=query)).traces] == [
        ["order.cancel"],
        ["order.place"],
    ]
    request = pb.FindTracesRequest(query=query, with_errors=True)
    (trace,) = api.FindTraces(request).traces
    assert (trace.audit_event_count, trace.log_count, trace.error_count) == (1, 1, 2)
    assert trace.match.audit_event.evidence.state == VERIFIED
    answer = get(shared_server, "traces", query=query, with_errors="true")
    assert answer.status_code == 200, answer.text
    assert Parse(answer.text, pb.FindTracesResponse()) == api.FindTraces(request)


@pytest.mark.parametrize("kind", ["actor", "target"])
def test_everything_of_one_over_http_is_as_over_grpc(
    shared_server: LognotaryServer, api: CorrelationServiceStub, actor: str, kind: str
) -> None:
    found: pb.ActorTimelineResponse | pb.TargetHistoryResponse
    if kind == "actor":
        found = api.ActorTimeline(pb.ActorTimelineRequest(actor_id=actor))
        answer = get(shared_server, f"actors/{actor}")
    else:
        found = api.TargetHistory(pb.TargetHistoryRequest(target_id=f"order-{actor}"))
        answer = get(shared_server, f"targets/order-{actor}")
    assert actions(found.entries) == ["order.cancel", "order.place"]
    assert found.overview.event_count == 2
    same: Message = Parse(answer.text, type(found)())
    assert same == found


def test_neighbours_by_leaf_are_what_was_received_just_before_and_after(
    shared_server: LognotaryServer, api: CorrelationServiceStub, actor: str
) -> None:
    first, second = (
        entry.audit_event.evidence
        for entry in api.ActorTimeline(pb.ActorTimelineRequest(actor_id=actor, oldest_first=True)).entries
    )
    found = api.Neighbours(pb.NeighboursRequest(log=first.origin, leaf_index=first.leaf_index, by="leaf", after=1))
    assert [entry.audit_event.evidence.leaf_index for entry in found.after] == [first.leaf_index + 1]
    by_actor = pb.NeighboursRequest(record_id=f"order.cancel-{actor}", by="actor")
    assert actions(api.Neighbours(by_actor).before) == ["order.place"]
    answer = get(shared_server, "neighbours", record_id=f"order.cancel-{actor}", by="actor")
    assert Parse(answer.text, pb.NeighboursResponse()) == api.Neighbours(by_actor)
    assert second.leaf_index > first.leaf_index


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("traces", {"query": "actr:x"}, "query: column 1: there is no field 'actr'; did you mean 'actor'?"),
        ("neighbours", {"by": "leaf"}, "log and leaf_index must be given"),
        ("actors/x", {"page_token": "x"}, "the page token is not one"),
        ("targets/x", {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "is not before until"),
    ],
    ids=str,
)
def test_a_wrong_request_is_refused_over_http(
    shared_server: LognotaryServer, path: str, parameters: dict[str, str], message: str
) -> None:
    answer = get(shared_server, path, **parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert message in answer.json()["message"]


def test_a_record_that_is_not_stored_is_not_found_over_grpc(api: CorrelationServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.Neighbours(pb.NeighboursRequest(record_id="none"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_the_commands_show_traces_actors_targets_and_neighbours(shared_server: LognotaryServer, actor: str) -> None:
    done = shared_server.cli("traces", f'actor:"{actor}"', "--errors", "--since", "1h")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].strip().startswith("1 audit event, 1 log, 2 errors")
    assert lines[2].startswith(f"    AUDIT {actor} order.cancel")
    assert "✔ 1 matching record verified" in lines
    done = shared_server.cli("actor", actor)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"actor {actor}: 2 events, 20")
    assert "  action    order.cancel 1, order.place 1" in lines
    assert "✔ 2 records verified" in lines
    done = shared_server.cli("target", f"order-{actor}", "outcome:failure", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["overview"]["eventCount"] == "1"
    done = shared_server.cli("near", f"order.cancel-{actor}", "--by", "actor")
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("▶ 20") and "order.cancel" in line for line in done.stdout.splitlines())
    assert "✔ 2 records verified" in done.stdout


def test_the_commands_find_spans(shared_server: LognotaryServer) -> None:
    word, trace = uuid.uuid4().hex, uuid.uuid4()
    spans = [
        Span(trace_id=trace.bytes, span_id=bytes([number] * 8), name=f"{word}-{number}", start_time_unix_nano=number)
        for number in (1, 2, 3)
    ]
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])
    with grpc.insecure_channel(shared_server.otlp_grpc) as channel:
        TraceServiceStub(channel).Export(request)
    done = shared_server.cli("traces", f"name:{word}-2", "--stream", "spans")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(trace.hex)
    done = shared_server.cli("search", f"name:{word}-2", "--stream", "spans", "--json")
    evidence = json.loads(done.stdout)["entries"][0]["span"]["evidence"]
    for arguments in (("--by", "leaf"), (f"name:{word}-*", "--stream", "spans")):
        done = shared_server.cli("near", f"{evidence['origin']}#{evidence['leafIndex']}", *arguments, "-n", "1")
        assert done.returncode == 0, done.stderr
        assert [name for name in done.stdout.split() if name.startswith(word)] == [f"{word}-{n}" for n in (1, 2, 3)]
        assert "✔ 3 records verified" in done.stdout
    for command in ("search", "histogram", "facets", "traces"):
        done = shared_server.cli(command, f"name:{word}-2")
        assert done.returncode != 0
        assert "only spans have the fields of this query: name spans in streams (--stream spans)" in done.stderr


def test_the_commands_say_that_there_is_nothing(shared_server: LognotaryServer) -> None:
    for arguments, line in (
        (("actor", "nobody"), "no event of the actor nobody matches"),
        (("target", "nothing"), "no event of the target nothing matches"),
        (("traces", "actor:nobody"), "no trace has a record that matches actor:nobody"),
    ):
        done = shared_server.cli(*arguments)
        assert (done.returncode, done.stdout.splitlines()[0]) == (1, line)
    done = shared_server.cli("near", "nowhere")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "lognotary: no audit record has the ID 'nowhere'")
    done = shared_server.cli("actor", "x", "outcom:failure")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "  ^^^^^^")


def test_the_storage_itself_can_be_asked(lognotary: LognotaryServer) -> None:
    lognotary.start()
    send(lognotary.otlp_grpc, log_record("x", log_type="audit", audit_actor_id="alice", audit_action="login"))
    lognotary.stop()
    storage = ("--storage", lognotary.storage_url, "--public-key", str(lognotary.public_key))
    done = run_lognotary("actor", "alice", *storage, cwd=lognotary.directory)
    assert done.returncode == 0, done.stderr
    assert "actor alice: 1 event" in done.stdout


def test_traces_that_are_not_found_say_which_filter_was_narrow(shared_server: LognotaryServer, actor: str) -> None:
    nothing = f"no trace has a record that matches actor:{actor}"
    for options, said in (
        (["--min-duration", "1h"], ", with --min-duration: without it, there are traces"),
        (["--min-duration", "1h", "--errors"], ", with --min-duration: without it, there are traces"),
    ):
        done = shared_server.cli("traces", f"actor:{actor}", *options)
        assert (done.returncode, done.stdout.splitlines()[0]) == (1, nothing + said)
    other = shared_server.cli("traces", "actor:nobody", "--errors")
    assert other.stdout.splitlines()[0] == "no trace has a record that matches actor:nobody"
    both = shared_server.cli("traces", f"actor:{actor} outcome:success", "--errors", "--min-duration", "1h")
    assert both.stdout.splitlines()[0].endswith(", with --errors and --min-duration: without them, there are traces")
