"""Changes to stored records behind the server's back."""

from __future__ import annotations

from harness.lognotary_server import LognotaryServer
from storage.clickhouse import connect
from storage.url import parse_storage_url

__all__ = ["change_actor", "copy_record"]


def change_actor(server: LognotaryServer, log_id: str, leaf: int, actor: str) -> None:
    """Change the actor of a stored audit record, while the server is stopped.

    Args:
        server: the server, which is not running.
        log_id: ID of the record's log.
        leaf: the record's leaf.
        actor: the actor to put there, without quotation marks.
    """
    _execute(
        server,
        f"ALTER TABLE audit_logs UPDATE ActorId = '{actor}' WHERE LogId = '{log_id}' AND LeafIndex = {leaf} "
        "SETTINGS mutations_sync = 2",
    )


def copy_record(server: LognotaryServer, log_id: str, leaf: int) -> None:
    """Insert the row of a stored audit record once more, while the server is stopped.

    Args:
        server: the server, which is not running.
        log_id: ID of the record's log.
        leaf: the record's leaf.
    """
    _execute(
        server,
        f"INSERT INTO audit_logs SELECT * FROM audit_logs WHERE LogId = '{log_id}' AND LeafIndex = {leaf}",
    )


def _execute(server: LognotaryServer, statement: str) -> None:
    engine = connect(parse_storage_url(server.storage_url))
    try:
        engine.execute(statement)
    finally:
        engine.close()
