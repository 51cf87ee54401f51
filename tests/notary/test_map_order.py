"""Maps of stored records are sorted alike by the compiled function and by the same in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import lacking
from server.notary import hashing, map_order
from server.notary.canonical import Kind, encode_array, encode_map, encode_string, encode_time
from server.notary.errors import MalformedError

from .any_rows import Pairs, maps

KINDS = (Kind.TIME, Kind.MAP, Kind.WORD, Kind.MAPS, Kind.STRINGS, Kind.MAP)
Sort = Callable[[bytes], tuple[bytes, bool]]


def in_python(record: bytes) -> tuple[bytes, bool]:
    return map_order.sort_maps(record, KINDS)


def compiled(record: bytes) -> tuple[bytes, bool]:
    if not hashing.COMPILED:
        lacking("the hashing is not compiled")
    return hashing.map_sorter(KINDS)(record)


@pytest.fixture(params=[in_python, compiled])
def sort(request: pytest.FixtureRequest) -> Sort:
    chosen: Sort = request.param
    return chosen


def record_of(first: Pairs, several: Sequence[Pairs], last: Pairs) -> bytes:
    return b"".join(
        (
            encode_time(7),
            encode_map(first),
            encode_string(b"word"),
            encode_array([encode_map(one) for one in several]),
            encode_array([encode_string(b"")]),
            encode_map(last),
        )
    )


def has_values_in_order(pairs: Pairs) -> bool:
    by_key = groupby(sorted(pairs, key=lambda pair: pair[0]), key=lambda pair: pair[0])
    return all(values == sorted(values) for values in ([value for _, value in group] for _, group in by_key))


@given(first=maps, several=st.lists(maps, max_size=3), last=maps)
@pytest.mark.parametrize("sort", [in_python, compiled])
def test_each_map_is_sorted_and_values_of_a_repeated_key_must_be_stored_in_order(
    sort: Sort, first: Pairs, several: list[Pairs], last: Pairs
) -> None:
    record, values_in_order = sort(record_of(first, several, last))
    assert record == record_of(sorted(first), [sorted(one) for one in several], sorted(last))
    assert values_in_order == all(map(has_values_in_order, [first, *several, last]))
    assert sort(record) == (record, True)


@given(st.binary(max_size=60), maps)
def test_both_refuse_the_same_bytes(junk: bytes, pairs: Pairs) -> None:
    whole = record_of(pairs, [pairs], pairs)
    for data in (junk, whole[: len(junk)] + junk, whole + junk, whole[: max(0, len(whole) - len(junk))]):
        assert outcome(compiled, data) == outcome(in_python, data)


@pytest.mark.parametrize("cut", [-1, -5, 9])
def test_bytes_that_are_not_one_record_are_malformed(sort: Sort, cut: int) -> None:
    whole = record_of([(b"b", b""), (b"a", b"")], [], [])
    with pytest.raises(MalformedError):
        sort(whole[:cut])
    with pytest.raises(MalformedError):
        sort(whole + b"\0")


def test_a_large_map_is_left_alone_if_it_may_not_be_sorted() -> None:
    pairs = [(b"%02d" % (number % 7), b"") for number in range(20)]
    assert map_order.sort_maps(record_of(pairs, [], []), KINDS, most=19) == (b"", False)
    assert map_order.sort_maps(record_of(pairs, [], []), KINDS, most=20)[1]
    assert map_order.sort_maps(record_of(sorted(pairs), [], []), KINDS, most=19)[1]


def outcome(sort: Sort, data: bytes) -> tuple[bytes, bool] | None:
    try:
        return sort(data)
    except MalformedError:
        return None
