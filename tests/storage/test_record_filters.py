"""Filters of canonical records: the compiled code and plain Python admit the same records for any query."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.bundles import encode_record
from harness.lacking import lacking
from server.notary import hashing
from server.notary.canonical import (
    versions_of,
)
from server.notary.errors import MalformedError
from server.notary.leaf_rows import row_kinds
from server.notary.origin import Stream
from server.query.errors import QueryError
from server.query.parser import parse
from server.query.printer import print_query
from server.query.resolve import read_query
from server.query.tree import Node
from storage.condition_values import holds
from storage.conditions import (
    AnyAttribute,
    Attribute,
    Column,
    Condition,
    End,
    Exists,
    HasWords,
    HasWordsLike,
    Holds,
    IntegerWithin,
    IsOneOf,
    Negated,
    NumberWithin,
    Resembles,
    SeverityWithin,
    TextWithin,
    TimeWithin,
)
from storage.record_filters import filter_of
from tests.effort import effort
from tests.storage.condition_rows import QUERIES, made_rows

LOG = "0123456789abcdef"
FORMS = [(stream, version) for stream in Stream for version in versions_of(stream)]


def records(stream: Stream, version: int) -> list[bytes]:
    return [encode_record(stream, row, version) for row in made_rows(stream)]


RECORDS = {form: records(*form) for form in FORMS}


def kinds_of(stream: Stream, version: int) -> bytes:
    return hashing.codes(row_kinds(stream, version))


def admitted(stream: Stream, version: int, condition: Condition) -> list[int]:
    """Return the leaves that a condition admits, after comparing both implementations."""
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    wanted = filter_of(stream, version, LOG, condition)
    kinds = kinds_of(stream, version)
    made = RECORDS[stream, version]
    compiled = [n for n, record in enumerate(made) if hashing.holds(wanted.program, kinds, n, record)]
    assert compiled == [n for n, record in enumerate(made) if wanted.holds(n, record)], condition
    return compiled


@settings(max_examples=effort(600), suppress_health_check=list(HealthCheck), deadline=None)
@given(tree=QUERIES, form=st.sampled_from(FORMS))
@example(tree=parse(f"log:{LOG}#7"), form=(Stream.AUDIT, 2))
def test_both_filters_admit_the_same_records(tree: Node, form: tuple[Stream, int]) -> None:
    try:
        condition = read_query(print_query(tree)).condition(form[0])
    except QueryError:
        return
    found = admitted(*form, condition)
    rows = [{**row, "LogId": LOG.encode()} for row in made_rows(form[0])]
    if form[1] == 2:  # where rows have no more than records
        sorted_maps = [
            {name: sorted(value) if isinstance(value, list) else value for name, value in row.items()} for row in rows
        ]
        assert found == [n for n, row in enumerate(sorted_maps) if holds(condition, row)]


_TEXTS = st.text(st.sampled_from("aB \n\t.%-17é\0"), max_size=8)
_PIECES = st.lists(_TEXTS, min_size=2, max_size=4).map(tuple)
_COLUMNS = st.sampled_from(["Body", "ServiceName", "TraceId", "Redactions", "Tenant", "LogId"]).map(Column)
_ATTRIBUTES = st.builds(Attribute, st.sampled_from(["LogAttributes", "ScopeAttributes"]), st.sampled_from(["k", "a.b"]))
_PLACES = st.one_of(_COLUMNS, _ATTRIBUTES, st.builds(AnyAttribute, st.sampled_from(["k", "http.status_code"])))
_NUMBERS = st.sampled_from(["0", "-0", "5", "1e2", "1E+2", "0.5", "1e-99", "12345678901234567890", "9" * 400])
_ENDS = st.one_of(st.none(), st.builds(End, _TEXTS, st.booleans()))
_NUMBER_ENDS = st.one_of(st.none(), st.builds(End, _NUMBERS, st.booleans()))
_INTEGERS = st.one_of(st.none(), st.sampled_from([0, 1, 17, 18, 200, (1 << 64) - 1]))
_TIMES = st.one_of(st.none(), st.integers(-(1 << 63), (1 << 63) - 1))
CONDITIONS = st.one_of(
    st.builds(IsOneOf, _PLACES, st.lists(_TEXTS, max_size=3).map(tuple)),
    st.builds(Holds, _PLACES, _TEXTS),
    st.builds(Resembles, _PLACES, _PIECES, st.booleans()),
    st.builds(HasWords, st.just(Column("Body")), _TEXTS),
    st.builds(HasWordsLike, st.just(Column("Body")), _PIECES),
    st.builds(Exists, _PLACES),
    st.builds(TextWithin, _PLACES, _ENDS, _ENDS),
    st.builds(NumberWithin, _PLACES, _NUMBER_ENDS, _NUMBER_ENDS),
    st.builds(IntegerWithin, st.sampled_from(["Flags", "LeafIndex"]).map(Column), _INTEGERS, _INTEGERS),
    st.builds(SeverityWithin, st.integers(1, 24), st.integers(1, 24)),
    st.builds(TimeWithin, st.sampled_from(["Timestamp", "IngestedAt"]).map(Column), _TIMES, _TIMES, st.booleans()),
).flatmap(lambda condition: st.sampled_from([condition, Negated(condition)]))


@settings(max_examples=effort(5000), suppress_health_check=list(HealthCheck), deadline=None)
@given(
    condition=CONDITIONS,
    version=st.sampled_from([1, 2]),
    body=st.one_of(_TEXTS, st.binary(max_size=8).map(lambda data: data.decode("latin-1"))),
    value=st.one_of(_TEXTS, _NUMBERS),
)
def test_both_filters_admit_the_same_texts(condition: Condition, version: int, body: str, value: str) -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    row: dict[str, Any] = dict(made_rows(Stream.OPERATIONAL)[0])
    row |= {"Body": body.encode("latin-1", "replace"), "ServiceName": value.encode(), "TraceId": value.encode()}
    row["LogAttributes"] = [(b"k", value.encode()), (b"a.b", body.encode())]
    record = encode_record(Stream.OPERATIONAL, row, version)
    wanted = filter_of(Stream.OPERATIONAL, version, LOG, condition)
    compiled = hashing.holds(wanted.program, kinds_of(Stream.OPERATIONAL, version), 17, record)
    assert compiled is wanted.holds(17, record)


@pytest.mark.parametrize("form", FORMS)
def test_records_of_a_version_without_a_column_have_nothing_in_it(form: tuple[Stream, int]) -> None:
    every = list(range(len(RECORDS[form])))
    if form[1] == 1:
        assert admitted(*form, Negated(Exists(Column("Tenant")))) == every
        assert admitted(*form, Exists(Column("Redactions"))) == []
    assert admitted(*form, IsOneOf(Column("LogId"), (LOG,))) == every
    assert admitted(*form, IntegerWithin(Column("LeafIndex"), 3, 4)) == [3, 4]


@pytest.mark.parametrize("condition", [IsOneOf(Column("Nowhere"), ("x",)), Exists(Attribute("LogAttributes", ""))])
def test_a_condition_that_storage_refuses_makes_no_filter(condition: Condition) -> None:
    with pytest.raises(ValueError, match=r"there is no column|the key of an attribute is empty"):
        filter_of(Stream.OPERATIONAL, 2, LOG, condition)


def _broken(data: bytes, chosen: random.Random) -> Iterator[bytes]:
    yield data[: chosen.randrange(len(data))]
    for _ in range(4):
        changed = bytearray(data)
        for _ in range(chosen.randint(1, 3)):
            changed[chosen.randrange(len(changed))] = chosen.choice([0, 1, 0x7F, 0x80, 0xFF, chosen.randrange(256)])
        yield bytes(changed)
    yield data + bytes(chosen.randint(1, 9))


def judge(program: bytes, record: bytes, reasons: str) -> None:
    """Apply a filter to a record, which may also be refused with one of some errors."""
    try:
        hashing.holds(program, kinds_of(Stream.OPERATIONAL, 2), 1, record)
    except (MalformedError, ValueError) as error:
        if not re.fullmatch(reasons, str(error)):
            raise


@settings(max_examples=effort(1000), suppress_health_check=list(HealthCheck), deadline=None)
@given(condition=CONDITIONS, seed=st.integers(0, 1 << 30))
def test_malformed_programs_and_records_are_refused_or_judged_and_nothing_else(condition: Condition, seed: int) -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    chosen = random.Random(seed)
    program = filter_of(Stream.OPERATIONAL, 2, LOG, condition).program
    record = chosen.choice(RECORDS[Stream.OPERATIONAL, 2])
    reasons = "the canonical record ends too early|a length is too long|a row is too long"
    for broken in _broken(record, chosen):
        judge(program, broken, reasons)
    for broken in _broken(program, chosen):
        judge(broken, record, "the program of a filter is malformed")
