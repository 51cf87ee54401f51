"""Pages of rows that name no log: each row once, ordered among the signed rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.log.journal import Journal
from server.log.unsigned_writer import UnsignedWriter
from server.notary.canonical import decode_record
from server.notary.origin import Stream
from server.query.checked_rows import Checked, is_admissible
from server.query.pages import Position, read_page
from server.verification.record_evidence import State
from server.verification.scope import Scope, Summary
from server.verification.verification import verify
from storage.engine import Engine
from storage.records import Lookup
from tests.api.store import START, Writer, audit_event, log_record, span
from tests.codec.building import rows
from tests.effort import effort

_TIMES = st.integers(0, 2)
_ROWS = st.lists(
    st.tuples(st.sampled_from(["signed", "unsigned", "of a collector", "log of a collector", "forged"]), _TIMES),
    max_size=12,
)


@pytest.fixture
def writer(engine: Engine, tmp_path: Path) -> Iterator[Writer]:
    with closing(Journal(tmp_path / "journal", 1 << 24)) as journal:
        yield Writer(engine, journal)


def write(writer: Writer, unsigned: UnsignedWriter, kind: str, at: int, name: str) -> None:
    if kind == "signed":
        writer.write([audit_event(name, at=at)])
    elif kind == "unsigned":
        unsigned.commit([rows(Stream.OPERATIONAL, *[""] * at, name)])  # a row for each time up to ``at``
    elif kind == "of a collector":
        writer.write_spans_of_a_collector((at, "", name))
    else:
        log_id = "'0123456789abcdef'" if kind == "forged" else "''"
        writer.engine.execute(
            "INSERT INTO otel_logs (Timestamp, Body, LogId) "
            f"VALUES (fromUnixTimestamp64Nano({START + at}), '{name}', {log_id})"
        )


def lookups(*, latest_first: bool) -> list[Lookup]:
    return [Lookup(stream, "1", {}, latest_first) for stream in Stream]


def identity(checked: Checked) -> tuple[object, ...]:
    row = checked[0]
    values = decode_record(row.stream, row.canonical)
    return row.stream, row.timestamp, row.log_id, row.leaf_index, values.get("Body") or values.get("SpanName")


@settings(max_examples=effort(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_ROWS, st.integers(1, 4), st.booleans())
def test_each_row_is_on_one_page_and_those_that_are_expected_are_in_order(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    written: list[tuple[str, int]],
    size: int,
    latest_first: bool,
) -> None:
    for table in ("audit_logs", "otel_logs", "otel_traces", "log_batches", "log_tiles", "log_statements"):
        engine.execute(f"TRUNCATE TABLE {table} SYNC")
    directory = tmp_path_factory.mktemp("journals")
    unsigned = UnsignedWriter(engine, Stream.OPERATIONAL, Journal(directory / "u", 1 << 24), threading.Event())
    with closing(Journal(directory / "s", 1 << 24)) as journal, closing(unsigned):
        writer = Writer(engine, journal)
        for number, (kind, at) in enumerate(written):
            write(writer, unsigned, kind, at, f"row {number}")
    keys = replace(writer.keys, unsigned_streams=frozenset({Stream.OPERATIONAL}))
    wanted = lookups(latest_first=latest_first)
    everything = read_page(engine, keys, wanted, 1000, Position(), rehash=True).rows
    found: list[Checked] = []
    position: Position | None = Position()
    while position is not None:
        page = read_page(engine, keys, wanted, size, position, rehash=True)
        found += page.rows
        position = page.following
        assert not page.others_follow or any(kind == "forged" for kind, _ in written)
    assert sorted(map(repr, map(identity, found))) == sorted(map(repr, map(identity, everything)))
    times = [row.timestamp for row, evidence in found if is_admissible((row, evidence))]
    assert times == sorted(times, reverse=latest_first)


def test_a_row_without_a_log_is_expected_only_in_streams_that_are_not_signed(engine: Engine, writer: Writer) -> None:
    writer.write([audit_event("login"), log_record("signed")])
    for table in ("audit_logs", "otel_logs"):
        engine.execute(f"INSERT INTO {table} (Timestamp, Body) VALUES (fromUnixTimestamp64Nano({START}), 'in no log')")
    writer.write_spans([span("signed")])
    writer.write_spans_of_a_collector((0, "", "of a Collector"))
    for streams, expected in (
        ((), {Stream.SPANS}),
        ((Stream.OPERATIONAL,), {Stream.OPERATIONAL, Stream.SPANS}),
        ((Stream.OPERATIONAL, Stream.SPANS), {Stream.OPERATIONAL, Stream.SPANS}),
    ):
        keys = replace(writer.keys, unsigned_streams=frozenset(streams))
        found = read_page(engine, keys, lookups(latest_first=False), 100, Position(), rehash=True).rows
        states = {(row.stream, evidence.state, evidence.is_expected) for row, evidence in found}
        assert states == {
            *((stream, State.VERIFIED, False) for stream in Stream),
            *((stream, State.UNSIGNED, stream in expected) for stream in Stream),
        }
        of_collectors = {row.stream for row, evidence in found if evidence.is_of_a_collector}
        assert of_collectors == expected - set(streams)
        *_, summary = verify(engine, keys, Scope())
        assert isinstance(summary, Summary)
        assert summary.findings == 3 - len(expected)
