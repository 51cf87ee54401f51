"""Segments of a journal: what is found in them again, whole, cut or damaged."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.log.journal_frames import (
    FRAME_HEADER,
    MARKER_SIZE,
    SEGMENT_HEADER,
    Scan,
    encode_frame,
    encode_segment_header,
    scan_segment,
)

MARKER = b"\x8fmarker\x01"
FIRST = 41


def frame(number: int, *payload: bytes, marker: bytes = MARKER) -> bytes:
    return b"".join(encode_frame(marker, number, payload))


def segment(*payloads: bytes) -> bytes:
    frames = (frame(FIRST + place, payload) for place, payload in enumerate(payloads))
    return encode_segment_header(FIRST, MARKER) + b"".join(frames)


def scan(data: bytes, first: int = FIRST) -> Scan:
    return scan_segment(io.BytesIO(data), first)


def payloads_of(data: bytes, scanned: Scan) -> list[bytes]:
    return [data[found.payload : found.end] for found in scanned.frames]


payloads = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


def ends(written: list[bytes]) -> list[int]:
    """Return the beginning of a segment's first frame, and the end of each frame."""
    at = [SEGMENT_HEADER]
    for payload in written:
        at.append(at[-1] + FRAME_HEADER + len(payload))
    return at


def test_a_marker_is_as_long_as_it_says() -> None:
    assert len(MARKER) == MARKER_SIZE
    assert len(encode_segment_header(1, MARKER)) == SEGMENT_HEADER
    assert len(frame(1)) == FRAME_HEADER


def test_a_segment_may_have_no_frame() -> None:
    assert scan(segment()) == Scan(MARKER, (), SEGMENT_HEADER)


@given(st.lists(st.lists(st.binary(max_size=60), max_size=5), max_size=6))
def test_frames_are_found_as_they_were_written_whatever_pieces_they_came_in(written: list[list[bytes]]) -> None:
    frames = [frame(FIRST + place, *pieces) for place, pieces in enumerate(written)]
    data = encode_segment_header(FIRST, MARKER) + b"".join(frames)
    found = scan(data)
    assert payloads_of(data, found) == [b"".join(pieces) for pieces in written]
    assert [some.number for some in found.frames] == list(range(FIRST, FIRST + len(written)))
    assert (found.marker, found.end, found.damage, found.beyond) == (MARKER, len(data), "", ())


@given(payloads, st.data())
def test_of_a_segment_that_was_cut_the_frames_before_the_cut_are_found(
    written: list[bytes], data: st.DataObject
) -> None:
    whole = segment(*written)
    cut = data.draw(st.integers(0, len(whole) - 1))
    found = scan(whole[:cut])
    complete = sum(end <= cut for end in ends(written)[1:])
    assert payloads_of(whole, found) == written[:complete]
    at_an_end = cut in ends(written)
    assert bool(found.damage) != at_an_end
    assert found.torn != at_an_end
    assert found.beyond == ()
    assert found.end == (ends(written)[complete] if cut >= SEGMENT_HEADER else 0)


@given(payloads, st.data())
def test_a_changed_byte_is_damage_and_the_frames_behind_it_are_named(written: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(segment(*written))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    found = scan(bytes(whole))
    assert found.damage
    if at < SEGMENT_HEADER:
        assert (found.frames, found.end, found.torn) == ((), 0, False)
        return
    damaged = sum(end <= at for end in ends(written)[1:])
    assert payloads_of(bytes(whole), found) == written[:damaged]
    assert found.end == ends(written)[damaged]
    assert found.beyond == tuple(range(FIRST + damaged + 1, FIRST + len(written)))
    assert found.torn == (damaged == len(written) - 1)


@given(payloads, st.one_of(st.integers(1, 200).map(bytes), st.binary(min_size=1, max_size=200)))
def test_what_a_crash_leaves_behind_the_last_frame_is_torn(written: list[bytes], tail: bytes) -> None:
    found = scan(segment(*written) + tail)
    assert len(found.frames) == len(written)
    assert found.end == ends(written)[-1]
    assert found.damage
    assert found.torn


def test_a_header_that_never_came_to_the_disk_is_torn_and_one_with_frames_behind_it_damaged() -> None:
    assert scan(bytes(SEGMENT_HEADER)).torn
    assert scan(b"").torn
    assert not scan(bytes(SEGMENT_HEADER) + frame(FIRST)).torn


def test_a_damaged_frame_that_is_not_the_last_of_the_file_is_not_torn() -> None:
    whole = segment(b"first", b"second")
    changed = whole.replace(b"first", b"fir5t") + b"x"
    assert not scan(changed[: -len(frame(0, b"second"))]).torn


def test_what_senders_put_into_a_payload_is_no_frame() -> None:
    # A sender may guess all but the marker, and a crash may leave what it sent whole, behind a torn frame.
    forged = [frame(number, b"forged", marker=bytes(MARKER_SIZE)) for number in range(FIRST, FIRST + 20)]
    torn = segment(b"good", b"".join(forged) + b"end")[:-1]
    found = scan(torn)
    assert [some.number for some in found.frames] == [FIRST]
    assert found.torn
    assert found.beyond == ()


@pytest.mark.parametrize("number", [FIRST, FIRST + 2, 0])
def test_a_frame_out_of_turn_is_damage_that_no_crash_leaves(number: int) -> None:
    found = scan(segment(b"good") + frame(number, b"stray"))
    assert len(found.frames) == 1
    assert found.damage == f"at byte {ends([b'good'])[-1]} is frame {number} and not {FIRST + 1}"
    assert not found.torn
    assert found.beyond == (number,)


def test_a_segment_is_known_by_its_first_number() -> None:
    found = scan(segment(b"good"), FIRST + 1)
    assert (found.frames, found.damage) == ((), "its header is damaged")
    assert not found.torn


@pytest.mark.parametrize("size", [(1 << 20) - 40, (1 << 20) - 3, 3 << 20])
def test_frames_far_behind_a_large_damaged_one_are_found(size: int) -> None:
    whole = bytearray(segment(bytes(size), b"far behind"))
    whole[SEGMENT_HEADER + FRAME_HEADER + 5] ^= 1
    assert scan(bytes(whole)).beyond == (FIRST + 1,)
