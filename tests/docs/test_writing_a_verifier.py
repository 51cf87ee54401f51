"""The page for those who write a verifier says what the code does."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import encode_record
from harness.clickhouse_http import ClickHouseServer
from server.notary.batch import LogState, notarize, tile_fragments
from server.notary.bundle import readable_record
from server.notary.canonical import VERSIONS, canonical_columns, mark_of, versions_of
from server.notary.checkpoint import Checkpoint
from server.notary.findings import FindingKind
from server.notary.merkle import EMPTY_ROOT, CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, sign_statement
from server.notary.statement_check import LogStatements
from server.verification.expiry import Expiry
from storage.clickhouse import connect
from storage.migrate import load_migrations, migrate
from storage.schema import BATCH_COLUMNS, STATEMENT_COLUMNS, TILE_COLUMNS, TableColumn
from storage.url import parse_storage_url
from tests.docs.outsider import VERIFIER

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "writing-a-verifier.md").read_text(encoding="utf-8")
SQL = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LOG = LogName("shop", Stream.AUDIT, "a")
SIGNER = Signer.generate()


def block(title: str, number: int = 0) -> str:
    """Return a block of text under a title."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return str(re.findall(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[number])


@pytest.fixture(scope="module")
def migrated(clickhouse_server: ClickHouseServer) -> Iterator[str]:
    """The name of a database with all tables."""
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with closing(connect(parse_storage_url(url))) as engine:
            migrate(engine)
        yield database


def test_the_tables_are_defined_as_the_list_says(clickhouse_server: ClickHouseServer, migrated: str) -> None:
    columns, engines = (clickhouse_server.query(sql, database=migrated) for sql in SQL[:2])
    assert columns + "\n" == (VERIFIER / "columns.tsv").read_text(encoding="utf-8")
    assert [line.split("\t")[1] for line in engines.splitlines()] == ["MergeTree"] * 6


def test_every_query_on_the_page_can_be_asked(clickhouse_server: ClickHouseServer, migrated: str) -> None:
    assert len(SQL) == 5
    for sql in SQL:
        clickhouse_server.query(sql, database=migrated)


@pytest.mark.parametrize("columns", [STATEMENT_COLUMNS, BATCH_COLUMNS, TILE_COLUMNS])
def test_the_queries_read_every_column(columns: tuple[TableColumn, ...]) -> None:
    wanted = ", ".join(column.name for column in columns)
    assert any(" ".join(sql.split()).startswith(f"SELECT {wanted} FROM log_") for sql in SQL)


@pytest.mark.parametrize(("version", "last"), [(1, "IngestedAt DateTime64(9)"), (2, "Redactions String")])
def test_the_canonical_record_has_the_columns_on_the_page(version: int, last: str) -> None:
    expected = [
        f"{column.name} {column.kind.value.replace('LowCardinality(String)', 'String')}"
        for column in canonical_columns(Stream.AUDIT, version)
    ]
    operational = canonical_columns(Stream.OPERATIONAL, version)
    assert block("Records", {2: 0, 1: 2}[version]).splitlines() == expected
    assert [column.name for column in operational] == [line.split()[0] for line in expected[: len(operational)]]
    assert expected[len(operational) - 1] == last


def test_spans_have_the_columns_on_the_page() -> None:
    assert block("Records", 1).splitlines() == [
        f"{column.name} {column.kind.value.replace('LowCardinality(String)', 'String')}"
        for column in canonical_columns(Stream.SPANS)
    ]


def test_the_mark_of_the_last_version_is_the_one_on_the_page() -> None:
    assert f"`{mark_of(VERSIONS[-1]).hex(' ')}`" in PAGE


def test_the_batch_id_is_made_of_the_columns_on_the_page_in_their_order() -> None:
    names = re.findall(r"\b(?:first three lines of )?([A-Z]\w+) ?(?:String|UInt|Int|32 bytes|,)", block("Batches"))
    assert names == [column.name for column in BATCH_COLUMNS if column.name != "BatchId"]


