"""Evidence over gRPC and over HTTP: the same answers, and the same errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.json_format import Parse

from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from server.api.backend import Backend
from server.api.http_api import build_http_api
from server.process.pools import Pool
from storage.engine import Engine
from tests.api.growing import NAME, GrowingLog, update
from tests.api.store import Writer, log_record, serving

LOGS = f"/api/v1/logs/{NAME.log_id}"


@pytest.fixture
def log(engine: Engine) -> GrowingLog:
    """A log of 300 entries in two batches."""
    made = GrowingLog(engine)
    made.grow(100, 200)
    return made


@pytest.fixture
async def http(log: GrowingLog) -> AsyncIterator[httpx.AsyncClient]:
    app = build_http_api(Backend(log.engine, log.keys), Pool("api", 2), lambda: "", lambda: b"")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        yield client


@pytest.fixture
async def stub(log: GrowingLog) -> AsyncIterator[Any]:
    async with serving(log.engine, log.keys) as channel:
        yield EvidenceServiceStub(channel)


async def test_http_answers_what_grpc_answers(http: httpx.AsyncClient, stub: Any) -> None:
    of_log: dict[str, Any] = {"log": NAME.log_id}
    calls: list[tuple[str, dict[str, str], Callable[[], Any]]] = [
        ("/api/v1/logs", {}, lambda: stub.ListLogs(pb.ListLogsRequest())),
        (f"{LOGS}/checkpoint", {}, lambda: stub.GetCheckpoint(pb.GetCheckpointRequest(**of_log))),
        (
            f"{LOGS}/checkpoint",
            {"treeSize": "100"},
            lambda: stub.GetCheckpoint(pb.GetCheckpointRequest(**of_log, tree_size=100)),
        ),
        (
            f"{LOGS}/inclusion-proof",
            {"leaf_index": "0", "tree_size": "100", "include_record": "false"},
            lambda: stub.GetInclusionProof(pb.GetInclusionProofRequest(**of_log, leaf_index=0, tree_size=100)),
        ),
        (
            f"{LOGS}/consistency-proof",
            {"first": "100", "second": "300"},
            lambda: stub.GetConsistencyProof(pb.GetConsistencyProofRequest(**of_log, first=100, second=300)),
        ),
    ]
    for path, parameters, call in calls:
        expected = await call()
        answer = await http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        assert Parse(answer.text, type(expected)()) == expected


async def test_a_record_is_asked_for_over_http(writer: Writer) -> None:
    writer.write([log_record("a record")])
    app = build_http_api(Backend(writer.engine, writer.keys), Pool("api", 2), lambda: "", lambda: b"")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as http:
        for name in ("include_record", "includeRecord"):
            answer = await http.get(f"{LOGS}/inclusion-proof", params={"leaf_index": "0", name: "true"})
            proof = Parse(answer.text, pb.GetInclusionProofResponse())
            assert b"a record" in proof.record
            assert proof.evidence.state == pb.VERIFIED


async def test_errors_have_the_same_code_and_words_everywhere(
    http: httpx.AsyncClient, stub: Any, log: GrowingLog
) -> None:
    async def refused(path: str, parameters: dict[str, str], call: Any) -> tuple[int, str]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        answer = await http.get(path, params=parameters)
        said = answer.json()
        assert (said["code"], said["message"]) == (caught.value.code().name, caught.value.details())
        return answer.status_code, said["code"]

    wrong = "0" * 16
    assert await refused(
        f"/api/v1/logs/{wrong}/checkpoint", {}, stub.GetCheckpoint(pb.GetCheckpointRequest(log=wrong))
    ) == (404, "NOT_FOUND")
    assert await refused("/api/v1/logs/x/checkpoint", {}, stub.GetCheckpoint(pb.GetCheckpointRequest(log="x"))) == (
        400,
        "INVALID_ARGUMENT",
    )
    assert await refused(
        f"{LOGS}/inclusion-proof", {}, stub.GetInclusionProof(pb.GetInclusionProofRequest(log=NAME.log_id))
    ) == (400, "INVALID_ARGUMENT")
    update(log.engine, "log_tiles", "Hashes = reverse(Hashes)", "Level = 0")
    assert await refused(
        f"{LOGS}/consistency-proof",
        {"first": "100"},
        stub.GetConsistencyProof(pb.GetConsistencyProofRequest(log=NAME.log_id, first=100)),
    ) == (500, "DATA_LOSS")
    log.engine.execute("DROP TABLE log_batches SYNC")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListLogs(pb.ListLogsRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (await http.get("/api/v1/logs")).status_code == 503


@pytest.mark.parametrize(
    ("path", "parameters", "word"),
    [
        ("checkpoint", {"size": "3"}, "size"),
        ("checkpoint", {"tree_size": "-1"}, "tree_size"),
        ("checkpoint", {"tree_size": str(1 << 64)}, "tree_size"),
        ("inclusion-proof", {"leaf_index": "first"}, "leaf_index"),
        ("inclusion-proof", {"leaf_index": "0", "include_record": "yes"}, "include_record"),
        ("inclusion-proof", {"leaf_index": "0", "include_record": "1"}, "include_record"),
        ("consistency-proof", {"first": "1.5"}, "first"),
    ],
)
async def test_parameters_that_the_call_does_not_have_are_refused(
    http: httpx.AsyncClient, path: str, parameters: dict[str, str], word: str
) -> None:
    answer = await http.get(f"{LOGS}/{path}", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert word in answer.json()["message"]
