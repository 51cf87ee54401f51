from __future__ import annotations

from server.codec import classify
from server.notary.audit_words import CATEGORIES, OUTCOMES


def test_the_words_that_searches_take_are_those_that_are_stored() -> None:
    assert {word.decode() for word in classify.CATEGORIES} == set(CATEGORIES)
    assert {word.decode() for word in classify.OUTCOMES.values()} | {"failure"} == set(OUTCOMES)
