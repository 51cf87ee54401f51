"""Parser of values as RowBinary writes them: it does not mark where columns end.

``server.notary.canonical`` says how each kind of column is encoded. This is the definition, in plain Python;
``native/cursor.hpp`` does the same in C++.
"""

from __future__ import annotations

import struct

from server.notary.canonical_columns import Kind
from server.notary.errors import MalformedError

__all__ = ["FIXED_SIZES", "Cursor"]

FIXED_SIZES = {Kind.TIME: 8, Kind.UINT8: 1, Kind.UINT32: 4, Kind.UINT64: 8}
"""Size in bytes of the kinds whose values all have the same size."""

_MOST_LENGTH_BYTES = 5  # enough for 32 GiB, which is more than a block may have
_UINT64 = struct.Struct("<Q")


class Cursor:
    """A position in data. Its methods take what follows, and raise EOFError if the data ends before it."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        """Start at the beginning of some data."""
        self.at = 0
        self._data = data

    def skip(self, size: int) -> None:
        """Skip a number of bytes."""
        if self.at + size > len(self._data):
            raise EOFError
        self.at += size

    def take(self, size: int) -> bytes:
        """Take a number of bytes."""
        self.skip(size)
        return self._data[self.at - size : self.at]

    def take_number(self) -> int:
        """Take a UInt64."""
        (number,) = _UINT64.unpack(self.take(_UINT64.size))
        return int(number)

    def take_length(self) -> int:
        """Take a length or a count, in unsigned LEB128; raises MalformedError if it has too many bytes."""
        length = 0
        for place in range(_MOST_LENGTH_BYTES):
            self.skip(1)
            byte = self._data[self.at - 1]
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return length
        raise MalformedError("a length is too long")

    def take_text(self) -> bytes:
        """Take a string, and return it without its length."""
        return self.take(self.take_length())

    def take_string(self) -> bytes:
        """Take a string, and return it with its length."""
        begin = self.at
        self.skip(self.take_length())
        return self._data[begin : self.at]

    def take_pair(self) -> tuple[bytes, bytes, bytes]:
        """Take a pair of a map, and return its key and value, and both with their lengths."""
        begin = self.at
        key, value = self.take_text(), self.take_text()
        return key, value, self._data[begin : self.at]

    def skip_value(self, kind: Kind) -> None:
        """Skip a value of a kind other than a map or an array of maps."""
        if kind.element is not None:
            for _ in range(self.take_length()):
                self.skip_value(kind.element)
        else:
            self.skip(FIXED_SIZES[kind] if kind in FIXED_SIZES else self.take_length())
