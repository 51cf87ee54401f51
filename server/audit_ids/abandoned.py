"""Claims of a writer whose journal is lost: they are ended as the next process of the writer would end them.

This is safe only under the writer's lease, so that no process of the writer runs, and after a mark that keeps the
journal from being stored, should it come back (``server.writer.abandonment``).
"""

from __future__ import annotations

import time
from uuid import uuid4

from server.audit_ids.claims import Claims
from server.audit_ids.standing import Claimant
from server.notary.origin import LogName
from storage.abandoned_journals import mark_abandoned
from storage.engine import Engine
from storage.evidence import last_batch

__all__ = ["abandon_journal"]


def abandon_journal(engine: Engine, name: LogName) -> int:
    """Mark the journal of an audit log as given up, and end the open claims of its writer; return their number.

    A claim whose record the log has committed gets its place; all others are released.

    Args:
        engine: the storage, fenced with the lease of the writer.
        name: the log.

    Raises:
        StorageError: storage cannot be reached, or the lease was lost; calling this again does the rest.
    """
    mark_abandoned(engine, name.origin, time.time_ns() // 10**6)
    last = last_batch(engine, name.log_id)
    # Rows behind the last batch were never committed: the batch that they belong to was in the journal.
    committed = last.tree_size if last is not None else 0
    claims = Claims(engine, Claimant(name.origin, uuid4()), lambda: True, committed=committed)
    return claims.settle_earlier(lambda _: False, 0)
