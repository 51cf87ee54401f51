"""What proofs are made of and does not change, kept from one call to the next.

Asking for the latest checkpoint, and reading the tiles at a tree's edge and above its lowest level, are
more than half of a proof's time, and the same for all proofs of a log (``benchmarks/proofs.py``).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from server.notary.batch import Batch
from server.verification.tree import TileNodes

__all__ = ["ProofCache"]

_CAPACITY = 1024  # tiles, of 16 KiB each with the nodes above them
_RECENT = 1.0  # seconds


class ProofCache:
    """Tiles and latest checkpoints of logs; may be used by several threads.

    Nothing in it is trusted: a proof that does not hold is made again without it.
    """

    def __init__(self, capacity: int = _CAPACITY, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache.

        Args:
            capacity: how many tiles it keeps, those that were used last.
            clock: returns the time, in seconds.
        """
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._tiles: OrderedDict[tuple[str, int, int], TileNodes] = OrderedDict()
        self._latest: dict[str, tuple[float, Batch]] = {}

    def tile(self, log_id: str, level: int, index: int, width: int) -> TileNodes | None:
        """Return a tile that is known at least so wide."""
        with self._lock:
            known = self._tiles.get((log_id, level, index))
            if known is None or known.width < width:
                return None
            self._tiles.move_to_end((log_id, level, index))
            return known

    def keep_tile(self, log_id: str, level: int, index: int, tile: TileNodes) -> None:
        """Keep a tile of which every hash is there and covers committed leaves only."""
        with self._lock:
            self._tiles[log_id, level, index] = tile
            self._tiles.move_to_end((log_id, level, index))
            if len(self._tiles) > self._capacity:
                self._tiles.popitem(last=False)

    def latest(self, log_id: str) -> Batch | None:
        """Return the batch that was a log's latest not longer than a second ago."""
        with self._lock:
            since, batch = self._latest.get(log_id, (0.0, None))
            return batch if batch and self._clock() - since <= _RECENT else None

    def keep_latest(self, batch: Batch) -> None:
        """Keep a log's latest batch, which was checked."""
        with self._lock:
            self._latest[batch.log_id] = (self._clock(), batch)

    def forget(self, log_id: str) -> None:
        """Forget all of a log."""
        with self._lock:
            self._latest.pop(log_id, None)
            for place in [place for place in self._tiles if place[0] == log_id]:
                del self._tiles[place]
