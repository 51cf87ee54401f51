"""Bodies of requests of the HTTP API: how large, how deep and how slow they may be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from server.api.errors import InvalidArgumentError
from server.api.json_body import read_json


def sending(*pieces: bytes, ends: bool = True) -> Request:
    """Return a request whose body comes in pieces; one that does not end never has another piece."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


@pytest.mark.parametrize(
    ("pieces", "read"),
    [((b'{"a": ', b"1}"), {"a": 1}), ((b"null",), None), ((), "nothing"), ((b"\xef\xbb\xbf[]",), [])],
)
async def test_a_body_is_json_and_may_be_missing(pieces: Sequence[bytes], read: Any) -> None:
    assert await read_json(sending(*pieces), empty="nothing") == read


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"\xc3("', b"[" * 200_000, b"1" * 5000, b"\x00"])
async def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="the body is not JSON: "):
        await read_json(sending(body))


async def test_a_body_that_is_too_large_is_refused_before_it_has_arrived() -> None:
    with pytest.raises(InvalidArgumentError, match="the body is too large: it may have 10 bytes"):
        await read_json(sending(b"[" * 6, b"[" * 5, ends=False), most=10)


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    with pytest.raises(InvalidArgumentError, match=r"idle timeout: no data received for 0\.05 seconds"):
        await read_json(sending(b"[", ends=False), idle=0.05)


async def test_a_client_that_leaves_is_no_error_of_the_body() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        await read_json(Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive))
