"""Requests over gRPC are read after their caller is known, some at a time, and not for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest

from server.api.arriving import ArrivingRequests
from server.api.errors import InvalidArgumentError, LateRequestError
from storage.deferred import DeferredEngine
from tests.api.guarded import Guarded

SEARCH = "/lognotary.v1.CorrelationService/Search"
CHECK = "/grpc.health.v1.Health/Check"


class Sender:
    """Sends one message once it is told to."""

    def __init__(self) -> None:
        self.may_send = asyncio.Event()
        self.is_read = asyncio.Event()

    async def read(self) -> bytes:
        self.is_read.set()
        await self.may_send.wait()
        return b"message"


async def nothing() -> object:
    return grpc.aio.EOF


async def test_requests_of_one_address_arrive_some_at_a_time_and_keep_no_other_waiting() -> None:
    arriving = ArrivingRequests(of_one=1, of_all=2, waiting=3, seconds=60)
    first, second, other = Sender(), Sender(), Sender()
    async with asyncio.TaskGroup() as tasks:
        reads = [
            tasks.create_task(arriving.first(sender.read, address))
            for sender, address in ((first, "192.0.2.1"), (second, "192.0.2.1"), (other, "192.0.2.2"))
        ]
        await first.is_read.wait()
        await other.is_read.wait()
        assert not second.is_read.is_set()
        first.may_send.set()
        await second.is_read.wait()
        second.may_send.set()
        other.may_send.set()
    assert [read.result() for read in reads] == [b"message"] * 3


async def test_requests_of_all_addresses_arrive_some_at_a_time() -> None:
    arriving = ArrivingRequests(of_one=1, of_all=1, waiting=3, seconds=60)
    first, second = Sender(), Sender()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(arriving.first(first.read, "192.0.2.1"))
        tasks.create_task(arriving.first(second.read, "192.0.2.2"))
        await first.is_read.wait()
        assert not second.is_read.is_set()
        first.may_send.set()
        await second.is_read.wait()
        second.may_send.set()


async def test_an_address_with_too_many_requests_that_wait_is_refused_until_they_end() -> None:
    arriving = ArrivingRequests(of_one=1, of_all=1, waiting=1, seconds=60)
    first = Sender()
    read = asyncio.create_task(arriving.first(first.read, "2001:db8::1"))
    await first.is_read.wait()
    with pytest.raises(LateRequestError, match="too many requests"):
        await arriving.first(nothing, "2001:db8::2")  # the same network
    first.may_send.set()
    assert await read == b"message"
    with pytest.raises(InvalidArgumentError, match="no request"):
        await arriving.first(nothing, "2001:db8::2")


async def test_a_request_that_does_not_arrive_is_given_up() -> None:
    arriving = ArrivingRequests(of_one=1, of_all=1, waiting=1, seconds=0.01)
    for _ in range(2):  # the place is given back
        with pytest.raises(LateRequestError, match=r"did not arrive within 0\.01 seconds"):
            await arriving.first(Sender().read, "192.0.2.1")


async def test_a_call_without_credentials_is_refused_before_anything_of_its_request_is_read() -> None:
    async with Guarded(DeferredEngine()).grpc() as channel:
        call: Any = channel.stream_unary(SEARCH)()  # sends nothing
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(("method", "metadata"), [(CHECK, ()), (SEARCH, (("authorization", "Bearer admin"),))])
async def test_a_call_without_a_request_is_told_so(method: str, metadata: tuple[tuple[str, str], ...]) -> None:
    async with Guarded(DeferredEngine()).grpc() as channel:
        call: Any = channel.stream_unary(method)(metadata=metadata)
        await call.done_writing()
        with pytest.raises(grpc.aio.AioRpcError, match="the call has no request: send exactly one") as refused:
            await call
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
