"""Positions of a tail: how far it is in each log, kept apart for logs that only others have signed.

Anybody who may insert rows can begin a log before its server does. Once the server's key signs something of the log,
what others signed is no part of it, unless the key was only learned late. So a position in a log that no trusted key
has signed is named by the batch that was its last one: it is a position in the trusted log too if a trusted key signed
just that batch.
"""

from __future__ import annotations

from collections.abc import Mapping

from server.notary.trust import TrustedKeys
from server.query.log_heads import Head
from server.verification.last_batches import is_signed_size
from storage.engine import Engine

__all__ = ["name_positions", "parse_positions"]

_ROOT = 8  # bytes of a root hash that are in a name


def name_positions(positions: Mapping[str, int], doubted: Mapping[str, Head]) -> dict[str, int]:
    """Return positions that say which of them are in logs that no trusted key has signed.

    Args:
        positions: LogId -> leaf.
        doubted: LogId -> head of those logs.

    Returns:
        LogId -> leaf; for those logs, LogId, size and begin of the root hash of the head, in hexadecimal.
    """
    return {_name(log_id, doubted.get(log_id)): leaf for log_id, leaf in positions.items()}


def parse_positions(
    engine: Engine, keys: TrustedKeys, heads: Mapping[str, Head], named: Mapping[str, int]
) -> dict[str, int]:
    """Return the positions of ``name_positions`` in logs as they are now: LogId -> leaf.

    A position in what others signed is left out if the log is a trusted one now, of which that is no part.

    Raises:
        StorageError: storage cannot be read.
    """
    positions: dict[str, int] = {}
    for name, leaf in named.items():
        log_id, *of = name.split("-")
        head = heads.get(log_id)
        if of and head is not None and head.trusted:
            size, root = int(of[0], 16), bytes.fromhex(of[1])
            if not is_signed_size(engine, keys, log_id, size, root):
                continue
        positions[log_id] = leaf
    return positions


def _name(log_id: str, head: Head | None) -> str:
    return log_id if head is None else f"{log_id}-{head.size:x}-{head.root[:_ROOT].hex()}"
