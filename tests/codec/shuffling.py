"""Attributes in another order, which must not matter."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

__all__ = ["with_keys_shuffled"]


def with_keys_shuffled(attributes: Iterable[KeyValue], shuffler: random.Random) -> list[KeyValue]:
    """Return attributes with their keys in another order; the values of one key keep theirs."""
    of_key: dict[str, deque[KeyValue]] = defaultdict(deque)
    for attribute in attributes:
        of_key[attribute.key].append(attribute)
    keys = [key for key, values in of_key.items() for _ in values]
    shuffler.shuffle(keys)
    return [of_key[key].popleft() for key in keys]
