"""Changes to stored records behind the server's back."""

from __future__ import annotations

from harness.lognotary_server import LognotaryServer
from storage.clickhouse import connect
from storage.url import parse_storage_url

__all__ = ["change_actor"]


def change_actor(server: LognotaryServer, log_id: str, leaf: int, actor: str) -> None:
    """Change the actor of a stored audit record, while the server is stopped.

    Args:
        server: the server, which is not running.
        log_id: ID of the record's log.
        leaf: the record's leaf.
        actor: the actor to put there, without quotation marks.
    """
    engine = connect(parse_storage_url(server.storage_url))
    try:
        engine.execute(
            f"ALTER TABLE audit_logs UPDATE ActorId = '{actor}' WHERE LogId = '{log_id}' AND LeafIndex = {leaf} "
            "SETTINGS mutations_sync = 2"
        )
    finally:
        engine.close()
