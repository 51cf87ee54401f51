"""Logs of one stream, their records, and an engine that refuses some of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from server.log.open_log import LogRecords, Outcomes
from server.notary.batch import Batch
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.errors import NotAppliedError
from tests.codec.building import PretendedEngine, rows

__all__ = ["NAMES", "SIGNER", "TABLES", "A", "B", "C", "Ended", "Picky", "records", "taken"]

NAMES = [LogName("example.org", Stream.AUDIT, f"node-{number}") for number in range(5)]
A, B, C, *_ = NAMES
SIGNER = Signer.generate()
TABLES = ["audit_logs", "log_tiles", "log_batches"]


def records(texts: Mapping[LogName, str]) -> dict[LogName, LogRecords]:
    """Return one record for each letter of a log's text."""
    return {name: LogRecords([rows(Stream.AUDIT, *text)], [text.encode() * 32]) for name, text in texts.items()}


def taken(outcomes: Outcomes) -> dict[LogName, Batch]:
    """Return the batches of a commit in which none was refused."""
    batches = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Batch)}
    assert len(batches) == len(outcomes)
    return batches


class Ended(threading.Event):
    """An event that is set when somebody waits for it."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


class Picky(PretendedEngine):
    """An engine that refuses records with some words."""

    words: Sequence[bytes] = ()

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        if table == TABLES[0] and any(word in block for word in self.words):
            self.attempts.append((table, token))
            raise NotAppliedError("a record is not to the taste of storage")
        super().insert(table, columns, block, token)

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **more: Any) -> bytes:
        of_logs = " FROM log_batches WHERE LogId " in select and "DISTINCT BatchId" not in select
        return b"" if of_logs else super().query(select, parameters, **more)
