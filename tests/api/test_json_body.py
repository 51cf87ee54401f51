"""Bodies of requests of the HTTP API: how large, how deep and how slow they may be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from server.api.errors import InvalidArgumentError, TooLargeError
from server.api.json_body import read_json


def sending(*pieces: bytes, ends: bool = True, declared: str | None = None) -> Request:
    """Return a request whose body comes in pieces; one that does not end never has another piece."""
    headers = [] if declared is None else [(b"content-length", declared.encode())]
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("pieces", "read"),
    [((b'{"a": ', b"1}"), {"a": 1}), ((b"null",), None), ((), "nothing"), ((b"\xef\xbb\xbf[]",), [])],
)
async def test_a_body_is_json_and_may_be_missing(pieces: Sequence[bytes], read: Any) -> None:
    assert await read_json(sending(*pieces), empty="nothing") == read


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"\xc3("', b"1" * 5000, b"\x00"])
async def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="the body is not JSON: "):
        await read_json(sending(body))


async def test_a_body_that_is_too_large_is_refused_before_it_has_arrived() -> None:
    with pytest.raises(TooLargeError, match="the body is too large: it may have 10 bytes; split it"):
        await read_json(sending(b"[" * 6, b"[" * 5, ends=False), most=10)


@pytest.mark.parametrize("declared", ["11", "999999999999999999"])
async def test_a_body_that_says_it_is_too_large_is_refused_unread(declared: str) -> None:
    with pytest.raises(TooLargeError, match="the body is too large"):
        await read_json(sending(ends=False, declared=declared), most=10)


@pytest.mark.parametrize("declared", ["2", "", "-1", "x", "9" * 5000])
async def test_a_size_that_is_small_or_none_does_not_keep_a_body_from_being_read(declared: str) -> None:
    assert await read_json(sending(b"[]", declared=declared), most=10) == []


async def test_a_body_of_a_mebibyte_is_read_and_a_larger_one_is_not() -> None:
    text = b'"' + b"a" * ((1 << 20) - 2) + b'"'
    assert len(await read_json(sending(text))) == (1 << 20) - 2
    with pytest.raises(TooLargeError, match="it may have 1048576 bytes"):
        await read_json(sending(text + b" "))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}")])
async def test_a_body_may_be_64_levels_deep_and_no_deeper(opening: str, closing: str) -> None:
    async def read(depth: int) -> Any:
        return await read_json(sending((opening * (depth - 1) + "{}" + closing * (depth - 1)).encode()))

    assert await read(64)
    for depth in (65, 500, 5_000, 100_000):
        with pytest.raises(InvalidArgumentError, match="the body is nested too deeply: it may have 64 objects"):
            await read(depth)


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    with pytest.raises(InvalidArgumentError, match=r"idle timeout: no data received for 0\.05 seconds"):
        await read_json(sending(b"[", ends=False), idle=0.05)


async def test_a_client_that_leaves_is_no_error_of_the_body() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        await read_json(Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive))
