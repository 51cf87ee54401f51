"""Filters of records: which records are kept, out of those that are hashed.

A complete answer decides about each record on the very bytes that were hashed. What a filter decides is not known here:
it comes as a program for the compiled code (``native/filter.cpp``), and as a function that does the same in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["KeptRecord", "RecordFilter"]

KeptRecord = tuple[int, bytes]
"""The leaf of a record, and its canonical form."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """A filter of the records of one log, of one canonical version.

    Attributes:
        program: the filter for the compiled code.
        holds: function that returns whether the record of a leaf passes, given the leaf and the canonical record.
        most_bytes: bytes of records that are kept at a time, about; all records after them are dropped.
    """

    program: bytes
    holds: Callable[[int, bytes], bool]
    most_bytes: int
