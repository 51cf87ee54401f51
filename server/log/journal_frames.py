"""The frames of a journal's segment files: how they are written, and found again after a crash.

A segment is a header and frames. All numbers are little-endian, all checksums CRC-32 (ISO 3309).

    header   magic "LNJRNL01", number of the first frame (UInt64), marker (8 random bytes), checksum of these 24 bytes
             (UInt32)
    frame    the segment's marker, checksum of the payload (UInt32), its number (UInt64), length of the payload
             (UInt64), checksum of these 28 bytes (UInt32), the payload

Frames are numbered without gaps, from segment to segment. The header of a frame has a checksum of its own, so that a
damaged length is told from a payload that ends too early, and so that frames behind a damaged one are found. Senders
choose what payloads hold, and do not know the marker: nothing that they send passes for a frame.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

__all__ = [
    "FRAME_HEADER",
    "MARKER_SIZE",
    "SEGMENT_HEADER",
    "Frame",
    "Scan",
    "encode_frame",
    "encode_segment_header",
    "scan_segment",
]

MARKER_SIZE = 8
"""Bytes of a segment's marker."""

_SEGMENT_MAGIC = b"LNJRNL01"
_SEGMENT = struct.Struct(f"<8sQ{MARKER_SIZE}s")
_FRAME = struct.Struct(f"<{MARKER_SIZE}sIQQ")
_CHECKSUM = struct.Struct("<I")

SEGMENT_HEADER = _SEGMENT.size + _CHECKSUM.size
"""Bytes of a segment's header."""

FRAME_HEADER = _FRAME.size + _CHECKSUM.size
"""Bytes of a frame's header."""

_PIECE = 1 << 20  # bytes that are read at a time


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame stands in its segment.

    Attributes:
        number: its number.
        offset: where its header begins.
        length: bytes of its payload.
        checksum: CRC-32 of its payload.
    """

    number: int
    offset: int
    length: int
    checksum: int

    @property
    def payload(self) -> int:
        """Where its payload begins."""
        return self.offset + FRAME_HEADER

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.payload + self.length


@dataclass(frozen=True, slots=True)
class Scan:
    """What a segment holds.

    Attributes:
        marker: what begins its frames; empty where its header is not good.
        frames: its good frames, up to the first that is not good.
        end: where the last of them ends; 0 where not even the segment's header is good.
        damage: why what follows is no frame; empty where nothing follows.
        torn: a crash can have left the damage, while the last frame was written.
        beyond: numbers of good frames behind the damage.
    """

    marker: bytes
    frames: tuple[Frame, ...]
    end: int
    damage: str = ""
    torn: bool = False
    beyond: tuple[int, ...] = ()


def encode_segment_header(first: int, marker: bytes) -> bytes:
    """Return the header of a segment.

    Args:
        first: the number that its first frame will have.
        marker: what its frames will begin with: bytes that nobody can guess.
    """
    return _with_checksum(_SEGMENT.pack(_SEGMENT_MAGIC, first, marker))


def encode_frame(marker: bytes, number: int, payload: Sequence[bytes]) -> list[bytes]:
    """Return a frame as pieces to be written one after the other.

    Args:
        marker: its segment's.
        number: the frame's number.
        payload: its payload in pieces.
    """
    checksum = 0
    for piece in payload:
        checksum = zlib.crc32(piece, checksum)
    header = _FRAME.pack(marker, checksum, number, sum(map(len, payload)))
    return [_with_checksum(header), *payload]


def scan_segment(file: BinaryIO, first: int) -> Scan:
    """Find the frames of a segment.

    Args:
        file: the segment; is read to its end.
        first: the number that its first frame has to have.
    """
    size = file.seek(0, 2)
    file.seek(0)
    header = file.read(SEGMENT_HEADER)
    marker = header[-_CHECKSUM.size - MARKER_SIZE : -_CHECKSUM.size]
    if len(header) < SEGMENT_HEADER or header != encode_segment_header(first, marker):
        # Frames come only once the header is on disk.
        return Scan(b"", (), 0, "its header is damaged", torn=size <= SEGMENT_HEADER)
    frames: list[Frame] = []
    at = SEGMENT_HEADER
    damage, torn = "", False
    while at < size and not damage:
        frame = _read_header(file, marker, at, size)
        if frame is None:
            damage, torn = f"at byte {at} there is no frame", True
        elif frame.number != first + len(frames):
            damage = f"at byte {at} is frame {frame.number} and not {first + len(frames)}"
        elif not _is_whole(file, frame):
            damage, torn = f"frame {frame.number} at byte {at} is damaged", frame.end == size
        else:
            frames.append(frame)
            at = frame.end
    beyond = _frames_beyond(file, marker, at, size) if damage else ()
    return Scan(marker, tuple(frames), at, damage, torn and not beyond, beyond)


def _with_checksum(header: bytes) -> bytes:
    return header + _CHECKSUM.pack(zlib.crc32(header))


def _read_header(file: BinaryIO, marker: bytes, at: int, size: int) -> Frame | None:
    """Return the frame whose header stands at an offset, None where none does or where it is longer than the file."""
    file.seek(at)
    data = file.read(FRAME_HEADER)
    if len(data) < FRAME_HEADER or data != _with_checksum(data[: _FRAME.size]):
        return None
    begin, checksum, number, length = _FRAME.unpack_from(data)
    frame = Frame(number, at, length, checksum)
    return frame if begin == marker and frame.end <= size else None


def _is_whole(file: BinaryIO, frame: Frame) -> bool:
    file.seek(frame.payload)
    checksum, left = 0, frame.length
    while left and (piece := file.read(min(_PIECE, left))):
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
    return not left and checksum == frame.checksum


def _frames_beyond(file: BinaryIO, marker: bytes, start: int, size: int) -> tuple[int, ...]:
    """Return the numbers of good frames behind damage: what a torn write can not leave behind."""
    found: list[int] = []
    at = start
    while at < size:
        file.seek(at)
        piece = file.read(_PIECE + MARKER_SIZE - 1)
        hit = piece.find(marker)
        if hit < 0:
            at += _PIECE
            continue
        frame = _read_header(file, marker, at + hit, size)
        if frame is not None and _is_whole(file, frame):
            found.append(frame.number)
            at = frame.end
        else:
            at += hit + 1
    return tuple(found)
