"""Outcomes of requests, in one word each."""

from __future__ import annotations

import asyncio

import pytest

from server.errors import ingest as errors
from server.otlp.errors import TooLargeError, UnsupportedTypeError
from server.otlp.outcomes import Measuring, outcome_of
from server.otlp.refusal_log import RefusalLog
from server.pipeline.measures import RequestMeasure

NOT_OF_REQUESTS = {"IngestError", "PipelineError", "RefusedError", "JournalDamagedError", "JournalKeyError"}


def test_every_error_of_the_pipeline_has_a_word() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if name not in NOT_OF_REQUESTS]
    words = {kind.__name__: outcome_of(kind("why")) for kind in kinds}
    assert "unforeseen" not in words.values()
    assert words["JournalFullError"] == "journal_full"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (None, "ok"),
        (TooLargeError(1), "too_large"),
        (UnsupportedTypeError("what", ("x",)), "unsupported"),
        (asyncio.CancelledError(), "gone"),
        (ZeroDivisionError(), "unforeseen"),
    ],
)
def test_a_request_is_told_of_once_it_is_over(error: BaseException | None, word: str) -> None:
    told: list[RequestMeasure] = []
    measuring = Measuring(told.append, RefusalLog("grpc"), "192.0.2.1:4711")
    with measuring:
        measuring.size = 7
    told.clear()
    measuring.__exit__(type(error) if error else None, error, None)
    assert [(measure.size, measure.outcome, measure.protocol, measure.service) for measure in told] == [
        (7, word, "grpc", "logs")
    ]
    assert told[0].seconds >= 0
