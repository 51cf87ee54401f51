"""The gRPC API: how errors become the status of a call."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import grpc
import grpc.aio
import httpx
import pytest

from harness.waiting import until
from lognotary.v1 import correlation_pb2, correlation_pb2_grpc, evidence_pb2, evidence_pb2_grpc
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.http_api import build_http_api
from server.data_dir.directory import DataDirectory
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.process.pools import Pool
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.interrupt import Interrupt
from tests.codec.building import PretendedEngine


class BusyBackend(Backend):
    """Answers nothing, nor goes on with a verification after its first step, until it is free."""

    def __init__(self) -> None:
        super().__init__(PretendedEngine(), TrustedKeys())
        self.begun, self.free = threading.Event(), threading.Event()

    def list_logs(self, request: evidence_pb2.ListLogsRequest) -> evidence_pb2.ListLogsResponse:
        self.begun.set()
        self.free.wait()
        return evidence_pb2.ListLogsResponse()

    def verify(
        self, request: evidence_pb2.VerifyRequest, interrupt: Interrupt | None = None
    ) -> Generator[evidence_pb2.VerifyResponse, None, None]:
        yield evidence_pb2.VerifyResponse(progress=evidence_pb2.VerifyProgress(records=1))
        self.begun.set()
        self.free.wait()
        yield evidence_pb2.VerifyResponse(progress=evidence_pb2.VerifyProgress(records=2))


class FailingBackend(Backend):
    """Answers every call with an error, a verification after its first step."""

    def __init__(self, error: Exception) -> None:
        super().__init__(PretendedEngine(), TrustedKeys())
        self.error = error

    def get_trace(self, request: correlation_pb2.GetTraceRequest) -> correlation_pb2.GetTraceResponse:
        raise self.error

    def verify(
        self, request: evidence_pb2.VerifyRequest, interrupt: Interrupt | None = None
    ) -> Generator[evidence_pb2.VerifyResponse, None, None]:
        yield evidence_pb2.VerifyResponse(progress=evidence_pb2.VerifyProgress(records=1))
        raise self.error


@asynccontextmanager
async def serving(backend: Backend, pool: Pool) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    add_services(server, backend, pool)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(None)


@pytest.fixture
async def channel(request: pytest.FixtureRequest) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(FailingBackend(request.param), Pool("api", 2)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("channel", "code", "details"),
    [
        (InvalidArgumentError("what is wrong"), grpc.StatusCode.INVALID_ARGUMENT, "what is wrong"),
        (NotFoundError("not there"), grpc.StatusCode.NOT_FOUND, "not there"),
        (NotAppliedError("gone"), grpc.StatusCode.UNAVAILABLE, "storage cannot be read: gone"),
    ],
    indirect=["channel"],
)
async def test_errors_are_told_by_code_and_sentence(
    channel: grpc.aio.Channel, code: grpc.StatusCode, details: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await correlation_pb2_grpc.CorrelationServiceStub(channel).GetTrace(correlation_pb2.GetTraceRequest())
    assert (error.value.code(), error.value.details()) == (code, details)


@pytest.mark.parametrize("channel", [ZeroDivisionError("a secret")], indirect=True)
async def test_an_unforeseen_error_is_logged_and_its_text_not_told(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(grpc.aio.AioRpcError) as error:
        await correlation_pb2_grpc.CorrelationServiceStub(channel).GetTrace(correlation_pb2.GetTraceRequest())
    assert error.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error.value.details())
    assert "a secret" in caplog.text


@pytest.mark.parametrize("channel", [NotAppliedError("gone")], indirect=True)
async def test_a_verification_that_breaks_off_ends_with_an_error(channel: grpc.aio.Channel) -> None:
    steps = evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(evidence_pb2.VerifyRequest())
    assert (await steps.read()).progress.records == 1
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await steps.read()
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE


def test_the_services_have_the_public_names() -> None:
    assert SERVICE_NAMES == (
        "lognotary.v1.CorrelationService",
        "lognotary.v1.EvidenceService",
        "lognotary.v1.StatusService",
        "lognotary.v1.AdministrationService",
        "lognotary.v1.DisclosureService",
        "lognotary.v1.TokenService",
    )


async def test_a_call_too_many_is_refused_at_once_and_a_verification_that_has_begun_goes_on() -> None:
    backend, pool = BusyBackend(), Pool("api", 1, waiting=0)
    async with serving(backend, pool) as channel:
        steps = evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(evidence_pb2.VerifyRequest())
        assert (await steps.read()).progress.records == 1
        await until(backend.begun.is_set)
        with pytest.raises(grpc.aio.AioRpcError, match="too many calls") as error:
            await evidence_pb2_grpc.EvidenceServiceStub(channel).ListLogs(evidence_pb2.ListLogsRequest())
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        backend.free.set()
        assert (await steps.read()).progress.records == 2
        assert await steps.read() is grpc.aio.EOF


async def test_over_http_a_call_too_many_gets_429_and_when_to_come_back() -> None:
    backend, pool = BusyBackend(), Pool("api", 1, waiting=0)
    app = build_http_api(backend, pool, lambda: "", lambda: b"")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as http:
        calls = [asyncio.create_task(http.get("/api/v1/logs")) for _ in range(2)]
        (refused,), (waiting,) = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        answer = refused.result()
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        assert answer.json()["code"] == "RESOURCE_EXHAUSTED"
        assert (await http.get("/readyz")).status_code == 200
        backend.free.set()
        assert (await waiting).status_code == 200


async def test_a_verification_that_cannot_compare_with_what_the_server_remembers_says_which_file_is_damaged(
    engine: Engine, tmp_path: Path
) -> None:
    name = LogName("shop", Stream.AUDIT, "vm")
    with DataDirectory(tmp_path / "data") as data, closing(Pool("api", 2)) as pool:
        data.remember_checkpoints({name: "no checkpoint"})
        async with serving(Backend(engine, TrustedKeys(), lambda: data.kept([name])), pool) as channel:
            stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError, match="checkpoints/audit is damaged") as caught:
                _ = [step async for step in stub.Verify(evidence_pb2.VerifyRequest())]
            assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
