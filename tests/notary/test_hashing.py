"""The compiled hashing does what the same in Python does: with rows, and with bytes that are none."""

from __future__ import annotations

import importlib.util
import itertools
import random
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import lacking
from server.notary import hashing, leaf_rows, merkle
from server.notary.canonical import (
    VERSIONS,
    Kind,
    canonical_columns,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
    encode_varint,
    leaf_of,
    mark_of,
    versions_of,
)
from server.notary.errors import MalformedError
from server.notary.leaf_rows import MOST_SORTED, LeafHashes, LeafRange, LeafState, row_kinds
from server.notary.origin import Stream
from server.notary.record_filter import RecordFilter
from server.notary.row_walker import MOST_BYTES

FIRST = 1000
BATCHES = [bytes([number]) * 16 for number in range(3)]
RANGES = [LeafRange(FIRST + 3, BATCHES[0]), LeafRange(FIRST + 4, BATCHES[1]), LeafRange(FIRST + 8, BATCHES[2])]
COUNT = 8
KINDS = [
    *(Kind.TIME, Kind.STRING, Kind.MAP, Kind.UINT8, Kind.WORD, Kind.UINT32),
    *(Kind.UINT64, Kind.TIMES, Kind.STRINGS, Kind.WORDS, Kind.MAPS),
]
HashRows = Callable[..., LeafHashes]  # as in_python and compiled


def batch_of(leaf: int) -> bytes:
    return next(part.batch_id for part in RANGES if leaf < part.end_leaf and part.batch_id is not None)


def record(text: bytes = b"text") -> bytes:
    pairs = [(b"key", text), (b"other", b"")]
    fields = (
        encode_time(1),
        encode_string(text),
        encode_map(pairs),
        encode_uint8(2),
        encode_string(b""),
        encode_uint32(3),
        encode_uint64(4),
        encode_array([encode_time(5)]),
        encode_array([encode_string(text), encode_string(b"")]),
        encode_array([]),
        encode_array([encode_map(pairs), encode_map([])]),
    )
    return b"".join(fields)


def row(leaf: int, content: bytes = record(), batch_id: bytes | None = None, *, right_beside: bool = True) -> bytes:
    return (batch_id or batch_of(leaf)) + struct.pack("<Q?", leaf, right_beside) + content


def in_python(
    pieces: Sequence[bytes],
    kinds: Sequence[Kind] = KINDS,
    first: int = FIRST,
    ranges: Sequence[LeafRange] = RANGES,
    version: int = 1,
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    return leaf_rows.hash_rows(pieces, kinds, version, first, ranges, wanted)


def compiled(
    pieces: Sequence[bytes],
    kinds: Sequence[Kind] = KINDS,
    first: int = FIRST,
    ranges: Sequence[LeafRange] = RANGES,
    version: int = 1,
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    return hashing.hash_rows(pieces, kinds, version, first, ranges, wanted)


@pytest.fixture(params=[in_python, compiled])
def hash_rows(request: pytest.FixtureRequest) -> HashRows:
    function: HashRows = request.param
    return function


def outcome(hash_rows: Callable[..., LeafHashes], *arguments: object) -> LeafHashes | tuple[type, str]:
    try:
        return hash_rows(*arguments)
    except MalformedError as error:
        return type(error), str(error)


def test_every_record_is_hashed_whatever_the_order_of_rows(hash_rows: HashRows) -> None:
    records = {FIRST + number: record(b"text %d" % number) for number in range(COUNT)}
    rows = [row(leaf, content) for leaf, content in records.items()]
    random.Random(1).shuffle(rows)
    hashes = hash_rows([b"".join(rows)], KINDS, FIRST, RANGES)
    expected = [leaf_of(content) for content in records.values()]
    assert hashes == LeafHashes(FIRST, b"".join(expected), bytes([LeafState.HASHED] * COUNT))
    assert hashes.of(FIRST + 3, FIRST + 4) == expected[3]
    assert hashes.of(FIRST, FIRST + COUNT) == b"".join(expected)


def holding(text: bytes, most_bytes: int = 1 << 20) -> RecordFilter:
    """Return the filter of records whose first text is this one."""
    program = b"\3\1" + struct.pack("<HII", 1, 1, len(text)) + text
    return RecordFilter(program, lambda _, content: content[8:].startswith(encode_string(text)), most_bytes)


def test_records_that_pass_a_filter_are_kept_as_they_were_hashed(hash_rows: HashRows) -> None:
    records = {FIRST + number: record(b"text" if number % 2 else b"other") for number in range(COUNT)}
    backwards = record(b"text").replace(encode_map([(b"key", b"text"), (b"other", b"")]), b"\2\5other\0\3key\4text")
    assert len(backwards) == len(record(b"text"))
    rows = [row(leaf, backwards if leaf == FIRST + 1 else content) for leaf, content in records.items()]
    hashes = hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text"))
    assert sorted(hashes.kept) == [(FIRST + number, record(b"text")) for number in (1, 3, 5, 7)]
    assert not hashes.dropped
    assert hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"tex")).kept == ()
    assert hash_rows(rows, KINDS, FIRST, RANGES).kept == ()


