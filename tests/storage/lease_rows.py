"""Rows of ``log_writers``, as other servers write them."""

from __future__ import annotations

from storage.engine import Engine
from storage.writers import WriterName

__all__ = ["write_lease_row"]


def write_lease_row(engine: Engine, name: WriterName, writing: int, ago: float) -> None:
    """Write the row of a server's claim, lease or release, as of some seconds ago."""
    engine.execute(
        "INSERT INTO log_writers (Deployment, Writer, Place, Instance, Writing, SeenAt) SETTINGS async_insert = 0 "
        f"VALUES ('{name.deployment}', '{name.writer}', '{name.place}', '{name.instance}', {writing}, "
        f"now64(3) - toIntervalMillisecond({int(ago * 1000)}))"
    )
