"""Parser of records as RowBinary writes them: it does not mark where columns end.

``server.notary.canonical`` says how each kind of column is encoded. This is the definition, in plain Python; compiled
functions do the same.
"""

from __future__ import annotations

from server.notary.canonical_columns import Kind
from server.notary.errors import MalformedError

__all__ = ["FIXED_SIZES", "MOST_BYTES", "Walker"]

MOST_BYTES = 1 << 30
"""Bytes of a row, at most. It is ClickHouse's own limit for one string (``format_binary_max_string_size``)."""

FIXED_SIZES = {Kind.TIME: 8, Kind.UINT8: 1, Kind.UINT32: 4, Kind.UINT64: 8}
"""Bytes of the kinds that always have the same number."""

_LONGEST_LENGTH = 5  # bytes: those of MOST_BYTES as LEB128


class Walker:
    """Parser of one row. Its methods return False, or None, if the data ends before the row does."""

    __slots__ = ("_data", "_limit", "at")

    def __init__(self, data: bytes, start: int) -> None:
        """Begin at a place of some data, where a row or a record begins."""
        self.at = start
        self._data = data
        self._limit = start + MOST_BYTES

    def skip(self, size: int) -> bool:
        """Skip a number of bytes."""
        if self.at + size > self._limit:
            raise MalformedError("a row is too long")
        if self.at + size > len(self._data):
            return False
        self.at += size
        return True

    def skip_column(self, kind: Kind) -> bool:
        """Skip the value of a column."""
        size = FIXED_SIZES.get(kind)
        if size is not None:
            return self.skip(size)
        if kind.element is not None:
            elements = self.read_length()
            return elements is not None and all(self.skip_column(kind.element) for _ in range(elements))
        if kind is not Kind.MAP:
            return self._skip_string()
        pairs = self.read_length()
        return pairs is not None and all(self._skip_string() and self._skip_string() for _ in range(pairs))

    def read_pair(self) -> tuple[bytes, bytes, bytes] | None:
        """Return key and value of a pair, and the bytes of both with their lengths."""
        start = self.at
        key, value = self._read_string(), self._read_string()
        return None if key is None or value is None else (key, value, self._data[start : self.at])

    def read_length(self) -> int | None:
        """Return a length or a number of pairs."""
        length = 0
        for place in range(_LONGEST_LENGTH):
            if not self.skip(1):
                return None
            byte = self._data[self.at - 1]
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return length
        raise MalformedError("a length is too long")

    def _skip_string(self) -> bool:
        length = self.read_length()
        return length is not None and self.skip(length)

    def _read_string(self) -> bytes | None:
        length = self.read_length()
        return self._data[self.at - length : self.at] if length is not None and self.skip(length) else None
