"""Cache of the immutable data that proofs are made from.

Reading the latest checkpoint, and the tiles at a tree's edge and above its lowest level, takes
more than half of a proof's time, and is the same for all proofs of a log (``benchmarks/proofs.py``).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from server.notary.batch import Batch
from server.verification.tree import TileNodes
from storage.bound import scope_key

__all__ = ["ProofCache"]

_CAPACITY = 2048  # tiles, of 16 KiB each with the nodes above them
_RECENT = 1.0  # seconds
_MOST_LOGS = 4096  # whose latest batches are kept


class ProofCache:
    """Cache of tiles and latest checkpoints of logs. Thread-safe.

    What was read in one scope (``storage.bound``) is kept for that scope alone.
    Its content is not trusted: an invalid proof is made again without the cache.
    """

    def __init__(self, capacity: int = _CAPACITY, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty cache.

        Args:
            capacity: maximum number of tiles; the least recently used are evicted.
            clock: returns the time, in seconds.
        """
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._tiles: OrderedDict[tuple[str, str, int, int], TileNodes] = OrderedDict()
        self._latest: OrderedDict[tuple[str, str], tuple[float, Batch]] = OrderedDict()

    def tile(self, log_id: str, level: int, index: int, width: int) -> TileNodes | None:
        """Return a cached tile of at least a given width."""
        place = scope_key(), log_id, level, index
        with self._lock:
            known = self._tiles.get(place)
            if known is None or known.width < width:
                return None
            self._tiles.move_to_end(place)
            return known

    def keep_tile(self, log_id: str, level: int, index: int, tile: TileNodes) -> None:
        """Cache a tile that is complete and covers only committed leaves."""
        place = scope_key(), log_id, level, index
        with self._lock:
            known = self._tiles.get(place)
            if known is None or known.width < tile.width:  # a request about an earlier tree needs less of it
                self._tiles[place] = tile
            self._tiles.move_to_end(place)
            if len(self._tiles) > self._capacity:
                self._tiles.popitem(last=False)

    def latest(self, log_id: str) -> Batch | None:
        """Return a log's latest batch, if it was cached less than a second ago."""
        with self._lock:
            since, batch = self._latest.get((scope_key(), log_id), (0.0, None))
            return batch if batch and self._clock() - since <= _RECENT else None

    def keep_latest(self, batch: Batch) -> None:
        """Cache a log's latest batch, which must be verified."""
        with self._lock:
            self._latest[scope_key(), batch.log_id] = (self._clock(), batch)
            self._latest.move_to_end((scope_key(), batch.log_id))
            if len(self._latest) > _MOST_LOGS:
                self._latest.popitem(last=False)

    def forget(self, log_id: str) -> None:
        """Drop everything cached for a log in this scope."""
        scope = scope_key()
        with self._lock:
            self._latest.pop((scope, log_id), None)
            for place in [place for place in self._tiles if place[:2] == (scope, log_id)]:
                del self._tiles[place]
