"""Connections to the gRPC receiver: their number, pings and age."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import grpc
import grpc.aio
import pytest

from harness.waiting import PATIENCE
from server.otlp.grpc_receiver import build_handlers, server_options
from tests.otlp.grpc_calls import EXPORT, LIMIT, POOL, serving
from tests.otlp.recording import RecordingIngest

BETWEEN_ATTEMPTS = 0.1  # seconds


async def _export(channel: grpc.aio.Channel, deadline: float = 30) -> None:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
    await call(b"", timeout=deadline)


async def test_there_are_no_more_connections_than_permitted() -> None:
    options = server_options(LIMIT, max_connections=2)
    server = grpc.aio.server(handlers=[*build_handlers(RecordingIngest(), LIMIT, POOL)], options=options)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with contextlib.AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(grpc.aio.insecure_channel(address, own)) for _ in range(3)]
        for channel in channels[:2]:
            await _export(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await _export(channels[2])
        await _export(channels[0])
        await channels[1].close()
        async with asyncio.timeout(PATIENCE):
            # gRPC notices some time later that a connection is closed. An attempt takes a place too, until its own
            # connection has ended: without a pause, attempts could follow so closely that no place is ever free.
            while not await _is_served(address, own):  # noqa: ASYNC110 - gRPC has no event for it
                await asyncio.sleep(BETWEEN_ATTEMPTS)
    await server.stop(0)


async def _is_served(address: str, options: Sequence[tuple[str, int]]) -> bool:
    async with grpc.aio.insecure_channel(address, options) as channel:
        try:
            await _export(channel, deadline=2)
        except grpc.aio.AioRpcError:
            return False
        return True


async def test_a_second_server_on_the_same_port_does_not_start() -> None:
    async with serving(RecordingIngest()) as address:
        server = grpc.aio.server(options=server_options(LIMIT))
        with pytest.raises(RuntimeError, match="Failed to bind"):
            server.add_insecure_port(address)


@pytest.mark.parametrize("permitted", [True, False])
async def test_a_sender_that_pings_at_the_permitted_pace_keeps_its_connection(permitted: bool) -> None:
    # A tenth of a second instead of the seconds of the real setting, to be done before long. That the
    # sender loses its connection without the setting shows that gRPC knows it by this name.
    options = [
        (name, 100 if "ping_interval" in name else value)
        for name, value in server_options(LIMIT)
        if permitted or "ping_interval" not in name
    ]
    pinging = [
        ("grpc.keepalive_time_ms", 300),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    server = grpc.aio.server(handlers=[*build_handlers(RecordingIngest(), LIMIT, POOL)], options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=pinging) as channel:
        await channel.channel_ready()
        change = channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        if permitted:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(change, 5)  # three pings too many come after three seconds
        else:
            await asyncio.wait_for(change, 30)
    await server.stop(0)


def test_connections_live_on_unless_an_age_is_given() -> None:
    assert not [name for name, _ in server_options(LIMIT) if "connection_age" in name]
    assert dict(server_options(LIMIT, max_connection_age=60))["grpc.max_connection_age_ms"] == 60_000


async def test_senders_go_on_by_a_new_connection_when_theirs_is_too_old() -> None:
    options = server_options(LIMIT, max_connection_age=0.2)
    server = grpc.aio.server(handlers=[*build_handlers(RecordingIngest(), LIMIT, POOL)], options=options)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        await asyncio.wait_for(channel.wait_for_state_change(grpc.ChannelConnectivity.READY), 30)
        await _export(channel)
    await server.stop(0)


def test_no_option_is_given_twice() -> None:
    given = server_options(LIMIT, max_connections=2, max_calls=3, max_connection_age=4.0)
    assert len(dict(given)) == len(given)
