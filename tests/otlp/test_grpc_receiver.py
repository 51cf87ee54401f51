"""The gRPC receiver: which calls it takes, and how it answers those that it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2

from harness.waiting import until
from server.admission.admission import AdmissionLimits
from server.codec.signals import Signal
from server.errors.ingest import (
    MalformedRequestError,
    OverloadedError,
    RefusedError,
    ShuttingDownError,
    StorageRefusedError,
)
from tests.otlp.grpc_calls import EXPORT, EXPORT_TRACES, LIMIT, details, export, refused, serving
from tests.otlp.recording import RecordingIngest


async def test_a_request_arrives_unchanged_and_success_is_an_empty_response() -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        assert await export(address, b"not even protobuf") == b""
    assert ingest.requests == [b"not even protobuf"]


async def test_an_empty_request_is_accepted() -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        assert await export(address, b"") == b""
    assert ingest.requests == [b""]


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
@pytest.mark.parametrize("request_bytes", [b"", b"abc" * 10_000, random.Random(1).randbytes(100_000)])
async def test_compression_is_undone(compression: grpc.Compression, request_bytes: bytes) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        await export(address, request_bytes, compression=compression)
    assert ingest.requests == [request_bytes]


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"\x78\x9c"])
async def test_a_damaged_message_is_refused_for_good(magic: bytes) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        answer = await refused(address, magic + b"no")
    assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert ingest.requests == []


async def stream(address: str, *messages: bytes, end: bool = True, deadline: float = 30) -> grpc.aio.AioRpcError:
    """Send messages, or none, as no unary client does; the error that comes back."""
    async with grpc.aio.insecure_channel(address) as channel:
        export_stream: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(EXPORT)
        call = export_stream(timeout=deadline)
        for message in messages:
            await call.write(message)
        if end:
            await call.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        return caught.value


@pytest.mark.parametrize("messages", [(), (b"a", b"b")])
async def test_a_call_with_any_other_number_of_messages_than_one_is_refused_for_good(
    messages: tuple[bytes, ...],
) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        answer = await stream(address, *messages)
    assert answer.code() is grpc.StatusCode.UNIMPLEMENTED
    assert ingest.requests == []


async def test_a_refused_request_is_not_waited_for() -> None:
    ingest = RecordingIngest(limits=AdmissionLimits(requests=1, size=1000, largest=1000))
    async with serving(ingest) as address:
        with ingest.admission.admit("another"):
            answer = await stream(address, end=False)  # its message never comes
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert details(answer, error_details_pb2.RetryInfo).retry_delay.seconds >= 0
    assert ingest.admission.refused == 1


@pytest.mark.parametrize("messages", [(), (b"a",)])
async def test_a_request_that_is_stopped_as_it_arrives_is_to_be_sent_again(
    messages: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        call = asyncio.create_task(stream(address, *messages, end=False))
        await until(lambda: ingest.admission.arriving)
        ingest.admission.stop_newest(1)
        ingest.admission.stop_newest(1)
        answer = await call
        await until(lambda: not ingest.admission.requests)
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert details(answer, error_details_pb2.RetryInfo).retry_delay.ToNanoseconds() > 0
    assert ingest.requests == []
    assert caplog.records == []


async def test_a_call_whose_deadline_passes_as_it_arrives_gives_its_room_back(caplog: pytest.LogCaptureFixture) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        answer = await stream(address, end=False, deadline=0.3)
        assert answer.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: not ingest.admission.requests)
    assert caplog.records == []


async def test_what_there_can_never_be_room_for_is_refused_for_good() -> None:
    ingest = RecordingIngest(limits=AdmissionLimits(1, 10_000, 10_000, remedy="raise --memory-limit"))
    async with serving(ingest) as address:
        answers = [await refused(address, bytes(10_001), compression=how) for how in (None, grpc.Compression.Gzip)]
    assert {answer.code() for answer in answers} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert all("raise --memory-limit" in (answer.details() or "") for answer in answers)


async def test_traces_arrive_as_traces_by_the_same_rules() -> None:
    ingest = RecordingIngest(StorageRefusedError("storage is down", retry_after=7.0))
    async with serving(ingest) as address:
        answer = await refused(address, b"\x0a\x00", method=EXPORT_TRACES)
        assert answer.code() is grpc.StatusCode.UNAVAILABLE
        assert details(answer, error_details_pb2.RetryInfo).retry_delay.seconds == 7
        assert await export(address, b"\x0a\x00", method=EXPORT_TRACES) == b""
        await export(address, b"\x0a\x00")
    assert ingest.requests == [b"\x0a\x00"] * 2
    assert ingest.signals == [Signal.TRACES, Signal.LOGS]


async def test_requests_are_counted_for_the_address_they_come_from() -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        await export(address, b"")
        await export(address, b"")
    assert ingest.clients == ["127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize("error", [OverloadedError, StorageRefusedError, ShuttingDownError])
async def test_a_refused_request_is_to_be_sent_again_after_the_delay_in_both_trailers(
    error: type[RefusedError],
) -> None:
    async with serving(RecordingIngest(error("try later: é", retry_after=2.25, public="try later: é"))) as address:
        answer = await refused(address)
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert answer.details() == "try later: é"
    bare = error_details_pb2.RetryInfo.FromString(dict(answer.trailing_metadata())["google.rpc.retryinfo-bin"])
    assert (bare.retry_delay.seconds, bare.retry_delay.nanos) == (2, 250_000_000)
    assert details(answer, error_details_pb2.RetryInfo) == bare


@pytest.mark.parametrize(("delay", "seconds"), [(0.0, 0), (-1.0, 0), (float("nan"), 0), (float("inf"), 3600)])
async def test_a_delay_that_makes_no_sense_is_still_an_answer(delay: float, seconds: int) -> None:
    async with serving(RecordingIngest(OverloadedError("full", retry_after=delay))) as address:
        answer = await refused(address)
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert details(answer, error_details_pb2.RetryInfo).retry_delay.seconds == seconds


async def test_a_malformed_request_is_an_invalid_argument_with_its_violation() -> None:
    async with serving(RecordingIngest(MalformedRequestError("wrong at byte 7"))) as address:
        answer = await refused(address)
    assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert answer.details() == "wrong at byte 7"
    (violation,) = details(answer, error_details_pb2.BadRequest).field_violations
    assert violation.description == "wrong at byte 7"
    assert "google.rpc.retryinfo-bin" not in dict(answer.trailing_metadata())


@pytest.mark.parametrize("message", ["x" * 100_000, "é" * 100_000, "\ud800", "a\r\nb", ""])
async def test_any_message_fits_in_the_trailers(message: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", "server.otlp.refusal_log")  # pytest-xdist cannot report a lone surrogate
    async with serving(RecordingIngest(MalformedRequestError(message))) as address:
        answer = await refused(address)
    assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    details(answer, error_details_pb2.BadRequest)


@pytest.mark.parametrize("error", [RuntimeError("secret"), KeyError("secret"), MemoryError()])
async def test_an_unforeseen_error_is_logged_and_answered_as_retryable(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(RecordingIngest(error)) as address:
        answer = await refused(address)
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert details(answer, error_details_pb2.RetryInfo).retry_delay.seconds == 5
    said = answer.details()
    assert said is not None
    assert "secret" not in said
    (record,) = caplog.records
    assert record.name == "server.otlp.status"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_cancellation_from_within_is_answered_as_retryable() -> None:
    async with serving(RecordingIngest(asyncio.CancelledError())) as address:
        answer = await refused(address)
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert details(answer, error_details_pb2.RetryInfo).retry_delay.seconds == 5


async def test_a_call_whose_deadline_passes_cancels_the_submission(caplog: pytest.LogCaptureFixture) -> None:
    ingest = RecordingIngest()
    ingest.blocked = asyncio.Event()
    async with serving(ingest) as address:
        # On a busy machine the deadline may pass before the call is with the handler: then it is sent again.
        while not ingest.cancelled.is_set():
            answer = await refused(address, deadline=0.5)
            assert answer.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ingest.cancelled.wait(), 1.0)
    assert ingest.requests == []
    assert caplog.records == []


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
async def test_a_request_of_just_the_limit_is_accepted(compression: grpc.Compression | None) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        await export(address, bytes(LIMIT), compression=compression)
    assert len(ingest.requests[0]) == LIMIT


@pytest.mark.parametrize(
    ("size", "compression"),
    [
        pytest.param(LIMIT + 1, None, id="as sent"),
        pytest.param(LIMIT + 1, grpc.Compression.Gzip, id="after decompression"),
        pytest.param(256 * LIMIT, grpc.Compression.Gzip, id="bomb"),
    ],
)
async def test_a_request_above_the_limit_is_refused_for_good(size: int, compression: grpc.Compression | None) -> None:
    ingest = RecordingIngest()
    async with serving(ingest) as address:
        answer = await refused(address, bytes(size), compression=compression)
    assert answer.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than" in (answer.details() or "")
    assert "google.rpc.retryinfo-bin" not in dict(answer.trailing_metadata())
    assert b"RetryInfo" not in dict(answer.trailing_metadata()).get("grpc-status-details-bin", b"")
    assert ingest.requests == []


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            "metrics are not served here. Lognotary takes logs and traces only: set OTEL_METRICS_EXPORTER to none",
        ),
        ("/opentelemetry.proto.collector.logs.v1.LogsService/Import", "LogsService/Export"),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Import", "TraceService/Export"),
        ("/lognotary.v1.CorrelationService/GetTrace", "Lognotary takes logs and traces only"),
        ("/opentelemetry.proto.collector.", "Lognotary takes logs and traces only"),
    ],
)
async def test_what_is_not_served_is_unimplemented_and_the_answer_says_what_is(
    method: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(RecordingIngest()) as address:
        answers = [await refused(address, method=method) for _ in range(2)]
    assert [answer.code() for answer in answers] == 2 * [grpc.StatusCode.UNIMPLEMENTED]
    assert said in (answers[0].details() or "")
    (record,) = caplog.records
    assert re.fullmatch(r"a request of 127\.0\.0\.1:\d+ over grpc was refused for good: .*", record.getMessage())


async def test_a_call_that_shutdown_cuts_off_is_to_be_sent_again() -> None:
    ingest = RecordingIngest()
    ingest.blocked = asyncio.Event()
    async with serving(ingest) as address:
        call = asyncio.create_task(refused(address))
        await ingest.blocked.wait()
    answer = await call
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert ingest.cancelled.is_set()


async def test_calls_are_taken_at_the_same_time() -> None:
    ingest = RecordingIngest()
    ingest.blocked = asyncio.Event()
    async with serving(ingest) as address:
        first = asyncio.create_task(export(address, b"slow"))
        await ingest.blocked.wait()
        ingest.blocked = None
        await export(address, b"quick")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert ingest.requests == [b"quick"]
