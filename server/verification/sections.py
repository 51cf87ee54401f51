"""Division of a storage into sections, each of which can be verified by itself: see ``section_check``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from server.notary.batch import Batch
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement, StatementRow
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from server.verification.homes import is_log
from server.verification.read_limits import READ_LIMITS
from storage.engine import Engine
from storage.evidence import read_foreign_batches
from storage.inventory import LogExtent, next_tree_size, read_batch_index, read_extents
from storage.statements import read_statements

__all__ = ["ResumePoint", "Section", "SectionLimits", "VerificationContext", "next_section", "read_context"]


@dataclass(frozen=True, slots=True)
class SectionLimits:
    """Limits of a section, which only a single larger batch exceeds.

    Attributes:
        leaves: maximum number of records; each takes some 100 bytes of memory while the section is verified.
        batches: maximum number of batches; each takes some 3 kB of memory.
    """

    leaves: int = 1 << 18
    batches: int = 4096


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Point up to which a log has been verified.

    Attributes:
        leaf: index of the first leaf that has not been verified.
        note: last checkpoint before it that was verified successfully, a signed note; empty if there is none.
    """

    leaf: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a log, which begins at the end of the previous section: batches, and the leaves up to ``end``."""

    log: LogExtent
    place: ResumePoint
    end: int


@dataclass(frozen=True, slots=True)
class VerificationContext:
    """Context for the verification of sections.

    Attributes:
        keys: trusted public keys, including the keys that statements lead to.
        stated: statements of each log, by LogId.
        logs: logs to verify, with their current extent.
        foreign: rows of batches that belong to no log, or whose LogId does not match their origin.
        unlisted_foreign: number of further such rows.
        kept: checkpoints and statements that are known independently of storage.
    """

    keys: TrustedKeys
    stated: dict[str, LogStatements]
    logs: tuple[LogExtent, ...]
    foreign: tuple[Batch, ...]
    unlisted_foreign: int
    kept: tuple[Checkpoint | Statement, ...]


def read_context(
    engine: Engine,
    keys: TrustedKeys,
    remembered: Callable[[], Sequence[Checkpoint | Statement]],
    slowly: Callable[[Iterable[StatementRow]], Iterable[StatementRow]] = iter,
) -> VerificationContext:
    """Read the context for the verification of sections.

    Args:
        engine: the storage.
        keys: trusted public keys.
        remembered: function that returns the checkpoints and statements that storage is checked against.
        slowly: function that throttles an iteration over statements, each of which costs two signature verifications.

    Raises:
        StorageError: storage cannot be read.
    """
    # This order is safe while logs are written: later reads cover everything that earlier reads returned.
    kept = tuple(remembered())
    rows = list(read_statements(engine))
    keys = learn_keys(slowly(rows), keys)
    stated = check_statements(slowly(rows), keys)
    logs = tuple(log for log in read_extents(engine) if is_log(log.log_id, log.origin))
    foreign, unlisted = read_foreign_batches(engine, [log.log_id for log in logs], READ_LIMITS.junk)
    return VerificationContext(keys, stated, logs, tuple(foreign), unlisted, kept)


def next_section(engine: Engine, log: LogExtent, place: ResumePoint, limits: SectionLimits) -> Section | None:
    """Return the section of a log that begins at a point, None if the log ends there.

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
