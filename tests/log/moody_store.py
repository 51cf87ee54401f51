"""A storage that does what ClickHouse and the way to it may do on their worst days, and keeps account of it."""

from __future__ import annotations

import re
import struct
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from uuid import UUID

from harness.native_block import count_rows, read_block
from server.notary.batch import Batch, TileFragment, compute_batch_id, encode_batch
from server.notary.canonical import encode_string
from server.notary.hashing import hash_pairs
from server.notary.merkle import CompactRange, split_hashes
from storage.engine import EngineInfo, Pieces
from storage.errors import NotAppliedError
from storage.interrupt import Interrupt
from storage.rowbinary import uuid_bytes
from storage.schema import BATCH_COLUMNS
from tests.codec.building import follows

from .failures import REFUSED, UNKNOWN

__all__ = ["Mood", "MoodyStore"]

_RECORDS = "audit_logs"


class Mood(Enum):
    """Outcome of an insert."""

    FINE = auto()
    REFUSED = auto()
    CUT_BEFORE = auto()
    """The connection breaks before it takes effect."""
    CUT_AFTER = auto()
    """The connection breaks after it took effect."""
    LATER = auto()
    """The connection breaks, and it takes effect at some later time."""
    TWICE = auto()
    """It comes once more at some later time."""
    LOST = auto()
    """The server is killed after it noted the token, and before the rows are visible."""
    STUMBLES_BEFORE = auto()
    """Something unforeseen goes wrong in this process before it takes effect."""
    STUMBLES_AFTER = auto()
    """Something unforeseen goes wrong in this process after it took effect."""
    HANGS = auto()
    """Nothing happens until ``answer``."""


