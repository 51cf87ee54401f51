"""Positions of a tail in each log, with a longer name for a log that has no trusted signature.

Anybody who may insert rows can start a log before its server does. Once the server's key signs a batch of the log,
earlier batches without its signature do not belong to the log (unless the key was learned late). So the name of a
position in a log without a trusted signature includes the log's last batch: the position is valid in the trusted log
too if a trusted key signed the same batch.
"""

from __future__ import annotations

from collections.abc import Mapping

from server.notary.trust import TrustedKeys
from server.query.log_heads import Head
from server.verification.last_batches import is_signed_size
from storage.engine import Engine

__all__ = ["name_positions", "parse_positions"]

_ROOT = 8  # bytes of the root hash in a name


def name_positions(positions: Mapping[str, int], doubted: Mapping[str, Head]) -> dict[str, int]:
    """Return positions under names that mark the logs without a trusted signature.

    Args:
        positions: LogId -> leaf.
        doubted: LogId -> head of the log, for the logs without a trusted signature.

    Returns:
        Name -> leaf. A name is the LogId; for a log without a trusted signature, followed by the size and the first
        bytes of the root hash of its head, in hexadecimal.
    """
    return {_name(log_id, doubted.get(log_id)): leaf for log_id, leaf in positions.items()}


def parse_positions(
    engine: Engine, keys: TrustedKeys, heads: Mapping[str, Head], named: Mapping[str, int]
) -> dict[str, int]:
    """Return the positions that ``name_positions`` named, in the logs as they are now: LogId -> leaf.

    A position among batches without a trusted signature is left out if the log has since been signed without them.

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
