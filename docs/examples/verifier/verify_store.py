#!/usr/bin/env python3
"""Verifies every log in a ClickHouse database, as ``docs/writing-a-verifier.md`` describes.

    python verify_store.py http://user:password@host:8123/database --public-key FILE... [--checkpoint FILE...]

Needs Python 3.11, the package ``cryptography`` and the files beside it, and nothing from Lognotary. It reads each table
once and keeps a hash of each record in memory. Exit status: 0 if everything matches what was signed, 1 if there is a
finding, 2 if storage or a key cannot be read.
"""

# ruff: noqa: S608, T201 - queries are constants, and it is a command

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from logs import EMPTY_ROOT, Log, Record, Row, Tree, log_id_of, printable, text
from notes import FaultError, ForeignError, Key, Note, Statement, ed25519, key_spans, read_keys
from rows import (
    BATCH,
    CANONICAL,
    LATEST,
    RECORD_TABLES,
    RECORDS,
    STATEMENT,
    TILE,
    Database,
    UnreadableError,
    fault,
    leaf_hash,
)

_IN_FLIGHT = 3.0  # seconds that may lie between the records of a batch and its row in log_batches
_TABLES = "('otel_logs', 'audit_logs', 'otel_traces', 'log_batches', 'log_tiles', 'log_statements')"
_COLUMNS = f"""SELECT table, name, type, default_kind, default_expression FROM system.columns
    WHERE database = currentDatabase() AND table IN {_TABLES} ORDER BY table, name"""
_ENGINES = (
    f"SELECT name, engine FROM system.tables WHERE database = currentDatabase() AND name IN {_TABLES} ORDER BY name"
)