def test_the_example_of_fragments_is_what_a_batch_adds() -> None:
    after, tiles = CompactRange(0, ()).extend(bytes(32 * 250))[0].extend(bytes(32 * 270))
    fragments = [(f.level, f.tile_index, f.offset, len(f.hashes) // 32) for f in tile_fragments(250, tiles)]
    assert after.size == 520
    assert fragments == [(0, 0, 250, 6), (0, 1, 0, 256), (0, 2, 0, 8), (1, 0, 0, 2)]
    text = " ".join(PAGE.split())
    assert (
        "level 0, tile 0, `Offset` 250, 6 hashes; tile 1, `Offset` 0, 256 hashes; tile 2, `Offset` 0, 8 hashes" in text
    )
    assert "level 1, tile 0, `Offset` 0, 2 hashes" in text


def test_every_kind_of_statement_is_on_the_page() -> None:
    for kind in StatementKind:
        assert f"`{kind.value}`" in PAGE


def test_every_finding_on_the_page_is_one_that_verification_has() -> None:
    named = set(re.findall(r"`((?:RECORDS?|BATCH|LOG|TILE|STATEMENT|SIGNED)_[A-Z_]+)`", PAGE))
    assert named == {kind.value for kind in FindingKind} & named
    assert len(named) > 15


def test_every_table_is_on_the_page() -> None:
    for migration in load_migrations():
        for table in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", migration.sql):
            assert f"`{table}`" in PAGE
    assert "`lognotary_migrations`" in PAGE


@pytest.mark.parametrize("version", VERSIONS)
def test_record_json_has_the_members_on_the_page(version: int) -> None:
    readable = readable_record(encode_record(Stream.AUDIT, {}, version), LOG.origin, 3)
    columns = [column.name for column in canonical_columns(Stream.AUDIT, version)]
    assert list(readable) == ["Origin", "LeafIndex", "CanonicalVersion", "Entry", *columns]
    assert readable["CanonicalVersion"] == version
    assert readable["Timestamp"] == {"time": "1970-01-01T00:00:00.000000000Z", "unix_nanos": 0}
    assert (readable["Body"], readable["LogAttributes"], readable["Flags"]) == ("", {}, 0)


def test_record_json_has_bytes_and_repeated_attributes_as_the_page_says() -> None:
    record = encode_record(
        Stream.OPERATIONAL,
        {"Body": b"\xff", "LogAttributes": [(b"a", b"1"), (b"a", b"2")], "ScopeAttributes": [(b"a", b"\xff")]},
    )
    readable = readable_record(record, "shop/operational/a", 3)
    assert readable["Body"] == {"base64": "/w=="}
    assert readable["LogAttributes"] == [["a", "1"], ["a", "2"]]
    assert readable["ScopeAttributes"] == {"a": {"base64": "/w=="}}


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """The module of the example verifier that judges logs."""
    sys.path.insert(0, str(VERIFIER))
    try:
        yield importlib.import_module("logs")
    finally:
        sys.path.remove(str(VERIFIER))
        for name in ("logs", "notes", "rows"):
            sys.modules.pop(name, None)


def test_the_example_reads_the_columns_that_there_are(example: ModuleType) -> None:
    assert example.text(b"\xff") == "\\xff"
    rows = sys.modules["rows"]
    assert list(rows.BATCH) == [column.name for column in BATCH_COLUMNS]
    assert list(rows.TILE) == [column.name for column in TILE_COLUMNS]
    assert list(rows.STATEMENT) == [column.name for column in STATEMENT_COLUMNS]
    assert tuple(rows.CANONICAL) == VERSIONS
    assert {version: mark_of(version) for version in VERSIONS} == rows.MARKS
    for version in VERSIONS:
        assert list(rows.CANONICAL[version]) == [
            stream.value
            for stream in (Stream.OPERATIONAL, Stream.AUDIT, Stream.SPANS)
            if version in versions_of(stream)
        ]
        for stream in [stream for stream in Stream if version in versions_of(stream)]:
            columns = [column.name for column in canonical_columns(stream, version)]
            assert list(rows.CANONICAL[version][stream.value]) == columns


_NOW = 1_000_000
_WORDS = st.one_of(
    st.tuples(st.just(StatementKind.HEARTBEAT), st.just(())),
    st.tuples(
        st.just(StatementKind.RETENTION),
        st.one_of(st.just(("forever",)), st.integers(1, 200_000).map(lambda seconds: (str(seconds),))),
    ),
)
_BOUNDS = st.one_of(st.none(), st.tuples(st.integers(0, 40), st.integers(0, 10_000)))


@given(
    said=st.lists(st.tuples(_WORDS, _BOUNDS, st.integers(0, 40), st.integers(10_000, 200_000)), max_size=8),
    received=st.integers(1, _NOW),
    first_leaf=st.integers(0, 40),
)
def test_what_has_expired_is_what_the_page_says(
    example: ModuleType, said: list[Any], received: int, first_leaf: int
) -> None:
    notes, time, ours = sys.modules["notes"], 0, {}
    log = example.Log(LOG.origin, ())
    for number, ((kind, words), bound, size, later) in enumerate(said, start=1):
        time += later
        words = words if bound is None else (*words, *map(str, bound))
        checkpoint = Checkpoint(LOG.origin, size, bytes(32) if size else EMPTY_ROOT)
        ours[number] = Statement(checkpoint, number, time, kind, words)
        log.statements[number] = notes.Statement.parse(notes.Note.parse(sign_statement(ours[number], [SIGNER]).note))
    state = LogState(LOG, range=CompactRange().extend(bytes(32 * first_leaf))[0])
    nanos = received * 10**9
    batch = notarize(state, bytes(32), SIGNER, min_timestamp=nanos, max_timestamp=nanos, ingested_at=nanos).batch

    expired = log.has_expired({"IngestedAt": nanos, "FirstLeaf": first_leaf}, _NOW)

    assert expired == Expiry(LogStatements(ours), _NOW * 10**9).covers(batch)
