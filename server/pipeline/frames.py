"""The frames of a journal's segment files: how they are written, and found again after a crash.

A segment is a header and frames. All numbers are little-endian, all checksums CRC-32 (ISO 3309).

    header   magic "LNJRNL01", number of the first frame (UInt64), checksum of these 16 bytes (UInt32)
    frame    magic "FRAM", checksum of the payload (UInt32), its number (UInt64), length of the payload (UInt64),
             checksum of these 24 bytes (UInt32), the payload

Frames are numbered without gaps, from segment to segment. The header of a frame has a checksum of its own, so that a
damaged length is told from a payload that ends too early, and so that frames behind a damaged one are found.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["FRAME_HEADER", "SEGMENT_HEADER", "Frame", "Scan", "encode_frame", "encode_segment_header", "scan_segment"]

_SEGMENT_MAGIC = b"LNJRNL01"
_SEGMENT = struct.Struct("<8sQ")
_FRAME_MAGIC = b"FRAM"
_FRAME = struct.Struct("<4sIQQ")
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
        frames: its good frames, up to the first that is not good.
        end: where the last of them ends; 0 where not even the segment's header is good.
        damage: why what follows is no frame; empty where nothing follows.
        beyond: numbers of good frames behind the damage.
    """

    frames: tuple[Frame, ...]
    end: int
    damage: str = ""
    beyond: tuple[int, ...] = ()


def encode_segment_header(first: int) -> bytes:
    """Return the header of a segment whose first frame will have a number."""
    return _with_checksum(_SEGMENT.pack(_SEGMENT_MAGIC, first))


def encode_frame(number: int, payload: Sequence[bytes]) -> list[bytes]:
    """Return a frame as pieces to be written one after the other.

    Args:
        number: the frame's number.
        payload: its payload in pieces.
    """
    checksum = 0
    for piece in payload:
        checksum = zlib.crc32(piece, checksum)
    header = _FRAME.pack(_FRAME_MAGIC, checksum, number, sum(map(len, payload)))
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
    if header != encode_segment_header(first):
        damage = "its header was torn off" if len(header) < SEGMENT_HEADER else "its header is damaged"
        return Scan((), 0, damage, _frames_beyond(file, 0, size, first))
    frames: list[Frame] = []
    at = SEGMENT_HEADER
    damage = ""
    while at < size and not damage:
        frame = _read_header(file, at, size)
        if frame is None:
            damage = f"at byte {at} there is no frame"
        elif frame.number != first + len(frames):
            damage = f"at byte {at} is frame {frame.number} and not {first + len(frames)}"
        elif not _is_whole(file, frame):
            damage = f"frame {frame.number} at byte {at} is damaged"
        else:
            frames.append(frame)
            at = frame.end
    beyond = _frames_beyond(file, at, size, first + len(frames)) if damage else ()
    return Scan(tuple(frames), at, damage, beyond)


def _with_checksum(header: bytes) -> bytes:
    return header + _CHECKSUM.pack(zlib.crc32(header))


def _read_header(file: BinaryIO, at: int, size: int) -> Frame | None:
    """Return the frame whose header stands at an offset, None where none does or where it is longer than the file."""
    file.seek(at)
    data = file.read(FRAME_HEADER)
    if len(data) < FRAME_HEADER or data != _with_checksum(data[: _FRAME.size]):
        return None
    magic, checksum, number, length = _FRAME.unpack_from(data)
    frame = Frame(number, at, length, checksum)
    return frame if magic == _FRAME_MAGIC and frame.end <= size else None


def _is_whole(file: BinaryIO, frame: Frame) -> bool:
    file.seek(frame.payload)
    checksum, left = 0, frame.length
    while left and (piece := file.read(min(_PIECE, left))):
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
    return not left and checksum == frame.checksum


def _frames_beyond(file: BinaryIO, start: int, size: int, expected: int) -> tuple[int, ...]:
    """Return the numbers of good frames behind damage: what a torn write can not leave behind."""
    found: list[int] = []
    at = start
    while at < size:
        file.seek(at)
        piece = file.read(_PIECE + len(_FRAME_MAGIC) - 1)
        hit = piece.find(_FRAME_MAGIC)
        if hit < 0:
            at += _PIECE
            continue
        frame = _read_header(file, at + hit, size)
        # A frame of an earlier number is left of what the file held before.
        if frame is not None and frame.number >= expected and _is_whole(file, frame):
            found.append(frame.number)
            at = frame.end
        else:
            at += hit + 1
    return tuple(found)
