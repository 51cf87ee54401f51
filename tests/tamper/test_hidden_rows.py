"""Records that are stored as they were signed, and hidden from answers: verification looks them up, and names them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1.correlation_pb2 import SearchRequest
from server.api.backend import Backend
from server.log.journal import Journal
from storage.clickhouse import connect
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.tamper.complete import Answer, answer
from tests.tamper.routes import by_command
from tests.tamper.stated import Stated, write_stated
from tests.tamper.store import AUDIT, Tables

LEAF = 50
DATABASE = "hidden"

# The text of the statement that is running. A lookup by trace is told from a scan by it.
_STATEMENT = "(SELECT any(query) FROM system.processes WHERE query_id = queryID())"
HIDDEN = {
    "by trace": f"LeafIndex != {LEAF} OR {_STATEMENT} NOT LIKE '%TraceId =%'",
    "by actor": f"LeafIndex != {LEAF} OR {_STATEMENT} NOT LIKE '%ActorId =%'",
    "by a query": f"LeafIndex != {LEAF} OR {_STATEMENT} NOT LIKE '%(ActorId =%'",
    "by the limits of answers": f"LeafIndex != {LEAF} OR {_STATEMENT} NOT LIKE '%max_rows_to_read = 2000000000%'",
    "by leaf": f"LeafIndex != {LEAF} OR {_STATEMENT} NOT LIKE '%LeafIndex IN%' OR {_STATEMENT} LIKE '%skip_indexes%'",
}


HIDDEN_EVERYWHERE = {
    "by number": f"LeafIndex != {LEAF}",
    "by a scan": f"LeafIndex != {LEAF} OR {_STATEMENT} NOT LIKE '%LeafIndex >=%'",
    "by target": f"TargetId != 'user-{LEAF}'",
    "by the end": f"LeafIndex < {LEAF}",
}


def _users() -> str:
    texts = []
    for name, condition in (*HIDDEN.items(), *HIDDEN_EVERYWHERE.items()):
        filters = "".join(
            f"<{table}><filter>{escape(condition)}</filter></{table}>"
            for table in ("audit_logs", *(() if "TargetId" in condition else ("otel_logs",)))
        )
        texts.append(
            f"<{_user(name)}><password></password><networks><ip>::/0</ip></networks><profile>default</profile>"
            f"<quota>default</quota><databases><{DATABASE}>{filters}</{DATABASE}></databases></{_user(name)}>"
        )
    return "".join(texts)


def _user(name: str) -> str:
    return name.replace(" ", "_")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseNode]:
    """A node with the users."""
    try:
        with ClickHouseNode(tmp_path_factory.mktemp("node"), users=_users()) as started:
            yield started
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")


@pytest.fixture(scope="module")
def stated(node: ClickHouseNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stated]:
    """A store, as its owner sees it."""
    journal = tmp_path_factory.mktemp("store") / "journal"
    with (
        closing(connect(parse_storage_url(f"{node.url}/{DATABASE}"))) as engine,
        closing(Journal(journal, 1 << 20)) as opened,
    ):
        migrate(engine)
        yield write_stated(Tables(engine, opened))


def _url_of(node: ClickHouseNode, name: str) -> str:
    return f"{node.url}/{DATABASE}".replace("http://", f"http://{_user(name)}@")


def _complete(node: ClickHouseNode, stated: Stated, name: str, query: str) -> Answer:
    """Request a complete answer as a user."""
    with closing(connect(parse_storage_url(_url_of(node, name)), clients=1)) as engine:
        return answer(engine, stated.keys, query, "audit")


def _found(node: ClickHouseNode, stated: Stated, name: str, query: str) -> list[int]:
    """Search as a user; return the leaves found."""
    request = SearchRequest(query=query, streams=["audit"], page_size=1000, oldest_first=True)
    with closing(connect(parse_storage_url(_url_of(node, name)), clients=1)) as engine:
        entries = Backend(engine, stated.keys).search(request).entries
    return [entry.audit_event.evidence.leaf_index for entry in entries]


def _incomplete(node: ClickHouseNode, stated: Stated, name: str) -> list[pb.Finding]:
    """Verify as a user; return what answers leave out."""
    with closing(connect(parse_storage_url(_url_of(node, name)), clients=1)) as engine:
        steps = list(Backend(engine, stated.keys).verify(pb.VerifyRequest(all_audit_lookups=True, lookups=0)))
    found = [step.finding for step in steps if step.HasField("finding")]
    return [finding for finding in found if finding.kind == pb.ANSWER_INCOMPLETE]


@pytest.mark.parametrize("name", HIDDEN)
def test_a_record_that_is_hidden_from_lookups_alone_is_named(node: ClickHouseNode, stated: Stated, name: str) -> None:
    (finding,) = _incomplete(node, stated, name)
    assert (finding.origin, finding.leaf_index) == (AUDIT.origin, LEAF)
    assert "a policy, a view or a filter" in finding.message or name == "by leaf"


@contextmanager
def _replaced_index(node: ClickHouseNode) -> Iterator[None]:
    """Replace the files of an index in the block: according to them, no record has an actor."""
    table, other = f"{DATABASE}.audit_logs", f"{DATABASE}.elsewhere"
    node.query(f"OPTIMIZE TABLE {table} FINAL")
    node.query(f"CREATE TABLE {other} AS {table}")
    try:
        node.query(f"INSERT INTO {other} SELECT * REPLACE ('nobody' AS ActorId) FROM {table}")
        node.query(f"OPTIMIZE TABLE {other} FINAL")
        for source in _index_files(node, "elsewhere", "idx_actor"):
            for directory in _parts(node, "audit_logs"):
                shutil.copyfile(source, directory / source.name)
        node.query("SYSTEM DROP INDEX MARK CACHE")
        node.query("SYSTEM DROP INDEX UNCOMPRESSED CACHE")
        yield
    finally:
        node.query(f"ALTER TABLE {table} CLEAR INDEX idx_actor SETTINGS mutations_sync = 2")
        node.query(f"ALTER TABLE {table} MATERIALIZE INDEX idx_actor SETTINGS mutations_sync = 2")
        node.query(f"DROP TABLE {other} SYNC")


def test_a_record_that_an_index_with_replaced_files_hides_is_named(node: ClickHouseNode, stated: Stated) -> None:
    with _replaced_index(node):
        found = _incomplete(node, stated, "default")
    assert not _incomplete(node, stated, "default"), "what the finding advises does not help"
    assert {finding.origin for finding in found} == {AUDIT.origin}
    assert all("an index of audit_logs does not lead to it" in finding.message for finding in found), found[0].message


def _parts(node: ClickHouseNode, table: str) -> list[Path]:
    paths = node.query(f"SELECT path FROM system.parts WHERE active AND database = '{DATABASE}' AND table = '{table}'")
    return [Path(path) for path in paths.split()]


def _index_files(node: ClickHouseNode, table: str, index: str) -> list[Path]:
    return [file for directory in _parts(node, table) for file in directory.glob(f"skp_idx_{index}.*")]


def test_the_command_names_it_too(node: ClickHouseNode, stated: Stated, tmp_path: Path) -> None:
    url = f"{node.url}/{DATABASE}".replace("http://", "http://by_actor@")
    status, found, _ = by_command(url, stated, tmp_path, "--lookups", "all")
    assert status == 1
    assert [finding.leaf_index for finding in found if finding.kind == pb.ANSWER_INCOMPLETE] == [LEAF]


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("query", ["actor:alice", f"target:user-{LEAF}", f"trace:{LEAF + 1:032x}", "audit"])
def test_a_complete_answer_has_the_record_that_is_hidden_from_lookups(
    node: ClickHouseNode, stated: Stated, name: str, query: str
) -> None:
    found = _complete(node, stated, name, query)
    assert (AUDIT.origin, LEAF) in found.leaves
    assert found.summary.complete


def test_a_search_does_not_find_a_record_that_a_complete_answer_has(node: ClickHouseNode, stated: Stated) -> None:
    query = f"actor:alice target:user-{LEAF}"
    assert _found(node, stated, "by a query", query) == []
    assert _complete(node, stated, "by a query", query).leaves == [(AUDIT.origin, LEAF)]


@pytest.mark.parametrize("name", HIDDEN_EVERYWHERE)
def test_an_answer_is_not_complete_if_a_policy_hides_the_record_from_reads_of_leaves_too(
    node: ClickHouseNode, stated: Stated, name: str
) -> None:
    found = _complete(node, stated, name, f"target:user-{LEAF}")
    assert not found.leaves
    assert not found.summary.complete
    assert {finding.kind for finding in found.findings} == {pb.RECORD_MISSING}


def test_an_answer_is_not_complete_if_a_view_in_the_place_of_a_table_hides_the_record(
    node: ClickHouseNode, stated: Stated
) -> None:
    table = f"{DATABASE}.audit_logs"
    node.query(f"RENAME TABLE {table} TO {DATABASE}.behind")
    try:
        node.query(f"CREATE VIEW {table} AS SELECT * FROM {DATABASE}.behind WHERE LeafIndex != {LEAF}")
        found = _complete(node, stated, "default", "actor:alice")
        node.query(f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM {DATABASE}.behind WHERE {HIDDEN['by actor']}")
        whole = _complete(node, stated, "default", "actor:alice")
    finally:
        node.query(f"DROP VIEW IF EXISTS {table} SYNC")
        node.query(f"RENAME TABLE {DATABASE}.behind TO {table}")
    assert (AUDIT.origin, LEAF) not in found.leaves
    assert not found.summary.complete
    assert (AUDIT.origin, LEAF) in whole.leaves
    assert whole.summary.complete


def test_a_complete_answer_does_not_depend_on_an_index_whose_files_were_replaced(
    node: ClickHouseNode, stated: Stated
) -> None:
    with _replaced_index(node):
        assert _found(node, stated, "default", "actor:alice") == []
        found = _complete(node, stated, "default", "actor:alice")
    assert [leaf for _, leaf in found.leaves] == list(range(stated.batches[AUDIT][-1].tree_size))
    assert found.summary.complete
