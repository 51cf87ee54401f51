"""Frames of a journal's segment files: encoding, and scanning after a crash.

A segment is a header and frames. All numbers are little-endian, all checksums CRC-32 (ISO 3309).

    header   magic "LNJRNL01", number of the first frame (UInt64), marker (8 random bytes), checksum of these 24 bytes
             (UInt32)
    frame    the segment's marker, checksum of the payload (UInt32), number of the frame (UInt64), length of the payload
             (UInt64), checksum of these 28 bytes (UInt32), the payload

The header of an encrypted segment has the magic "LNJCRYPT", and before its checksum a seal: ID of the master key (8
bytes), salt (32 bytes), digest of the journal's name (16 bytes), size of the wrapped master key (UInt8), the wrapped
master key (95 bytes, zeros behind it), and the authentication of everything before (16 bytes). The payload of its
frames is a nonce (12 bytes), the encrypted payload, and its authentication (16 bytes): see ``journal_keys``. Checksums
are those of the encrypted bytes, so damage is found without the key.

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

from server.log.journal_keys import SEALED_BYTES, AlteredError, JournalKeys, Seal, SegmentCipher

__all__ = [
    "FRAME_HEADER",
    "MARKER_SIZE",
    "SEALED_SEGMENT_HEADER",
    "SEGMENT_HEADER",
    "Frame",
    "Scan",
    "encode_frame",
    "encode_sealed_header",
    "encode_segment_header",
    "scan_segment",
]

MARKER_SIZE = 8
"""Size of a segment's marker in bytes."""

_SEGMENT_MAGIC = b"LNJRNL01"
_SEALED_MAGIC = b"LNJCRYPT"  # differs in several bytes, so that a damaged one is not taken for the other
_SEGMENT = struct.Struct(f"<8sQ{MARKER_SIZE}s")
_FRAME = struct.Struct(f"<{MARKER_SIZE}sIQQ")
_CHECKSUM = struct.Struct("<I")

SEGMENT_HEADER = _SEGMENT.size + _CHECKSUM.size
"""Size of a segment's header in bytes, if the segment is not encrypted."""

SEALED_SEGMENT_HEADER = SEGMENT_HEADER + SEALED_BYTES
"""Size of an encrypted segment's header in bytes."""

FRAME_HEADER = _FRAME.size + _CHECKSUM.size
"""Size of a frame's header in bytes."""

_TAG_SIZE = 16  # bytes
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
        seal: how the segment is encrypted; None if it is not.
    """

    marker: bytes
    frames: tuple[Frame, ...]
    end: int
    damage: str = ""
    torn: bool = False
    beyond: tuple[int, ...] = ()
    seal: Seal | None = None

    def cipher(self, file: BinaryIO, keys: JournalKeys) -> SegmentCipher | None:
        """Return the encryption of the segment that was scanned, after checking its header; None if it has none.

        Raises:
            UnknownKeyError: none of the keys is the segment's.
            AlteredError: the header was changed.
        """
        if self.seal is None:
            return None
        file.seek(0)
        header = file.read(SEALED_SEGMENT_HEADER)
        cipher = keys.encryption_of(self.seal)
        signed = SEALED_SEGMENT_HEADER - _CHECKSUM.size - _TAG_SIZE
        if len(header) < SEALED_SEGMENT_HEADER:
            raise AlteredError
        cipher.check(header[:signed], header[signed : -_CHECKSUM.size])
        return cipher


def encode_segment_header(first: int, marker: bytes) -> bytes:
    """Return the header of a segment.

    Args:
        first: number of the segment's first frame.
        marker: prefix of the segment's frames: random bytes that nobody can guess.
    """
    return _with_checksum(_SEGMENT.pack(_SEGMENT_MAGIC, first, marker))


def encode_sealed_header(first: int, marker: bytes, seal: Seal, cipher: SegmentCipher) -> bytes:
    """Return the header of an encrypted segment.

    Args:
        first: number of the segment's first frame.
        marker: prefix of the segment's frames: random bytes that nobody can guess.
        seal: how the segment is encrypted.
        cipher: the encryption of the segment.
    """
    header = _SEGMENT.pack(_SEALED_MAGIC, first, marker) + seal.encode()
    return _with_checksum(header + cipher.authenticate(header))


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
    header = file.read(SEALED_SEGMENT_HEADER)
    if (begin := _read_segment_header(header, first)) is None:
        # Frames are written only once the header is on disk.
        return Scan(b"", (), 0, "its header is damaged", torn=size <= SEGMENT_HEADER or _is_torn(header, size))
    marker, seal, at = begin
    frames: list[Frame] = []
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
    return Scan(marker, tuple(frames), at, damage, torn and not beyond, beyond, seal)


def _read_segment_header(header: bytes, first: int) -> tuple[bytes, Seal | None, int] | None:
    """Return a segment's marker, its seal and the size of its header; None if the header is damaged."""
    sealed = header.startswith(_SEALED_MAGIC)
    size = SEALED_SEGMENT_HEADER if sealed else SEGMENT_HEADER
    header = header[:size]
    if len(header) < size or header != _with_checksum(header[: -_CHECKSUM.size]):
        return None
    magic, number, marker = _SEGMENT.unpack_from(header)
    if number != first or magic != (_SEALED_MAGIC if sealed else _SEGMENT_MAGIC):
        return None
    return marker, Seal.decode(header[_SEGMENT.size :]) if sealed else None, size


def _is_torn(header: bytes, size: int) -> bool:
    """Return whether a crash can have left a damaged header of an encrypted segment, with zeros behind its begin."""
    begin = header.rstrip(b"\0")[: len(_SEALED_MAGIC)]
    return size <= SEALED_SEGMENT_HEADER and _SEALED_MAGIC.startswith(begin)


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
