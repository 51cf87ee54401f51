from __future__ import annotations

from server.codec.audit import words
from server.codec.audit.words import outcome_of
from server.notary.audit_words import CATEGORIES, OUTCOMES


def test_the_words_that_searches_take_are_those_that_are_stored() -> None:
    assert {word.decode() for word in words.CATEGORIES} == set(CATEGORIES)
    sent = (*words.SUCCESSES, *words.FAILURES, b"200", b"500", b"something else", b"")
    assert {outcome_of(word).decode() for word in sent} == set(OUTCOMES)
