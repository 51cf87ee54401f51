"""Page tokens: the position from which the next page begins, opaque to clients."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

from server.api.errors import InvalidArgumentError
from server.api.pages import Position
from storage.records import Place

__all__ = ["make_token", "parse_token"]

_HASH_SIZE = 32


def make_token(position: Position) -> str:
    """Return the token of a position."""
    value = [position.passes, _dump(position.after), _dump(position.others_after)]
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def parse_token(token: str) -> Position:
    """Return the position of a token.

    Raises:
        InvalidArgumentError: the token was not made by ``make_token``.
    """
    try:
        passes, after, others_after = json.loads(base64.urlsafe_b64decode(token))
        return Position(_load(after), (0, 1, 2).index(passes), _load(others_after))
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArgumentError("the page token is not one that this server gave out") from error


def _dump(place: Place | None) -> list[object] | None:
    if place is None:
        return None
    return [place.timestamp, place.log_id, place.leaf_index, place.batch_id.hex, place.leaf_hash.hex()]


def _load(value: Any) -> Place | None:
    if value is None:
        return None
    timestamp, log_id, leaf_index, batch_id, leaf_hash = value
    place = Place(int(timestamp), str(log_id), int(leaf_index), UUID(hex=str(batch_id)), bytes.fromhex(leaf_hash))
    if not (
        -(1 << 63) <= place.timestamp < 1 << 63
        and 0 <= place.leaf_index < 1 << 64
        and len(place.leaf_hash) == _HASH_SIZE
    ):
        raise ValueError("out of range")
    return place