def test_a_record_whose_leaf_is_spoilt_later_is_not_kept(hash_rows: HashRows) -> None:
    rows = [row(FIRST), row(FIRST + 1), row(FIRST), row(FIRST + 2, right_beside=False)]
    assert hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text")).kept == ((FIRST + 1, record()),)


def test_records_beyond_the_room_of_a_filter_are_dropped_and_hashed_all_the_same(hash_rows: HashRows) -> None:
    rows = [row(FIRST + number) for number in range(COUNT)]
    hashes = hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text", 2 * len(record())))
    assert len(hashes.kept) == 3
    assert hashes.dropped
    assert hashes.states == bytes([LeafState.HASHED] * COUNT)
    assert not hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text", COUNT * len(record()))).dropped


def test_a_compiled_filter_refuses_what_is_no_program_and_what_is_no_record() -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    program, kinds = holding(b"text").program, hashing.codes(KINDS)
    assert hashing.holds(program, kinds, FIRST, record())
    for size in range(len(program)):
        with pytest.raises(ValueError, match="the program of a filter is malformed"):
            hashing.holds(program[:size], kinds, FIRST, record())
    for column in (0, 2, len(KINDS), 0xFFFF):
        with pytest.raises(ValueError, match="the program of a filter is malformed"):
            hashing.holds(b"\3\1" + struct.pack("<HI", column, 0), kinds, FIRST, record())
    with pytest.raises(MalformedError, match="the canonical record ends too early"):
        hashing.holds(program, kinds, FIRST, record()[:9])


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


Pairs = list[tuple[bytes, bytes]]


def map_row(*maps: Pairs) -> bytes:
    return row(FIRST, b"".join(encode_string(b"before") + encode_map(pairs) for pairs in maps) + bytes(4))


def map_hashes(hash_rows: HashRows, *maps: Pairs) -> LeafHashes:
    kinds = [Kind.STRING, Kind.MAP] * len(maps) + [Kind.UINT32]
    return hash_rows([map_row(*maps)], kinds, FIRST, [LeafRange(FIRST + 1, None)])


keys, values = (st.binary(max_size=2) | st.sampled_from([b"k", b"k" * 200, b"\xff"]) for _ in range(2))


@given(st.lists(st.lists(st.tuples(keys, values), max_size=6), min_size=1, max_size=3), st.randoms())
@pytest.mark.parametrize("hash_rows", [in_python, compiled])
def test_keys_of_maps_may_be_stored_in_any_order(hash_rows: HashRows, maps: list[Pairs], anyhow: random.Random) -> None:
    in_order = [sorted(pairs) for pairs in maps]
    shuffled = [anyhow.sample(pairs, len(pairs)) for pairs in maps]
    # The values of one key stay in order.
    shuffled = [
        [(key, by_key[key].pop(0)) for key, _ in pairs]
        for pairs in shuffled
        for by_key in [{key: sorted(value for other, value in pairs if other == key) for key, _ in pairs}]
    ]
    hashes = map_hashes(hash_rows, *shuffled)
    assert hashes == map_hashes(hash_rows, *in_order)
    assert hashes.hashes == leaf_of(map_row(*in_order)[25:])


@given(st.lists(st.lists(st.tuples(keys, values), max_size=6), max_size=4), st.randoms())
@pytest.mark.parametrize("hash_rows", [in_python, compiled])
def test_keys_of_maps_in_an_array_may_be_stored_in_any_order(
    hash_rows: HashRows, maps: list[Pairs], anyhow: random.Random
) -> None:
    in_order = [sorted(dict(pairs).items()) for pairs in maps]
    contents = [
        encode_string(b"before") + encode_array(list(map(encode_map, each))) + bytes(4)
        for each in (in_order, [anyhow.sample(pairs, len(pairs)) for pairs in in_order])
    ]
    for content in contents:
        hashes = hash_rows(
            [row(FIRST, content)], [Kind.STRING, Kind.MAPS, Kind.UINT32], FIRST, [LeafRange(FIRST + 1, None)]
        )
        assert hashes.hashes == leaf_of(contents[0])


