"""Tails of a running server: over gRPC, over HTTP, and on the command line."""

from __future__ import annotations

import json
import socket
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, own_connection, send
from harness.process_stats import resident
from harness.waiting import PATIENCE, wait_for
from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from server.api.tails import MOST_OF_CALLER


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
        ({"cursor": "x"}, "cursor: the cursor does not come from a tail"),
        ({"streams": "audti"}, "streams:"),
    ):
        answer = httpx.get(f"{shared_server.http}/api/v1/tail", params=parameters, timeout=PATIENCE)
        assert (answer.status_code, message in answer.json()["message"]) == (400, True)
    with shared_server.correlation() as api, pytest.raises(grpc.RpcError) as refused:
        next(api.Tail(pb.TailRequest(query="actr:x")))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_tails_that_are_left_make_room_and_do_not_keep_the_server_from_stopping(
    lognotary: LognotaryServer,
) -> None:
    with lognotary, lognotary.correlation() as api:
        for _ in range(2):
            calls = [api.Tail(pb.TailRequest(query="nothinglikethis")) for _ in range(MOST_OF_CALLER)]
            for call in calls:
                next(call)
            with pytest.raises(grpc.RpcError) as refused:
                next(api.Tail(pb.TailRequest()))
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            answer = httpx.get(f"{lognotary.http}/api/v1/tail", timeout=PATIENCE)
            assert (answer.status_code, "already has" in answer.json()["message"]) == (429, True)
            for call in calls:
                call.cancel()
            wait_for(lambda: _can_begin(api))
        address = urlsplit(lognotary.http)
        for _ in range(MOST_OF_CALLER + 1):  # each client disconnects before the next one connects
            wait_for(lambda: _can_begin(api))
            with socket.create_connection((address.hostname, address.port)) as client:
                client.sendall(b"GET /api/v1/tail HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert client.recv(1)
        call = api.Tail(pb.TailRequest())
        next(call)
        assert lognotary.stop() == 0
        with pytest.raises(grpc.RpcError):
            next(call)


def _can_begin(api: CorrelationServiceStub) -> bool:
    call = api.Tail(pb.TailRequest())
    try:
        next(call)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise
        return False
    call.cancel()
    return True


def test_a_reader_that_reads_nothing_takes_no_memory_and_is_told_what_it_missed(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    with (
        LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, self_verify="off") as server,
        server.correlation() as api,
        own_connection(server.api_grpc) as apart,  # unread answers would fill the connection
    ):
        slow = CorrelationServiceStub(apart).Tail(pb.TailRequest(most_behind=100))
        next(slow)
        quick = api.Tail(pb.TailRequest())
        next(quick)
        seen = 0
        before = 0
        for number in range(60):
            send(server.otlp_grpc, *(log_record(f"{uuid.uuid4()} {'x' * (64 << 10)}") for _ in range(32)))
            while seen < 32 * (number + 1):
                answer = next(quick)
                assert not answer.missed
                seen += len(answer.entries)
            before = before or resident(server.pid)
        assert resident(server.pid) - before < 96 << 20
        leaves: list[int] = []
        while len(leaves) < seen:
            answer = next(slow)
            leaves += [leaf for one in answer.missed for leaf in range(one.first_leaf, one.end_leaf)]
            leaves += [entry.log.evidence.leaf_index for entry in answer.entries]
            missed = answer.missed_records
            assert missed == sum(one.end_leaf - one.first_leaf for one in answer.missed)
            assert {one.reason for one in answer.missed} <= {pb.TOO_SLOW}
        assert leaves == list(range(seen))


def test_a_tail_shows_what_all_workers_and_other_servers_commit_whatever_is_killed(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    flags: dict[str, Any] = {"batch_age": 0.02, "self_verify": "off"}
    with (
        LognotaryServer(clickhouse_storage, tmp_path / "a" / "data", writer="a", workers=2, **flags) as a,
        LognotaryServer(clickhouse_storage, tmp_path / "b" / "data", writer="b", **flags) as b,
    ):
        servers = [a, b]
        with b.correlation() as api:
            cursor = next(api.Tail(pb.TailRequest())).cursor
        sent: list[str] = []
        found: list[str] = []
        for turn in range(6):
            for server in servers:
                for _ in range(4):  # each on a connection of its own, for either worker
                    word = f"w{uuid.uuid4().hex}"
                    send(server.otlp_grpc, log_record(word), connect=own_connection)
                    sent.append(word)
            reading = servers[turn % 2]
            with reading.correlation() as api:
                call = api.Tail(pb.TailRequest(cursor=cursor))
                while len(found) < len(sent) - (turn % 3):  # some records are left for the next tail
                    answer = next(call)
                    assert not answer.missed
                    found += bodies(answer)
                    cursor = answer.cursor
                call.cancel()
            reading.kill()
            reading.start()
        with b.correlation() as api:
            call = api.Tail(pb.TailRequest(cursor=cursor))
            while len(found) < len(sent):
                found += bodies(next(call))
        assert sorted(found) == sorted(sent)
