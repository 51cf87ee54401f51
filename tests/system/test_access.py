"""A server and an auditor with only the rights that ``lognotary grants`` prints, and storage URLs that are wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.answering_port import PlainPort, listening
from harness.clickhouse_http import QueryError
from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.clickhouse_users import role_rights, url_of_user, user
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import Load, read_stored
from harness.waiting import wait_for
from server.notary.signers import Ed25519Key, public_pem
from storage.roles import Role

_DATABASE = "shop"
_PASSWORD = "s3cret"  # noqa: S105 - of a server that lives as long as the test
_PROFILES = "<read_only><readonly>2</readonly></read_only><strict><readonly>1</readonly></strict>"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseNode]:
    """A ClickHouse server with users of few rights."""
    auditors = role_rights(Role.AUDITOR, _DATABASE)
    users = [
        user("server", role_rights(Role.SERVER, _DATABASE), password=_PASSWORD),
        user("stopped", role_rights(Role.SERVER, _DATABASE), profile="read_only"),
        user("auditor", auditors),
        user("read_only", auditors, profile="read_only"),
        user("strict", auditors, profile="strict"),
        user("unaware", [right for right in auditors if "system." not in right and "legal_holds" not in right]),
        user("partial", [right for right in auditors if "log_tiles" not in right]),
    ]
    try:
        with ClickHouseNode(tmp_path_factory.mktemp("node"), users="".join(users), profiles=_PROFILES) as started:
            yield started
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")


@pytest.fixture(scope="module")
def served(node: ClickHouseNode, tmp_path_factory: pytest.TempPathFactory) -> LognotaryServer:
    """A server that ran with only a server's rights, three times, with other retention each time; it is stopped."""
    url = url_of_user(node.url, "server", _DATABASE, _PASSWORD)
    directory = tmp_path_factory.mktemp("served")
    acknowledged: list[str] = []
    with ExitStack() as stack:
        for changes, retention in enumerate(("30d", "7d", "forever")):
            server = LognotaryServer(
                url, directory / "data", batch_age=0.02, retention_operational=retention, heartbeat=1, deployment="shop"
            )
            stack.callback(server.stop)
            server.start()
            with Load(server.otlp_grpc, threads=2) as load:
                load.wait_for_acknowledged(20)
            acknowledged += load.acknowledged
            _wait_for_records(server, len(acknowledged) + changes)  # each change of retention has an audit record
            assert server.verify()[0] == []
            assert "privileges" not in server.log_text()
            assert "lacks a right" not in server.log_text()
            assert server.stop() == 0
    read_stored(f"{node.url}/{_DATABASE}").check(acknowledged)
    return server


def _wait_for_records(server: LognotaryServer, number: int) -> None:
    wait_for(lambda: server.verify()[1].records == number)


def _verify(
    node: ClickHouseNode, name: str, served: LognotaryServer, database: str = _DATABASE
) -> tuple[int, str, str]:
    url = url_of_user(node.url, name, database)
    key = ("--public-key", str(served.public_key))
    done = run_lognotary("verify", "--json", "--storage", url, *key, cwd=served.directory)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def _everything(node: ClickHouseNode) -> str:
    databases = node.query("SELECT name FROM system.databases ORDER BY name")
    tables = node.query("SELECT database, name, total_rows FROM system.tables WHERE database != 'system' ORDER BY 1, 2")
    return f"{databases}\n{tables}"


@pytest.mark.parametrize("name", ["auditor", "read_only"])
def test_an_auditor_searches_all_records(node: ClickHouseNode, served: LognotaryServer, name: str) -> None:
    storage = ("--storage", url_of_user(node.url, name, _DATABASE), "--public-key", str(served.public_key))
    done = run_lognotary("search", "--count", "--limit", "5", *storage, cwd=served.directory)
    assert (done.returncode, done.stderr) == (0, "")
    assert "✔ 5 records verified" in done.stdout
    assert f"{node.query('SELECT sum(RecordCount) FROM log_batches', database=_DATABASE)} matches" in done.stdout


