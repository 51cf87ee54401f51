"""Cutting a storage into sections, each of which can be verified by itself: see ``section_check``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from server.notary.batch import Batch
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement, StatementRow
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from server.verification.homes import log_id_of
from storage.engine import Engine
from storage.evidence import read_misnamed_batches
from storage.inventory import LogExtent, next_tree_size, read_batch_index, read_extents
from storage.statements import read_statements

__all__ = ["ResumePoint", "Section", "SectionLimits", "VerificationContext", "next_section", "read_context"]


@dataclass(frozen=True, slots=True)
class SectionLimits:
    """How much a section holds, unless one batch holds more.

    Attributes:
        leaves: records. Each takes some 100 bytes while they are verified.
        batches: each takes some 3 kB.
    """

    leaves: int = 1 << 18
    batches: int = 4096


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How far a log was verified.

    Attributes:
        leaf: the first leaf that was not.
        note: the last checkpoint before it that was found good, as it was signed; empty where none was.
    """

    leaf: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a log that begins where the last one ended: batches, and the leaves up to ``end``."""

    log: LogExtent
    place: ResumePoint
    end: int


@dataclass(frozen=True, slots=True)
class VerificationContext:
    """What is known before sections are verified.

    Attributes:
        keys: the public keys to believe, with those that statements lead to.
        stated: by LogId, the statements of each log.
        logs: the logs that are to be verified, as far as they reach now.
        misnamed: rows of batches that stand in another log than they say.
        kept: checkpoints and statements that are known without storage.
    """

    keys: TrustedKeys
    stated: dict[str, LogStatements]
    logs: tuple[LogExtent, ...]
    misnamed: tuple[Batch, ...]
    kept: tuple[Checkpoint | Statement, ...]


def read_context(
    engine: Engine,
    keys: TrustedKeys,
    remembered: Callable[[], Sequence[Checkpoint | Statement]],
    slowly: Callable[[Iterable[StatementRow]], Iterable[StatementRow]] = iter,
) -> VerificationContext:
    """Read what is to be known before sections are verified.

    Args:
        engine: the storage.
        keys: the public keys to believe.
        remembered: returns checkpoints and statements that storage is held against.
        slowly: takes its time to hand on statements, each of which costs two signatures' verification.

    Raises:
        StorageError: storage cannot be read.
    """
    # In this order: what is read first is within what is read later, however much is written meanwhile.
    kept = tuple(remembered())
    rows = list(read_statements(engine))
    keys = learn_keys(slowly(rows), keys)
    stated = check_statements(slowly(rows), keys)
    logs = tuple(log for log in read_extents(engine) if log_id_of(log.origin) == log.log_id)
    return VerificationContext(keys, stated, logs, tuple(read_misnamed_batches(engine)), kept)


def next_section(engine: Engine, log: LogExtent, place: ResumePoint, limits: SectionLimits) -> Section | None:
    """Return the section of a log that begins at a place, None where the log ends there.

    Raises:
        StorageError: storage cannot be read.
    """
    end = min(log.size, place.leaf + limits.leaves)
    index = read_batch_index(engine, log.log_id, after=place.leaf, end=end)
    if not index.data:
        end = next_tree_size(engine, log.log_id, place.leaf) or 0
        if not place.leaf < end <= log.size:
            return None
        return Section(log, place, end)
    sizes = sorted({size for _, size in index.places()})
    return Section(log, place, sizes[: limits.batches][-1])
