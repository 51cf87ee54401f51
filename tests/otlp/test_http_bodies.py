"""HTTP bodies that are too large, or for which there is no room."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable

import pytest

from harness.zstd import zstd
from server.admission.admission import AdmissionLimits
from tests.otlp.posting import BOTH, DOCUMENT_BODY, JSON, LIMIT, PROTOBUF, chunks, client, post, status_of
from tests.otlp.recording import RecordingIngest


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
async def test_a_body_of_just_the_limit_is_accepted_and_one_byte_more_is_not(chunked: bool) -> None:
    ingest = RecordingIngest()
    async with client(ingest, limit=5000) as http:
        for size, expected in ((5000, 200), (5001, 413)):
            content = chunks(bytes(size)) if chunked else bytes(size)
            response = await http.post("/v1/logs", content=content, headers=PROTOBUF)
            assert response.status_code == expected
    assert "retry-after" not in response.headers
    status = status_of(response)
    assert status.code == 8
    assert "5000 bytes" in status.message
    assert ingest.requests == [bytes(5000)]


async def test_a_length_above_the_limit_is_refused_before_the_body_is_read() -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async with client(RecordingIngest()) as http:
        headers = PROTOBUF | {"Content-Length": str(LIMIT + 1)}
        response = await http.post("/v1/logs", content=unread(), headers=headers)
    assert response.status_code == 413


async def unread() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


async def test_a_request_that_there_is_no_room_for_is_refused_before_its_body_is_read() -> None:
    ingest = RecordingIngest(limits=AdmissionLimits(requests=1, size=10_000, largest=10_000))
    with ingest.admission.admit("another"):
        async with client(ingest) as http:
            response = await http.post("/v1/logs", content=unread(), headers=PROTOBUF | {"Content-Length": "100"})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1


async def test_a_request_that_there_never_is_room_for_is_refused_for_good_before_its_body_is_read() -> None:
    ingest = RecordingIngest(limits=AdmissionLimits(1, 10_000, 10_000, remedy="raise --memory-limit"))
    async with client(ingest) as http:
        response = await http.post("/v1/logs", content=unread(), headers=PROTOBUF | {"Content-Length": "10001"})
    assert response.status_code == 413
    assert "raise --memory-limit" in status_of(response).message


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("headers", BOTH)
async def test_a_body_that_grows_beyond_what_there_can_be_room_for_is_refused(
    headers: dict[str, str], compressed: bool
) -> None:
    ingest = RecordingIngest(limits=AdmissionLimits(10, 3 << 20, 3 << 20))
    body = json.dumps({"unknown": "x" * (5 << 20)}).encode()
    encoding = {"Content-Encoding": "gzip"} if compressed else {}
    content = chunks(gzip.compress(body) if compressed else body)
    async with client(ingest, limit=16 << 20) as http:
        response = await http.post("/v1/logs", content=content, headers=headers | encoding)
    assert response.status_code == 413
    assert ingest.requests == []
    assert ingest.admission.requests == 0


async def test_a_json_body_that_takes_many_times_its_size_is_counted_as_such() -> None:
    ingest = RecordingIngest(limits=AdmissionLimits(10, 3 << 20, 3 << 20))
    body = b'{"resourceLogs":[%s{}]}' % (b"{}," * 100_000)
    response = await post(ingest, body, JSON)
    assert response.status_code == 413
    assert (await post(ingest, DOCUMENT_BODY, JSON)).status_code == 200


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstd.compress)], ids=["gzip", "zstd"]
)
async def test_a_bomb_is_too_large(headers: dict[str, str], encoding: str, compress: Callable[[bytes], bytes]) -> None:
    ingest = RecordingIngest()
    body = compress(bytes(64 * LIMIT))
    response = await post(ingest, body, headers | {"Content-Encoding": encoding})
    assert response.status_code == 413
    assert ingest.requests == []
