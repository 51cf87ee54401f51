"""Complete answers: each change of what is stored either leaves them right, or they say that they are not complete."""

from __future__ import annotations

import pytest

from server.api.backend import Backend
from lognotary.v1 import correlation_pb2
from tests.tamper.complete import answer
from tests.tamper.store import AUDIT, OPERATIONAL, Store


def test_an_untouched_store_is_answered_completely(store: Store) -> None:
    found = answer(store.reader, store.keys)
    sizes = {name: batches[-1].tree_size for name, batches in store.batches.items()}
    assert found.leaves == [(name.origin, leaf) for name in (AUDIT, OPERATIONAL) for leaf in range(sizes[name])]
    assert found.summary.complete
    assert (found.summary.leaves, found.summary.matched) == (sum(sizes.values()), sum(sizes.values()))
