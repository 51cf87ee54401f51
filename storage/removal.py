"""Removal of records by TTL: pausing it while holds change, and waiting until removal that has begun has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from storage.engine import Engine
from storage.errors import StorageError
from storage.rowbinary import read_rows, text
from storage.sql_texts import sql_text

__all__ = ["RemovalGoesOnError", "let_removal_go_on", "removal_paused", "wait_for_removal"]

_LONGEST = 300.0  # seconds
_BETWEEN = 0.1  # seconds


class RemovalGoesOnError(StorageError):
    """Merges that began under the TTL as it was before do not end in time."""


@contextlib.contextmanager
def removal_paused(engine: Engine, tables: Sequence[str]) -> Iterator[None]:
    """Cancel what removes rows of tables by TTL, and begin nothing of it until the block ends.

    Raises:
        StorageError: storage cannot be reached, or this user may not pause it.
    """
    try:
        for table in tables:
            engine.execute(f"SYSTEM STOP TTL MERGES {table}")
        yield
    finally:
        let_removal_go_on(engine, tables)


def let_removal_go_on(engine: Engine, tables: Sequence[str]) -> None:
    """End a pause, also of a process that did not come to its end. Raises as above."""
    for table in tables:
        engine.execute(f"SYSTEM START TTL MERGES {table}")


def wait_for_removal(
    engine: Engine,
    tables: Sequence[str],
    wait: Callable[[float], None] = time.sleep,
    longest: float = _LONGEST,
) -> None:
    """Wait until every merge of tables that runs now has ended: later ones use the TTL of now.

    Args:
        engine: the storage.
        tables: the tables.
        wait: waits for a number of seconds.
        longest: seconds after which the wait is given up.

    Raises:
        RemovalGoesOnError: merges take longer.
        StorageError: storage cannot be read.
    """
    running = _merges(engine, tables)
    waited = 0.0
    while running:
        if waited >= longest:
            raise RemovalGoesOnError(
                f"{len(running)} merges of {', '.join(tables)} that began before the hold still run after "
                f"{longest:.0f} seconds, and may remove records that it should keep"
            )
        wait(_BETWEEN)
        waited += _BETWEEN
        running &= _merges(engine, tables)


def _merges(engine: Engine, tables: Sequence[str]) -> set[str]:
    names = ", ".join(map(sql_text, tables))
    rows = engine.query(
        "SELECT concat(table, '/', result_part_name) FROM system.merges "
        f"WHERE database = currentDatabase() AND table IN ({names})"
    )
    return {name for (name,) in read_rows(rows, (text,))}
