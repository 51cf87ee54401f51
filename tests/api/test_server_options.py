"""Limits of the gRPC server of the API, before anybody is authenticated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc
from server.api.health import MOST_WATCHES, add_health
from server.api.server_options import MOST_CALLS, MOST_REQUEST_BYTES, api_server_options


@asynccontextmanager
async def served(*servicers: correlation_pb2_grpc.CorrelationServiceServicer) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server(options=api_server_options(100))
    for servicer in servicers:
        correlation_pb2_grpc.add_CorrelationServiceServicer_to_server(servicer, server)
    add_health(server, str)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


async def test_one_address_watches_the_health_a_limited_number_of_times() -> None:
    async with served() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(MOST_WATCHES)]
        assert {(await watch.read()).status for watch in watches} == {health_pb2.HealthCheckResponse.SERVING}
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Watch(health_pb2.HealthCheckRequest()).read()
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status
        for watch in watches:
            watch.cancel()
        while True:  # the server notices
            try:
                assert (await stub.Watch(health_pb2.HealthCheckRequest()).read()).status
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.02)


async def test_names_of_services_that_do_not_exist_are_not_kept() -> None:
    server = grpc.aio.server()
    servicer = add_health(server, str)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for number in range(3):
                request = health_pb2.HealthCheckRequest(service=f"service-{number}")
                watch = health_pb2_grpc.HealthStub(channel).Watch(request)
                assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
                watch.cancel()
        assert not [name for name in servicer._server_watchers if name.startswith("service-")]
    finally:
        await server.stop(0)


async def test_a_large_request_is_refused_before_it_is_read() -> None:
    async with served(correlation_pb2_grpc.CorrelationServiceServicer()) as channel:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Search(correlation_pb2.SearchRequest(query="x" * (MOST_REQUEST_BYTES + 1)))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


class Waiting(correlation_pb2_grpc.CorrelationServiceServicer):
    """Service whose calls wait until they are let go.

    Attributes:
        running: number of calls that wait.
        peak: the largest number of them.
        is_full: set when there are as many as a connection may have.
        let_go: set to end them.
    """

    def __init__(self) -> None:
        self.running = 0
        self.peak = 0
        self.is_full = asyncio.Event()
        self.let_go = asyncio.Event()

    async def Search(self, request: object, context: object) -> correlation_pb2.SearchResponse:  # noqa: N802 - gRPC
        del request, context
        self.running += 1
        self.peak = max(self.peak, self.running)
        if self.running == MOST_CALLS:
            self.is_full.set()
        await self.let_go.wait()
        self.running -= 1
        return correlation_pb2.SearchResponse()


async def test_one_connection_has_a_limited_number_of_calls_at_once() -> None:
    service = Waiting()
    async with served(service) as channel:
        # A first call, so that the client knows the limit.
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)

        async def search() -> None:
            call = stub.Search(correlation_pb2.SearchRequest())
            while await call.code() is grpc.StatusCode.UNAVAILABLE:  # the client began it before it read the limit
                await asyncio.sleep(0.02)
                call = stub.Search(correlation_pb2.SearchRequest())
            await call

        calls = [asyncio.ensure_future(search()) for _ in range(MOST_CALLS + 20)]
        await service.is_full.wait()
        await asyncio.wait(calls, timeout=0.2)  # so that more would come, if they could
        service.let_go.set()
        await asyncio.gather(*calls)
    assert service.peak == MOST_CALLS
