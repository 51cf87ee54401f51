"""Texts that programs write as bytes: as a list of numbers, or in hexadecimal digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["text_of_bytes", "text_of_hex"]

_BYTE = re.compile(rb"([0-9]{1,3})(?:\.0)?")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def text_of_bytes(elements: Sequence[bytes]) -> bytes:
    """Return the text of bytes, of which each is an element in decimal digits; an empty text if they are none.

    journalctl writes the texts of programs so if they are not UTF-8.
    """
    numbers = [_BYTE.fullmatch(element) for element in elements]
    values = [int(number[1]) for number in numbers if number]
    return _utf8(bytes(values)) if values and len(values) == len(numbers) and max(values) < 256 else b""


def text_of_hex(digits: bytes) -> bytes:
    """Return the text of bytes in hexadecimal digits; any other text unchanged."""
    return _utf8(bytes.fromhex(digits.decode())) if _HEX.fullmatch(digits) else digits


def _utf8(text: bytes) -> bytes:
    """Return a text with U+FFFD in place of each byte that is not UTF-8."""
    return _NOT_UTF8.sub("\N{REPLACEMENT CHARACTER}", text.decode(errors="surrogateescape")).encode()
