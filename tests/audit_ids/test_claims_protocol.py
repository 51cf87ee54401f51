"""The protocol of claims under all interleavings of several writers that crash: no id has two rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from server.audit_ids.standing import Claimant, Standing, ended, standing_of
from storage.audit_ids import IdRow, IdState, StoredPlace

ID = UUID(int=17)
DIGESTS = (b"a" * 32, b"b" * 32)


@dataclass
class World:
    """Storage, as it is seen by writers that send one record id again and again.

    Attributes:
        rows: the rows of the id.
        log: the rows of records: their writer, time of receipt and digest.
        stray: inserts of processes that have ended, which may still arrive.
        acknowledged: digests of acknowledged records.
    """

    rows: list[IdRow] = field(default_factory=list)
    log: list[tuple[str, int, bytes]] = field(default_factory=list)
    stray: list[IdRow] = field(default_factory=list)
    acknowledged: list[bytes] = field(default_factory=list)
    time: int = 0

    def tick(self) -> int:
        self.time += 1
        return self.time

    def places(self, origin: str) -> dict[tuple[UUID, bytes], StoredPlace]:
        return {(ID, digest): StoredPlace(leaf, at) for leaf, (of, at, digest) in enumerate(self.log) if of == origin}


@dataclass
class Process:
    """One process of a writer, and what its journal has when it ends."""

    world: World
    origin: str
    instance: UUID = field(default_factory=uuid4)
    journal: list[tuple[str, int, bytes]] = field(default_factory=list)
    attempt: Iterator[None] | None = None
    sending: IdRow | None = None

    def crash(self) -> Process:
        """End in the middle; the next process stores the journal before anything else."""
        if self.sending is not None:
            self.world.stray.append(self.sending)
        self.world.log += self.journal
        return Process(self.world, self.origin)

    def insert(self, row: IdRow) -> Iterator[None]:
        self.sending = row
        yield
        self.world.rows.append(row)
        self.sending = None
        yield

    def send(self, digest: bytes, is_refused: Callable[[], bool]) -> Iterator[None]:
        """Send a record, a step at a time."""
        world, me = self.world, Claimant(self.origin, self.instance)
        claim = IdRow(ID, uuid4(), IdState.CLAIMED, digest, self.origin, self.instance, world.tick())
        yield from self.insert(claim)
        standing = standing_of(list(world.rows), me).get(ID, Standing())
        yield
        stored = standing.stored
        if stored is None and standing.earlier and not standing.elsewhere:
            places = world.places(self.origin)
            yield
            for row in ended(sorted(standing.earlier, key=lambda row: row.claimed_at), places):
                yield from self.insert(row)
                stored = row if row.state is IdState.STORED else stored
        if stored is not None or standing.elsewhere:
            yield from self.insert(replace(claim, state=IdState.RELEASED))
            if stored is not None and stored.digest == digest:
                world.acknowledged.append(digest)
            return
        if is_refused():
            yield from self.insert(replace(claim, state=IdState.RELEASED))
            return
        record = (self.origin, world.tick() * 10**6, digest)
        yield
        self.journal.append(record)
        yield
        self.journal.remove(record)
        world.log.append(record)
        yield
        world.acknowledged.append(digest)
        leaf = world.log.index(record)
        yield from self.insert(replace(claim, state=IdState.STORED, leaf_index=leaf, ingested_at=record[1]))


@given(st.data())
def test_one_id_has_one_row_and_whoever_gets_ok_has_it(data: st.DataObject) -> None:
    world = World()
    processes = [Process(world, f"shop/audit/{name}") for name in ("a", "b", "c")]

    def rarely() -> bool:
        return data.draw(st.integers(0, 5)) == 5

    for _ in range(data.draw(st.integers(20, 120))):
        if world.stray and rarely():
            world.rows.append(world.stray.pop())
        number = data.draw(st.integers(0, len(processes) - 1))
        process = processes[number]
        if process.attempt is None:
            process.attempt = process.send(data.draw(st.sampled_from(DIGESTS)), rarely)
        if rarely():
            processes[number] = process.crash()
        elif next(process.attempt, process) is process:
            process.attempt = None
        assert len(world.log) + sum(len(each.journal) for each in processes) <= 1
        assert set(world.acknowledged) <= {digest for _, _, digest in world.log}


def test_two_claims_that_see_each_other_both_withdraw_and_one_that_sees_none_continues() -> None:
    first, second = (Claimant(f"shop/audit/{name}", uuid4()) for name in "ab")
    rows = [IdRow(ID, uuid4(), IdState.CLAIMED, DIGESTS[0], one.origin, one.instance, 1) for one in (first, second)]
    assert standing_of(rows[:1], first)[ID] == Standing()
    assert standing_of(rows, first)[ID].elsewhere == (second.origin,)
    assert standing_of(rows, second)[ID].elsewhere == (first.origin,)


def test_of_the_open_claims_of_a_writer_the_last_one_of_the_record_before_its_receipt_has_it() -> None:
    digests = (DIGESTS[1], DIGESTS[1], DIGESTS[0], DIGESTS[1])
    rows = [IdRow(ID, uuid4(), IdState.CLAIMED, digest, "shop/audit/a", uuid4(), n) for n, digest in enumerate(digests)]
    found = list(ended(rows, {(ID, DIGESTS[1]): StoredPlace(7, 2 * 10**6)}))
    assert [row.state for row in found] == [IdState.RELEASED, IdState.STORED, IdState.RELEASED, IdState.RELEASED]
    assert (found[1].leaf_index, found[1].ingested_at) == (7, 2 * 10**6)
    assert {row.state for row in ended(rows, {})} == {IdState.RELEASED}
