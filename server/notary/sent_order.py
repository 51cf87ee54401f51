"""The order in which the values of a repeated key were sent.

Stored maps are sorted by key and then by value, and keep all values of a repeated key. If the values of a key were sent
in another order, ``OtlpDetails`` has this order, as positions in the stored order (``server.codec.decode``). Of several
values, the last one counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeGuard

from server.notary.canonical import Pairs

__all__ = ["SentOrder"]


class SentOrder:
    """The order of the values in the maps of one record or span."""

    def __init__(self, otlp_details: bytes) -> None:
        """Take ``OtlpDetails`` as stored; without a valid order for a key, the stored order of its values is used."""
        self._json = otlp_details

    def values(self, pairs: Pairs, *path: str) -> Mapping[bytes, Sequence[bytes]]:
        """Return the keys of a map, each with its values in the order in which they were sent.

        Args:
            pairs: the pairs of the map, in their stored order.
            path: names of the members of ``OtlpDetails`` that lead to the order of this map, such as ``log_order``.
        """
        single = {key: (value,) for key, value in pairs}
        if len(single) == len(pairs):
            return single
        stored: dict[bytes, list[bytes]] = {}
        for key, value in pairs:
            stored.setdefault(key, []).append(value)
        order = self._member(path)
        return {key: _in_order(values, order.get(key.decode("utf-8", "replace"))) for key, values in stored.items()}

    def _member(self, path: Sequence[str]) -> Mapping[str, object]:
        node = self._details
        for name in path:
            node = node.get(name) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}

    @cached_property
    def _details(self) -> object:
        try:
            details: object = json.loads(self._json.decode())
        except (ValueError, RecursionError):
            return None
        return details


def _in_order(values: Sequence[bytes], positions: object) -> Sequence[bytes]:
    return [values[position] for position in positions] if _are_positions(positions, len(values)) else values


def _are_positions(positions: object, count: int) -> TypeGuard[list[int]]:
    return (
        isinstance(positions, list)
        and all(type(position) is int for position in positions)  # True and 1.0 are equal to 1
        and sorted(positions) == list(range(count))
    )
