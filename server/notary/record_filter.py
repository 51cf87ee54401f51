"""Filters of hashed records: the choice of the records to keep.

A complete answer evaluates its query on the bytes that were hashed. This module knows nothing of queries: a filter
comes as a program for the compiled code (``native/filter.cpp``), and as an equivalent function in Python.
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
