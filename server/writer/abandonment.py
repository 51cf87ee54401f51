"""Journals that were given up, and came back: their records may have been stored by other writers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from server.data_dir.atomic_files import replace_file
from server.log.stored_log import LogUnusableError
from server.notary.origin import LogName
from storage.abandoned_journals import read_abandoned
from storage.engine import Engine

__all__ = ["check_not_abandoned"]

_FILE = "abandoned"


def check_not_abandoned(engine: Engine, logs: Mapping[LogName, bool], journal: Path) -> None:
    """Check that a journal with waiting batches was not given up since the batches were written.

    A journal without waiting batches of a log remembers the marks that there are: what it will have comes after them.

    Args:
        engine: the storage.
        logs: the audit logs, whose lease is held; True for those with batches in the journal that are not in storage.
        journal: directory of their journal.

    Raises:
        LogUnusableError: it was given up.
        StorageError: storage cannot be read.
    """
    marks = read_abandoned(engine, [name.origin for name in logs])
    file = journal / _FILE
    seen = frozenset(map(UUID, file.read_text(encoding="utf-8").split())) if file.exists() else frozenset()
    new = {name: waits for name, waits in logs.items() if marks[name.origin] - seen}
    if not new:
        return
    for name, waits in new.items():
        if waits:
            raise LogUnusableError(
                f"the journal of {name.origin} was given up ('lognotary journal abandon'), so other servers may have "
                f"stored its audit records: to store them from {journal} too could store records twice. Nothing was "
                "deleted: 'lognotary journal inspect' lists them. To start without them, move the directory to a safe "
                "place, keep it, and have the sources send the records again"
            )
    every = seen.union(*(marks[name.origin] for name in new))
    replace_file(file, "".join(f"{mark}\n" for mark in sorted(every)))
