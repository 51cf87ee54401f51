"""Errors of calls become the same status over gRPC and HTTP."""

from __future__ import annotations

import logging

import grpc
import pytest

from server.api.errors import AlteredError, InvalidArgumentError, NotFoundError, TooLargeError
from server.api.statuses import EXPECTED_ERRORS, CallStatus, status_of
from server.data_dir.errors import DataDirectoryError
from server.process.fair_queue import QueueFullError
from server.process.pools import PoolFullError
from server.query.errors import QueryTooExpensiveError
from storage.errors import NotAppliedError


@pytest.mark.parametrize(
    ("error", "outcome", "logged"),
    [
        (InvalidArgumentError("wrong"), CallStatus(grpc.StatusCode.INVALID_ARGUMENT, 400, "wrong"), ""),
        (NotFoundError("gone"), CallStatus(grpc.StatusCode.NOT_FOUND, 404, "gone"), ""),
        (AlteredError("forged"), CallStatus(grpc.StatusCode.DATA_LOSS, 500, "forged"), "evidence cannot be given"),
        (
            DataDirectoryError("damaged"),
            CallStatus(grpc.StatusCode.FAILED_PRECONDITION, 500, "damaged"),
            "what the data directory remembers",
        ),
        (
            NotAppliedError("no answer"),
            CallStatus(grpc.StatusCode.UNAVAILABLE, 503, "storage cannot be read: no answer"),
            "",
        ),
        (
            NotAppliedError("storage cannot be reached: Connection refused"),
            CallStatus(grpc.StatusCode.UNAVAILABLE, 503, "storage cannot be reached: Connection refused"),
            "",
        ),
        (QueryTooExpensiveError("narrow it"), CallStatus(grpc.StatusCode.RESOURCE_EXHAUSTED, 422, "narrow it"), ""),
        (TooLargeError("split it"), CallStatus(grpc.StatusCode.RESOURCE_EXHAUSTED, 413, "split it"), ""),
        (PoolFullError("full"), CallStatus(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "full", 1), ""),
        (QueueFullError("full"), CallStatus(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "full", 1), ""),
        (
            KeyError("secret"),
            CallStatus(grpc.StatusCode.INTERNAL, 500, "internal error: see the server's log"),
            "an API call failed",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_status_and_what_operators_have_to_know_is_logged(
    error: Exception, outcome: CallStatus, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert status_of(error) == outcome
    assert bool(caplog.records) is bool(logged)
    assert logged in caplog.text
    assert isinstance(error, EXPECTED_ERRORS) is (outcome.code is not grpc.StatusCode.INTERNAL)
