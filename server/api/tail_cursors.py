"""Cursors of tails: the position in each log; opaque to clients, and valid at every server on the same storage."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping

from server.api.errors import InvalidArgumentError

__all__ = ["make_cursor", "parse_cursor"]

_PLACE = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{1,16}-[0-9a-f]{16})?")
_LARGEST = 1 << 63
_MOST_BYTES = 1 << 20  # of the positions as JSON: enough for 30,000 logs

_UNKNOWN = (
    "cursor: the cursor does not come from a tail: leave the cursor out to begin with records committed from now on"
)


def make_cursor(positions: Mapping[str, int]) -> str:
    """Return the cursor of positions as ``server.query.positions.name_positions`` returns them."""
    text = json.dumps(sorted(positions.items()), separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 1)).decode()


def parse_cursor(cursor: str) -> dict[str, int]:
    """Return the positions of a cursor.

    Raises:
        InvalidArgumentError: the cursor was not made by ``make_cursor``.
    """
    try:
        pairs = json.loads(_unpacked(base64.b64decode(cursor, altchars=b"-_", validate=True)))
        positions = dict(pairs)
        is_known = len(positions) == len(pairs) and all(_is_position(*pair) for pair in positions.items())
    except (ValueError, TypeError, zlib.error, RecursionError) as error:
        raise InvalidArgumentError(_UNKNOWN) from error
    if not is_known:
        raise InvalidArgumentError(_UNKNOWN)
    return positions


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(content, _MOST_BYTES)
    return text if unpacking.eof and not unpacking.unused_data else b""


def _is_position(place: object, size: object) -> bool:
    return isinstance(place, str) and _PLACE.fullmatch(place) is not None and type(size) is int and 0 <= size < _LARGEST
