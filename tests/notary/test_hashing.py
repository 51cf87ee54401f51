"""Hashing of rows, in Python and, from blocks, compiled: which rows count, and which are errors."""

from __future__ import annotations

import importlib.util
import random
import struct
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from server.notary import hashing, merkle
from server.notary.canonical import (
    VERSIONS,
    Kind,
    canonical_columns,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    leaf_of,
    mark_of,
    versions_of,
)
from server.notary.errors import MalformedError
from server.notary.leaf_rows import LeafHashes, LeafRange, LeafState, row_kinds
from server.notary.origin import Stream

from .blocks import block_of
from .hashed_rows import BATCHES, COUNT, FIRST, KINDS, RANGES, HashRows, compiled, in_python, record, row


def test_every_record_is_hashed_whatever_the_order_of_rows(hash_rows: HashRows) -> None:
    records = {FIRST + number: record(b"text %d" % number) for number in range(COUNT)}
    rows = [row(leaf, content) for leaf, content in records.items()]
    random.Random(1).shuffle(rows)
    hashes = hash_rows(rows, KINDS, FIRST, RANGES)
    expected = [leaf_of(content) for content in records.values()]
    assert hashes == LeafHashes(FIRST, b"".join(expected), bytes([LeafState.HASHED] * COUNT))
    assert hashes.of(FIRST + 3, FIRST + 4) == expected[3]
    assert hashes.of(FIRST, FIRST + COUNT) == b"".join(expected)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_record_is_hashed_only_if_it_begins_like_one_of_its_version(hash_rows: HashRows, version: int) -> None:
    firsts = [0, 2**63 - 1, -1, -2, -3, -(2**63)]
    rows = [row(FIRST + number, encode_time(first)) for number, first in enumerate(firsts)]
    hashes = hash_rows(rows, [Kind.TIME], FIRST, RANGES, version)
    right = {1: [0, 2**63 - 1], 2: [-2], 3: [-3]}[version]
    states = [LeafState.HASHED if first in right else LeafState.SPOILT for first in firsts]
    assert list(hashes.states[: len(firsts)]) == states


def test_a_leaf_is_hashed_only_if_exactly_one_right_row_claims_it(hash_rows: HashRows) -> None:
    rows = [
        row(FIRST),
        row(FIRST + 1, batch_id=BATCHES[1]),  # another batch
        row(FIRST + 2),
        row(FIRST + 2),  # twice
        row(FIRST + 3, right_beside=False),
        row(FIRST + 4, batch_id=BATCHES[0]),
        row(FIRST + 4),  # one of two is right
        row(FIRST + 5),
        row(FIRST + 5, right_beside=False),
        row(FIRST + 6),
        row(FIRST + 6),
        row(FIRST + 6),
    ]
    hashes = hash_rows(rows, KINDS, FIRST, RANGES)
    none, hashed, spoilt = LeafState
    assert list(hashes.states) == [hashed, spoilt, spoilt, spoilt, spoilt, spoilt, spoilt, none]
    assert hashes.hashes == leaf_of(record()) + bytes(32 * (COUNT - 1))
    assert hashes.of(FIRST, FIRST + 1) == leaf_of(record())
    assert hashes.of(FIRST, FIRST + 2) is None
    assert hashes.of(FIRST + 7, FIRST + 8) is None


def test_rows_of_any_batch_are_hashed_where_none_is_expected(hash_rows: HashRows) -> None:
    rows = [row(FIRST, batch_id=BATCHES[2]), row(FIRST + 1, batch_id=BATCHES[1])]
    hashes = hash_rows(rows, KINDS, FIRST, [LeafRange(FIRST + 2, None)])
    assert hashes.of(FIRST, FIRST + 2) == 2 * leaf_of(record())


