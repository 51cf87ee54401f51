"""Claims of ids in storage. What is here blocks, and is called in threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from server.audit_ids.chains import Chains, chains_of, digest_link
from server.audit_ids.standing import Claimant, Standing, ended, newest, standing_of
from storage.audit_ids import (
    IdRow,
    IdState,
    StoredPlace,
    find_in_place,
    find_stored,
    insert_ids,
    link_id,
    open_claims,
    read_ids,
)
from storage.engine import Engine

__all__ = ["Claims", "Round"]

_PAGE = 2000  # claims that are looked at together


@dataclass(frozen=True, slots=True)
class Round:
    """Result of a round of claims.

    Attributes:
        standings: how each id stands; an id without a standing is free.
        chains: what storage knows about the records that others name.
        gone: ids of records that were stored, and are not in their places now.
    """

    standings: dict[UUID, Standing] = field(default_factory=dict)
    chains: Chains = field(default_factory=Chains)
    gone: frozenset[UUID] = frozenset()


class Claims:
    """The claims of one process."""

    def __init__(
        self, engine: Engine, me: Claimant, is_settled: Callable[[], bool], *, committed: int | None = None
    ) -> None:
        """Go on with the claims of a writer.

        Args:
            engine: the storage.
            me: the process, with an instance that has claimed nothing yet.
            is_settled: function that returns whether storage has everything that earlier processes of the writer may
                have sent or journaled.
            committed: number of entries of the writer's log, if rows behind them are never committed.
        """
        self._engine = engine
        self._is_settled = is_settled
        self._committed = committed
        self.me = me
        """The process."""

    def claim(self, claims: Sequence[IdRow], links: Sequence[IdRow], previous: Collection[bytes]) -> Round:
        """Claim ids, and find out how they stand.

        Args:
            claims: the claims, one for each id.
            links: links of those of the records that are in chains.
            previous: digests of the records that these name.

        Raises:
            StorageError: storage cannot be reached; the claims may be there.
        """
        insert_ids(self._engine, [*claims, *links])
        wanted = {one.record_id for one in claims}
        rows = read_ids(self._engine, sorted(wanted | set(map(link_id, previous))), self.me.tenant)
        standings = standing_of([row for row in rows if row.record_id in wanted], self.me)
        earlier = [claim for standing in standings.values() for claim in standing.earlier]
        if earlier and self._is_settled():
            settled = self._settle(earlier)
            stored = {row.record_id: row for row in settled if row.state is IdState.STORED}
            for record_id in {row.record_id for row in settled}:
                standings[record_id] = replace(standings[record_id], stored=stored.get(record_id), earlier=())
        kept = [standing.stored for standing in standings.values() if standing.stored is not None]
        gone = {row.record_id for row in kept} - find_in_place(self._engine, kept)
        return Round(standings, chains_of(rows, previous), frozenset(gone))

    def insert(self, rows: Sequence[IdRow]) -> None:
        """Store what became of claims; raises StorageError."""
        insert_ids(self._engine, rows)

    def find(self, record_ids: Sequence[UUID], since: int) -> dict[tuple[UUID, bytes], StoredPlace]:
        """Return where this process's log has records; see ``find_stored``."""
        return find_stored(self._engine, self.me.origin, record_ids, since)

    def settle_earlier(self, is_live: Callable[[UUID], bool], own_before: int) -> int:
        """Settle the open claims of this writer that are not on their way; return how many there were.

        Args:
            is_live: function that returns whether a claim of this process is on its way; called in this thread.
            own_before: time before which claims of this process were made if they are to be settled, in milliseconds
                since the epoch.

        Raises:
            StorageError: storage cannot be reached.
        """
        settled, after = 0, None
        while self._is_settled() and (page := open_claims(self._engine, self.me.origin, after, _PAGE)):
            after = page[-1].record_id
            rows = read_ids(self._engine, sorted({row.record_id for row in page}))
            # Asked after the rows were read: a claim that ended in between is settled in the same way once more.
            dead = [
                row
                for row in newest(rows)
                if row.state is IdState.CLAIMED
                and row.origin == self.me.origin
                and (row.instance != self.me.instance or (row.claimed_at < own_before and not is_live(row.claim_id)))
            ]
            self._settle(dead)
            settled += len(dead)
        return settled

    def _settle(self, dead: Sequence[IdRow]) -> list[IdRow]:
        """Store that claims ended, with or without a record, as the log shows."""
        if not dead:
            return []
        places = self.find(sorted({row.record_id for row in dead}), min(row.claimed_at for row in dead))
        if self._committed is not None:
            places = {record: place for record, place in places.items() if place.leaf_index < self._committed}
        settled = list(ended(sorted(dead, key=lambda row: row.claimed_at), places))
        # Whether a record was in a chain is not known; a row that ends no link does no harm.
        unlinked = [digest_link(row, row.state) for row in settled if row.state is IdState.RELEASED]
        self.insert([*settled, *unlinked])
        return settled
