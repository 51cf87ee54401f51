"""Refusals of the HTTP receiver: status, form and reason of the answer, and the message in the server's log."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter

import httpx
import pytest
from google.rpc import error_details_pb2

from server.errors.ingest import (
    MalformedRequestError,
    OverloadedError,
    RefusedError,
    ShuttingDownError,
    StorageRefusedError,
)
from server.otlp.http_receiver import build_http_app
from server.pipeline.measures import RequestMeasure
from server.process.pools import Pool
from tests.otlp.posting import BOTH, DOCUMENT_BODY, JSON, LIMIT, PROTOBUF, client, post, status_of
from tests.otlp.recording import RecordingIngest


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("error", [OverloadedError, StorageRefusedError, ShuttingDownError])
async def test_a_refused_request_is_to_be_sent_again_later(headers: dict[str, str], error: type[RefusedError]) -> None:
    ingest = RecordingIngest(error("try later", retry_after=2.25, public="try later"))
    response = await post(ingest, DOCUMENT_BODY if headers is JSON else b"", headers)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "3"
    assert response.headers["content-type"] == headers["Content-Type"]
    status = status_of(response)
    assert (status.code, status.message) == (14, "try later")
    retry_info = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(retry_info)
    assert retry_info.retry_delay.ToMilliseconds() == 2250


@pytest.mark.parametrize(("delay", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (float("nan"), "1")])
async def test_retry_after_is_whole_seconds_and_never_none(delay: float, header: str) -> None:
    response = await post(RecordingIngest(OverloadedError("full", retry_after=delay)), b"", PROTOBUF)
    assert response.headers["retry-after"] == header


async def test_what_the_pipeline_finds_malformed_is_a_bad_request() -> None:
    response = await post(RecordingIngest(MalformedRequestError("wrong at byte 7")), b"?", PROTOBUF)
    assert response.status_code == 400
    assert "retry-after" not in response.headers
    status = status_of(response)
    assert (status.code, status.message) == (3, "wrong at byte 7")
    bad_request = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(bad_request)
    assert bad_request.field_violations[0].description == "wrong at byte 7"


async def test_malformed_json_is_a_bad_request_that_says_where() -> None:
    response = await post(RecordingIngest(), b'{"resourceLogs": [{"scopeLogs": 1}]}', JSON)
    assert response.status_code == 400
    assert response.json()["message"] == "resourceLogs[0].scopeLogs: an array is expected"
    assert response.json()["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"


@pytest.mark.parametrize("headers", BOTH)
async def test_truncated_gzip_is_a_bad_request(headers: dict[str, str]) -> None:
    ingest = RecordingIngest()
    body = gzip.compress(DOCUMENT_BODY)[:-1]
    response = await post(ingest, body, headers | {"Content-Encoding": "gzip"})
    assert response.status_code == 400
    assert status_of(response).message == "the gzip body ends too early"
    assert ingest.requests == []


@pytest.mark.parametrize("error", [RuntimeError("secret"), asyncio.CancelledError("secret")])
async def test_an_unforeseen_error_is_logged_and_answered_as_retryable(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(RecordingIngest(error), b"", PROTOBUF)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "secret" not in status_of(response).message
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize("value", ["text/plain", "application/protobuf", "", None])
async def test_another_content_type_is_refused_as_text_with_what_is_accepted(value: str | None) -> None:
    ingest = RecordingIngest()
    response = await post(ingest, b"", {} if value is None else {"Content-Type": value})
    assert response.status_code == 415
    assert response.headers["accept"] == "application/x-protobuf, application/json"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "accepted: application/x-protobuf, application/json" in response.text
    assert ingest.requests == []


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_another_encoding_is_refused_with_what_is_accepted(headers: dict[str, str], encoding: str) -> None:
    ingest = RecordingIngest()
    response = await post(ingest, b"", headers | {"Content-Encoding": encoding})
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip, zstd, identity"
    assert "accepted: gzip, zstd, identity" in status_of(response).message
    assert ingest.requests == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
async def test_another_method_is_refused_with_the_one_that_is_allowed(method: str, path: str) -> None:
    async with client(RecordingIngest()) as http:
        response = await http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.text == "405: send logs with POST /v1/logs and traces with POST /v1/traces\n"


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("path", ["/", "/v1/logs/", "/v1/LOGS", "/v1/logs2", "/v1/"])
async def test_another_path_is_not_found_and_the_answer_says_which_there_is(headers: dict[str, str], path: str) -> None:
    response = await post(RecordingIngest(), b"", headers, path)
    assert response.status_code == 404
    assert response.headers["content-type"] == headers["Content-Type"]
    assert "POST /v1/logs" in status_of(response).message


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("signal", ["metrics", "profiles"])
async def test_another_signal_is_refused_with_the_variable_that_keeps_it_away(
    headers: dict[str, str], signal: str
) -> None:
    response = await post(RecordingIngest(), b"", headers, f"/v1/{signal}")
    assert response.status_code == 404
    message = status_of(response).message
    assert message.startswith(f"404: {signal} are not served here")
    assert f"OTEL_{signal.upper()}_EXPORTER to none" in message


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/x-protobuf", "application/x-protobuf"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces", "/"])
async def test_who_sends_no_otlp_gets_text_unless_another_form_is_asked_for(accept: str, kind: str, path: str) -> None:
    async with client(RecordingIngest()) as http:
        response = await http.get(path, headers={"Accept": accept})
    assert response.headers["content-type"] == kind


async def test_refusals_are_logged_once_a_minute_with_peer_and_reason_and_nothing_that_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hush = "hush-4711"
    bodies = [
        (f'{{"{hush}": '.encode(), JSON),
        (f'{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{{"{hush}": 1}}]}}]}}]}}'.encode(), JSON),
        (hush.encode(), JSON | {"Content-Encoding": "gzip"}),
        (b"", {"Content-Type": hush}),
        (b"", JSON | {"Content-Encoding": hush}),
        (bytes(LIMIT + 1), PROTOBUF),
    ]
    measures: list[RequestMeasure] = []
    app = build_http_app(RecordingIngest(), LIMIT, Pool("ingest", 2), measures.append)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as http:
        for body, headers in bodies * 3:
            assert (await http.post("/v1/logs", content=body, headers=headers)).status_code in (400, 413, 415)
        for path in ("/v1/traces/", "/v1/metrics", f"/{hush}") * 2:
            assert (await http.post(path, headers=PROTOBUF)).status_code == 404
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    assert all(line.startswith("a request of 127.0.0.1:123 over http was refused for good: ") for line in lines)
    assert "not JSON" in lines[0]
    assert not [line for line in lines if hush in line]
    counted = Counter((measure.outcome, measure.protocol, measure.service) for measure in measures)
    assert counted == {
        ("malformed", "http", "logs"): 9,
        ("unsupported", "http", "logs"): 6,
        ("too_large", "http", "logs"): 3,
        ("not_served", "http", "traces"): 2,
        ("not_served", "http", "metrics"): 2,
        ("not_served", "http", "other"): 2,
    }
