"""Encrypted journals: what is on the disk, its keys, and every change of a byte."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.ingest import JournalDamagedError, JournalKeyError
from server.log.journal_frames import FRAME_HEADER, SEALED_SEGMENT_HEADER, encode_frame, scan_segment
from server.log.journal_keys import FRAME_OVERHEAD, JournalKeys, MasterKey
from server.log.journal_segments import segment_files

from .journals import LIMIT, entries, opened, written

KEY, OTHER = MasterKey(b"k" * 32), MasterKey(b"o" * 32)
KEYS, OTHERS = JournalKeys(KEY), JournalKeys(OTHER)
PAYLOADS = st.lists(st.binary(max_size=40), min_size=1, max_size=5)
SEGMENT_BYTES = st.sampled_from([0, 300, LIMIT])


def frames_of(segment: Path) -> list[tuple[int, int]]:
    """Return the places of the frames of a segment: begin and end."""
    with segment.open("rb") as file:
        return [(frame.offset, frame.end) for frame in scan_segment(file, int(segment.stem)).frames]


def checked_again(segment: Path, frame: int, change: bytes) -> bytes:
    """Return a segment in which the payload of a frame is another, with the checksums of someone who knows them."""
    content = segment.read_bytes()
    begin, end = frames_of(segment)[frame]
    with segment.open("rb") as file:
        scan = scan_segment(file, int(segment.stem))
    number = scan.frames[frame].number
    return content[:begin] + b"".join(encode_frame(scan.marker, number, [change])) + content[end:]


def test_nothing_of_an_entry_is_on_the_disk_and_its_length_grows_by_a_constant(tmp_path: Path) -> None:
    secret = b"password=hunter2 " * 20
    [segment] = written(tmp_path, secret, b"", keys=KEYS)
    content = segment.read_bytes()
    assert b"hunter2" not in content
    assert KEY.key not in content
    overhead = FRAME_HEADER + FRAME_OVERHEAD
    assert len(content) == SEALED_SEGMENT_HEADER + 2 * overhead + len(secret)
    with opened(tmp_path, keys=KEYS) as journal:
        assert entries(journal) == [secret, b""]


def test_an_entry_written_again_in_the_place_of_one_taken_back_has_other_bytes(tmp_path: Path) -> None:
    with opened(tmp_path, keys=KEYS) as journal:
        number = journal.append([b"the same"])
        [(_, segment)] = segment_files(tmp_path)
        before = segment.read_bytes()
        journal.retract(number)
        assert journal.append([b"the same"]) == number
        after = segment.read_bytes()
    assert len(after) == len(before)
    assert after[SEALED_SEGMENT_HEADER + FRAME_HEADER :] != before[SEALED_SEGMENT_HEADER + FRAME_HEADER :]


def test_segments_have_keys_of_their_own(tmp_path: Path) -> None:
    segments = written(tmp_path, b"x" * 40, b"x" * 40, segment_bytes=0, keys=KEYS)
    salts = set()
    for segment in segments:
        with segment.open("rb") as file:
            seal = scan_segment(file, int(segment.stem)).seal
        assert seal is not None
        salts.add(seal.salt)
    assert len(salts) == len(segments) == 2


@given(st.data(), PAYLOADS, SEGMENT_BYTES)
def test_a_changed_byte_stops_the_start_unless_it_is_in_the_last_entry(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, payloads: list[bytes], segment_bytes: int
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    segments = written(directory, *payloads, segment_bytes=segment_bytes, keys=KEYS)
    damaged = data.draw(st.sampled_from(segments))
    content = bytearray(damaged.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged.write_bytes(content)
    before = {path: path.read_bytes() for path in segments}
    try:
        with opened(directory, segment_bytes=segment_bytes, keys=KEYS) as journal:
            assert entries(journal) == payloads[:-1]  # a crash can have left this, while the last one was written
    except JournalDamagedError as error:
        assert str(damaged) in str(error)  # noqa: PT017 - it need not be raised
        assert {path: path.read_bytes() for path in segments} == before


@given(st.data(), st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_a_changed_byte_is_found_and_its_frame_named_even_if_the_checksums_were_made_to_match(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, payloads: list[bytes]
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    [segment] = written(directory, *payloads, keys=KEYS)
    place = data.draw(st.integers(0, len(payloads) - 1))
    begin, end = frames_of(segment)[place]
    payload = bytearray(segment.read_bytes()[begin + FRAME_HEADER : end])
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    segment.write_bytes(checked_again(segment, place, bytes(payload)))
    with opened(directory, keys=KEYS) as journal:
        for number, written_payload in enumerate(payloads, 1):
            if number == place + 1:
                with pytest.raises(JournalDamagedError, match=f"frame {number} is not what this server encrypted"):
                    journal.read(number)
            else:
                assert journal.read(number) == written_payload


def test_frames_that_changed_places_are_refused(tmp_path: Path) -> None:
    [segment] = written(tmp_path, b"one", b"two", keys=KEYS)
    first, second = (segment.read_bytes()[begin + FRAME_HEADER : end] for begin, end in frames_of(segment))
    segment.write_bytes(checked_again(segment, 0, second))
    segment.write_bytes(checked_again(segment, 1, first))
    with opened(tmp_path, keys=KEYS) as journal:
        for number in (1, 2):
            with pytest.raises(JournalDamagedError, match=f"frame {number} is not what"):
                journal.read(number)


def test_a_frame_of_another_segment_is_refused(tmp_path: Path) -> None:
    first, second = (written(tmp_path / name / "audit", b"payload", keys=KEYS)[0] for name in "ab")
    [(begin, end)] = frames_of(first)
    second.write_bytes(checked_again(second, 0, first.read_bytes()[begin + FRAME_HEADER : end]))
    with opened(second.parent, keys=KEYS) as journal, pytest.raises(JournalDamagedError, match="frame 1 is not what"):
        journal.read(1)


def test_a_segment_of_another_journal_is_refused(tmp_path: Path) -> None:
    [segment] = written(tmp_path / "audit", b"payload", keys=KEYS)
    segment.parent.rename(tmp_path / "operational")
    with (
        pytest.raises(JournalDamagedError, match="segment of another journal"),
        opened(tmp_path / "operational", keys=KEYS),
    ):
        pass


def test_a_header_whose_checksum_was_made_to_match_is_refused(tmp_path: Path) -> None:
    [segment] = written(tmp_path, b"payload", keys=KEYS)
    content = bytearray(segment.read_bytes())
    content[40] ^= 1  # of the salt
    body = bytes(content[: SEALED_SEGMENT_HEADER - 4])
    segment.write_bytes(body + zlib.crc32(body).to_bytes(4, "little") + content[SEALED_SEGMENT_HEADER:])
    with (
        pytest.raises(JournalDamagedError, match="its header is not what this server wrote"),
        opened(tmp_path, keys=KEYS),
    ):
        pass


@given(st.data(), PAYLOADS, SEGMENT_BYTES)
def test_after_a_cut_anywhere_all_before_it_is_there_and_appends_go_on(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, payloads: list[bytes], segment_bytes: int
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    last = written(directory, *payloads, segment_bytes=segment_bytes, keys=KEYS)[-1]
    ends = [end for _, end in frames_of(last)]
    cut = data.draw(st.integers(0, last.stat().st_size))
    os.truncate(last, cut)
    left = payloads[: int(last.stem) - 1 + sum(end <= cut for end in ends)]
    with opened(directory, segment_bytes=segment_bytes, keys=KEYS) as journal:
        assert entries(journal) == left
        journal.append([b"goes on"])
    with opened(directory, segment_bytes=segment_bytes, keys=KEYS) as journal:
        assert entries(journal) == [*left, b"goes on"]


@pytest.mark.parametrize("keys", [JournalKeys(), OTHERS])
def test_without_its_key_a_journal_is_not_opened_and_stays_as_it_is(tmp_path: Path, keys: JournalKeys) -> None:
    [segment] = written(tmp_path, b"payload", keys=KEYS)
    before = segment.read_bytes()
    with pytest.raises(JournalKeyError, match=KEY.key_id.hex()) as error, opened(tmp_path, keys=keys):
        pass
    assert "journal_retired_keys" in str(error.value)
    assert str(segment) in str(error.value)
    assert segment.read_bytes() == before


def test_a_journal_in_clear_is_read_and_goes_on_encrypted(tmp_path: Path) -> None:
    written(tmp_path, b"in clear")
    with opened(tmp_path, keys=KEYS) as journal:
        journal.append([b"encrypted"])
        assert entries(journal) == [b"in clear", b"encrypted"]
        assert len(segment_files(tmp_path)) == 2
        journal.release(1)
        assert not any(b"in clear" in path.read_bytes() for _, path in segment_files(tmp_path))
    with opened(tmp_path, keys=KEYS) as journal:
        assert entries(journal) == [b"encrypted"]


def test_a_replaced_key_reads_what_it_wrote_until_that_is_stored_and_is_then_needed_no_more(tmp_path: Path) -> None:
    written(tmp_path, b"first", keys=KEYS)
    with opened(tmp_path, keys=JournalKeys(OTHER, [KEY.key])) as journal:
        assert entries(journal) == [b"first"]
        journal.release(1)
    with opened(tmp_path, keys=OTHERS) as journal:
        assert journal.append([b"second"]) == 2
        assert entries(journal) == [b"second"]


def test_a_key_in_a_token_reads_what_earlier_processes_wrote(tmp_path: Path) -> None:
    def unwrap(wrapped: bytes) -> bytes | None:
        return wrapped[::-1] if wrapped[:1] == b"t" else None

    def process(number: int) -> JournalKeys:
        key = bytes([number]) * 31 + b"t"
        return JournalKeys(MasterKey(key, key[::-1]), unwrap=[lambda _: None, unwrap])

    for number in (1, 2, 3):
        with opened(tmp_path, keys=process(number)) as journal:
            assert len(journal) == number - 1
            journal.append([b"of process %d" % number])
    with opened(tmp_path, keys=process(4)) as journal:
        assert entries(journal) == [b"of process 1", b"of process 2", b"of process 3"]
    with pytest.raises(JournalKeyError), opened(tmp_path, keys=JournalKeys(unwrap=[lambda _: None])):
        pass


def test_a_large_entry_in_many_pieces_is_read_as_it_was(tmp_path: Path) -> None:
    pieces = [os.urandom(777) for _ in range(600)]
    with opened(tmp_path, keys=KEYS) as journal:
        journal.append(pieces)
    with opened(tmp_path, keys=KEYS) as journal:
        assert entries(journal) == [b"".join(pieces)]
