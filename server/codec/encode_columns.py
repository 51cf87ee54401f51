"""Encoding of one column: the stored column, and what the canonical records have of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

from server.codec.records import Attributes
from server.notary.canonical import (
    Kind,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
)
from storage.native import ArrayColumn, Column, MapColumn, PlainColumn, WordColumn, pack_numbers

__all__ = ["encode_column"]


def encode_column(kind: Kind, values: Sequence[Any]) -> tuple[Column, list[bytes]]:
    """Return a column in its stored form, and each row's value as it is encoded in the canonical record.

    Args:
        kind: the column's kind.
        values: the value of each row: a number, bytes, ``Attributes``, or a sequence of these.
    """
    if kind.element is None:
        return _encode_column(kind, values)
    # The arrays of all rows are one column, cut afterwards.
    elements, encoded = _encode_column(kind.element, list(chain.from_iterable(values)))
    cuts = accumulate(map(len, values), initial=0)
    arrays = [encode_array(encoded[start:end]) for start, end in pairwise(cuts)]
    return ArrayColumn(pack_numbers(map(len, values)), elements), arrays


def _encode_column(kind: Kind, values: Sequence[Any]) -> tuple[PlainColumn | WordColumn | MapColumn, list[bytes]]:
    if kind is Kind.WORD:
        words = WordColumn.of(values)
        encoded_words = [encode_string(word) for word in words.dictionary]
        return words, [encoded_words[index] for index in array("I", words.indexes)]
    if kind is Kind.MAP:
        return _encode_maps(values)
    # Fixed-width values and strings have the same bytes in Native and in RowBinary.
    encode: Callable[[Any], bytes] = {
        Kind.TIME: encode_time,
        Kind.UINT8: encode_uint8,
        Kind.UINT32: encode_uint32,
        Kind.UINT64: encode_uint64,
        Kind.STRING: encode_string,
    }[kind]
    encoded = [encode(value) for value in values]
    return PlainColumn(b"".join(encoded)), encoded


def _encode_maps(values: Sequence[Attributes]) -> tuple[MapColumn, list[bytes]]:
    # Rows of one resource or scope share one tuple object, so it is looked up by identity and encoded once.
    encoded: dict[int, tuple[bytes, bytes]] = {}
    records, contents = [], []
    for pairs in values:
        if id(pairs) not in encoded:
            encoded[id(pairs)] = encode_map(pairs), b"".join(encode_string(value) for _, value in pairs)
        record, content = encoded[id(pairs)]
        records.append(record)
        contents.append(content)
    lengths = pack_numbers(map(len, values))
    keys = WordColumn.of(key for pairs in values for key, _ in pairs)
    return MapColumn(lengths, keys, b"".join(contents)), records
