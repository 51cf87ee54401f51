"""Batches: what notarizing makes, that others can verify it, and that the ID covers every field."""

from __future__ import annotations

import base64
import dataclasses
import subprocess
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import require_tools
from server.notary.batch import Batch, LogState, NotarizedBatch, TileFragment, compute_batch_id, notarize
from server.notary.batch import tile_fragments as cut_tiles
from server.notary.errors import MalformedError
from server.notary.merkle import CompactRange
from server.notary.note import NoteSignature, parse_note
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()


def leaves(first: int, count: int) -> bytes:
    return b"".join(sha256(b"leaf %d" % n).digest() for n in range(first, first + count))


def notarized(state: LogState, count: int) -> NotarizedBatch:
    hashes = leaves(state.range.size, count)
    return notarize(state, hashes, SIGNER, min_timestamp=1, max_timestamp=5, ingested_at=9)


BATCH = notarized(notarized(LogState(NAME), 3).state, 4).batch


def test_a_batch_says_where_it_stands_in_its_log() -> None:
    first = notarized(LogState(NAME), 3)
    second = notarized(first.state, 4)
    assert second.state == LogState(NAME, 2, CompactRange().extend(leaves(0, 7))[0])
    assert second.batch == Batch(
        log_id=NAME.log_id,
        origin="example.org/audit/node-1",
        batch_id=compute_batch_id(second.batch),
        sequence=2,
        first_leaf=3,
        tree_size=7,
        record_count=4,
        min_timestamp=1,
        max_timestamp=5,
        ingested_at=9,
        root_hash=second.state.range.root(),
        frontier=first.state.range.to_bytes(),
        checkpoint=second.batch.checkpoint,
        canonical_version=2,
    )


def test_the_checkpoint_is_verified_by_an_ed25519_library_alone() -> None:
    text, _, signature_line = BATCH.checkpoint.rpartition("\n\n")
    mark, name, blob = signature_line.removesuffix("\n").split(" ")
    signature = base64.b64decode(blob)[4:]
    key = Ed25519PublicKey.from_public_bytes(SIGNER.ed25519.public_key)
    key.verify(signature, text.encode() + b"\n")
    with pytest.raises(InvalidSignature):
        key.verify(signature, text.encode())
    assert (mark, name) == ("—", NAME.origin)
    assert text.split("\n") == [NAME.origin, "7", base64.b64encode(BATCH.root_hash).decode()]
    assert load_pem_public_key(SIGNER.public_pem()) == key


@pytest.mark.parametrize(("altered", "verdict"), [(False, 0), (True, 1)])
def test_the_checkpoint_is_verified_by_openssl(tmp_path: Path, altered: bool, verdict: int) -> None:
    require_tools("openssl")
    text, _, signature_line = BATCH.checkpoint.rpartition("\n\n")
    if altered:
        text = text.replace("\n7\n", "\n8\n")
    (tmp_path / "text").write_text(text + "\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(signature_line.split(" ")[2])[4:])
    (tmp_path / "key.pem").write_bytes(SIGNER.public_pem())
    command = "openssl pkeyutl -verify -rawin -pubin -inkey key.pem -sigfile signature -in text"
    result = subprocess.run(command.split(), cwd=tmp_path, check=False, capture_output=True)
    assert result.returncode == verdict, result.stderr


def test_the_batch_id_is_its_digest_as_a_uuid_of_version_8() -> None:
    number = BATCH.batch_id.int
    assert number >> 76 & 0xF == 8
    assert number >> 62 & 0x3 == 0b10


_OTHER = {
    "log_id": "0" * 16,
    "origin": "example.org/audit/node-2",
    "sequence": 3,
    "first_leaf": 2,
    "tree_size": 8,
    "record_count": 5,
    "min_timestamp": 0,
    "max_timestamp": 6,
    "ingested_at": 10,
    "root_hash": bytes(32),
    "frontier": bytes(64),
    "checkpoint": BATCH.checkpoint.replace("\n7\n", "\n8\n"),
    "canonical_version": 1,
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Batch) if field.name != "batch_id"])
def test_the_batch_id_changes_with_every_other_field(field: str) -> None:
    changed = dataclasses.replace(BATCH, **{field: _OTHER[field]})  # type: ignore[arg-type]
    assert getattr(changed, field) != getattr(BATCH, field)
    assert compute_batch_id(changed) != BATCH.batch_id


def test_the_batch_id_covers_neither_itself_nor_the_signatures() -> None:
    note = parse_note(BATCH.checkpoint)
    cosigned = dataclasses.replace(note, signatures=(*note.signatures, NoteSignature("witness", b"abcd", b"sig")))
    changed = dataclasses.replace(BATCH, batch_id=UUID(int=0), checkpoint=str(cosigned))
    assert compute_batch_id(changed) == BATCH.batch_id


def test_where_one_field_ends_and_the_next_begins_makes_a_difference() -> None:
    moved = dataclasses.replace(BATCH, log_id=BATCH.log_id + BATCH.origin[0], origin=BATCH.origin[1:])
    assert compute_batch_id(moved) != BATCH.batch_id


@pytest.mark.parametrize("hashes", [bytes(31), bytes(65)])
def test_leaf_hashes_that_are_not_whole_are_refused(hashes: bytes) -> None:
    with pytest.raises(MalformedError):
        notarize(LogState(NAME), hashes, SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=0)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_the_fragments_of_all_batches_make_up_the_tiles_of_the_log(counts: list[int]) -> None:
    state = LogState(NAME)
    tiles: dict[tuple[int, int], bytes] = {}
    for count in counts:
        step = notarized(state, count)
        for fragment in step.fragments:
            place = fragment.level, fragment.tile_index
            assert len(tiles.get(place, b"")) == 32 * fragment.offset  # nothing twice, nothing left out
            assert 0 < len(fragment.hashes) <= 32 * (256 - fragment.offset)
            tiles[place] = tiles.get(place, b"") + fragment.hashes
        state = step.state
    size = sum(counts)
    _, levels = CompactRange().extend(leaves(0, size))
    expected = {
        (level, start >> 8): hashes[32 * start : 32 * (start + 256)]
        for level, hashes in enumerate(levels)
        for start in range(0, len(hashes) // 32, 256)
    }
    assert tiles == expected


def test_a_fragment_ends_where_its_tile_ends() -> None:
    _, tiles = CompactRange().extend(leaves(0, 250))[0].extend(leaves(250, 270))
    assert [(f.level, f.tile_index, f.offset, len(f.hashes) // 32) for f in cut_tiles(250, tiles)] == [
        (0, 0, 250, 6),
        (0, 1, 0, 256),
        (0, 2, 0, 8),
        (1, 0, 0, 2),
    ]
    assert list(cut_tiles(250, [])) == []
    assert list(cut_tiles(5, [b"h" * 32])) == [TileFragment(0, 0, 5, b"h" * 32)]
