"""Feed of the batches that any worker or server commits: one for all tails of a process.

Storage has no order of commits. The feed polls each log for batches after the last batch that it knows, and so notices
a batch soon after its commit. A batch counts if a trusted key signed it, so an inserted row moves no tail. The number
and the times of a batch are not signed; the size of its tree is. Numbers only make most polls cheap, and at regular
intervals a poll compares sizes instead.

Other servers on the storage have other keys: their logs count as long as no trusted key has signed a batch of them, and
their records are shown as unsigned.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from server.notary.batch import Batch
from server.notary.trust import TrustedKeys
from server.query.log_heads import MOST_UNSIGNED, Committed, Head, Heads, counted_batches, head_of
from server.verification.last_batches import LastBatch, is_signed_size, last_batches, last_valid_batch
from storage.batch_lookup import read_largest_batches
from storage.engine import Engine
from storage.new_batches import find_grown, read_batches_after

__all__ = ["BatchFeed"]

_KEPT = 4096  # batches
_ACTIVE = 64  # logs that grew last, each of which is polled
_LOOKED_AT = 20  # last batches to examine in a log without a trusted signature
_MOST = 1000  # batches of a log in one page
_PAGES = 8  # pages in one poll; the next poll continues
_BY_SIZE = 25  # polls between two that compare sizes instead of numbers
_WHOLE = 300  # polls between two that read all logs, regardless of times
_LATE = 600 * 10**9  # nanoseconds by which the times of a silent log may be behind the others
_ANY_SIGNATURE = "\n— "


class BatchFeed:
    """The feed; ``now`` and ``after`` may be called in any thread, ``begin`` and ``poll`` in one thread at a time."""

    def __init__(self, engine: Engine, keys: Callable[[], TrustedKeys], *, kept: int = _KEPT) -> None:
        """Make a feed; call ``begin`` before anything else.

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
        self._active: OrderedDict[str, None] = OrderedDict()  # the log that grew last comes last
        self._offsets: dict[str, int] = {}  # rows after the head of a log that were read and do not count
        self._received = 0
        self._looks = 0

    def begin(self) -> None:
        """Read the heads of all logs; the feed does not report the batches before them.

        Raises:
            StorageError: storage cannot be read.
        """
        keys = self._keys()
        logs: dict[str, Head] = {}
        latest: dict[str, int] = {}
        for last in last_batches(self._engine, keys):
            batch = last.valid or self._unsigned(last, keys)
            if batch is not None:
                logs[batch.log_id] = head_of(batch, trusted=last.valid is not None)
                latest[batch.log_id] = batch.ingested_at
        for log_id in sorted(latest, key=lambda each: latest[each])[-_ACTIVE:]:
            self._active[log_id] = None
        self._received = max(latest.values(), default=0)
        with self._lock:
            self._heads = Heads(self._heads.number, MappingProxyType(logs))

    def poll(self) -> bool:
        """Look for new batches; return whether there are any.

        Raises:
            StorageError: storage cannot be read.
        """
        heads = self._heads.logs
        self._looks += 1
        # Times are not signed, and clocks may be wrong: a time in the future must not hide a log.
        received = min(self._received, time.time_ns()) - _LATE
        is_whole = self._looks % _WHOLE == 0  # a journal may be hours behind
        grown = find_grown(self._engine, self._active, 0 if is_whole else received)
        wanted = [*self._active, *(log_id for log_id, size in grown.items() if size > _size(heads.get(log_id)))]
        by_size = self._looks % _BY_SIZE == 0
        keys = self._keys()
        found = counted_batches(self._read(wanted, by_size=by_size), keys)
        if by_size:
            found += self._learned(keys, None if is_whole else received)
        return bool(found) and self._notice(found, keys)

    def _read(self, wanted: Sequence[str], *, by_size: bool) -> list[Batch]:
        """Return the batches of logs after their heads, ordered by log and size; very many take several polls."""
        heads = self._heads.logs
        batches: list[Batch] = []
        for start in range(0, len(wanted), _ACTIVE):
            places = {
                log_id: (-1 if by_size else _sequence(heads.get(log_id)), _size(heads.get(log_id)))
                for log_id in wanted[start : start + _ACTIVE]
            }
            page = read_batches_after(self._engine, places, _MOST)
            batches += page
            for log_id, number in Counter(batch.log_id for batch in page).items():
                if number == _MOST:
                    batches += self._further(log_id, places[log_id], _PAGES if by_size else 1)
        return sorted(batches, key=lambda batch: (batch.log_id, batch.tree_size))

    def _further(self, log_id: str, place: tuple[int, int], pages: int) -> list[Batch]:
        """Return the batches of a log after its full first page, starting where the last poll ended."""
        batches: list[Batch] = []
        offset = self._offsets.pop(log_id, _MOST)
        for _ in range(pages):
            page = read_batches_after(self._engine, {log_id: place}, _MOST, offset)
            batches += page
            if len(page) < _MOST:
                return batches
            offset += _MOST
        self._offsets[log_id] = offset
        return batches

    def now(self) -> Heads:
        """Return the state of the feed."""
        return self._heads

    def after(self, number: int) -> Sequence[Committed] | None:
        """Return the ranges that were noticed after a number, in order; None if some of them are no longer kept."""
        with self._lock:
            wanted = self._heads.number - number
            if wanted > len(self._recent):
                return None
            return [self._recent[at] for at in range(len(self._recent) - wanted, len(self._recent))]

    def _unsigned(self, last: LastBatch, keys: TrustedKeys) -> Batch | None:
        """Return the last batch of a log without a valid batch; None if no other key signed the log either."""
        if last.valid is not None:
            return None
        rows: Iterable[Batch] = [batch for batch, _ in last.others]
        found = counted_batches(rows, keys) or counted_batches(
            read_largest_batches(self._engine, last.log_id, [_ANY_SIGNATURE], _LOOKED_AT), keys
        )
        return next((batch for batch, _ in found), None)

    def _learned(self, keys: TrustedKeys, received: int | None) -> list[tuple[Batch, bool]]:
        """Return the last batches with a trusted signature, of the logs in which the feed has noticed none.

        Rows with a large TreeSize, inserted before the first batch, would otherwise hide these batches for good.
        """
        found: list[tuple[Batch, bool]] = []
        for log_id, head in self._heads.logs.items():
            if not head.trusted:
                last = last_valid_batch(self._engine, keys, log_id, head.origin, received=received)
                found += [(last, True)] if last is not None else []
        return found

    def _begun(self, batch: Batch, known: Head, keys: TrustedKeys) -> Head:
        """Return the head of a log before its first trusted batch: the known head if it was signed, otherwise none."""
        if is_signed_size(self._engine, keys, batch.log_id, known.size, known.root):  # the key was learned meanwhile
            return replace(known, trusted=True)
        return replace(known, sequence=0, size=0, root=b"", trusted=True, anew=True)

    def _notice(self, batches: Sequence[tuple[Batch, bool]], keys: TrustedKeys) -> bool:
        """Add batches, ordered by log and TreeSize, each with True if a trusted key signed it."""
        logs = dict(self._heads.logs)
        found: list[Committed] = []
        times: dict[str, int] = {}
        for batch, trusted in batches:
            known = logs.get(batch.log_id)
            if known is not None and trusted and not known.trusted:
                logs[batch.log_id] = known = self._begun(batch, known, keys)
            if known is not None and trusted != known.trusted:
                continue
            first = _size(known)
            if batch.tree_size <= first or not (trusted or batch.first_leaf <= first + MOST_UNSIGNED):
                continue  # a copy of a row, or a batch that does not continue the log
            logs[batch.log_id] = head = head_of(batch, trusted=trusted, anew=known is not None and known.anew)
            # Batches of a log keep their order, even if their times disagree.
            times[batch.log_id] = received = max(times.get(batch.log_id, 0), batch.ingested_at)
            found.append(Committed(batch.log_id, head.stream, first, head.size, received, trusted))
            self._offsets.pop(batch.log_id, None)
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


def _sequence(head: Head | None) -> int:
    return 0 if head is None else head.sequence


def _size(head: Head | None) -> int:
    return 0 if head is None else head.size