class Verifier:
    """One verification; ``findings`` are pairs of a kind and a sentence."""

    def __init__(self, database: Database, keys: Sequence[Key], kept: Sequence[Note]) -> None:
        self.findings: list[tuple[str, str]] = []
        self._database, self._keys, self._kept, self._now = database, keys, kept, int(time.time())
        self._logs: dict[str, Log] = {}  # by LogId
        self._records: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)  # by LogId and LeafIndex
        self._tiles: defaultdict[tuple[str, UUID], list[tuple[Any, ...]]] = defaultdict(list)  # by LogId and BatchId
        self._recorded: set[tuple[str, str, UUID]] = set()  # table, LogId and BatchId of every record

    def run(self) -> None:
        """Verify everything. Statements are read before batches, and batches before what they cover."""
        if not self._definitions():
            return  # what a reader is shown may be something else than the rows
        self._read_statements(self._rows("log_statements", STATEMENT))
        batches = self._rows("log_batches", BATCH)
        self._read_batches(batches)
        for log_id, level, tile, offset, hashes, batch_id, sequence in self._database.rows("log_tiles", TILE):
            self._tiles[text(log_id), batch_id].append((level, tile, offset, hashes, sequence))
        for stream in RECORD_TABLES:
            self._read_records(stream)
        for log_id, log in self._logs.items():
            for batch in log.batches:
                self._check_records(log_id, log, batch)
        self._check_rest(batches)
        for note in self._kept:
            self._check_kept(note)

    def count_batches(self) -> int:
        """Return how many batches count as committed."""
        return sum(len(log.batches) for log in self._logs.values())

    def _rows(self, table: str, columns: dict[str, str]) -> list[Row]:
        return [dict(zip(columns, row, strict=True)) for row in self._database.rows(table, columns)]

    def _find(self, kind: str, sentence: str) -> None:
        self.findings.append((kind, sentence))

    def _definitions(self) -> bool:
        expected = Path(__file__).with_name("columns.tsv").read_text(encoding="utf-8").splitlines()
        stored = self._database.text(_COLUMNS).splitlines()
        expected += [f"{name}\tMergeTree" for name in sorted({line.partition("\t")[0] for line in expected})]
        stored += self._database.text(_ENGINES).splitlines()
        for line in sorted(set(expected) ^ set(stored)):
            self._find("TABLE_ALTERED", f"{'expected' if line in expected else 'found'}: {line}")
        return not self.findings

    def _log(self, origin: str) -> Log:
        log_id = log_id_of(origin)
        if log_id not in self._logs:
            self._logs[log_id] = Log(origin, key_spans(origin, self._keys, ()))
        return self._logs[log_id]

    def _read_statements(self, rows: Sequence[Row]) -> None:
        changes: defaultdict[str, dict[str, Statement]] = defaultdict(dict)
        for row in rows:
            try:
                statement = Statement.parse(Note.parse(text(row["Note"])))
                if statement.kind == "keys" and statement.key_change():
                    Log(statement.note.origin, ())
                    changes[statement.note.origin].setdefault(text(row["Note"]), statement)
            except FaultError:
                continue  # it is reported below
        for origin, made in changes.items():
            self._log(origin).spans = key_spans(origin, self._keys, sorted(made.values(), key=lambda each: each.number))
        claimed: defaultdict[str, set[int]] = defaultdict(set)
        for row in rows:
            claimed[text(row["LogId"])].add(row["Number"])
            name = f"statement {row['Number']} of log {text(row['LogId'])}"
            try:
                self._read_statement(row, name)
            except ForeignError as error:
                self._find("STATEMENT_FOREIGN_SIGNED", f"{name}: {error}")
            except FaultError as error:
                self._find("STATEMENT_ALTERED", f"{name}: {error}")
        for log_id, log in self._logs.items():
            present = claimed[log_id] | set(log.statements)
            for number in sorted(set(range(1, max(log.statements, default=0) + 1)) - present):
                self._find("STATEMENT_MISSING", f"statement {number} of {log.origin} is not stored")

    def _read_statement(self, row: Row, name: str) -> None:
        statement = Statement.parse(Note.parse(text(row["Note"])))
        log = self._log(statement.note.origin)
        signing = [ed25519(s.keys) for s in log.spans if s.numbers[0] <= statement.number <= s.numbers[1]]
        named = frozenset().union(*statement.key_change()) if statement.kind == "keys" else ()
        statement.note.check(signing, ed25519(named))
        columns = (log_id_of(log.origin), statement.number, statement.kind, statement.note.size, statement.time)
        if columns != (text(row["LogId"]), row["Number"], text(row["Kind"]), row["TreeSize"], row["SignedAt"]):
            raise FaultError("its columns do not match its note")
        has_data = statement.kind in ("witnessed", "timestamped")
        signed = statement.words if has_data else (statement.rules,) if statement.rules else ()
        if (sha256(row["Data"]).hexdigest(),) != signed if has_data or signed else row["Data"]:
            raise FaultError("Data does not match its note")
        before = log.statements.setdefault(statement.number, statement)
        if before.note.text != statement.note.text:
            self._find("LOG_FORKED", f"{name}: another signed statement has the same number")
        elif before is not statement:
            self._find("STATEMENT_DUPLICATED", f"{name}: it is stored more than once")

    def _read_batches(self, rows: Sequence[Row]) -> None:
        for row in sorted(rows, key=lambda row: (row["TreeSize"], row["Sequence"])):
            name = f"batch {row['Sequence']} of {text(row['Origin'])}"
            try:
                self._log(text(row["Origin"])).check_batch(row)
                self._place_batch(row, name)
            except ForeignError as error:
                self._find("BATCH_FOREIGN_SIGNED", f"{name}: {error}")
            except FaultError as error:
                self._find("BATCH_ALTERED", f"{name}: {error}")
        for log in self._logs.values():
            roots = {0: EMPTY_ROOT} | {batch["TreeSize"]: batch["RootHash"] for batch in log.batches}
            if log.batches and not log.statements:
                self._find("STATEMENT_MISSING", f"{log.origin} has no statement, but every log begins with one")
            for statement in log.statements.values():
                self._check_against(statement.note, roots, f"its statement {statement.number}")

    def _place_batch(self, row: Row, name: str) -> None:
        log = self._log(text(row["Origin"]))
        last: Row = log.batches[-1] if log.batches else {"Sequence": 0, "TreeSize": 0, "RootHash": EMPTY_ROOT}
        if log.batches and row == last:
            self._find("BATCH_DUPLICATED", f"{name}: its row is stored more than once")
            return
        if row["FirstLeaf"] > last["TreeSize"]:
            self._find("BATCH_MISSING", f"{name}: entries {last['TreeSize']} to {row['FirstLeaf'] - 1} have no batch")
        elif row["FirstLeaf"] < last["TreeSize"] or Tree(row).root() != last["RootHash"]:
            self._find("LOG_FORKED", f"{name}: it is signed, but does not continue from the batch before it")
            return
        elif row["Sequence"] != last["Sequence"] + 1:
            raise FaultError("Sequence was changed")
        log.batches.append(row)

    def _read_records(self, stream: str) -> None:
        table, columns = RECORD_TABLES[stream], RECORDS[stream]
        batches = [(log_id, batch) for log_id, log in self._logs.items() for batch in log.batches]
        versions = {(log_id, batch["BatchId"]): batch["CanonicalVersion"] for log_id, batch in batches}
        for row in self._database.rows(table, columns):
            values = dict(zip(columns, row, strict=True))
            log_id, times = text(values["LogId"]), (values["Timestamp"], values["IngestedAt"])
            version = versions.get((log_id, values["BatchId"]), LATEST)  # of no batch: in any version a finding
            version = version if stream in CANONICAL[version] else LATEST  # in the table of another stream: a finding
            leaf, problem = leaf_hash(stream, values, version), fault(stream, values, version)
            record = Record(table, values["BatchId"], leaf, *times, problem)
            self._records[log_id, values["LeafIndex"]].append(record)
            self._recorded.add((table, log_id, values["BatchId"]))

    def _check_records(self, log_id: str, log: Log, batch: Row) -> None:
        table = RECORD_TABLES[log.origin.rsplit("/", 2)[1]]
        name, batch_id = f"batch {batch['Sequence']} of {log.origin}", batch["BatchId"]
        stored = self._tiles.pop((log_id, batch_id), [])
        level_0 = b"".join(hashes for level, _, _, hashes, _ in sorted(set(stored)) if level == 0)
        signed = [level_0[at : at + 32] for at in range(0, len(level_0), 32)]
        if (table, log_id, batch_id) in self._recorded or not log.has_expired(batch, self._now):
            expired = log.has_expired(batch, self._now) and len(signed) == batch["RecordCount"]
            leaves = self._match(log_id, table, batch, signed, name, some_expired=expired)
        else:
            leaves = signed
        tree = Tree(batch)
        for leaf in leaves:
            tree.append(leaf)
        fragments = Counter((*place, hashes, batch["Sequence"]) for place, hashes in tree.added.items())
        if len(leaves) != batch["RecordCount"] or tree.root() != batch["RootHash"] or Counter(stored) != fragments:
            self._find("TILE_ALTERED", f"{name}: its hashes in log_tiles are not the signed ones")

    def _match(
        self, log_id: str, table: str, batch: Row, signed: list[bytes], name: str, *, some_expired: bool
    ) -> list[bytes]:
        """Compare the records of a batch with its signed leaves; return the leaves."""
        own: list[list[Record]] = []
        for leaf in range(batch["FirstLeaf"], batch["TreeSize"]):
            claims = self._records.pop((log_id, leaf), [])
            own.append([r for r in claims if (r.table, r.batch_id) == (table, batch["BatchId"])])
            if others := [r for r in claims if (r.table, r.batch_id) != (table, batch["BatchId"])]:
                self._records[log_id, leaf] = others  # they belong to no batch: see _check_rest
        single = [records[0].leaf_hash for records in own if records]
        tree = Tree(batch)
        for signed_leaf in single:
            tree.append(signed_leaf)
        if tree.root() == batch["RootHash"]:  # so the records are right, whatever log_tiles has
            signed = single
        for place, records in enumerate(own):
            leaf, hashes = batch["FirstLeaf"] + place, [record.leaf_hash for record in records]
            if not records and some_expired:
                continue
            if not records:
                self._find("RECORD_MISSING", f"record {leaf} of {name} is not stored")
            elif place >= len(signed) or signed[place] not in hashes:
                self._find("RECORD_CHANGED", f"record {leaf} of {name} is not the signed one")
            elif problem := records[hashes.index(signed[place])].fault:
                self._find("RECORD_CHANGED", f"record {leaf} of {name}: {problem}")
            if len(records) > 1:
                self._find("RECORD_DUPLICATED", f"record {leaf} of {name} is stored {len(records)} times")
        if signed is single and all(own):
            times = [records[0].timestamp for records in own], [records[0].ingested_at for records in own]
            if (min(times[0]), max(times[0]), max(times[1])) != tuple(batch[c] for c in list(BATCH)[7:10]):
                self._find("BATCH_ALTERED", f"{name}: its times are not those of its records")
        return signed

    def _check_rest(self, known: Sequence[Row]) -> None:
        """Report rows that no committed batch has signed, unless their batch is committed within a moment."""
        rest = {(r.table, log_id, r.batch_id) for (log_id, _), records in self._records.items() for r in records}
        rest |= {("log_tiles", *place) for place in self._tiles}
        deadline = time.monotonic() + _IN_FLIGHT
        while rest and time.monotonic() < deadline:
            for row in self._rows("log_batches", BATCH):
                if row not in known and self._holds(row):
                    rest = {group for group in rest if group[1:] != (text(row["LogId"]), row["BatchId"])}
            time.sleep(0.2)
        rest.discard(("otel_traces", "", UUID(int=0)))  # spans that a Collector wrote, which claim nothing
        for table, log_id, batch_id in sorted(rest, key=str):
            kind = "TILE_ALTERED" if table == "log_tiles" else "RECORDS_UNSIGNED"
            self._find(kind, f"rows of {table} name log {log_id!r} and batch {batch_id}, which did not sign them")

    def _holds(self, row: Row) -> bool:
        try:
            self._log(text(row["Origin"])).check_batch(row)
        except FaultError:
            return False
        return True

    def _check_kept(self, note: Note) -> None:
        log = self._log(note.origin)
        keys = frozenset[Key]().union(*(span.keys for span in log.spans))
        note.check([frozenset((key,)) for key in (ed25519(keys) if note.extension else keys)])
        roots = {0: EMPTY_ROOT} | {batch["TreeSize"]: batch["RootHash"] for batch in log.batches}
        self._check_against(note, roots, "a kept checkpoint")
        if note.extension:
            kept = Statement.parse(note)
            stored = log.statements.get(kept.number)
            if stored is None:
                self._find("STATEMENT_MISSING", f"the kept statement {kept.number} of {log.origin} is not stored")
            elif stored.note.text != note.text:
                self._find("LOG_FORKED", f"{log.origin} has another statement {kept.number} than the kept one")

    def _check_against(self, note: Note, roots: Mapping[int, bytes], what: str) -> None:
        if note.size > max(roots):
            self._find("LOG_TRUNCATED", f"{note.origin} has {max(roots)} entries, but {what} says {note.size}")
        elif roots.get(note.size) != note.root:
            self._find("LOG_FORKED", f"{note.origin} is inconsistent with {what} of {note.size} entries")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Verify every log in a ClickHouse database.")
    parser.add_argument("url", help="http(s)://user:password@host:8123/database")
    parser.add_argument("--public-key", type=Path, action="append", required=True, help="PEM, or verifier keys")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="a checkpoint or statement that was kept"
    )
    options = parser.parse_args()
    try:
        keys = [key for file in options.public_key for key in read_keys(file.read_text(encoding="utf-8"))]
        kept = [Note.parse(file.read_text(encoding="utf-8")) for file in options.checkpoint]
        verifier = Verifier(Database(options.url), keys, kept)
        verifier.run()
    except (UnreadableError, FaultError, OSError, ValueError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return 2
    batches = verifier.count_batches()
    for kind, sentence in verifier.findings:
        print(printable(f"{kind}: {sentence}"))
    print(f"{len(verifier.findings)} findings, {batches} batches")
    return 1 if verifier.findings or not batches else 0


if __name__ == "__main__":
    sys.exit(main())
