from __future__ import annotations

from itertools import islice

import pytest

from server.retry.backoff import backoff


@pytest.mark.parametrize(
    ("first", "longest", "pauses"),
    [
        (1.0, 30.0, [1, 2, 4, 8, 16, 30, 30]),
        (2.0, 2.0, [2, 2, 2]),
        (5.0, 2.0, [2, 2, 2]),
        (0.0, 2.0, [0, 0, 0]),
    ],
)
def test_pauses_become_longer_up_to_a_limit(first: float, longest: float, pauses: list[float]) -> None:
    assert list(islice(backoff(first, longest), len(pauses))) == pauses
