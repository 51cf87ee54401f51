"""Entries of the journal: what is written of a batch is all that is needed to store it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.ingest import JournalDamagedError
from server.log.journal_entry import Entry, SignedBatch, decode_entry
from server.notary.batch import LogState, compute_batch_id, encode_batch, notarize
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import MlDsa44Key, Signer
from storage.native import Block

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
BEGIN = LogState(NAME)
BLOCK = Block(b"block", (2, 5))


def entry_of(
    leaves: int, *, state: LogState = BEGIN, requests: int = 1, block: Block = BLOCK, signer: Signer = SIGNER
) -> tuple[Entry, LogState]:
    """Make an entry of a batch; returns it and where the log stands after it."""
    hashes = b"".join(bytes([number % 256]) * 32 for number in range(leaves))
    made = notarize(state, hashes, signer, min_timestamp=-5, max_timestamp=7, ingested_at=1 << 60)
    signed = SignedBatch(made.batch, hashes, tuple(bytes([n]) * 32 for n in range(requests)))
    return Entry((signed,), block), made.state


def first_of(entry: Entry) -> SignedBatch:
    return entry.signed[0]


def payload(entry: Entry) -> bytes:
    return b"".join(entry.encode())


@given(
    st.integers(1, 600),
    st.integers(0, 700),
    st.integers(0, 5),
    st.builds(Block, st.binary(max_size=200), st.lists(st.integers(0, 1 << 40), max_size=50).map(tuple)),
)
def test_an_entry_is_read_as_it_was_written(before: int, leaves: int, requests: int, block: Block) -> None:
    _, state = entry_of(before)
    entry, _ = entry_of(leaves, state=state, requests=requests, block=block)
    assert decode_entry(payload(entry)) == entry


@pytest.mark.parametrize("version", [1, 2])
def test_an_entry_of_an_earlier_version_is_read_and_the_first_cannot_be_joined(version: int) -> None:
    entry, _ = entry_of(3, requests=2)
    signed = first_of(entry)
    ends = struct.pack("<HQQ", 2, *entry.block.ends)
    header = struct.pack("<HIQQ", version, 2, 3 * 32, len(entry.block.data))
    row = encode_batch(signed.batch, signed.batch.checkpoint)
    pieces = [header, row, *signed.requests, signed.leaf_hashes, *[ends][: version - 1], entry.block.data]
    read = decode_entry(b"".join(pieces))
    assert read == (entry if version > 1 else replace(entry, block=Block(entry.block.data, ())))
    assert (entry.joinable, read.joinable) == (True, version > 1)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=5))
def test_batches_of_many_logs_are_read_as_they_were_written(sizes: list[tuple[int, int]]) -> None:
    signed, states = [], []
    for number, (leaves, requests) in enumerate(sizes):
        entry, state = entry_of(leaves, state=LogState(LogName("example.org", Stream.AUDIT, f"w{number}")))
        signed.append(replace(first_of(entry), requests=tuple(bytes([n]) * 32 for n in range(requests))))
        states.append(state)
    entry = Entry(tuple(signed), BLOCK)
    read = decode_entry(payload(entry))
    assert read == entry
    assert [one.extend(one.before())[0] for one in read.signed] == states
    assert (read.rows, len(read.requests)) == (sum(n for n, _ in sizes), sum(n for _, n in sizes))


def test_an_entry_without_batches_is_none() -> None:
    with pytest.raises(JournalDamagedError):
        decode_entry(payload(Entry((), BLOCK)))


def test_both_signatures_of_a_batch_are_kept() -> None:
    entry, _ = entry_of(3, signer=Signer(SIGNER.ed25519, MlDsa44Key.generate()))
    assert decode_entry(payload(entry)) == entry


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_entries_say_what_they_make_of_their_log(sizes: list[int]) -> None:
    state = again = BEGIN
    for size in sizes:
        hashes = b"".join(bytes([number % 256]) * 32 for number in range(size))
        made = notarize(state, hashes, SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=0)
        signed = first_of(decode_entry(payload(Entry((SignedBatch(made.batch, hashes),), Block(b"", ())))))
        assert signed.before() == state
        again, fragments = signed.extend(again)
        assert (again, fragments) == (made.state, made.fragments)
        state = made.state


@given(st.data())
def test_an_entry_that_was_cut_is_none(data: st.DataObject) -> None:
    whole = payload(entry_of(3)[0])
    with pytest.raises(JournalDamagedError):
        decode_entry(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=200))
def test_other_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(JournalDamagedError):
        decode_entry(data)


@given(st.data())
def test_a_changed_byte_never_makes_another_batch_of_the_log(data: st.DataObject) -> None:
    entry, after = entry_of(3)
    changed = bytearray(payload(entry))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = decode_entry(bytes(changed))
        state, _ = first_of(read).extend(BEGIN)
    except JournalDamagedError:
        return
    # Times, request digests, the block and signatures are for the frame's checksum and the log's keys to guard.
    assert (state, first_of(read).leaf_hashes) == (after, first_of(entry).leaf_hashes)


def test_an_entry_of_a_later_version_says_so() -> None:
    later = b"\x04\x00" + payload(entry_of(1)[0])[2:]
    with pytest.raises(JournalDamagedError, match="an entry of version 4, but this Lognotary supports 3"):
        decode_entry(later)


class TestPlace:
    """A batch goes where it was signed for, and nowhere else."""

    def test_it_does_not_go_on_a_log_that_stands_elsewhere(self) -> None:
        first, state = entry_of(3)
        second, after = entry_of(2, state=state)
        for before in (
            BEGIN,
            after,
            replace(state, sequence=2),
            LogState(NAME, 1, CompactRange().extend(bytes(96))[0]),
        ):
            with pytest.raises(
                JournalDamagedError, match=r"does not continue the log.*lognotary journal inspect.* move its directory"
            ):
                first_of(second).extend(before)
        with pytest.raises(
            JournalDamagedError, match=r"does not continue the log.*lognotary journal inspect.* move its directory"
        ):
            first_of(first).extend(LogState(LogName("example.org", Stream.AUDIT, "node-2")))

    @pytest.mark.parametrize(
        "changes", [{"tree_size": 4}, {"root_hash": bytes(32)}, {"checkpoint": "nonsense"}, {"checkpoint": ""}]
    )
    def test_it_is_what_it_signs(self, changes: dict[str, object]) -> None:
        entry, _ = entry_of(3)
        signed = first_of(entry)
        changed = replace(signed.batch, **changes)  # type: ignore[arg-type]
        changed = replace(changed, batch_id=compute_batch_id(changed))
        with pytest.raises(JournalDamagedError):
            replace(signed, batch=changed).extend(BEGIN)

    def test_it_has_the_leaves_that_it_signs(self) -> None:
        entry, _ = entry_of(3)
        signed = first_of(entry)
        for leaves in (signed.leaf_hashes[:64], bytes(96), signed.leaf_hashes + bytes(32), b"x"):
            with pytest.raises(JournalDamagedError):
                replace(signed, leaf_hashes=leaves).extend(BEGIN)

    @pytest.mark.parametrize("changes", [{"origin": "nonsense"}, {"frontier": b"x"}, {"first_leaf": 5}])
    def test_a_batch_that_says_nonsense_of_its_place_has_none(self, changes: dict[str, object]) -> None:
        signed = first_of(entry_of(3)[0])
        with pytest.raises(JournalDamagedError, match="no place in a log"):
            replace(signed, batch=replace(signed.batch, **changes)).before()  # type: ignore[arg-type]
