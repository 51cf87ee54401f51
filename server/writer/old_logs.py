"""Logs that storage has of a server whose key was just made."""

from __future__ import annotations

from server.keys.identity import Identity
from server.keys.key_files import KeyStoreError
from storage.engine import Engine
from storage.evidence import last_batch
from storage.statements import last_statement

__all__ = ["refuse_new_key_for_old_logs"]


def refuse_new_key_for_old_logs(engine: Engine, identity: Identity) -> None:
    """Check that storage has no log of a server that has just made its first key; take the key back if it has one.

    Raises:
        KeyStoreError: storage has such a log: its key was lost with its data directory.
        StorageError: storage cannot be read.
    """
    if not identity.store.has_created:
        return
    for name in (*identity.logs, *identity.workers_logs):
        if last_statement(engine, name.log_id) is not None or last_batch(engine, name.log_id) is not None:
            for store in (identity.store, *identity.keys.tenants.values()):
                if store.has_created:
                    store.discard_created()
            raise KeyStoreError(
                f"storage has the log {name.origin}, which another key signed, and this data directory is new: restore "
                "the data directory, or at least its 'keys', from a backup. No key was written. If it is lost, start "
                "under another name (--writer); the old log can still be verified with its public key (public_keys)"
            )
