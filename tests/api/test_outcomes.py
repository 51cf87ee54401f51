"""Errors of calls become the same status over gRPC and HTTP."""

from __future__ import annotations

import logging

import grpc
import pytest

from server.api.errors import AlteredError, InvalidArgumentError, NotFoundError
from server.api.outcomes import EXPECTED_ERRORS, Outcome, outcome_of
from server.data_dir.directory import DataDirectoryError
from server.process.pools import PoolFullError
from storage.errors import NotAppliedError


@pytest.mark.parametrize(
    ("error", "outcome", "logged"),
    [
        (InvalidArgumentError("wrong"), Outcome(grpc.StatusCode.INVALID_ARGUMENT, 400, "wrong"), ""),
        (NotFoundError("gone"), Outcome(grpc.StatusCode.NOT_FOUND, 404, "gone"), ""),
        (AlteredError("forged"), Outcome(grpc.StatusCode.DATA_LOSS, 500, "forged"), "evidence cannot be given"),
        (
            DataDirectoryError("damaged"),
            Outcome(grpc.StatusCode.FAILED_PRECONDITION, 500, "damaged"),
            "what the data directory remembers",
        ),
        (
            NotAppliedError("no answer"),
            Outcome(grpc.StatusCode.UNAVAILABLE, 503, "storage cannot be read: no answer"),
            "",
        ),
        (PoolFullError("full"), Outcome(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "full"), ""),
        (
            KeyError("secret"),
            Outcome(grpc.StatusCode.INTERNAL, 500, "internal error: see the server's log"),
            "an API call failed",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_status_and_what_operators_have_to_know_is_logged(
    error: Exception, outcome: Outcome, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert outcome_of(error) == outcome
    assert bool(caplog.records) is bool(logged)
    assert logged in caplog.text
    assert isinstance(error, EXPECTED_ERRORS) is (outcome.code is not grpc.StatusCode.INTERNAL)
