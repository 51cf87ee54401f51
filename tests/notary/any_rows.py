"""Strategies of rows: any records, of any batches."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from server.notary.canonical import Kind, encode_array, encode_map, encode_string

from .hashed_rows import BATCHES, COUNT, FIRST, row

__all__ = ["rows"]

Pairs = list[tuple[bytes, bytes]]


def rows(kinds: Sequence[Kind]) -> st.SearchStrategy[bytes]:
    """Return the strategy of rows whose records are made up of some kinds."""
    texts = st.binary(max_size=5) | st.sampled_from([0, 127, 128, 5000, 20_000]).map(lambda size: b"x" * size)
    pairs = st.lists(st.tuples(st.binary(max_size=3), texts), max_size=4)
    return st.builds(
        row,
        st.integers(FIRST, FIRST + COUNT - 1),
        st.builds(_content, st.just(kinds), texts, pairs),
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
