"""Queries for audit events as a whole: how many, from when to when, and the values of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.engine import Engine
from storage.records import Lookup
from storage.rowbinary import int64, read_rows, text, uint64
from storage.schema import HAPPENED, RECORD_TABLES

__all__ = ["FieldValues", "Overview", "ValueSeen", "overview_of", "values_of"]


@dataclass(frozen=True, slots=True)
class ValueSeen:
    """A value; times are nanoseconds since the epoch.

    Attributes:
        value: the value.
        count: number of rows that have it.
        first: time of the first of them; the time of receipt for a row without a time.
        last: time of the last of them.
    """

    value: str
    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FieldValues:
    """Values of a field.

    Attributes:
        count: number of different values, without the empty one.
        values: some of them.
    """

    count: int
    values: tuple[ValueSeen, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Rows as a whole, whether they can be proved or not; times are nanoseconds since the epoch.

    Attributes:
        count: number of rows.
        first: time of the first row, 0 if there is none; the time of receipt for a row without a time. If any row has a
            plausible time, others do not count here; this applies to each value, too.
        last: time of the last row, 0 if there is none.
        implausible: number of rows whose times are not plausible.
        fields: field -> its values.
        counts: number of rows of each lookup.
    """

    count: int
    first: int
    last: int
    implausible: int
    fields: Mapping[str, FieldValues]
    counts: tuple[int, ...] = ()


def overview_of(
    engine: Engine,
    lookups: Sequence[Lookup],
    columns: Mapping[str, str],
    latest: str,
    most: int,
    since: int,
    until: int,
) -> Overview:
    """Return an overview of the rows of lookups of one stream; a row must be in one of the lookups only.

    Args:
        engine: the storage.
        lookups: the rows.
        columns: field -> its column of text.
        latest: the field of which the latest values are listed; of others, the most frequent ones.
        most: number of values of a field that are listed, at most.
        since: the first plausible time, in nanoseconds since the epoch.
        until: time after the last plausible one.

    Raises:
        StorageError: storage cannot be read.
    """
    # One pass: each row becomes a row for each of its values, and one with its lookup, which has no field.
    items = ", ".join(f"('{field}', CAST({column} AS String))" for field, column in columns.items())
    parts, parameters = [], {}
    for number, lookup in enumerate(lookups):
        condition = lookup.condition
        for name, bound in lookup.parameters.items():
            condition = condition.replace(f"{{{name}:", f"{{u{number}_{name}:")
            parameters[f"u{number}_{name}"] = bound
        parts.append(
            f"SELECT {HAPPENED} AS Time, [('', '{number}'), {items}] AS Items "
            f"FROM {RECORD_TABLES[lookup.stream]} WHERE {condition}"
        )
    rank = f"if(Field = '{latest}', Last, toInt64(Number)) DESC, Last DESC, Value"
    dated = f"Time >= {int(since)} AND Time < {int(until)}"
    counted = (
        f"SELECT Item.1 AS Field, Item.2 AS Value, count() AS Number, countIf({dated}) AS Dated, "
        f"if(Dated > 0, minIf(Time, {dated}), min(Time)) AS First, "
        f"if(Dated > 0, maxIf(Time, {dated}), max(Time)) AS Last "
        f"FROM ({' UNION ALL '.join(parts)}) ARRAY JOIN Items AS Item WHERE Item.2 != '' GROUP BY Field, Value"
    )
    ranked = f"SELECT *, count() OVER (PARTITION BY Field) AS Values FROM ({counted})"
    answer = engine.query(
        f"SELECT Field, Value, Number, Dated, First, Last, Values FROM ({ranked}) ORDER BY Field, {rank} "
        "LIMIT {most:UInt64} BY Field",
        {**parameters, "most": most},
    )
    found: dict[str, list[ValueSeen]] = {field: [] for field in ("", *columns)}
    counts = dict.fromkeys(found, 0)
    implausible, seen = 0, list[ValueSeen]()  # of lookups with plausible times
    readers = (text, text, uint64, uint64, int64, int64, uint64)
    for field, value, number, dated_number, first, last, values in read_rows(answer, readers):
        found[field].append(ValueSeen(value, number, first, last))
        counts[field] = values
        if not field:
            implausible += number - dated_number
            seen += found[field][-1:] if dated_number else []
    whole = {int(one.value): one for one in found[""]}
    seen = seen or found[""]
    fields = {field: FieldValues(counts[field], tuple(found[field])) for field in columns}
    return Overview(
        sum(one.count for one in whole.values()),
        min((one.first for one in seen), default=0),
        max((one.last for one in seen), default=0),
        implausible,
        fields,
        tuple(whole[number].count if number in whole else 0 for number in range(len(lookups))),
    )


def values_of(engine: Engine, lookup: Lookup, column: str, most: int) -> list[str]:
    """Return some different values of a column of text that the rows of a lookup have, in order, without the empty one.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        f"SELECT DISTINCT CAST({column} AS String) AS Value FROM {RECORD_TABLES[lookup.stream]} "
        f"WHERE ({lookup.condition}) AND {column} != '' ORDER BY Value LIMIT {{most:UInt64}}",
        {**lookup.parameters, "most": most},
    )
    return [value for (value,) in read_rows(rows, (text,))]