@pytest.mark.parametrize("filled", [[], [Kind.TIMES], [Kind.WORDS], [Kind.MAPS], [Kind.STRINGS, Kind.MAPS]])
def test_arrays_may_be_empty(hash_rows: HashRows, filled: list[Kind]) -> None:
    elements = {
        Kind.TIMES: encode_time(1),
        Kind.STRINGS: encode_string(b"s" * 200),
        Kind.WORDS: encode_string(b"w"),
        Kind.MAPS: encode_map([(b"key", b"value")]),
    }
    arrays = b"".join(encode_array([element] * (kind in filled)) for kind, element in elements.items())
    contents = [encode_string(b"before %d" % number) + arrays + encode_uint32(number) for number in range(3)]
    data = b"".join(row(FIRST + number, content) for number, content in enumerate(contents))
    hashes = hash_rows([data], [Kind.STRING, *elements, Kind.UINT32], FIRST, RANGES)
    assert hashes.of(FIRST, FIRST + 3) == b"".join(map(leaf_of, contents))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_values_of_a_repeated_key_in_another_order_spoil_a_leaf_in_arrays_too(hash_rows: HashRows, place: int) -> None:
    maps: list[Pairs] = [[(b"a", b""), (b"b", b"1"), (b"b", b"2")] for _ in range(3)]
    maps[place] = [(b"b", b"2"), (b"a", b""), (b"b", b"1")]
    content = encode_array(list(map(encode_map, maps)))
    spoilt = hash_rows([row(FIRST, content)], [Kind.MAPS], FIRST, [LeafRange(FIRST + 1, None)])
    assert (list(spoilt.states), spoilt.hashes) == ([LeafState.SPOILT], bytes(32))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_values_of_a_repeated_key_in_another_order_spoil_a_leaf(hash_rows: HashRows, place: int) -> None:
    maps: list[Pairs] = [[(b"a", b""), (b"b", b"1"), (b"b", b"2")] for _ in range(3)]
    assert list(map_hashes(hash_rows, *maps).states) == [LeafState.HASHED]
    maps[place] = [(b"b", b"2"), (b"a", b""), (b"b", b"1")]
    spoilt = map_hashes(hash_rows, *maps)
    assert (list(spoilt.states), spoilt.hashes) == ([LeafState.SPOILT], bytes(32))


def test_large_maps_are_hashed_if_they_are_in_order(hash_rows: HashRows) -> None:
    for count in (MOST_SORTED, MOST_SORTED + 1):
        pairs = [(b"%08d" % number, b"") for number in range(count)]
        hashed = map_hashes(hash_rows, [], pairs)
        assert list(hashed.states) == [LeafState.HASHED]
        turned = map_hashes(hash_rows, [], pairs[::-1])
        assert (turned == hashed) is (count == MOST_SORTED)
        assert list(turned.states) == [LeafState.HASHED if count == MOST_SORTED else LeafState.SPOILT]


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
    rows = [row(FIRST, content) + row(FIRST + 1, content)]
    assert hash_rows(rows, kinds, FIRST, RANGES, version).of(FIRST, FIRST + 2) == 2 * leaf_of(content)
    other = next(other for other in VERSIONS if other != version)
    assert list(hash_rows(rows, kinds, FIRST, RANGES, other).states[:2]) == [LeafState.SPOILT] * 2


def test_nothing_is_hashed_where_nothing_is_stored(hash_rows: HashRows) -> None:
    assert hash_rows([], KINDS, FIRST, RANGES) == LeafHashes(FIRST, bytes(32 * COUNT), bytes(COUNT))
    assert hash_rows([b"", b""], KINDS, FIRST, []) == LeafHashes(FIRST, b"", b"")


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


@pytest.mark.parametrize("size", [1, 16, 25, len(row(FIRST)) - 1])
def test_rows_that_end_within_one_are_an_error(hash_rows: HashRows, size: int) -> None:
    with pytest.raises(MalformedError, match="the rows end within one"):
        hash_rows([row(FIRST), row(FIRST + 1)[:size]], KINDS, FIRST, RANGES)


def test_a_length_that_no_row_has_is_an_error_at_once(hash_rows: HashRows) -> None:
    head = row(FIRST, b"")
    for kind in (Kind.STRING, Kind.WORD):
        for length in (MOST_BYTES - 25 - 5 + 1, MOST_BYTES, (1 << 35) - 1):
            with pytest.raises(MalformedError, match="a row is too long"):
                hash_rows([head + encode_varint(length)], [kind], FIRST, RANGES)
    for kind in (Kind.STRING, Kind.MAP):
        for length in (b"\x80" * 5, b"\xff" * 9 + b"\x01"):
            with pytest.raises(MalformedError, match="a length is too long"):
                hash_rows([head + length], [kind], FIRST, RANGES)
    # The longest that fits is waited for.
    with pytest.raises(MalformedError, match="the rows end within one"):
        hash_rows([head + encode_varint(MOST_BYTES - 25 - 5)], [Kind.STRING], FIRST, RANGES)


