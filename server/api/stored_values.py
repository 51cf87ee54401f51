"""Values of decoded canonical records, by the types that their columns have."""

from __future__ import annotations

from typing import cast

from server.notary.canonical import Pairs, Value

__all__ = ["bytes_of", "number_of", "pairs_of", "text_of"]


def number_of(value: Value) -> int:
    """Return the value of a column of numbers."""
    return cast(int, value)


def bytes_of(value: Value) -> bytes:
    """Return the value of a column of strings, as it is stored."""
    return cast(bytes, value)


def text_of(value: Value) -> str:
    """Return the value of a column of strings; invalid UTF-8 is replaced by U+FFFD."""
    return bytes_of(value).decode("utf-8", "replace")


def pairs_of(value: Value) -> Pairs:
    """Return the value of a column of maps."""
    return cast("Pairs", value)
