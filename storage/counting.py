"""Counts of records: by time, by the values of fields, by the keys of attributes.

Rows are counted whether they can be proved or not. A record without a time of its own counts at its time of receipt.
Each count is one statement over all streams, and reads each row once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.notary.canonical_columns import Kind, canonical_columns
from server.notary.origin import Stream
from storage.conditions import ascii_lower
from storage.counted_rows import Counted, CountStatement, Rows, shown_text
from storage.engine import Engine
from storage.rowbinary import int64, read_one, read_rows, text, uint64

__all__ = [
    "Facet",
    "Group",
    "Key",
    "count_all",
    "count_by_time",
    "count_keys",
    "count_values",
    "time_span",
]

_NONE = "''"


@dataclass(slots=True)
class Group:
    """Records with the same text, by time.

    Attributes:
        text: the text; empty for the records without one, and for those of all other groups.
        is_other: True for the records of all other groups.
        counts: number of a step -> number of records.
    """

    text: str
    is_other: bool
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Facet:
    """Texts of records in one place.

    Attributes:
        top: text -> number of records, the most frequent one first.
        others: number of other texts.
        other_records: number of records with other texts.
        missing: number of records without a text.
    """

    top: dict[str, int] = field(default_factory=dict)
    others: int = 0
    other_records: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """Key of attributes.

    Attributes:
        map: column of the attributes.
        text: the key.
        records: number of records that have it; one that repeats it counts each time.
    """

    map: str
    text: str
    records: int


def time_span(engine: Engine, rows: Sequence[Rows]) -> tuple[int, int] | None:
    """Return the earliest and the latest time of some rows, in nanoseconds since the epoch; None if there are none.

    Raises:
        StorageError: storage cannot be read.
    """
    statement = CountStatement()
    parts = [f"SELECT min(t) AS a, max(t) AS z, count() AS n FROM ({statement.source(one)})" for one in rows]
    select = f"SELECT min(a), max(z), sum(n) FROM ({' UNION ALL '.join(parts)}) WHERE n > 0"
    ((first, last, number),) = read_rows(engine.query(select, statement.parameters), (int64, int64, uint64))
    return (first, last) if number else None


def count_all(engine: Engine, rows: Sequence[Rows]) -> int:
    """Return the number of some rows, of at least one stream.

    Raises:
        StorageError: storage cannot be read.
    """
    statement = CountStatement()
    select = f"SELECT count() FROM ({' UNION ALL '.join(f'({statement.source(one)})' for one in rows)})"
    return int(read_one(engine.query(select, statement.parameters), uint64))


def count_by_time(
    engine: Engine, rows: Sequence[Rows], start: int, step: int, by: Counted | None, groups: int
) -> list[Group]:
    """Count rows in steps of time.

    Args:
        engine: the storage.
        rows: the rows of each stream.
        start: begin of the step 0, not after any row, in nanoseconds since the epoch.
        step: nanoseconds of a step.
        by: text that splits the rows into groups; None for one group.
        groups: number of groups, at most, from the largest on; all others become one more.

    Raises:
        ValueError: a stream does not have the text.
        StorageError: storage cannot be read.
    """
    statement = CountStatement()
    parts = []
    for one in rows:
        own = [by] if by is not None and one.stream in by.streams else []
        bucket, group = f"intDiv(t - {int(start)}, {int(step)})", "".join(", f0" for _ in own)
        counted = f"SELECT {bucket} AS b{group}, count() AS n FROM ({statement.source(one, own)}) GROUP BY b{group}"
        parts.append(f"SELECT b, {shown_text(own[0], 'f0') if own else _NONE} AS v, n FROM ({counted})")
    merged = f"SELECT v, b, sum(n) AS n FROM ({' UNION ALL '.join(parts)}) GROUP BY v, b"
    ranked = f"SELECT v, b, n, sum(n) OVER (PARTITION BY v) AS total FROM ({merged})"
    placed = f"SELECT v, b, n, toUInt64(dense_rank() OVER (ORDER BY total DESC, v)) AS place FROM ({ranked})"
    select = (
        f"SELECT least(place, {int(groups) + 1}) AS slot, if(slot > {int(groups)}, '', any(v)), toInt64(b), sum(n) "
        f"FROM ({placed}) GROUP BY slot, b ORDER BY slot, b"
    )
    found: dict[int, Group] = {}
    for slot, value, number, count in read_rows(
        engine.query(select, statement.parameters), (uint64, text, int64, uint64)
    ):
        found.setdefault(slot, Group(value, is_other=slot > groups)).counts[number] = count
    return list(found.values())


def count_values(
    engine: Engine, rows: Sequence[Rows], places: Sequence[Counted], most: int, beginning: str
) -> tuple[int, list[Facet]]:
    """Count rows by their texts in each of some places.

    Args:
        engine: the storage.
        rows: the rows of each stream.
        places: places of texts.
        most: number of texts of each place, at most, from the most frequent on.
        beginning: beginning of texts, of which case is ignored; others are left out.

    Returns:
        The number of all rows, and the texts of each place.

    Raises:
        ValueError: a stream does not have a place.
        StorageError: storage cannot be read.
    """
    statement = CountStatement()
    parts = [_facet_part(statement, number, one, places) for number, one in enumerate(rows)]
    prefix = statement.bind(ascii_lower(beginning))
    condition = f" WHERE v = '' OR startsWith(lower(v), {prefix})" if beginning else ""
    merged = f"SELECT f, v, sum(n) AS n FROM ({' UNION ALL '.join(parts)}){condition} GROUP BY f, v"
    window = "OVER (PARTITION BY f, v = '')"
    ordered = "OVER (PARTITION BY f, v = '' ORDER BY n DESC, v)"
    placed = (
        f"SELECT f, v, n, row_number() {ordered} AS place, toUInt64(count() {window}) AS different, "
        f"toUInt64(sum(n) {window}) AS total FROM ({merged})"
    )
    select = f"SELECT f, v, n, different, total FROM ({placed}) WHERE place <= {int(most)} ORDER BY f, place"
    facets = [Facet() for _ in places]
    of_stream: dict[Stream, int] = {}
    readers = (int64, text, uint64, uint64, uint64)
    for number, value, count, different, total in read_rows(engine.query(select, statement.parameters), readers):
        if number < 0:
            of_stream[rows[-1 - number].stream] = count
        elif not value:
            facets[number].missing += count
        else:
            facet = facets[number]
            facet.top[value] = count
            facet.others = different - len(facet.top)
            facet.other_records = total - sum(facet.top.values())
    for facet, place in zip(facets, places, strict=True):
        facet.missing += sum(count for stream, count in of_stream.items() if stream not in place.streams)
    return sum(of_stream.values()), facets


def count_keys(engine: Engine, rows: Sequence[Rows], most: int, beginnings: Mapping[str, str]) -> tuple[int, list[Key]]:
    """Count rows by the keys of their attributes.

    Args:
        engine: the storage.
        rows: the rows of each stream.
        most: number of keys, at most, from the most frequent on.
        beginnings: column of attributes -> beginning of keys, of which case is ignored; other columns are left out.

    Returns:
        The number of different keys that begin so, and the keys.

    Raises:
        StorageError: storage cannot be read.
    """
    statement = CountStatement()
    parts = []
    for one in rows:
        for column in canonical_columns(one.stream):
            if column.kind is Kind.MAP and column.name in beginnings:
                # The keys alone are a fraction of a map. To leave out repeated ones would take four times as long.
                source = statement.source(one, keys_of=column.name)
                counted = f"SELECT arrayJoin(f0) AS k, count() AS n FROM ({source}) GROUP BY k"
                begins = f"startsWith(lower(v), {statement.bind(ascii_lower(beginnings[column.name]))})"
                parts.append(f"SELECT '{column.name}' AS m, toString(k) AS v, n FROM ({counted}) WHERE {begins}")
    if not parts:
        return 0, []
    merged = f"SELECT m, v, sum(n) AS n FROM ({' UNION ALL '.join(parts)}) GROUP BY m, v"
    counted = f"SELECT m, v, n, toUInt64(count() OVER ()) AS different FROM ({merged})"
    select = f"{counted} ORDER BY n DESC, v, m LIMIT {int(most)}"
    found = list(read_rows(engine.query(select, statement.parameters), (text, text, uint64, uint64)))
    return (found[0][3] if found else 0), [Key(column, key, count) for column, key, count, _ in found]


def _facet_part(statement: CountStatement, number: int, rows: Rows, places: Sequence[Counted]) -> str:
    """Return the SELECT of the texts of one stream: number of the place, text, number of rows.

    The number of all rows has the place -1 for the first stream, -2 for the second one, and so on.
    """
    own = [at for at, counted in enumerate(places) if rows.stream in counted.streams]
    source = statement.source(rows, [places[at] for at in own])
    ranks = "".join(f"grouping(f{name}) = 0, toInt64({at}), " for name, at in enumerate(own))
    values = "".join(f"grouping(f{name}) = 0, {shown_text(places[at], f'f{name}')}, " for name, at in enumerate(own))
    if not own:
        return f"SELECT toInt64({-1 - number}) AS f, {_NONE} AS v, count() AS n FROM ({source})"
    # One pass over the rows, with a hash table for each place: a third of the time of a SELECT for each place, and
    # unlike groups of all places together it does not grow with their combinations.
    sets = ", ".join(f"(f{name})" for name in range(len(own)))
    return (
        f"SELECT multiIf({ranks}toInt64({-1 - number})) AS f, multiIf({values}{_NONE}) AS v, count() AS n "
        f"FROM ({source}) GROUP BY GROUPING SETS ({sets}, ())"
    )
