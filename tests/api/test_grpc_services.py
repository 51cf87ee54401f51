"""The gRPC API: how errors become the status of a call."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import grpc
import grpc.aio
import pytest

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc, evidence_pb2, evidence_pb2_grpc
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.notary.trust import TrustedKeys
from storage.errors import NotAppliedError
from tests.codec.building import PretendedEngine


class FailingBackend(Backend):
    """Answers every call with an error, a verification after its first step."""

    def __init__(self, error: Exception) -> None:
        super().__init__(PretendedEngine(), TrustedKeys())
        self.error = error

    def get_trace(self, request: correlation_pb2.GetTraceRequest) -> correlation_pb2.GetTraceResponse:
        raise self.error

    def verify(self, request: evidence_pb2.VerifyRequest) -> Iterator[evidence_pb2.VerifyResponse]:
        yield evidence_pb2.VerifyResponse(progress=evidence_pb2.VerifyProgress(records=1))
        raise self.error


@pytest.fixture
async def channel(request: pytest.FixtureRequest) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    add_services(server, FailingBackend(request.param))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(None)


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
    assert SERVICE_NAMES == ("lognotary.v1.CorrelationService", "lognotary.v1.EvidenceService")
