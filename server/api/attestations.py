"""Attestations of a log's checkpoints: by witnesses, by timestamp authorities, and by the log's own statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.note import parse_note
from server.notary.statement import Statement, StatementKind, StatementRow, data_digest, open_statement
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.statements import last_statement, last_witnessed_size, read_statements

__all__ = ["Attestations", "confirmations", "key_changes", "latest_statement", "witnessed_size"]


@dataclass(frozen=True, slots=True)
class Attestations:
    """Attestations of a checkpoint by third parties.

    Attributes:
        cosignatures: signature lines of witnesses, each with its newline; the latest of each key.
        timestamp: first RFC 3161 TimeStampResp, in DER; empty if there is none.
    """

    cosignatures: tuple[str, ...] = ()
    timestamp: bytes = b""


def confirmations(engine: Engine, keys: TrustedKeys, batch: Batch) -> Attestations:
    """Return the attestations of a batch's checkpoint that are covered by the log's signed statements.

    Raises:
        StorageError: storage cannot be read.
    """
    kinds = (StatementKind.WITNESSED, StatementKind.TIMESTAMPED)
    checkpoint, _ = open_checkpoint(batch.checkpoint)
    lines: dict[tuple[str, bytes], str] = {}
    timestamp = b""
    for row, statement in _good(read_statements(engine, batch.log_id, *kinds, tree_size=batch.tree_size), keys):
        if statement.checkpoint != checkpoint or statement.words != (data_digest(row.data),):
            continue
        if statement.kind is StatementKind.TIMESTAMPED:
            timestamp = timestamp or row.data
        else:
            cosigned = parse_note(f"{checkpoint.text()}\n{row.data.decode('utf-8', 'replace')}")
            lines |= {(one.name, one.key_id): one.line() for one in cosigned.signatures}
    return Attestations(tuple(lines.values()), timestamp)


def witnessed_size(engine: Engine, log_id: str, leaf_index: int) -> int:
    """Return the size of the latest checkpoint that witnesses have cosigned and that covers a leaf; 0 if none."""
    size = last_witnessed_size(engine, log_id)
    return size if size > leaf_index else 0


def key_changes(engine: Engine, keys: TrustedKeys, log_id: str) -> list[str]:
    """Return the KEYS statements of a log as signed notes, in order, each once: somebody may have copied its row."""
    notes = (row.note for row, _ in _good(read_statements(engine, log_id, StatementKind.KEYS), keys))
    return list(dict.fromkeys(notes))


def latest_statement(engine: Engine, keys: TrustedKeys, log_id: str) -> str:
    """Return the last valid statement about a log as a signed note; empty if there is none."""
    row = last_statement(engine, log_id)
    return next((good.note for good, _ in _good(iter([row] if row else []), keys)), "")


def _good(rows: Iterator[StatementRow], keys: TrustedKeys) -> Iterator[tuple[StatementRow, Statement]]:
    for row in rows:
        try:
            statement, note = open_statement(row.note)
            keys.check_statement(statement, note)
        except VerificationError:
            continue  # 'lognotary verify' reports it
        yield row, statement
