"""The feed of batches that are committed, by whichever worker or server: one for all tails of a process.

Storage has no order of commits. The feed asks for the batches after those that it knows, log by log, and so notices
each batch soon after its commit. Only batches count that a trusted key signed: a row that somebody inserted moves no
tail.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from server.notary.batch import Batch
from server.notary.chain import check_batch
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from storage.batch_lookup import read_latest_batches
from storage.checkpoints import read_last_batches
from storage.engine import Engine
from storage.new_batches import find_grown, read_batches_after

__all__ = ["BatchFeed", "Committed", "Head", "Heads"]

_KEPT = 4096  # batches
_ACTIVE = 64  # logs, the latest to grow, that are asked for one by one
_LOOKED_AT = 20  # last batches of a log, of which one is sound
_MOST = 1000  # batches of a log that are read at a time
_LATE = 600 * 10**9  # nanoseconds by which a log that was silent may be behind the others


@dataclass(frozen=True, slots=True)
class Head:
    """Last batch of a log.

    Attributes:
        origin: origin of the log.
        stream: its stream.
        sequence: number of the batch.
        size: number of entries in the log after it.
    """

    origin: str
    stream: Stream
    sequence: int
    size: int


@dataclass(frozen=True, slots=True)
class Committed:
    """Leaves [first, end) of a log that were noticed together.

    Attributes:
        log_id: the log.
        stream: its stream.
        first: the first leaf.
        end: the leaf after the last one.
        received: latest time of receipt, in nanoseconds since the epoch.
    """

    log_id: str
    stream: Stream
    first: int
    end: int
    received: int


@dataclass(frozen=True, slots=True)
class Heads:
    """State of the feed.

    Attributes:
        number: number of all that the feed has noticed.
        logs: LogId -> head of the log.
    """

    number: int
    logs: Mapping[str, Head]


class BatchFeed:
    """The feed; ``now`` and ``after`` may be called in any thread, ``begin`` and ``poll`` in one at a time."""

    def __init__(self, engine: Engine, keys: Callable[[], TrustedKeys], *, kept: int = _KEPT) -> None:
        """Make a feed, which has to begin.

        Args:
            engine: the storage.
            keys: function that returns the trusted public keys.
            kept: number of ranges that are kept for tails that are behind.
        """
        self._engine = engine
        self._keys = keys
        self._recent: deque[Committed] = deque(maxlen=kept)
        self._lock = threading.Lock()
        self._heads = Heads(0, MappingProxyType({}))
        self._active: OrderedDict[str, None] = OrderedDict()  # the latest to grow last
        self._unsound: set[str] = set()  # logs that have no sound batch, as far as was looked
        self._received = 0

    def begin(self) -> None:
        """Read the heads of all logs; what they have already is not noticed.

        Raises:
            StorageError: storage cannot be read.
        """
        keys = self._keys()
        logs: dict[str, Head] = {}
        latest: dict[str, int] = {}
        for batch in read_last_batches(self._engine):
            if batch.log_id in logs:
                continue
            sound = self._sound([batch], keys) or self._sound(
                read_latest_batches(self._engine, batch.log_id, _LOOKED_AT), keys
            )
            if sound:
                logs[batch.log_id] = _head(sound[0])
                latest[batch.log_id] = sound[0].ingested_at
                self._unsound.discard(batch.log_id)
            else:
                self._unsound.add(batch.log_id)
        for log_id in sorted(latest, key=lambda each: latest[each])[-_ACTIVE:]:
            self._active[log_id] = None
        self._received = max(latest.values(), default=0)
        with self._lock:
            self._heads = Heads(self._heads.number, MappingProxyType(logs))

    def poll(self) -> bool:
        """Look for new batches, and return whether there are any.

        Raises:
            StorageError: storage cannot be read.
        """
        heads = self._heads.logs
        grown = find_grown(self._engine, self._active, self._received - _LATE)
        wanted = [*self._active, *(log_id for log_id, last in grown.items() if last > _sequence(heads.get(log_id)))]
        batches: list[Batch] = []
        for start in range(0, len(wanted), _ACTIVE):
            after = {log_id: _sequence(heads.get(log_id)) for log_id in wanted[start : start + _ACTIVE]}
            batches += read_batches_after(self._engine, after, _MOST)
        return bool(batches) and self._notice(self._sound(batches, self._keys()))

    def now(self) -> Heads:
        """Return the state of the feed."""
        return self._heads

    def after(self, number: int) -> Sequence[Committed] | None:
        """Return all that was noticed after a number, in order; None if some of that is not kept any more."""
        with self._lock:
            wanted = self._heads.number - number
            if wanted > len(self._recent):
                return None
            return [self._recent[at] for at in range(len(self._recent) - wanted, len(self._recent))]

    def _sound(self, batches: Iterable[Batch], keys: TrustedKeys) -> list[Batch]:
        return [batch for batch in batches if _is_named(batch) and check_batch(batch, keys) is None]

    def _notice(self, batches: Sequence[Batch]) -> bool:
        """Add batches, which are ordered by log and Sequence."""
        logs = dict(self._heads.logs)
        found: list[Committed] = []
        times: dict[str, int] = {}
        for batch in batches:
            known = logs.get(batch.log_id)
            first = known.size if known else batch.first_leaf if batch.log_id in self._unsound else 0
            if batch.tree_size <= first:  # a copy of its row
                continue
            logs[batch.log_id] = head = _head(batch)
            # Batches of a log stay in their order, whatever their times are.
            times[batch.log_id] = received = max(times.get(batch.log_id, 0), batch.ingested_at)
            found.append(Committed(batch.log_id, head.stream, first, head.size, received))
            self._unsound.discard(batch.log_id)
            self._active[batch.log_id] = None
            self._active.move_to_end(batch.log_id)
            self._received = max(self._received, batch.ingested_at)
        while len(self._active) > _ACTIVE:
            self._active.popitem(last=False)
        found.sort(key=lambda each: (each.received, each.log_id, each.first))
        with self._lock:
            self._recent.extend(found)
            self._heads = Heads(self._heads.number + len(found), MappingProxyType(logs))
        return bool(found)


def _is_named(batch: Batch) -> bool:
    try:
        return LogName.parse(batch.origin).log_id == batch.log_id
    except MalformedError:
        return False


def _head(batch: Batch) -> Head:
    return Head(batch.origin, LogName.parse(batch.origin).stream, batch.sequence, batch.tree_size)


def _sequence(head: Head | None) -> int:
    return 0 if head is None else head.sequence
