from __future__ import annotations

import pytest

from server.notary.counted import counted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((1, "record"), "1 record"),
        ((2, "record"), "2 records"),
        ((0, "record"), "0 records"),
        ((1, "batch", "batches"), "1 batch"),
        ((1000, "batch", "batches"), "1,000 batches"),
        ((1, "row names", "rows name"), "1 row names"),
    ],
)
def test_a_number_has_its_noun_in_the_singular_or_plural(words: tuple[int, str], expected: str) -> None:
    assert counted(*words) == expected
