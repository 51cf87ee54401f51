"""``docs/evidence.md``: its examples are computed again, and its commands run."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lacking import require_tools
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from server.notary.canonical import CANONICAL_VERSION, VERSIONS, canonical_columns, decode_record, mark_of
from server.notary.findings import FindingKind
from server.notary.merkle import leaf_hash, node_hash
from server.notary.origin import Stream
from server.notary.record_forms import added_columns
from storage.clickhouse import connect
from storage.commit import encode_records_block, insert_batches, insert_records, insert_tiles
from storage.migrate import migrate
from storage.schema import canonical_expressions
from storage.url import parse_storage_url
from tests.docs.pages import FENCE, generator, page, run_block, run_commands, section

STORED = "## Check a stored record"
RUNNING = "## Check a record of a running server"


class TestEvidence:
    example = generator.make_example()

    def test_the_example_is_what_the_code_computes(self) -> None:
        text = page("evidence.md")
        assert text == generator.fill(text, generator.evidence_blocks(self.example)), "run: python docs/generate.py"

    def test_the_example_was_encoded_as_records_are(self) -> None:
        leaves = [leaf_hash(sha256(record).digest()) for record in self.example.records]
        assert b"".join(leaves) == b"".join(rows.leaf_hashes for rows in self.example.rows)
        assert self.example.batches[0].batch.root_hash == node_hash(leaves[0], leaves[1])
        assert self.example.batches[1].batch.root_hash == node_hash(node_hash(leaves[0], leaves[1]), leaves[2])
        assert decode_record(Stream.AUDIT, self.example.records[2])["ActorId"] == b"bob"

    def test_the_columns_stand_in_the_order_of_the_canonical_record(self) -> None:
        [table] = [text for _, text in FENCE.findall(page("evidence.md")) if text.startswith("(the mark) ")]
        mark, *names = re.findall(r"^(\(the mark\)|\w+) ", table, re.MULTILINE)
        assert names == [column.name for column in canonical_columns(Stream.AUDIT)]
        assert f"{mark:<24}{mark_of(CANONICAL_VERSION).hex()} " in table

    @pytest.mark.parametrize("version", VERSIONS)
    def test_the_columns_of_each_version_are_listed_in_their_order(self, version: int) -> None:
        part = section("evidence.md", "## Versions of the canonical record").partition(f"**Version {version}**")[2]
        rows = re.findall(r"^\| (?!part)([a-z ]+) \| (.*) \|$", part.partition("\n**")[0], re.MULTILINE)
        listed = {part: re.findall(r"`(\w+)`", columns) for part, columns in rows}
        audit = [column.name for column in canonical_columns(Stream.AUDIT, version)]
        assert [name for names in listed.values() for name in names] == audit
        of_every_record = [name for part, names in listed.items() if part != "only in audit records" for name in names]
        assert of_every_record == [column.name for column in canonical_columns(Stream.OPERATIONAL, version)]

    def test_the_mark_of_the_last_version_is_the_one_on_the_page(self) -> None:
        assert f"`{mark_of(CANONICAL_VERSION).hex(' ')}`" in section(
            "evidence.md", "## Versions of the canonical record"
        )

    @pytest.mark.parametrize("version", VERSIONS[:-1])
    def test_the_columns_that_a_version_does_not_have_are_listed(self, version: int) -> None:
        [listed] = re.findall(rf"which for version {version} are (.*?), are not hashed", page("evidence.md"), re.DOTALL)
        assert tuple(re.findall(r"`(\w+)`", listed)) == added_columns(Stream.AUDIT, version)
        assert set(added_columns(Stream.OPERATIONAL, version)) < set(added_columns(Stream.AUDIT, version))

    def test_every_kind_of_finding_is_explained(self) -> None:
        explained = re.findall(r"^\| `([A-Z_]+)` \|", page("evidence.md"), re.MULTILINE)
        assert explained == [kind.value for kind in FindingKind]

    def test_the_queries_read_the_canonical_record_of_each_version(self) -> None:
        selects = re.findall(r"SELECT ((?:toInt64\(-2\)|Timestamp), .*?)\n(?:FROM|```)", page("evidence.md"), re.DOTALL)
        assert [" ".join(select.split()) for select in selects] == [
            *(canonical_expressions(Stream.AUDIT, version) for version in reversed(VERSIONS)),
            canonical_expressions(Stream.SPANS),
        ]

    def test_the_example_can_be_recomputed_by_hand(self, tmp_path: Path) -> None:
        require_tools("bash", "openssl", "sha256sum", "xxd", "base64")

        results = run_commands(section("evidence.md", "## A worked example"), tmp_path)

        assert len(results) == 9
        for command, printed, shown in results:
            assert printed == shown, command
        for number, record in enumerate(self.example.records):
            assert (tmp_path / f"record-{number}.bin").read_bytes() == record

    def test_the_check_by_hand_ends_with_an_error_if_a_record_is_another(self, tmp_path: Path) -> None:
        require_tools("bash", "openssl", "sha256sum", "xxd", "base64")
        commands = [
            text for language, text in FENCE.findall(section("evidence.md", "## A worked example")) if language == "sh"
        ]
        script = "\n".join(commands)
        for wrong, status in ((script, 0), (script.replace("728618000003626f62", "728618000003626f63"), 1)):
            done = subprocess.run(
                ["bash", "-c", wrong], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == status, done.stdout
            assert ("the root hash is the same" in done.stdout) == (status == 0)

    def test_a_stored_record_can_be_checked_by_hand(self, tmp_path: Path, clickhouse_server: ClickHouseServer) -> None:
        require_tools("bash", "curl", "sha256sum")
        with clickhouse_server.fresh_database() as database:
            parts = urlsplit(clickhouse_server.url)
            self.store_example(urlunsplit(parts._replace(path=f"/{database}")))
            url = urlunsplit(parts._replace(path="/", query=f"database={database}"))

            results = run_commands(section("evidence.md", STORED), tmp_path, CLICKHOUSE=url)

        assert len(results) == 3
        for command, printed, shown in results:
            assert printed == shown, command

    def store_example(self, url: str) -> None:
        engine = connect(parse_storage_url(url))
        try:
            migrate(engine)
            for rows, notarized in zip(self.example.rows, self.example.batches, strict=True):
                block = encode_records_block(rows.stream, [notarized.batch], [rows.columns])
                insert_records(engine, rows.stream, [notarized.batch], block)
                insert_tiles(engine, [notarized.batch], [notarized.fragments])
                insert_batches(engine, [notarized.batch])
        finally:
            engine.close()


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows the page: with a server, its public key, and the query that the page shows."""

    directory: Path
    server: LognotaryServer
    clickhouse: ClickHouseServer
    database: str

    def query(self, sql: str) -> str:
        return self.clickhouse.query(sql, database=self.database, settings={"mutations_sync": 1})

    def variables(self, condition: str) -> dict[str, str]:
        """Return the values that the page has the reader put in, for the record that satisfies a condition."""
        log, leaf = self.query(f"SELECT LogId, LeafIndex FROM audit_logs WHERE {condition}").split("\t")
        address = urlsplit(self.clickhouse.url)._replace(path="/", query=f"database={self.database}")
        return {"LOG": log, "LEAF": leaf, "LOGNOTARY": self.server.http, "CLICKHOUSE": urlunsplit(address)}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, clickhouse_server: ClickHouseServer) -> Iterator[Reader]:
    require_tools("bash", "curl", "openssl", "sha256sum", "base64", "sed")
    directory = tmp_path_factory.mktemp("reader")
    [record_sql] = [text for _, text in FENCE.findall(section("evidence.md", STORED)) if "record.sql <<" in text]
    (directory / "record.sql").write_text(record_sql.partition("<<'END'\n")[2].partition("END\n")[0])
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        data = tmp_path_factory.mktemp("server") / "data"
        with LognotaryServer(url, data, deployment="shop", writer="a", batch_age=0.02) as server:
            (directory / "public-key.pem").write_bytes(server.public_key.read_bytes())
            for first, end in ((0, 254), (254, 300), (300, 301)):
                records = (
                    log_record(f"record {number}", audit_actor_id="alice", audit_action="auth.login")
                    for number in range(first, end)
                )
                send(server.otlp_grpc, *records)
            yield Reader(directory, server, clickhouse_server, database)


class TestRecordOfARunningServer:
    @pytest.mark.parametrize("number", [0, 100, 255, 256, 300])
    def test_it_can_be_checked_by_hand(self, reader: Reader, number: int) -> None:
        variables = reader.variables(f"LeafIndex = {number}")

        results = run_commands(section("evidence.md", RUNNING), reader.directory, **variables)

        assert [bool(shown) for _, _, shown in results] == [False, False, True, True]
        for command, printed, shown in results:
            assert not shown or printed == shown, command

    def test_by_hand_too_a_changed_record_is_found(self, reader: Reader) -> None:
        changed = "Body = 'record 200'"
        variables = reader.variables(changed)
        reader.query(f"ALTER TABLE audit_logs UPDATE ActorId = 'bob' WHERE {changed}")

        blocks = [text for language, text in FENCE.findall(section("evidence.md", RUNNING)) if language == "sh"]
        runs = [run_block(text, reader.directory, variables) for text in blocks]

        assert [run.returncode for run in runs] == [0, 0, 1, 0]
        assert "the record is in the log" not in runs[2].stdout
