"""Content-Encodings and compressed messages: right, damaged, and such that inflate to gigabytes."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from functools import cache

from harness.zstd import zstd

__all__ = ["bomb", "encoded", "gzip_of", "wrong_gzip", "wrong_zstd"]

_MIB = 1 << 20


def gzip_of(data: bytes) -> bytes:
    """Compress as a sender would."""
    return gzip.compress(data, compresslevel=1, mtime=0)


def encoded(data: bytes, chance: random.Random) -> tuple[bytes, bytes]:
    """Return a Content-Encoding and a body, which may not be what it says."""
    match chance.randrange(14):
        case 0 | 1:
            return b"gzip", gzip_of(data)
        case 2 | 3 | 4:
            return chance.choice((b"gzip", b"gzip", b"x-gzip", b"GZIP", b" gzip")), wrong_gzip(data, chance)
        case 5:
            return b"zstd", zstd.compress(data)
        case 6 | 7 | 8:
            return chance.choice((b"zstd", b"zstd", b"ZSTD")), wrong_zstd(data, chance)
        case 9:
            return b"deflate", chance.choice((zlib.compress(data), data))
        case 10:
            return b"identity", data
        case 11:
            lists = (b"gzip, gzip", b"identity, gzip", b"gzip,", b",gzip", b"gzip;q=1", b"gzip zstd", b"gzip, br", b"*")
            return chance.choice(lists), gzip_of(gzip_of(data))
        case 12:
            return chance.choice((b"gzip", b"zstd")), data
        case _:
            names = (
                b"br",
                b"compress",
                b"",
                b"\xff",
                b"gzip\0",
                b"g" * 9000,
                b"aws-chunked",
                b"none",
                b"snappy",
                b"lz4",
            )
            return chance.choice(names), data


def wrong_gzip(data: bytes, chance: random.Random) -> bytes:
    """Return what is almost gzip (RFC 1952), or unusual gzip."""
    good = gzip_of(data)
    match chance.randrange(12):
        case 0:
            return good[: chance.randint(0, len(good) - 1)]
        case 1:
            return good + chance.choice((b"\0", bytes(512), b"x", good[:9], good[:-1], chance.randbytes(20)))
        case 2:  # members one after another
            parts = chance.choice((2, 3, 100))
            size = -(-len(data) // parts) or 1
            return b"".join(gzip_of(data[at : at + size]) for at in range(0, len(data), size)) or good * 2
        case 3:  # members without content, up to more than are taken
            return gzip_of(b"") * chance.choice((1, 50, 4095, 4096, 5000)) + good
        case 4:
            return good[:-8] + struct.pack("<II", chance.getrandbits(32), len(data))
        case 5:
            return good[:-4] + struct.pack("<I", chance.choice((0, 1, 2**32 - 1, len(data) + 1)))
        case 6:
            return good[:3] + bytes((chance.randrange(256),)) + good[4:]
        case 7:  # header fields, which are right
            extra = struct.pack("<H", 65535) + bytes(65535)
            return good[:3] + b"\x0c" + good[4:10] + extra + b"name" * 2000 + b"\0" + good[10:]
        case 8:  # a name that does not end
            return good[:3] + b"\x08" + good[4:10] + b"n" * chance.choice((1, 70_000))
        case 9:
            return good[:2] + bytes((chance.choice((0, 7, 9, 255)),)) + good[3:]
        case 10:
            return zlib.compress(data)
        case _:
            return _flipped(good, chance)


def wrong_zstd(data: bytes, chance: random.Random) -> bytes:
    """Return what is almost zstd (RFC 8878), or unusual zstd."""
    good = zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: chance.random() < 0.5})
    magic = good[:4]
    match chance.randrange(12):
        case 0:
            return good[: chance.randint(0, len(good) - 1)]
        case 1:
            return good + chance.choice((b"\0", b"x", good[:5], good[:-1], bytes(300), chance.randbytes(20)))
        case 2:
            return good * chance.choice((2, 3, 100))
        case 3:  # frames without content, up to more than are taken
            return zstd.compress(b"") * chance.choice((1, 50, 4095, 4096, 5000)) + good
        case 4:  # skippable frames, one of which lies about its size
            size = chance.choice((0, 10, 10, 2**31, 2**32 - 1))
            return struct.pack("<II", 0x184D2A50 + chance.randrange(16), size) + bytes(10 if size else 0) + good
        case 5:  # a window of any size, up to terabytes: one raw block
            window = chance.choice((0x00, 0x50, 0x68, 0x70, 0x90, 0xA8, 0xF8, 0xFF))
            block = struct.pack("<I", len(data) % 2**17 << 3 | 1)[:3] + data[: 2**17 - 1]
            return magic + b"\x00" + bytes((window,)) + block
        case 6:  # a content size that is not true
            size = chance.choice((0, 1, len(data) + 1, 2**32, 2**62, 2**64 - 1))
            block = struct.pack("<I", len(data) % 2**17 << 3 | 1)[:3] + data[: 2**17 - 1]
            return magic + b"\xe0" + struct.pack("<Q", size) + block
        case 7:  # a dictionary that nobody has
            return magic + b"\x03" + b"\x50" + chance.randbytes(4) + good[6:]
        case 8:
            return good[:4] + bytes((chance.randrange(256),)) + good[5:]
        case 9:
            return good[:-4] + chance.randbytes(4)
        case 10:  # blocks of a reserved type, or larger than a block may be
            return (
                magic + b"\x00\x50" + struct.pack("<I", chance.choice((7, 2**21 << 3 | 1, 2**20 << 3 | 3)))[:3] + b"a"
            )
        case _:
            return _flipped(good, chance)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def bomb(chance: random.Random) -> tuple[bytes, bytes]:
    """Return a Content-Encoding and a small body that inflates to much."""
    name = chance.choice(("gzip", "gzip", "members", "twice", "zstd", "frames", "window"))
    return (b"gzip" if name in ("gzip", "members", "twice") else b"zstd"), _bomb(name)


@cache
def _bomb(name: str) -> bytes:
    match name:
        case "gzip":  # 1 GiB in 1 MiB
            return _gzip_of_zeros(64)
        case "members":  # 1 GiB in members below any limit
            return gzip.compress(bytes(32 * _MIB), mtime=0) * 32
        case "twice":
            return gzip.compress(_bomb("gzip"), mtime=0)
        case "zstd":  # 16 GiB in half a MiB
            return _zstd_of_zeros(16 << 30)
        case "frames":
            return _zstd_of_zeros(32 * _MIB) * 256
        case _:  # with the largest window that RFC 8878 knows, where 8 MiB are what RFC 9659 permits
            return _zstd_of_zeros(1 << 30, window=0xFF)


def _gzip_of_zeros(pieces: int) -> bytes:
    """Make one gzip member of so many times 16 MiB: after a full flush, deflate depends on nothing before."""
    piece = bytes(16 * _MIB)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(pieces):
        crc = zlib.crc32(piece, crc)
    trailer = struct.pack("<II", crc, pieces * len(piece) & 0xFFFFFFFF)
    return gzip.compress(b"", mtime=0)[:10] + block * pieces + deflate.flush() + trailer


def _zstd_of_zeros(size: int, window: int = 0x68) -> bytes:
    """Make a zstd frame by hand: blocks that repeat one byte, 128 KiB each from four bytes (RFC 8878, 3.1.1.2)."""
    blocks = size // (128 * 1024)
    block = struct.pack("<I", 128 * 1024 << 3 | 1 << 1)[:3] + b"\0"
    last = struct.pack("<I", 128 * 1024 << 3 | 1 << 1 | 1)[:3] + b"\0"
    return struct.pack("<I", 0xFD2FB528) + bytes((0x00, window)) + block * (blocks - 1) + last
