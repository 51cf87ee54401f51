"""The feed of batches that are committed, by whichever worker or server: one for all tails of a process.

Storage has no order of commits. The feed asks for the batches after those that it knows, log by log, and so notices
each batch soon after its commit. Batches of a log count if a trusted key signed them, so that a row that somebody
inserted moves no tail. Other servers on the storage have keys of their own: their logs count if no trusted key has
signed anything of them, and their records are shown as unsigned.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from server.notary.batch import Batch, compute_batch_id
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
_DOUBTED = 25  # looks after which logs that only others signed are looked at as a whole
_WHOLE = 300  # looks after which all logs are looked at, whatever their times are
_LATE = 600 * 10**9  # nanoseconds by which a log that was silent may be behind the others


@dataclass(frozen=True, slots=True)
class Head:
    """Last batch of a log.

    Attributes:
        origin: origin of the log.
        stream: its stream.
        sequence: number of the batch.
        size: number of entries in the log after it.
        trusted: True if a trusted key signed it.
    """

    origin: str
    stream: Stream
    sequence: int
    size: int
    trusted: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """Leaves [first, end) of a log that were noticed together.

    Attributes:
        log_id: the log.
        stream: its stream.
        first: the first leaf.
        end: the leaf after the last one.
        received: latest time of receipt, in nanoseconds since the epoch.
        anew: True if all that was noticed of the log before was not signed by a trusted key.
    """

    log_id: str
    stream: Stream
    first: int
    end: int
    received: int
    anew: bool = False


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
        self._passed_over: set[str] = set()  # logs whose last batches do not count
        self._received = 0
        self._looks = 0

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
            last = _checked([batch], keys)
            if not any(trusted for _, trusted in last):
                last = _checked(read_latest_batches(self._engine, batch.log_id, _LOOKED_AT), keys) or last
            last.sort(key=lambda each: not each[1])
            if last:
                found, trusted = last[0]
                logs[batch.log_id] = _head(found, trusted=trusted)
                latest[batch.log_id] = found.ingested_at
            else:
                self._passed_over.add(batch.log_id)
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
        self._looks += 1
        received = self._received - _LATE if self._looks % _WHOLE else 0  # a journal may have been late for hours
        grown = find_grown(self._engine, self._active, received)
        wanted = [*self._active, *(log_id for log_id, last in grown.items() if last > _sequence(heads.get(log_id)))]
        batches: list[Batch] = []
        for start in range(0, len(wanted), _ACTIVE):
            after = {log_id: _sequence(heads.get(log_id)) for log_id in wanted[start : start + _ACTIVE]}
            batches += read_batches_after(self._engine, after, _MOST)
        keys = self._keys()
        found = _checked(batches, keys)
        if self._looks % _DOUBTED == 0:
            found += self._doubted(keys)
        return bool(found) and self._notice(found)

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

    def _doubted(self, keys: TrustedKeys) -> list[tuple[Batch, bool]]:
        """Return batches that a trusted key signed, of logs of which only others were noticed.

        A row with a large Sequence, which anybody may have inserted before the first batch, would hide them for good.
        """
        found: list[tuple[Batch, bool]] = []
        for log_id, head in self._heads.logs.items():
            if not head.trusted and log_id in self._active:
                last = _checked(read_latest_batches(self._engine, log_id, _LOOKED_AT), keys)
                found += [(batch, trusted) for batch, trusted in reversed(last) if trusted]
        return found

    def _notice(self, batches: Sequence[tuple[Batch, bool]]) -> bool:
        """Add batches, which are ordered by log and Sequence, with whether a trusted key signed each."""
        logs = dict(self._heads.logs)
        found: list[Committed] = []
        times: dict[str, int] = {}
        for batch, trusted in batches:
            known = logs.get(batch.log_id)
            anew = known is not None and trusted and not known.trusted
            if known is None or anew:
                first = batch.first_leaf if anew or batch.log_id in self._passed_over else 0
            elif trusted == known.trusted:
                first = known.size
            else:
                continue
            if batch.tree_size <= first:  # a copy of its row
                continue
            logs[batch.log_id] = head = _head(batch, trusted=trusted)
            # Batches of a log stay in their order, whatever their times are.
            times[batch.log_id] = received = max(times.get(batch.log_id, 0), batch.ingested_at)
            found.append(Committed(batch.log_id, head.stream, first, head.size, received, anew))
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


def _checked(batches: Iterable[Batch], keys: TrustedKeys) -> list[tuple[Batch, bool]]:
    """Return the batches that may count, with whether a trusted key signed each."""
    found = []
    for batch in batches:
        if _is_named(batch):
            problem = check_batch(batch, keys)
            if problem is None or (problem.signers and compute_batch_id(batch) == batch.batch_id):
                found.append((batch, problem is None))
    return found


def _is_named(batch: Batch) -> bool:
    try:
        return LogName.parse(batch.origin).log_id == batch.log_id
    except MalformedError:
        return False


def _head(batch: Batch, *, trusted: bool) -> Head:
    return Head(batch.origin, LogName.parse(batch.origin).stream, batch.sequence, batch.tree_size, trusted)


def _sequence(head: Head | None) -> int:
    return 0 if head is None else head.sequence
