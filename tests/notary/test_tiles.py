"""Tiles against the examples of C2SP tlog-tiles, and against the tree's own definition."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.notary.errors import MalformedError, VerificationError
from server.notary.tiles import (
    TILE_WIDTH,
    Tile,
    encode_bundle,
    nodes_beside,
    parse_tile_path,
    tile_path,
    tile_width,
    verify_tile,
)
from tests.notary.trees import naive_root, perfect_node

PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/0/000.p/1": Tile(0, 0, 1),
    "tile/63/999.p/255": Tile(63, 999, 255),
    "tile/0/x001/x234/067": Tile(0, 1_234_067),
    "tile/10/x001/000": Tile(10, 1000),
    "tile/entries/x001/x234/067.p/17": Tile(0, 1_234_067, 17, entries=True),
    "tile/entries/005": Tile(0, 5, entries=True),
}


@pytest.mark.parametrize(("path", "tile"), PATHS.items())
def test_a_path_names_its_tile(path: str, tile: Tile) -> None:
    assert parse_tile_path(path) == tile
    assert tile_path(tile) == path


@given(
    st.builds(
        Tile,
        st.integers(0, 63),
        st.integers(0, 10**20),
        st.integers(1, TILE_WIDTH),
    )
    | st.builds(Tile, st.just(0), st.integers(0, 10**20), st.integers(1, TILE_WIDTH), st.just(True))
)
def test_every_tile_has_one_path(tile: Tile) -> None:
    assert parse_tile_path(tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/x001//000",
        "tile/00/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/1/",
        "tile/0/000.P/1",
        "tile/0/X001/000",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000\n",
        " tile/0/000",
        "/tile/0/000",
        "tile/0/../0/000",
        "tile/0/" + "x999/" * 1000 + "000",
    ],
)
def test_what_is_not_written_as_the_specification_has_it_is_no_path(path: str) -> None:
    with pytest.raises(MalformedError, match="not the path of a tile"):
        parse_tile_path(path)


@given(st.text(max_size=40) | st.from_regex(r"tile/[0-9a-z]{1,3}/[x0-9/]{1,12}(\.p/[0-9]{1,3})?", fullmatch=True))
def test_any_text_is_the_path_of_a_tile_or_malformed(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except MalformedError:
        return
    assert tile_path(tile) == path


def test_the_widths_are_those_of_the_specifications_examples() -> None:
    size = 70_000
    assert [tile_width(0, 0, size), tile_width(0, 272, size), tile_width(0, 273, size)] == [256, 256, 112]
    assert [tile_width(1, 0, size), tile_width(1, 1, size), tile_width(2, 0, size)] == [256, 17, 1]
    assert [tile_width(0, 274, size), tile_width(2, 1, size), tile_width(3, 0, size), tile_width(63, 0, size)] == [
        0
    ] * 4
    assert [tile_width(0, 0, 256), tile_width(1, 0, 256), tile_width(0, 1, 256)] == [256, 1, 0]


@given(st.integers(0, 63), st.integers(0, 300), st.integers(0, 1 << 64))
def test_a_width_is_as_the_specification_counts(level: int, index: int, size: int) -> None:
    full, rest = divmod(size // 256**level, 256)
    assert tile_width(level, index, size) == (256 if index < full else rest if index == full else 0)


def _tiles_of(size: int) -> list[tuple[int, int]]:
    return [
        (level, index)
        for level in range(3)
        for index in range(-(-(size >> 8 * level) // TILE_WIDTH))
        if tile_width(level, index, size)
    ]


def _hashes(level: int, index: int, size: int) -> bytes:
    first = index * TILE_WIDTH
    return b"".join(perfect_node(8 * level, first + n) for n in range(tile_width(level, index, size)))


_places = st.integers(1, 70_000).flatmap(lambda size: st.tuples(st.just(size), st.sampled_from(_tiles_of(size))))


@given(_places)
def test_a_tile_and_what_stands_beside_it_make_the_root(place: tuple[int, tuple[int, int]]) -> None:
    size, (level, index) = place
    beside = set(nodes_beside(level, index, size))
    asked = []

    def node(height: int, number: int) -> bytes:
        asked.append((height, number))
        return perfect_node(height, number)

    verify_tile(level, index, _hashes(level, index, size), size, naive_root(0, size), node)
    assert sorted(asked) == sorted(beside)
    width = tile_width(level, index, size) << 8 * level
    covered = sum(1 << height for height, _ in beside)
    assert covered + width == size


@given(_places, st.integers(0, 8191))
@example((70_000, (2, 0)), 0)
def test_a_tile_with_any_other_hash_is_refused(place: tuple[int, tuple[int, int]], byte: int) -> None:
    size, (level, index) = place
    hashes = bytearray(_hashes(level, index, size))
    hashes[byte % len(hashes)] ^= 1
    with pytest.raises(VerificationError, match="do not lead to the root hash"):
        verify_tile(level, index, bytes(hashes), size, naive_root(0, size), perfect_node)


def test_a_tile_of_another_width_is_malformed() -> None:
    hashes = _hashes(0, 1, 300)
    for wrong in (hashes[:-32], hashes + bytes(32), hashes[:-1], b""):
        with pytest.raises(MalformedError):
            verify_tile(0, 1, wrong, 300, naive_root(0, 300), perfect_node)


def test_entries_stand_behind_their_length() -> None:
    assert encode_bundle([b"", b"ab", bytes(300)]) == b"\0\0" + b"\0\2ab" + b"\1\x2c" + bytes(300)
    assert encode_bundle([]) == b""


@pytest.mark.parametrize(("level", "index", "size"), [(0, 0, 3), (0, 0, 256), (0, 1, 700), (1, 0, 700), (0, 2, 700)])
def test_a_tile_of_a_fixed_tree_leads_to_its_root_and_an_altered_one_not(level: int, index: int, size: int) -> None:
    hashes, root = _hashes(level, index, size), naive_root(0, size)
    verify_tile(level, index, hashes, size, root, perfect_node)
    with pytest.raises(VerificationError, match="do not lead to the root hash"):
        verify_tile(level, index, hashes[:-1] + bytes([hashes[-1] ^ 1]), size, root, perfect_node)
    with pytest.raises(MalformedError, match="do not fit this tile"):
        verify_tile(level, index, hashes[:-32], size, root, perfect_node)


def test_beside_the_tile_in_the_middle_of_a_tree_stand_the_subtrees_before_and_behind_it() -> None:
    # 256 leaves before it, and 128 + 32 + 16 + 8 + 4 behind it.
    assert sorted(nodes_beside(0, 1, 700)) == [(2, 174), (3, 86), (4, 42), (5, 20), (7, 4), (8, 0)]
