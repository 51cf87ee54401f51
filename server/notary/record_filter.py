"""Filters of hashed records: which records to keep.

A complete answer evaluates its query on the bytes that were hashed. This module knows nothing of queries: a filter is
a program for the compiled code (``native/filter.cpp``), and an equivalent function in Python.
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
        most_bytes: size of the records that are kept, about, in bytes; all later records are dropped.
    """

    program: bytes
    holds: Callable[[int, bytes], bool]
    most_bytes: int
