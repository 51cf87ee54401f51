"""Noticing two servers that write under one name.

Each server says every few seconds where it runs. One that starts looks whether its name has been
used from another place just now. The clock is ClickHouse's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from storage.engine import Engine
from storage.errors import StorageConfigError
from storage.rowbinary import read_rows, text

__all__ = ["RENEWAL", "WriterName", "claim", "release", "renew"]

RENEWAL = 10.0
"""Seconds after which a server says again that it writes."""

_SILENCE = 3 * RENEWAL  # seconds after which a server that said nothing has stopped


@dataclass(frozen=True, slots=True)
class WriterName:
    """A name that is written under, and by whom.

    Attributes:
        deployment: the deployment.
        writer: the writer's name.
        place: host and data directory; a server that is started again has the same.
        instance: made anew at each start.
    """

    deployment: str
    writer: str
    place: str
    instance: UUID = field(default_factory=uuid4)


def claim(engine: Engine, name: WriterName) -> None:
    """Say that a server begins to write.

    Raises:
        StorageConfigError: a server in another place writes under the same name.
        StorageError: storage is not reached.
    """
    _say(engine, name, writing=True)
    rows = engine.query(
        "SELECT Place FROM log_writers WHERE Deployment = {deployment:String} AND Writer = {writer:String} "
        "AND Place != {place:String} GROUP BY Place, Instance "
        "HAVING argMax(Writing, SeenAt) AND max(SeenAt) > now64(3) - toIntervalSecond({silence:UInt32}) "
        # Of two that start at once, the one that came first goes on.
        "AND min(SeenAt) <= (SELECT min(SeenAt) FROM log_writers WHERE Instance = {instance:UUID})",
        {
            "deployment": name.deployment,
            "writer": name.writer,
            "place": name.place,
            "silence": int(_SILENCE),
            "instance": str(name.instance),
        },
    )
    others = [place for (place,) in read_rows(rows, (text,))]
    if others:
        release(engine, name)
        raise StorageConfigError(
            f"a server at {others[0]} writes under the same name, {name.deployment}/{name.writer}: two writers of one "
            "name would fork the log. Give each server a data directory and a --writer of its own. If that server "
            f"has stopped, wait {_SILENCE:.0f} seconds"
        )


def renew(engine: Engine, name: WriterName) -> None:
    """Say that a server still writes; raises StorageError."""
    _say(engine, name, writing=True)


def release(engine: Engine, name: WriterName) -> None:
    """Say that a server has stopped; raises StorageError."""
    _say(engine, name, writing=False)


def _say(engine: Engine, name: WriterName, *, writing: bool) -> None:
    values = ", ".join(f"unhex('{value.encode().hex()}')" for value in (name.deployment, name.writer, name.place))
    engine.execute(
        "INSERT INTO log_writers (Deployment, Writer, Place, Instance, Writing) SETTINGS async_insert = 0 "
        f"VALUES ({values}, '{name.instance}', {int(writing)})"
    )
