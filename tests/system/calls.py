"""Errors of calls over gRPC."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

__all__ = ["error_of"]


def error_of(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """Return the status and the message of the error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details() or ""
