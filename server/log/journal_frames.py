"""Frames of a journal's segment files: encoding, and scanning after a crash.

A segment is a header and frames. All numbers are little-endian, all checksums CRC-32 (ISO 3309).

    header   magic "LNJRNL01", number of the first frame (UInt64), marker (8 random bytes), checksum of these 24 bytes
             (UInt32)
    frame    the segment's marker, checksum of the payload (UInt32), number of the frame (UInt64), length of the payload
             (UInt64), checksum of these 28 bytes (UInt32), the payload

Frames are numbered without gaps across segments. The header of a frame has its own checksum, so that a damaged length
can be distinguished from a truncated payload, and so that frames after a damaged one are found. Senders control the
payloads, but do not know the marker, so no data that they send can pass for a frame.
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
"""Size of a segment's marker in bytes."""

_SEGMENT_MAGIC = b"LNJRNL01"
_SEGMENT = struct.Struct(f"<8sQ{MARKER_SIZE}s")
_FRAME = struct.Struct(f"<{MARKER_SIZE}sIQQ")
_CHECKSUM = struct.Struct("<I")

SEGMENT_HEADER = _SEGMENT.size + _CHECKSUM.size
"""Size of a segment's header in bytes."""

FRAME_HEADER = _FRAME.size + _CHECKSUM.size
"""Size of a frame's header in bytes."""

_PIECE = 1 << 20  # bytes that are read at a time


@dataclass(frozen=True, slots=True)
class Frame:
    """Place of a frame in its segment.

    Attributes:
        number: number of the frame.
        offset: offset of the frame's header, in bytes.
        length: size of the payload, in bytes.
        checksum: CRC-32 of the payload.
    """

    number: int
    offset: int
    length: int
    checksum: int

    @property
    def payload(self) -> int:
        """Offset of the payload, in bytes."""
        return self.offset + FRAME_HEADER

    @property
    def end(self) -> int:
        """Offset of the frame's end, in bytes."""
        return self.payload + self.length


@dataclass(frozen=True, slots=True)
class Scan:
    """Result of scanning a segment.

    Attributes:
        marker: prefix of the segment's frames; empty if the segment's header is damaged.
        frames: good frames up to the first damage.
        end: offset at which the last good frame ends, in bytes; 0 if the segment's header is damaged.
        damage: why the data after the good frames is not a frame; empty if no data follows.
        torn: True if a crash while the last frame was written can have left the damage.
        beyond: numbers of good frames after the damage.
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
        first: number of the segment's first frame.
        marker: prefix of the segment's frames: random bytes that nobody can guess.
    """
    return _with_checksum(_SEGMENT.pack(_SEGMENT_MAGIC, first, marker))


def encode_frame(marker: bytes, number: int, payload: Sequence[bytes]) -> list[bytes]:
    """Return a frame in pieces, to be written one after another.

    Args:
        marker: marker of the segment.
        number: number of the frame.
        payload: payload of the frame, in pieces.
    """
    checksum = 0
    for piece in payload:
        checksum = zlib.crc32(piece, checksum)
    header = _FRAME.pack(marker, checksum, number, sum(map(len, payload)))
    return [_with_checksum(header), *payload]


def scan_segment(file: BinaryIO, first: int) -> Scan:
    """Scan a segment for its frames.

    Args:
        file: the segment; it is read to its end.
        first: number that the segment's first frame must have.
    """
    size = file.seek(0, 2)
    file.seek(0)
    header = file.read(SEGMENT_HEADER)
    marker = header[-_CHECKSUM.size - MARKER_SIZE : -_CHECKSUM.size]
    if len(header) < SEGMENT_HEADER or header != encode_segment_header(first, marker):
        # Frames are written only once the header is on disk.
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
    """Return the frame whose header is at an offset; None if there is none, or if it extends beyond the file."""
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
    """Return the numbers of good frames after damage, which a torn write cannot leave."""
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
