"""The compiled hashing gives the same results as the one in Python, for any rows, in blocks that are cut anywhere."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import lacking
from server.notary import hashing, merkle
from server.notary.canonical import Kind

from .any_rows import cuts, rows
from .blocks import block_of, cut
from .hashed_rows import FIRST, KINDS, RANGES, in_python


@given(
    st.data(),
    # All records begin with a time, or with a mark that is as long.
    st.just(KINDS) | st.lists(st.sampled_from(Kind), max_size=5).map(lambda kinds: [Kind.TIME, *kinds]),
    cuts,
)
def test_rows_are_hashed_alike_in_any_blocks(data: st.DataObject, kinds: list[Kind], places: list[int]) -> None:
    parts = data.draw(st.lists(st.lists(rows(kinds), max_size=6), max_size=4))
    expected = in_python([each for part in parts for each in part], kinds)
    blocks = b"".join(block_of(b"".join(part), kinds) for part in parts)
    assert hashing.hash_blocks(cut(blocks, places), kinds, 1, FIRST, RANGES) == expected


def test_nodes_are_hashed_alike() -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    for pairs in range(70):
        hashes = b"".join(sha256(b"%d" % number).digest() for number in range(2 * pairs))
        assert hashing.hash_pairs(hashes) == merkle.hash_pairs(hashes)
