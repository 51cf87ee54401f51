"""Rows of answers with their evidence, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server.notary.canonical import leaf_of
from server.notary.trust import TrustedKeys
from server.verification.record_evidence import RecordEvidence, State, gather_evidence
from server.verification.tree import TileCache
from storage.engine import Engine
from storage.records import Lookup, Place
from storage.schema import rank_of
from storage.stored_records import StoredRecord

__all__ = ["Checked", "admitting", "check_rows", "is_admissible", "is_proved", "order_of", "place_of"]

Checked = tuple[StoredRecord, RecordEvidence]
"""A row with its evidence."""


def check_rows(
    engine: Engine,
    keys: TrustedKeys,
    rows: Sequence[StoredRecord],
    *,
    rehash: bool,
    cache: TileCache | None = None,
) -> list[Checked]:
    """Return rows of any streams with their evidence; args and errors as for ``gather_evidence``."""
    return list(zip(rows, gather_evidence(engine, keys, rows, rehash=rehash, cache=cache), strict=True))


def is_proved(checked: Checked) -> bool:
    """Return whether a row is what was signed."""
    _, evidence = checked
    return evidence.state in (State.VERIFIED, State.SIGNED) and not evidence.tiles_altered


def is_admissible(checked: Checked) -> bool:
    """Return whether a row is what was signed, or names no log in a stream that may have such rows."""
    return is_proved(checked) or checked[1].is_expected


def admitting(lookup: Lookup, keys: TrustedKeys) -> Lookup:
    """Return a lookup with ``without_log`` set if its stream may have rows that name no log."""
    return replace(lookup, without_log=keys.expects_unsigned(lookup.stream))


def place_of(row: StoredRecord) -> Place:
    """Return the place of a row in the order of lookups."""
    return Place(row.stream, row.timestamp, row.log_id, row.leaf_index, row.batch_id, leaf_of(row.canonical))


def order_of(row: StoredRecord) -> tuple[int, str, int, int]:
    """Return the sort key of a row in answers."""
    return row.timestamp, row.log_id, row.leaf_index, rank_of(row.stream)
