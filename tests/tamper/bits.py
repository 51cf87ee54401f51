"""SQL that flips one bit of a stored value."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FLIPS", "Flip"]

_BITS = {"UInt8": 8, "UInt16": 16, "UInt32": 32, "UInt64": 64}


@dataclass(frozen=True, slots=True)
class Flip:
    """Which bit is flipped.

    Attributes:
        byte: of a string, which byte; of a map, in the key of its first pair or the value of its last.
        high: the highest bit of the byte or the number, else the lowest.
    """

    byte: str
    high: bool

    def __str__(self) -> str:
        return f"{'highest' if self.high else 'lowest'} bit of the {self.byte} byte"

    def of(self, column: str, kind: str) -> str:
        """Return the SQL expression for the flipped value of a column of a ClickHouse type."""
        if kind in _BITS:
            mask = 1 << _BITS[kind] - 1 if self.high else 1
            return f"CAST(bitXor({column}, CAST({mask} AS {kind})) AS {kind})"
        if kind.startswith("DateTime64"):
            mask = -(1 << 63) if self.high else 1
            return f"fromUnixTimestamp64Nano(bitXor(toUnixTimestamp64Nano({column}), toInt64({mask})))"
        if kind.startswith("DateTime"):
            mask = 1 << 31 if self.high else 1
            return f"toDateTime(bitXor(toUInt32({column}), toUInt32({mask})))"
        if kind == "UUID":
            mask = 1 << 127 if self.high else 1
            return f"reinterpret(bitXor(reinterpret({column}, 'UInt128'), toUInt128('{mask}')), 'UUID')"
        if kind.startswith("Map"):
            return f"CAST({self._of_map(column)} AS {kind})"
        if kind == "FixedString(32)":  # whose length is no function of its value
            return self._of_string(column, 32)
        return self._of_string(column)

    def _of_map(self, column: str) -> str:
        keys, values = f"mapKeys({column})", f"mapValues({column})"
        if self.byte == "first":
            keys = f"arrayMap((x, i) -> if(i = 1, {self._of_string('x')}, x), {keys}, arrayEnumerate({keys}))"
        else:
            values = _at(f"length({values})", values, self._of_string("x"))
        return f"mapFromArrays({keys}, {values})"

    def _of_string(self, value: str, size: int | None = None) -> str:
        mask = 128 if self.high else 1
        length = size or f"length({value})"
        at = {"first": "1", "middle": f"intDiv({length} + 1, 2)", "last": length}[self.byte]
        flipped = f"char(bitXor(reinterpretAsUInt8(substring({value}, {at}, 1)), {mask}))"
        whole = f"concat(substring({value}, 1, {at} - 1), {flipped}, substring({value}, {at} + 1))"
        # Nothing has no bit to flip: a byte is added.
        return f"if(empty({value}), char({mask}), {whole})"


def _at(place: str, array: str, changed: str) -> str:
    return f"arrayMap((x, i) -> if(i = {place}, {changed}, x), {array}, arrayEnumerate({array}))"


FLIPS = [Flip(byte, high) for byte in ("first", "middle", "last") for high in (False, True)]
