"""Calls of running servers: their errors over gRPC, and whether a server is ready."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer

__all__ = ["error_of", "ready"]


def error_of(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """Return the status and the message of the error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details() or ""


def ready(server: LognotaryServer) -> tuple[int, str]:
    """Return the status and the text with which a server says whether it is ready."""
    answer = httpx.get(f"{server.http}/readyz", timeout=60.0)
    return answer.status_code, answer.text
