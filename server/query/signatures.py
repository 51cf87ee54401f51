"""Conditions about the results of producers' signatures."""

from __future__ import annotations

from server.notary.producer_signature import NO_SIGNATURE, RESULTS, as_stored
from storage.condition_algebra import any_of, negated
from storage.conditions import Column, Condition, Holds

__all__ = ["has_signature"]


def has_signature(word: str) -> Condition:
    """Return the condition that the result is one of ``SIGNATURES``."""
    if word == NO_SIGNATURE:
        return negated(any_of(map(has_signature, RESULTS)))
    # The column is a dictionary, so the text is looked for once in each of its different values.
    return Holds(Column("OtlpDetails"), as_stored(word))