@pytest.mark.parametrize(("stream", "version"), [(stream, n) for stream in Stream for n in versions_of(stream)])
def test_the_columns_of_all_streams_and_versions_are_read(hash_rows: HashRows, stream: Stream, version: int) -> None:
    kinds = row_kinds(stream, version)
    mark = mark_of(version)
    fields = {
        Kind.TIME: encode_time(1),
        Kind.UINT8: b"\xff",
        Kind.UINT32: bytes(4),
        Kind.STRING: encode_string(b"s" * 200),
        Kind.WORD: encode_string(b"w"),
        Kind.MAP: encode_map([(b"k" * number, b"v" * 300) for number in range(130)]),
        Kind.UINT64: bytes(8),
    }
    fields |= {kind: encode_array([fields[kind.element]] * 130) for kind in Kind if kind.element}
    columns = canonical_columns(stream, version)
    content = mark + b"".join(fields[column.kind] for column in columns)
    rows = [row(FIRST, content), row(FIRST + 1, content)]
    assert hash_rows(rows, kinds, FIRST, RANGES, version).of(FIRST, FIRST + 2) == 2 * leaf_of(content)
    other = next(other for other in VERSIONS if other != version)
    assert list(hash_rows(rows, kinds, FIRST, RANGES, other).states[:2]) == [LeafState.SPOILT] * 2


def test_nothing_is_hashed_where_nothing_is_stored(hash_rows: HashRows) -> None:
    assert hash_rows([], KINDS, FIRST, RANGES) == LeafHashes(FIRST, bytes(32 * COUNT), bytes(COUNT))
    assert hash_rows([], KINDS, FIRST, []) == LeafHashes(FIRST, b"", b"")


def test_leaves_may_be_as_many_as_64_bits_can_count(hash_rows: HashRows) -> None:
    last = (1 << 64) - 2
    hashes = hash_rows(
        [row(FIRST)[:16] + struct.pack("<Q?", last, True) + record()], KINDS, last, [LeafRange(last + 1, BATCHES[0])]
    )
    assert hashes.of(last, last + 1) == leaf_of(record())


@pytest.mark.parametrize("leaf", [0, FIRST - 1, FIRST + COUNT, (1 << 64) - 1])
def test_a_row_of_another_part_of_the_log_is_an_error(hash_rows: HashRows, leaf: int) -> None:
    with pytest.raises(MalformedError, match="leaf that was not asked for"):
        hash_rows([row(FIRST), row(leaf, batch_id=BATCHES[0])], KINDS, FIRST, RANGES)


def test_an_error_of_the_source_of_rows_is_raised(hash_rows: HashRows) -> None:
    def broken() -> Iterator[bytes]:
        yield row(FIRST)
        raise ValueError("the connection broke")

    with pytest.raises(ValueError, match="the connection broke") as raised:
        hash_rows(broken(), KINDS, FIRST, RANGES)
    assert not isinstance(raised.value, MalformedError)


def test_ranges_that_are_not_in_order_and_ids_of_another_length_are_refused(hash_rows: HashRows) -> None:
    with pytest.raises(ValueError, match="not in order"):
        hash_rows([], KINDS, FIRST, [LeafRange(FIRST + 2, None), LeafRange(FIRST + 1, None)])
    with pytest.raises(ValueError, match="not in order"):
        hash_rows([], KINDS, FIRST, [LeafRange(FIRST - 1, None)])
    with pytest.raises(ValueError, match="16 bytes"):
        hash_rows([], KINDS, FIRST, [LeafRange(FIRST + 1, b"short")])


def test_several_threads_hash_at_the_same_time() -> None:
    data = [row(FIRST + number, record(b"%d" % number * 100)) for number in range(COUNT)]
    expected, results = in_python(data), []
    threads = [threading.Thread(target=lambda: results.append(compiled(data * 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


@pytest.mark.parametrize("hash_pairs", [merkle.hash_pairs, hashing.hash_pairs])
def test_bytes_that_are_not_whole_hashes_are_an_error(hash_pairs: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedError, match="33 bytes are not a whole number of 32-byte hashes"):
        hash_pairs(bytes(33))


def test_without_the_compiled_hashing_the_same_is_done_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "server.notary._native", None)
    monkeypatch.delattr("server.notary._native", raising=False)
    spec = importlib.util.find_spec("server.notary.hashing")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.COMPILED is False
    assert module.hash_pairs(bytes(64)) == merkle.hash_pairs(bytes(64))
    assert module.hash_blocks([block_of(row(FIRST), KINDS)], KINDS, 1, FIRST, RANGES) == in_python([row(FIRST)])
    assert module.map_sorter(KINDS)(record()) == (record(), True)
