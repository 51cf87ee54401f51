"""Strategies of rows, of maps, and of places to cut data."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from server.notary.canonical import Kind, encode_array, encode_map, encode_string

from .hashed_rows import BATCHES, COUNT, FIRST, row

__all__ = ["Pairs", "cuts", "maps", "rows"]

Pairs = list[tuple[bytes, bytes]]

cuts = st.lists(st.integers(0, 1 << 16), max_size=6)
"""Places at which ``blocks.cut`` cuts data."""

maps = st.lists(
    st.tuples(st.sampled_from([b"", b"k", b"l", b"k" * 200, b"\xff"]), st.sampled_from([b"", b"x", b"y", b"x" * 200])),
    max_size=6,
)
"""Maps in any order, of few keys and values, so that both are repeated."""

# Sizes around those at which a length takes one byte more, and at which values are copied in other ways.
_texts = st.binary(max_size=5) | st.sampled_from([0, 8, 16, 17, 127, 128, 5000, 20_000]).map(lambda size: b"x" * size)


def rows(kinds: Sequence[Kind]) -> st.SearchStrategy[bytes]:
    """Return the strategy of rows whose records, of version 1, consist of some kinds."""
    pairs = st.lists(st.tuples(st.binary(max_size=3) | _texts, _texts), max_size=4)
    return st.builds(
        row,
        st.integers(FIRST, FIRST + COUNT - 1),
        st.builds(_content, st.just(kinds), _texts, pairs),
        st.none() | st.sampled_from(BATCHES),
        right_beside=st.booleans() | st.just(True),
    )


def _content(kinds: Sequence[Kind], text: bytes, pairs: Pairs) -> bytes:
    values = {
        Kind.TIME: bytes(8),
        Kind.UINT8: bytes(1),
        Kind.UINT32: bytes(4),
        Kind.STRING: encode_string(text),
        Kind.WORD: encode_string(text),
        Kind.MAP: encode_map(pairs),
        Kind.UINT64: bytes(8),
        Kind.TIMES: encode_array([bytes(8)] * len(pairs)),
        Kind.STRINGS: encode_array([encode_string(value) for _, value in pairs]),
        Kind.WORDS: encode_array([encode_string(key) for key, _ in pairs]),
        Kind.MAPS: encode_array([encode_map(pairs[number:]) for number in range(len(pairs))]),
    }
    return b"".join(values[kind] for kind in kinds)
