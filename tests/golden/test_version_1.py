"""Verification of what the canonical record's version 1 stored: nothing is found, and any change of it is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.backend import Backend
from server.notary.batch import compute_batch_id
from server.notary.merkle import leaf_hash, split_hashes
from server.notary.origin import LogName, Stream
from server.notary.tiles import TILE_WIDTH, Tile
from server.notary.trust import parse_public_keys
from storage.engine import Engine
from storage.evidence import select_batches
from storage.rowbinary import read_rows, string
from tests.golden import VERSION_1, replaced
from tests.golden.bundles_of_version_1 import BUNDLES, FIRST_KEY, OTHER_KEY, files_of
from tests.tamper.complete import answer

AUDIT = LogName("golden", Stream.AUDIT, "node-1")
OPERATIONAL = LogName("golden", Stream.OPERATIONAL, "node-1")
TABLES = {"audit_logs": AUDIT, "otel_logs": OPERATIONAL}
COLUMNS = [(table, column) for table in TABLES for column in VERSION_1.columns(table)]
TOTAL = VERSION_1.total("entries")
SECOND = 2  # a batch of several records in the log of audit records
DIGEST = "c078f41f57af769bc87ff6178dd1cf6c8f08b51841bc2e5e3450701e1fa2f33b"
LATER_KEY = VERSION_1.directory / "data" / "keys" / "public-key.pem"


@pytest.fixture(scope="module")
def stored(module_engine: Engine) -> Engine:
    """The rows of version 1 in the tables of this version."""
    VERSION_1.insert(module_engine)
    return module_engine


@pytest.fixture(scope="module")
def backend(stored: Engine) -> Backend:
    return backend_of(stored)


def backend_of(engine: Engine, *keys: Path) -> Backend:
    return Backend(engine, parse_public_keys([key.read_text() for key in keys or (FIRST_KEY, OTHER_KEY)]))


def verify(
    engine: Engine, *keys: Path, **request: Any
) -> tuple[list[evidence_pb2.Finding], evidence_pb2.VerifySummary]:
    *steps, last = backend_of(engine, *keys).verify(evidence_pb2.VerifyRequest(**request))
    return [step.finding for step in steps if step.HasField("finding")], last.summary


Named = tuple[str, str, int, int]


def named(finding: evidence_pb2.Finding) -> Named:
    """Return the kind, log and record that a finding names, and the number of records."""
    assert finding.HasField("leaf_index"), finding
    kind = evidence_pb2.FindingKind.Name(finding.kind)
    return kind, finding.origin, finding.leaf_index, finding.record_count


def found(engine: Engine) -> list[Named]:
    findings, summary = verify(engine)
    assert (summary.findings, summary.nothing_verified) == (len(findings), False)
    return [named(finding) for finding in findings]


def test_complete_answers_have_the_records_of_version_1(stored: Engine) -> None:
    found = answer(stored, parse_public_keys([key.read_text() for key in (FIRST_KEY, OTHER_KEY)]))
    assert found.summary.complete, found.findings
    assert found.summary.matched == found.summary.leaves == len(found.entries) == TOTAL
    until_soon = backend_of(stored).search(correlation_pb2.SearchRequest(page_size=1000))
    later = backend_of(stored).search(correlation_pb2.SearchRequest(page_size=1000, since=until_soon.until))
    assert len(later.entries) == until_soon.later_count > 0
    searched = [*until_soon.entries, *later.entries]
    assert sorted(entry.SerializeToString(deterministic=True) for entry in searched) == sorted(
        entry.SerializeToString(deterministic=True) for entry in found.entries
    )
    assert answer(stored, backend_of(stored).keys, "Tenant:* OR Redactions:*").summary.matched == 0


def test_no_byte_of_the_files_has_changed() -> None:
    files = sorted(file for file in VERSION_1.directory.rglob("*") if file.is_file())
    lines = [f"{sha256(file.read_bytes()).hexdigest()}  {file.relative_to(VERSION_1.directory)}\n" for file in files]
    assert sha256("".join(lines).encode()).hexdigest() == DIGEST


@pytest.mark.parametrize("key", [FIRST_KEY, LATER_KEY], ids=["first key", "later key"])
def test_all_of_it_verifies_with_any_of_its_keys(stored: Engine, key: Path) -> None:
    findings, summary = verify(stored, key, OTHER_KEY)
    assert findings == []
    assert (summary.logs, summary.batches, summary.records) == (4, 77, 454)
    assert (summary.statements, summary.expired_records, summary.mismatched_records) == (54, 0, 0)
    assert (len(VERSION_1.logs), VERSION_1.total("batches"), TOTAL) == (4, 77, 454)


def test_it_goes_on_from_every_checkpoint_and_statement_that_was_kept(stored: Engine) -> None:
    kept = [VERSION_1.kept(what, origin) for what in ("checkpoints", "statements") for origin in VERSION_1.logs]
    findings, summary = verify(stored, checkpoints=[file.read_text() for file in kept], logs=list(VERSION_1.logs))
    assert findings == []
    assert (summary.records, list(summary.logs_without_checkpoint)) == (TOTAL, [])


def test_a_log_whose_key_is_not_known_is_no_success(stored: Engine) -> None:
    findings, _ = verify(stored, FIRST_KEY)
    assert {evidence_pb2.FindingKind.Name(finding.kind) for finding in findings} == {"LOG_FOREIGN_SIGNED"}
    assert {finding.origin for finding in findings} == {"golden/audit/node-2", "golden/operational/node-2"}


@pytest.mark.parametrize("origin", VERSION_1.logs)
def test_its_leaves_are_what_was_signed(backend: Backend, origin: str) -> None:
    expected, log_id = VERSION_1.leaf_hashes(origin), VERSION_1.logs[origin]["log_id"]
    assert len(expected) == VERSION_1.logs[origin]["entries"]
    for number, start in enumerate(range(0, len(expected), TILE_WIDTH)):
        leaves = expected[start : start + TILE_WIDTH]
        assert split_hashes(backend.read_tile(log_id, Tile(0, number, len(leaves)))) == leaves
        entries = backend.read_tile(log_id, Tile(0, number, len(leaves), entries=True))
        assert [leaf_hash(entry) for entry in _entries(entries)] == leaves


def _entries(bundle: bytes) -> Iterator[bytes]:
    """Yield the entries of a bundle: each has two bytes of length before it (C2SP tlog-tiles)."""
    for at in range(0, len(bundle), 34):
        assert bundle[at : at + 2] == b"\x00\x20"
        yield bundle[at + 2 : at + 34]


@pytest.mark.parametrize("origin", VERSION_1.logs)
def test_a_plain_query_prints_what_was_hashed(stored: Engine, origin: str) -> None:
    # The definition of version 1, without any code of this version: columns by name, maps sorted.
    log = VERSION_1.logs[origin]
    table = {"audit": "audit_logs", "operational": "otel_logs"}[log["stream"]]
    types = VERSION_1.columns(table)
    columns = ", ".join(
        f"mapSort((k, v) -> (k, v), {name})" if types[name].startswith("Map") else name
        for name in VERSION_1.contents["canonical"][log["stream"]]
    )
    select = f"SELECT formatRowNoNewline('RowBinary', {columns}) FROM {table} WHERE LogId = '{log['log_id']}'"
    records = [record for (record,) in read_rows(stored.query(f"{select} ORDER BY LeafIndex"), (string,))]
    assert [leaf_hash(sha256(record).digest()) for record in records] == VERSION_1.leaf_hashes(origin)


# Each column is changed in a record of its own, and all are verified at once: one verification for each engine.
def changed_leaf(table: str, column: str) -> int:
    number = list(VERSION_1.columns(table)).index(column)
    return {"audit_logs": 20 + 2 * number, "otel_logs": 40 + 9 * number}[table]


def other_value(table: str, column: str) -> str:
    kind = VERSION_1.columns(table)[column]
    if kind.startswith("DateTime64"):
        return f"fromUnixTimestamp64Nano(bitXor(toUnixTimestamp64Nano({column}), 1))"
    if kind.startswith("UInt"):
        return f"{column} + 1"
    if kind.startswith("Map"):
        return f"mapConcat({column}, map('golden', ''))"
    if kind == "UUID":
        return "toUUID('00000000-0000-0000-0000-000000000007')"
    return f"concat({column}, ' ')"


@pytest.fixture(scope="module")
def found_of_changes(stored: Engine) -> set[Named]:
    """The findings if every column of each table is changed in another record."""

    def changed(table: str) -> str:
        condition = f"LogId = '{TABLES[table].log_id}' AND LeafIndex = "
        values = [
            f"if({condition}{changed_leaf(table, column)}, {other_value(table, column)}, {column}) AS {column}"
            for column, kind in VERSION_1.columns(table).items()
        ]
        # An alias would stand for the changed value in the conditions of the columns behind it.
        return f"SELECT * REPLACE({', '.join(values)}) FROM {table} SETTINGS prefer_column_name_to_alias = 1"

    with (
        replaced(stored, "audit_logs", changed("audit_logs")),
        replaced(stored, "otel_logs", changed("otel_logs")),
    ):
        findings = found(stored)
    assert len(findings) == len(set(findings)) == len(COLUMNS)
    return set(findings)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda name: name)
def test_a_changed_value_is_named_as_that_record(found_of_changes: set[Named], table: str, column: str) -> None:
    kind, leaf = "RECORD_CHANGED", changed_leaf(table, column)
    if column == "LeafIndex":
        kind, leaf = "RECORD_REORDERED", leaf + 1  # named by the place that it claims
    assert (kind, TABLES[table].origin, leaf, 1) in found_of_changes


def test_all_of_it_is_found_as_answers_look_it_up(stored: Engine) -> None:
    assert verify(stored, lookups=300, all_audit_lookups=True)[0] == []


@pytest.mark.parametrize("table", TABLES)
def test_one_changed_record_is_the_only_finding(stored: Engine, table: str) -> None:
    where = f"LogId = '{TABLES[table].log_id}' AND LeafIndex = 3"
    with replaced(stored, table, f"SELECT * REPLACE(if({where}, 'other', Body) AS Body) FROM {table}"):
        assert found(stored) == [("RECORD_CHANGED", TABLES[table].origin, 3, 1)]
    assert found(stored) == []


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("leaf", [0, 30])
def test_a_deleted_record_is_named(stored: Engine, table: str, leaf: int) -> None:
    where = f"LogId = '{TABLES[table].log_id}' AND LeafIndex = {leaf}"
    with replaced(stored, table, f"SELECT * FROM {table} WHERE NOT ({where})"):
        assert found(stored) == [("RECORD_MISSING", TABLES[table].origin, leaf, 1)]


@pytest.mark.parametrize("table", TABLES)
def test_an_inserted_record_is_named(stored: Engine, table: str) -> None:
    where = f"LogId = '{TABLES[table].log_id}' AND LeafIndex = 30"
    forged = f"SELECT * REPLACE('forged' AS Body) FROM {table} WHERE {where}"
    with replaced(stored, table, f"SELECT * FROM {table}", forged):
        assert found(stored) == [("RECORD_INSERTED", TABLES[table].origin, 30, 1)]


@pytest.mark.parametrize("table", TABLES)
def test_a_record_that_is_there_twice_is_named(stored: Engine, table: str) -> None:
    again = f"SELECT * FROM {table} WHERE LogId = '{TABLES[table].log_id}' AND LeafIndex = 30"
    with replaced(stored, table, f"SELECT * FROM {table}", again):
        assert found(stored) == [("RECORD_DUPLICATED", TABLES[table].origin, 30, 1)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("RootHash", "toFixedString(unhex(repeat('00', 32)), 32)"),
        ("Checkpoint", "concat(Checkpoint, 'x')"),
        ("MinTimestamp", "fromUnixTimestamp64Nano(bitXor(toUnixTimestamp64Nano(MinTimestamp), 1))"),
        ("CanonicalVersion", "toUInt16(2)"),
        ("CanonicalVersion", "toUInt16(3)"),
    ],
)
def test_an_altered_row_of_a_batch_is_the_only_finding(stored: Engine, column: str, value: str) -> None:
    where = f"LogId = '{AUDIT.log_id}' AND Sequence = {SECOND}"
    with replaced(
        stored, "log_batches", f"SELECT * REPLACE(if({where}, {value}, {column}) AS {column}) FROM log_batches"
    ):
        (finding,) = verify(stored)[0]
    assert (finding.kind, finding.sequence) == (evidence_pb2.BATCH_ALTERED, SECOND)
    assert "does not match what was signed" in finding.message


@pytest.mark.parametrize("version", [0, 2, 3])
@pytest.mark.parametrize("changed", [[], [1, 3]], ids=["records unchanged", "records changed"])
def test_a_batch_that_was_given_another_version_and_its_id_casts_no_doubt_on_its_records(
    stored: Engine, backend: Backend, version: int, changed: list[int]
) -> None:
    (batch,) = select_batches(stored, f"LogId = '{AUDIT.log_id}' AND Sequence = {SECOND}")
    forged = replace(batch, canonical_version=version)
    new_id = f"toUUID('{compute_batch_id(forged)}')"
    own = f"BatchId = toUUID('{batch.batch_id}')"
    bodies = f"if({own} AND LeafIndex - {batch.first_leaf} IN {[99, *changed]}, 'other', Body) AS Body"
    renamed = f"if({own}, {new_id}, BatchId) AS BatchId"
    given = f"toUInt16(if({own}, {version}, CanonicalVersion)) AS CanonicalVersion"

    def select(table: str, *columns: str) -> str:
        # An alias would stand for the new ID in the conditions of the other columns.
        settings = "SETTINGS prefer_column_name_to_alias = 1"
        return f"SELECT * REPLACE({', '.join([renamed, *columns])}) FROM {table} {settings}"

    with (
        replaced(stored, "audit_logs", select("audit_logs", bodies)),
        replaced(stored, "log_tiles", select("log_tiles")),
        replaced(stored, "log_batches", select("log_batches", given)),
    ):
        altered, *others = verify(stored)[0]
        events = backend.search_audit_events(correlation_pb2.SearchAuditEventsRequest(page_size=1000)).events
    assert (altered.kind, altered.sequence) == (evidence_pb2.BATCH_ALTERED, SECOND)
    tampered = [event.evidence for event in events if event.evidence.state != evidence_pb2.VERIFIED]
    assert len(tampered) == batch.record_count
    blamed = [evidence for evidence in tampered if "content does not match" in evidence.reason]
    assert len(blamed) == (len(changed) if version == 2 else 0)  # of a row that is wrong by itself, that is the reason
    places = [("RECORD_CHANGED", AUDIT.origin, batch.first_leaf + place, 1) for place in changed]
    assert [named(finding) for finding in others] == places


@pytest.mark.parametrize("name", [name for name in BUNDLES if name.startswith("stored-")])
def test_proofs_are_those_of_that_time(backend: Backend, name: str) -> None:
    log, _, leaf = BUNDLES[name].partition("#")
    request = evidence_pb2.GetInclusionProofRequest(
        log=log, leaf_index=int(leaf), include_record=True, for_evidence=True
    )
    proof = backend.get_inclusion_proof(request)
    assert proof.evidence.state == evidence_pb2.VERIFIED
    made = {
        "record.bin": proof.record,
        "record.tlog-proof": proof.tlog_proof.encode(),
        "checkpoint": proof.checkpoint.encode(),
        "verifier-keys.txt": "".join(f"{key}\n" for key in proof.verifier_keys).encode(),
        **{f"key-changes/{number:04}": note.encode() for number, note in enumerate(proof.key_changes, 1)},
        **({"timestamp.tsr": proof.timestamp} if proof.timestamp else {}),
    }
    frozen = files_of(name)
    assert made == {file: frozen[file] for file in frozen if file not in ("README.txt", "record.json")}


def test_records_of_every_trace_are_verified(backend: Backend) -> None:
    for trace, rows in VERSION_1.contents["traces"].items():
        answer = backend.get_trace(correlation_pb2.GetTraceRequest(trace_id=trace))
        assert (answer.audit_event_count, answer.log_count) == (rows["audit_logs"], rows["otel_logs"])
        shown = [entry.audit_event if entry.HasField("audit_event") else entry.log for entry in answer.entries]
        assert [record.evidence.state for record in shown] == [evidence_pb2.VERIFIED] * sum(rows.values())


def test_all_audit_events_are_found_and_verified(backend: Backend) -> None:
    until_soon = backend.search_audit_events(correlation_pb2.SearchAuditEventsRequest(page_size=1000))
    later = correlation_pb2.SearchAuditEventsRequest(page_size=1000, since=until_soon.until)
    events = [*until_soon.events, *backend.search_audit_events(later).events]
    assert len(events) == VERSION_1.contents["tables"]["audit_logs"]["rows"]
    assert {event.evidence.state for event in events} == {evidence_pb2.VERIFIED}
    some = backend.search_audit_events(correlation_pb2.SearchAuditEventsRequest(actor_id="åsa ✓")).events
    assert [(event.evidence.state, event.audit.actor_id, event.audit.action) for event in some] == [
        (evidence_pb2.VERIFIED, "åsa ✓", "Benutzer.löschen")
    ]
