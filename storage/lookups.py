"""Lookups of the records that satisfy a typed condition, and their number."""

from __future__ import annotations

from dataclasses import replace

from server.notary.origin import Stream
from storage.condition_sql import compile_condition
from storage.conditions import ALWAYS, Condition
from storage.engine import Engine
from storage.records import Lookup
from storage.rowbinary import int64, read_one, uint64
from storage.schema import RECORD_TABLES

__all__ = ["count_up_to", "first_time", "last_receipt", "narrowed", "of_condition", "within"]


def of_condition(stream: Stream, condition: Condition, *, latest_first: bool) -> Lookup:
    """Look up the records of a stream that satisfy a condition.

    Raises:
        ValueError: the stream's table does not have a column of the condition.
    """
    sql = compile_condition(stream, condition)
    return Lookup(stream, f"({sql.text})", sql.parameters, latest_first)


def last_receipt(engine: Engine) -> int:
    """Return the latest time of receipt that a committed batch has, in nanoseconds since the epoch; 0 for none."""
    return int(read_one(engine.query("SELECT toUnixTimestamp64Nano(max(IngestedAt)) FROM log_batches"), int64))


def narrowed(lookup: Lookup, condition: Condition) -> Lookup:
    """Return the lookup of those rows of a lookup that satisfy a condition, whose parameters have other names.

    Raises:
        ValueError: as for ``of_condition``.
    """
    if condition == ALWAYS:
        return lookup
    sql = compile_condition(lookup.stream, condition)
    return replace(
        lookup, condition=f"{lookup.condition} AND ({sql.text})", parameters={**lookup.parameters, **sql.parameters}
    )


def within(lookup: Lookup, first: int | None, end: int | None) -> Lookup:
    """Return the lookup of those rows of a lookup whose Timestamp is in [first, end), in nanoseconds since the epoch.

    Ends that are None are open.
    """
    ends = [
        f"Timestamp {sign} fromUnixTimestamp64Nano(toInt64({int(at)}))"
        for sign, at in ((">=", first), ("<", end))
        if at is not None
    ]
    return replace(lookup, condition=" AND ".join([lookup.condition, *ends]))


def count_up_to(engine: Engine, lookup: Lookup, most: int) -> int:
    """Count the rows of a lookup, whether they can be proved or not; the result is at most ``most``."""
    select = f"SELECT 1 FROM {RECORD_TABLES[lookup.stream]} WHERE {lookup.condition} LIMIT {{most:UInt64}}"
    return int(read_one(engine.query(f"SELECT count() FROM ({select})", {**lookup.parameters, "most": most}), uint64))


def first_time(engine: Engine) -> int:
    """Return the earliest Timestamp that a committed batch says it has, other than none, in nanoseconds; 0 for none."""
    select = "SELECT toUnixTimestamp64Nano(min(MinTimestamp)) FROM log_batches WHERE MinTimestamp > toDateTime64(0, 9)"
    return int(read_one(engine.query(select), int64))