@pytest.mark.parametrize("name", ["auditor", "read_only"])
def test_an_auditor_exports_all_records(node: ClickHouseNode, served: LognotaryServer, name: str) -> None:
    storage = ("--storage", url_of_user(node.url, name, _DATABASE), "--public-key", str(served.public_key))
    done = run_lognotary("export", "-o", "-", *storage, cwd=served.directory)
    assert done.returncode == 0, done.stderr
    records = node.query("SELECT sum(RecordCount) FROM log_batches", database=_DATABASE)
    assert len(done.stdout.splitlines()) == int(records)


@pytest.mark.parametrize("name", ["auditor", "read_only", "default"])
def test_an_auditor_verifies_and_proves_and_changes_nothing(
    node: ClickHouseNode, served: LognotaryServer, name: str, tmp_path: Path
) -> None:
    before = _everything(node)
    status, output, errors = _verify(node, name, served)
    assert (status, errors) == (0, "")
    assert read_verification(output)[1].records > 0

    origin = node.query("SELECT any(Origin) FROM log_batches WHERE Origin LIKE '%/audit/%'", database=_DATABASE)
    url = url_of_user(node.url, name, _DATABASE)
    key = f"--public-key={served.verifier_keys}"
    proved = run_lognotary("prove", f"{origin}#0", "--storage", url, key, "-o", "bundle", cwd=tmp_path)
    assert proved.returncode == 0, proved.stderr
    checked = run_lognotary("check", "bundle", key, cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert _everything(node) == before


def test_an_auditor_lists_logs_takes_checkpoints_and_looks_up_records_without_a_server(
    node: ClickHouseNode, served: LognotaryServer, tmp_path: Path
) -> None:
    storage = ("--storage", url_of_user(node.url, "auditor", _DATABASE), "--public-key", str(served.public_key))

    def run(*command: str) -> str:
        done = run_lognotary(*command, *storage, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), command
        return done.stdout

    origins = run("checkpoint", "--list", "--origins").splitlines()
    assert len(origins) == 2
    [audit] = [origin for origin in origins if "/audit/" in origin]
    run("checkpoint", "--log", audit, "-o", "kept")
    assert "records in" in run("verify", "--checkpoint", "kept", "--log", audit)
    places = re.findall(r"\S+#\d+", run("audit", "--limit", "1", "--no-pager"))
    assert [place.partition("#")[0] for place in places] == [audit]
    run("prove", places[0], "-o", "bundle")
    assert f"{audit}#0" in run("search", f"log:{audit}#0", "--no-pager")
    for missing in ("checkpoint", "audit"):
        done = run_lognotary(missing, "--public-key", str(served.public_key), cwd=tmp_path)
        assert (done.returncode, "--public-key requires --storage" in done.stderr) == (2, True)
    nowhere = run_lognotary("checkpoint", "--log", "shop/audit/nowhere", *storage, cwd=tmp_path)
    assert (nowhere.returncode, "there is no log shop/audit/nowhere" in nowhere.stderr) == (1, True)


def test_checks_that_a_missing_right_leaves_out_are_named_and_the_status_stays_0(
    node: ClickHouseNode, served: LognotaryServer
) -> None:
    status, output, _ = _verify(node, "unaware", served)
    skipped = read_verification(output)[1].skipped_checks
    assert status == 0
    for table in ("parts", "mutations"):
        [check] = [check for check in skipped if check.grant.endswith(f"system.{table}")]
        assert f"GRANT SELECT ON system.{table} TO `unaware`" in check.reason
    assert [check.check for check in skipped if check.grant == "SELECT ON legal_holds"] == [
        "legal holds against their signed records"
    ]
    url = url_of_user(node.url, "unaware", _DATABASE)
    told = run_lognotary("verify", "--storage", url, "--public-key", str(served.public_key), cwd=served.directory)
    assert told.returncode == 0
    assert "⚠ not checked, changes and deletions of rows that are not done yet: " in told.stdout
    assert f"; {len(skipped)} checks were left out" in told.stdout


@pytest.mark.parametrize("table", ["otel_logs", "audit_logs", "log_batches", "log_tiles", "log_statements"])
def test_a_view_of_what_an_auditor_may_not_read_is_a_finding_and_nothing_follows_from_it(
    node: ClickHouseNode, served: LognotaryServer, table: str
) -> None:
    node.query(f"RENAME TABLE {table} TO hidden", database=_DATABASE)
    node.query(f"CREATE VIEW {table} SQL SECURITY INVOKER AS SELECT * FROM hidden", database=_DATABASE)
    try:
        status, output, errors = _verify(node, "auditor", served)
    finally:
        node.query(f"DROP VIEW {table}", database=_DATABASE)
        node.query(f"RENAME TABLE hidden TO {table}", database=_DATABASE)
    findings, summary = read_verification(output)
    assert (status, errors) == (1, "")
    assert findings[0].message.startswith(f"{table} is a view, and should be a table")
    assert f"; the table {table} cannot be read: " in findings[1].message
    assert not any("GRANT" in finding.message or "SELECT" in finding.message for finding in findings)
    assert kinds(findings) == {"TABLE_ALTERED"}, [finding.message for finding in findings]
    unread = {"log_batches": 3, "otel_logs": 1, "audit_logs": 1}.get(table, 0)  # the log of spans has no batch
    assert (len(summary.unread_logs), summary.logs) == (unread, max(0, 2 - unread))


@pytest.mark.parametrize(("table", "column"), [("otel_logs", "Body"), ("log_batches", "Origin")])
def test_a_table_that_cannot_be_read_is_named_with_the_cause_and_without_the_query(
    node: ClickHouseNode, served: LognotaryServer, table: str, column: str
) -> None:
    node.query(f"ALTER TABLE {table} RENAME COLUMN {column} TO Other", database=_DATABASE)
    try:
        status, output, _ = _verify(node, "auditor", served)
    finally:
        node.query(f"ALTER TABLE {table} RENAME COLUMN Other TO {column}", database=_DATABASE)
    findings, summary = read_verification(output)
    assert (status, kinds(findings)) == (1, {"TABLE_ALTERED"})
    [told] = [finding.message for finding in findings if "cannot be read" in finding.message]
    assert f"the table {table} cannot be read: " in told
    assert column in told
    assert "SELECT" not in told
    assert summary.unread_logs


def test_an_auditor_finds_a_change(node: ClickHouseNode, served: LognotaryServer) -> None:
    node.query(
        "ALTER TABLE audit_logs UPDATE Body = 'other' WHERE LeafIndex = 3 SETTINGS mutations_sync = 2",
        database=_DATABASE,
    )
    status, output, _ = _verify(node, "auditor", served)
    assert status == 1
    assert len(read_verification(output)[0]) >= 1


def test_an_auditor_who_may_change_no_settings_is_told_which_differ(
    node: ClickHouseNode, served: LognotaryServer
) -> None:
    status, output, errors = _verify(node, "strict", served)
    assert (status, output) == (2, "")
    assert errors.startswith("lognotary: the user 'strict' of ClickHouse may not change settings (readonly = 1)")
    assert "optimize_use_projections is 'true' and must be 0" in errors
    assert "ALTER USER `strict` SETTINGS readonly = 2" in errors


def test_a_missing_grant_is_named(node: ClickHouseNode, served: LognotaryServer) -> None:
    status, output, errors = _verify(node, "partial", served)
    assert (status, output) == (2, "")
    assert "GRANT SELECT ON shop.log_tiles TO `partial`" in errors
    assert "lognotary grants --role auditor --user partial --database shop" in errors


@pytest.mark.parametrize("name", ["auditor", "read_only", "default"])
def test_a_mistyped_database_is_said_to_have_no_data(node: ClickHouseNode, served: LognotaryServer, name: str) -> None:
    before = _everything(node)
    status, output, errors = _verify(node, name, served, "typo")
    assert (status, output) == (2, "")
    assert errors.startswith("lognotary: there is no Lognotary data in http://")
    assert "typo" in errors
    assert _everything(node) == before


@pytest.mark.parametrize("arguments", [("verify",), ("prove", "shop/audit/a#0", "-o", "bundle")])
def test_a_mistyped_directory_is_said_to_have_no_data(
    served: LognotaryServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    storage = ("--storage", f"chdb://{tmp_path}/typo", "--public-key", str(served.public_key))
    done = run_lognotary(*arguments, *storage, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    expected = f"lognotary: there is no Lognotary data in chdb://{tmp_path}/typo: the directory does not exist\n"
    assert done.stderr == expected
    assert list(tmp_path.iterdir()) == []


def test_embedded_storage_that_a_server_uses_is_said_to_be_in_use(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(url, tmp_path / "data") as server:
        done = run_lognotary("verify", "--storage", url, "--public-key", str(server.public_key), cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"lognotary: {url} is in use by the process {server.pid}. Only one process")
        assert len(done.stderr.splitlines()) == 1


def test_a_database_with_some_of_the_tables_says_which_are_missing(
    node: ClickHouseNode, served: LognotaryServer
) -> None:
    node.query("CREATE DATABASE IF NOT EXISTS partly")
    for table in ("log_batches", "audit_logs"):
        node.query(f"CREATE TABLE IF NOT EXISTS partly.{table} AS {_DATABASE}.{table}")
    status, output, _ = _verify(node, "default", served, "partly")
    assert status == 1
    messages = [finding.message for finding in read_verification(output)[0]]
    for table in ("otel_logs", "log_tiles", "log_statements"):
        assert f"the table {table} is not there" in messages
    proving = ("prove", "shop/audit/a#0", "-o", "bundle", "--storage", url_of_user(node.url, "default", "partly"))
    done = run_lognotary(*proving, "--public-key", str(served.public_key), cwd=served.directory)
    assert (done.returncode, done.stdout) == (2, "")
    for table in ("otel_logs", "log_tiles", "log_statements"):
        assert table in done.stderr


def test_a_storage_url_without_a_database_is_said_to_mean_the_usual_one(node: ClickHouseNode, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(public_pem(Ed25519Key.generate().public_key))
    url = url_of_user(node.url, "default", "")
    done = run_lognotary("verify", "--storage", url, "--public-key", str(key), cwd=tmp_path)
    note, error = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert note.startswith("lognotary: --storage names no database, so lognotary is read: http://default@127.0.0.1:")
    assert error.startswith("lognotary: there is no Lognotary data in http://default@127.0.0.1:")


@pytest.mark.parametrize(
    ("login", "database", "reason"),
    [
        ("server:wrong", _DATABASE, "refuses the login of the user 'server'"),
        ("stopped", _DATABASE, "ALTER USER `stopped` SETTINGS readonly = 0"),
        (f"server:{_PASSWORD}", "another", "GRANT CREATE DATABASE ON another.* TO `server`"),
    ],
    ids=["password", "user who may only read", "rights"],
)
def test_a_server_says_at_its_start_what_lasts_until_somebody_acts(
    node: ClickHouseNode, tmp_path: Path, login: str, database: str, reason: str
) -> None:
    _assert_told(f"http://{login}@127.0.0.1:{node.http_port}/{database}", tmp_path, reason)
    assert "another" not in node.query("SELECT name FROM system.databases").split("\n")


def test_a_server_says_at_its_start_that_storage_answers_without_tls(tmp_path: Path) -> None:
    with listening(PlainPort) as port:
        url = f"https://server:{_PASSWORD}@127.0.0.1:{port}/{_DATABASE}"
        _assert_told(url, tmp_path, "write http:// instead of https://")


def _assert_told(storage: str, directory: Path, reason: str) -> None:
    server = LognotaryServer(storage, directory / "data")
    server.launch()
    try:
        server.wait_for_log(reason)
        assert _PASSWORD not in server.log_text()
        assert "wrong@" not in server.log_text()
    finally:
        server.stop()


class TestGrants:
    @pytest.mark.parametrize("role", ["auditor", "server", "reader"])
    def test_statements_are_printed_for_a_role(self, role: str) -> None:
        done = run_lognotary("grants", "--role", role, "--user", "o'brien`", "--database", "my-logs")
        assert (done.returncode, done.stderr) == (0, "")
        for line in done.stdout.splitlines():
            assert line.startswith("GRANT ")
            assert line.endswith(" TO `o'brien\\``;")
        assert "SELECT ON `my-logs`.otel_logs" in done.stdout or "SELECT, INSERT" in done.stdout
        assert ("INSERT" in done.stdout) == (role == "server")

    def test_the_statements_are_sql(self, node: ClickHouseNode) -> None:
        for line in run_lognotary("grants", "--role", "server").stdout.splitlines():
            with pytest.raises(QueryError, match="UNKNOWN_ROLE"):  # only the user is missing
                node.query(line.removesuffix(";").replace("TO `server`", "TO `nobody at all`"))

    def test_a_role_is_required(self) -> None:
        done = run_lognotary("grants")
        assert done.returncode == 2
        assert "--role" in done.stderr
