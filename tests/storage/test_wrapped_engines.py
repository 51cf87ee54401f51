"""Engines that change a part of another: measured, and cut off when a process stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.clickhouse import connect
from storage.engine import Engine, Pieces
from storage.errors import NotAppliedError, OutcomeUnknownError
from storage.interrupt import Interrupt
from storage.measured import FAILURES, OPERATIONS, MeasuredEngine
from storage.stoppable import StoppableEngine
from storage.url import parse_storage_url
from tests.codec.building import PretendedEngine

CALLS: dict[str, Callable[[Engine], object]] = {
    "execute": lambda engine: engine.execute("SELECT 1"),
    "insert": lambda engine: engine.insert("t", ["x"], b"\0\0", "token"),
    "query": lambda engine: engine.query("SELECT 1"),
    "pieces": lambda engine: list(engine.query_in_pieces("SELECT 1")),
}


class Failing(PretendedEngine):
    """An engine of which every call raises an error, if there is one."""

    error: Exception | None = None

    def _answer(self) -> bytes:
        if self.error is not None:
            raise self.error
        return b"answer"

    def execute(self, *_: object) -> None:
        self._answer()

    def insert(self, *_: object) -> None:
        self._answer()

    def query(self, *_: object, **__: object) -> bytes:
        return self._answer()

    def query_in_pieces(self, *_: object, **__: object) -> Pieces:
        yield self._answer()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (None, ""),
        (NotAppliedError("no"), "refused"),
        (OutcomeUnknownError("?"), "unknown"),
        (ZeroDivisionError(), "other"),
    ],
)
def test_every_statement_is_measured_with_its_kind_and_failure(
    call: str, error: Exception | None, failure: str
) -> None:
    engine = Failing()
    engine.error = error
    measures: list[tuple[str, float, str]] = []
    measured = MeasuredEngine(engine, lambda *measure: measures.append(measure))
    if error is None:
        CALLS[call](measured)
    else:
        with pytest.raises(type(error)):
            CALLS[call](measured)
    ((operation, seconds, told),) = measures
    assert (operation, told) == ("query" if call == "pieces" else call, failure)
    assert seconds >= 0
    assert operation in OPERATIONS
    assert told in ("", *FAILURES)


@pytest.mark.parametrize("call", CALLS)
def test_after_the_interrupt_nothing_is_sent_and_the_outcome_counts_as_unknown(call: str, storage_url: str) -> None:
    interrupt = Interrupt()
    engine = StoppableEngine(connect(parse_storage_url(storage_url), interrupt=interrupt))
    try:
        engine.execute("SELECT 1")
        interrupt.set()
        with pytest.raises(OutcomeUnknownError, match="the server stopped before"):
            CALLS[call](engine)
    finally:
        engine.close()
