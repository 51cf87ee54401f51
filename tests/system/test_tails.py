"""Tails of a running server: over gRPC, over HTTP, and on the command line."""

from __future__ import annotations

import json
import uuid

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.waiting import PATIENCE
from lognotary.v1 import correlation_pb2 as pb


def bodies(answer: pb.TailResponse) -> list[str]:
    return [entry.log.body or entry.audit_event.body for entry in answer.entries]


def test_what_was_acknowledged_is_followed_over_grpc_and_http(shared_server: LognotaryServer) -> None:
    word = f"w{uuid.uuid4().hex}"
    parameters = {"query": word, "streams": "operational"}
    url = f"{shared_server.http}/api/v1/tail"
    with shared_server.correlation() as api, httpx.stream("GET", url, params=parameters, timeout=PATIENCE) as lines:
        call = api.Tail(pb.TailRequest(query=word))
        begun = next(call)
        objects = (json.loads(line) for line in lines.iter_lines())
        assert next(objects)["entries"] == []
        send(shared_server.otlp_grpc, log_record(f"first {word}"), log_record("another"))
        answer = next(call)
        assert bodies(answer) == [f"first {word}"]
        answer_as_json = next(objects)
        assert [entry["log"]["body"] for entry in answer_as_json["entries"]] == [f"first {word}"]
        call.cancel()
        send(shared_server.otlp_grpc, log_record(f"second {word}"))
        for cursor in (begun.cursor, answer.cursor, answer_as_json["cursor"]):
            again = api.Tail(pb.TailRequest(query=word, cursor=cursor))
            found: list[str] = []
            while f"second {word}" not in found:
                found += bodies(next(again))
            assert found == [f"first {word}", f"second {word}"][cursor != begun.cursor :]
            again.cancel()


def test_a_wrong_tail_is_refused_with_the_reason(shared_server: LognotaryServer) -> None:
    for parameters, message in (
        ({"query": "actr:x"}, "query: column 1: there is no field 'actr'"),
        ({"cursor": "x"}, "cursor: this is not a cursor that a tail gave out"),
        ({"streams": "audti"}, "streams:"),
    ):
        answer = httpx.get(f"{shared_server.http}/api/v1/tail", params=parameters, timeout=PATIENCE)
        assert (answer.status_code, message in answer.json()["message"]) == (400, True)
    with shared_server.correlation() as api, pytest.raises(grpc.RpcError) as refused:
        next(api.Tail(pb.TailRequest(query="actr:x")))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