@dataclass
class MoodyStore:
    """Implements ``Engine`` for the evidence of logs of audit records.

    Attributes:
        hang: waits until it is told what becomes of an insert that hangs.
        before_insert: called before each insert.
        after_insert: called after each insert that took effect.
        moods: of the next inserts; then all is fine.
        down: nothing is reached.
        deaf: so many of the next queries are not answered.
        dazed: something unforeseen goes wrong in this process at so many of the next queries.
        late: inserts that have not taken effect yet.
        batches: the batches of all logs in their order.
        leaves: how often each leaf hash is in a committed batch.
    """

    hang: Callable[[], Mood]
    before_insert: Callable[[], None] = lambda: None
    after_insert: Callable[[], None] = lambda: None
    moods: deque[Mood] = field(default_factory=deque)
    down: bool = False
    deaf: int = 0
    dazed: int = 0
    late: list[tuple[str, bytes, str]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    leaves: Counter[bytes] = field(default_factory=Counter)
    info: EngineInfo = field(default_factory=lambda: EngineInfo("moody", (26, 9), exclusive=True))
    _records: dict[UUID, tuple[int, int]] = field(default_factory=dict)  # first leaf and number, by batch
    _together: dict[UUID, frozenset[UUID]] = field(default_factory=dict)  # the batches of one insert, by batch
    _tiles: dict[UUID, list[TileFragment]] = field(default_factory=dict)
    _logs: dict[UUID, str] = field(default_factory=dict)  # LogId, by batch
    _tokens: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @property
    def unfinished(self) -> set[UUID]:
        """Batches of which there are rows without their checkpoint."""
        return {*self._records, *self._tiles} - {batch.batch_id for batch in self.batches}

    @property
    def unfinished_groups(self) -> set[frozenset[UUID]]:
        """Unfinished batches by the insert that brought their records."""
        return {self._together[batch_id] for batch_id in self.unfinished}

    def arrive(self, place: int) -> None:
        """Let a late insert take effect."""
        self._apply(*self.late.pop(place))

    def lose_last(self, origin: str) -> None:
        """Lose all rows of the last batch of a log, unless an insert of it may still come."""
        last = next((batch for batch in reversed(self.batches) if batch.origin == origin), None)
        if last is None or self.late:
            return
        self.batches.remove(last)
        self._records.pop(last.batch_id)
        fragments = self._tiles.pop(last.batch_id)
        self.leaves -= Counter(split_hashes(b"".join(one.hashes for one in fragments if one.level == 0)))

    def forget_tokens(self) -> None:
        """Forget them, as the tables do when others have inserted enough."""
        assert not self.late, "one that comes then is stored twice, whoever sent it"
        self._tokens.clear()

    def execute(self, statement: str, /) -> None:
        raise AssertionError(f"not expected: {statement}")

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        self.before_insert()
        mood = self.moods.popleft() if self.moods else Mood.FINE
        if mood is Mood.HANGS:
            mood = self.hang()
        if self.down:
            raise NotAppliedError("connection refused")
        if mood is Mood.REFUSED:
            raise REFUSED
        if mood is Mood.LOST:
            self._tokens.setdefault((table, token), block)
        if mood in (Mood.LATER, Mood.TWICE):
            self.late.append((table, block, token))
        if mood in (Mood.FINE, Mood.CUT_AFTER, Mood.TWICE, Mood.STUMBLES_AFTER):
            self._apply(table, block, token)
            self.after_insert()
        if mood in (Mood.STUMBLES_BEFORE, Mood.STUMBLES_AFTER):
            raise MemoryError
        if mood not in (Mood.FINE, Mood.TWICE):
            raise UNKNOWN

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        if self.down:
            raise NotAppliedError("connection refused")
        if self.dazed:
            self.dazed -= 1
            raise MemoryError
        if self.deaf:
            self.deaf -= 1
            raise UNKNOWN
        assert parameters is not None
        if found := re.match(r"SELECT DISTINCT BatchId FROM (\w+) ", select):
            asked = map(UUID, parameters["batches"])
            return b"".join(uuid_bytes(batch) for batch in asked if self._has(found[1], batch))
        if select.startswith("SELECT toString(LogId) AS Log, count() FROM audit_logs "):
            return b""  # it is only for a warning
        if " FROM log_tiles " in select:
            of_logs = {
                UUID(parameters[name]): parameters[f"log{name[5:]}"] for name in parameters if name[:5] == "batch"
            }
            return b"".join(map(_leaf_row, self._leaf_fragments(of_logs)))
        assert " FROM log_batches " in select, f"not expected: {select}"
        if "places" in parameters:
            places = set(parameters["places"])
            there = [one for one in self.batches if (one.log_id, one.sequence, one.tree_size) in places]
            return b"".join(map(_batch_row, there))
        if "max(Sequence)" in select:
            last = {batch.log_id: batch for batch in self.batches if batch.log_id in parameters["logs"]}
            return b"".join(map(_batch_row, last.values()))
        batches = [batch for batch in self.batches if batch.log_id == parameters["log"]]
        if "ORDER BY Sequence DESC" in select:
            return b"".join(map(_batch_row, batches[-1:]))
        leaves = parameters["leaves"]
        holding = [batch for batch in batches if any(batch.first_leaf <= leaf < batch.tree_size for leaf in leaves)]
        return b"".join(map(_batch_row, holding))

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        yield self.query(select, parameters, settings=settings)

    def interrupted_by(self, interrupt: Interrupt, /) -> AbstractContextManager[None]:
        return nullcontext()  # nothing takes long

    def close(self) -> None:
        """Nothing is held."""

    def _has(self, table: str, batch_id: UUID) -> bool:
        if table == "log_batches":
            return any(batch.batch_id == batch_id for batch in self.batches)
        return batch_id in (self._records if table == _RECORDS else self._tiles)

    def _leaf_fragments(self, logs: Mapping[UUID, str]) -> list[tuple[str, TileFragment]]:
        """Return the fragments of level 0 of some batches, each with the LogId of its batch."""
        found = [
            (log_id, fragment)
            for batch_id, log_id in logs.items()
            if self._logs.get(batch_id) == log_id
            for fragment in self._tiles.get(batch_id, ())
            if fragment.level == 0
        ]
        return sorted(found, key=lambda one: (one[0], one[1].tile_index, one[1].offset))

    def _apply(self, table: str, block: bytes, token: str) -> None:
        if (table, token) in self._tokens:
            assert self._tokens[table, token] == block, "another block came under the same token"
            return
        self._tokens[table, token] = block
        if table == _RECORDS:
            self._apply_records(block)
        elif table == "log_tiles":
            tiles: dict[UUID, list[TileFragment]] = {}
            for row in read_block(block):
                fragment = TileFragment(row["Level"], row["TileIndex"], row["Offset"], row["Hashes"])
                tiles.setdefault(row["BatchId"], []).append(fragment)
                self._logs[row["BatchId"]] = row["LogId"]
            assert not tiles.keys() & self._tiles.keys(), "log_tiles has a batch twice"
            self._tiles |= tiles
        else:
            for row in read_block(block):
                self._commit(_batch(row))

    def _apply_records(self, block: bytes) -> None:
        count = count_rows(block)
        leaves_at = len(block) - 8 * count  # LeafIndex is the last column, BatchId the one before it
        places = struct.unpack(f"<{count}Q", block[leaves_at:])
        ids_end = leaves_at - len(encode_string(b"LeafIndex") + encode_string(b"UInt64"))
        packed = block[ids_end - 16 * count : ids_end]
        found: dict[UUID, tuple[int, int]] = {}
        for number, place in enumerate(places):
            high, low = struct.unpack_from("<QQ", packed, 16 * number)
            first, rows = found.get(UUID(int=high << 64 | low), (place, 0))
            assert place == first + rows
            found[UUID(int=high << 64 | low)] = first, rows + 1
        assert not found.keys() & self._records.keys(), f"{_RECORDS} has a batch twice"
        self._records |= found
        self._together |= dict.fromkeys(found, frozenset(found))

    def _commit(self, batch: Batch) -> None:
        batch_id = batch.batch_id
        assert batch_id == compute_batch_id(batch)
        assert not self._has("log_batches", batch_id), "log_batches has a batch twice"
        last = next((one for one in reversed(self.batches) if one.origin == batch.origin), None)
        assert follows(batch, last), "a batch does not follow from the last of its log"
        assert self._records.get(batch_id) == (batch.first_leaf, batch.record_count), "records are missing"
        assert batch_id in self._tiles, "hashes are missing"
        leaves = b"".join(fragment.hashes for fragment in self._tiles[batch_id] if fragment.level == 0)
        after, _ = CompactRange.from_bytes(batch.first_leaf, batch.frontier).extend(leaves, hash_pairs)
        assert (after.size, after.root()) == (batch.tree_size, batch.root_hash)
        self.batches.append(batch)
        self.leaves.update(split_hashes(leaves))


def _batch(row: Mapping[str, Any]) -> Batch:
    values = [row[column.name] for column in BATCH_COLUMNS]
    return Batch(*(value.decode() if name == "Checkpoint" else value for name, value in zip(row, values, strict=True)))


def _batch_row(batch: Batch) -> bytes:
    head = encode_string(batch.log_id.encode()) + encode_string(batch.origin.encode())
    return head + uuid_bytes(batch.batch_id) + encode_batch(batch, batch.checkpoint)[len(head) :]


def _leaf_row(found: tuple[str, TileFragment]) -> bytes:
    log_id, fragment = found
    return encode_string(log_id.encode()) + encode_string(fragment.hashes)
