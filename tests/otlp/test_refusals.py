"""Refusals tell senders what they need, and nothing that is for the server's operator only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.errors.ingest import (
    JournalFailedError,
    JournalFullError,
    OverloadedError,
    RefusedError,
    StorageRefusedError,
)
from server.otlp.status import refusal_of
from storage.errors import StorageError

DETAILS = "Code: 243. DB::Exception: /var/lib/clickhouse/store/1.bin at db.example:8123"


def kinds(error: type[Exception]) -> Iterator[type[Exception]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds(kind)


WITH_DETAILS = [*kinds(StorageRefusedError), JournalFullError, JournalFailedError]


@pytest.mark.parametrize("kind", WITH_DETAILS)
def test_details_of_storage_and_journal_stay_in_the_log(kind: type[RefusedError]) -> None:
    error = kind(DETAILS)
    assert refusal_of(error).message == kind.sentence
    assert error.loggable == DETAILS


def test_a_reason_that_was_made_for_senders_reaches_them() -> None:
    assert refusal_of(StorageRefusedError(DETAILS, public="later")).message == "later"
    assert refusal_of(OverloadedError("too much")).message == "too much"


@pytest.mark.parametrize("kind", list(kinds(StorageError)))
def test_each_error_of_storage_has_a_sentence_for_senders(kind: type[StorageError]) -> None:
    assert kind.sentence
    assert not any(mark in kind.sentence for mark in "/:")
