"""Trouble that a log reports: its text, and its end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from server.errors.ingest import JournalFailedError, StorageRefusedError
from server.log.journal import Journal
from server.notary.errors import SigningError
from server.notary.origin import Stream
from tests.codec.building import rows

from .disk import Disk
from .failures import REFUSED
from .pretended_log import Log

pytestmark = pytest.mark.usefixtures("quiet")


def test_a_refusal_is_told_as_trouble_until_a_batch_is_committed(log: Log) -> None:
    assert log.writer.stream.trouble == ""
    log.engine.failures = [(REFUSED, False)]
    with pytest.raises(StorageRefusedError):
        log.writer.commit([rows(Stream.AUDIT, "a")])
    assert "too many parts" in log.writer.stream.trouble
    log.writer.commit([rows(Stream.AUDIT, "b")])
    assert log.writer.stream.trouble == ""


def test_a_key_that_cannot_sign_now_refuses_the_batch_and_nothing_is_kept_of_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SigningError("the token was pulled out")

    monkeypatch.setattr("server.notary.batch.sign_checkpoint", fail)
    for refuse in (log.writer.commit, log.writer.append):
        with pytest.raises(StorageRefusedError, match="pulled out"):
            refuse([rows(Stream.AUDIT, "a")])
        assert "pulled out" in log.writer.stream.trouble
        assert "pulled out" in log.writer.stream.journal_trouble
    assert len(log.journal) == 0
    assert log.engine.attempts == []
    monkeypatch.undo()
    log.writer.commit([rows(Stream.AUDIT, "a")])
    assert log.writer.stream.trouble == ""


def test_a_journal_that_cannot_be_written_is_told_as_trouble_until_a_batch_is_taken(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
        log = Log(journal)
        for append in (log.writer.commit, log.writer.append):
            disk.failing = 2
            with pytest.raises(JournalFailedError):
                append([rows(Stream.AUDIT, "a")])
            assert "the journal cannot be written" in log.writer.stream.trouble
            assert "the journal cannot be written" in log.writer.stream.journal_trouble
            disk.failing = 0
            append([rows(Stream.AUDIT, "a")])
            assert log.writer.stream.trouble == ""
            assert log.writer.stream.journal_trouble == ""