def test_an_error_in_what_brings_the_rows_is_handed_on(hash_rows: HashRows) -> None:
    def broken() -> Iterator[bytes]:
        yield row(FIRST)
        raise ValueError("the connection broke")

    with pytest.raises(ValueError, match="the connection broke") as raised:
        hash_rows(broken(), KINDS, FIRST, RANGES)  # type: ignore[arg-type]
    assert not isinstance(raised.value, MalformedError)


def test_what_is_expected_has_to_make_sense(hash_rows: HashRows) -> None:
    with pytest.raises(ValueError, match="do not follow on each other"):
        hash_rows([], KINDS, FIRST, [LeafRange(FIRST + 2, None), LeafRange(FIRST + 1, None)])
    with pytest.raises(ValueError, match="do not follow on each other"):
        hash_rows([], KINDS, FIRST, [LeafRange(FIRST - 1, None)])
    with pytest.raises(ValueError, match="16 bytes"):
        hash_rows([], KINDS, FIRST, [LeafRange(FIRST + 1, b"short")])


texts = st.binary(max_size=5) | st.sampled_from([0, 127, 128, 5000, 20_000]).map(lambda size: b"x" * size)
contents = st.builds(
    lambda kinds, text, pairs: b"".join(
        {
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
        }[kind]
        for kind in kinds
    ),
    st.just(KINDS),
    texts,
    st.lists(st.tuples(st.binary(max_size=3), texts), max_size=4),
)
rows = st.builds(
    row,
    st.integers(FIRST, FIRST + COUNT - 1),
    contents,
    st.none() | st.sampled_from(BATCHES),
    right_beside=st.booleans() | st.just(True),
)


def cut(data: bytes, places: Sequence[float]) -> list[bytes]:
    at = [0, *sorted(int(place * len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]


@given(st.lists(rows, max_size=12), st.lists(st.floats(0, 1), max_size=6))
def test_rows_are_hashed_alike_however_they_are_cut(parts: list[bytes], places: list[float]) -> None:
    data = b"".join(parts)
    expected = in_python([data])
    assert in_python(cut(data, places)) == expected
    assert compiled([data]) == expected
    assert compiled(cut(data, places)) == expected


@given(
    st.lists(rows, min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), max_size=3),
    st.floats(0, 1),
    st.lists(st.floats(0, 1), max_size=6),
)
def test_broken_rows_give_the_same_result_or_the_same_error(
    parts: list[bytes], changes: list[tuple[float, bytes]], end: float, places: list[float]
) -> None:
    data = b"".join(parts)
    for place, bytes_there in changes:
        at = int(place * len(data))
        data = data[:at] + bytes_there + data[at + 1 :]
    data = data[: int(end * len(data))] if end < 0.5 else data
    expected = outcome(in_python, [data])
    assert outcome(in_python, cut(data, places)) == expected
    assert outcome(compiled, [data]) == expected
    assert outcome(compiled, cut(data, places)) == expected


@given(st.lists(st.binary(max_size=60), max_size=5), st.lists(st.sampled_from(Kind), max_size=5))
def test_bytes_that_are_no_rows_give_the_same_result_or_the_same_error(pieces: list[bytes], kinds: list[Kind]) -> None:
    anything = [LeafRange(1 << 12, None)]
    low_leaves = [piece[:17] + bytes(7) + piece[24:] for piece in pieces]
    for data in (pieces, low_leaves):
        assert outcome(compiled, data, kinds, 0, anything) == outcome(in_python, data, kinds, 0, anything)


def test_a_row_that_comes_byte_by_byte_is_hashed(hash_rows: HashRows) -> None:
    data = row(FIRST, record(b"x" * 9000)) + row(FIRST + 1)
    hashes = hash_rows([bytes([byte]) for byte in data], KINDS, FIRST, RANGES)
    assert hashes.of(FIRST, FIRST + 2) == leaf_of(record(b"x" * 9000)) + leaf_of(record())


def test_several_threads_hash_at_the_same_time() -> None:
    data = [row(FIRST + number, record(b"%d" % number * 100)) for number in range(COUNT)]
    expected, results = in_python(data), []
    threads = [threading.Thread(target=lambda: results.append(compiled(data * 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_nodes_are_hashed_alike() -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    for pairs in range(70):
        hashes = b"".join(sha256(b"%d" % number).digest() for number in range(2 * pairs))
        assert hashing.hash_pairs(hashes) == merkle.hash_pairs(hashes)


@pytest.mark.parametrize("hash_pairs", [merkle.hash_pairs, hashing.hash_pairs])
def test_what_are_no_hashes_is_an_error(hash_pairs: Callable[[bytes], bytes]) -> None:
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
    assert module.hash_rows([row(FIRST)], KINDS, 1, FIRST, RANGES) == in_python([row(FIRST)])
