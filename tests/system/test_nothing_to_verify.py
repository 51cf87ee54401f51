"""Storage that was emptied, wholly or by logs: nothing to verify is no success, and who knows more names the logs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import Parse

from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from lognotary.v1.evidence_pb2 import VerifyResponse
from server.notary.origin import LogName, Stream
from storage.clickhouse import connect
from storage.url import parse_storage_url

TABLES = ("otel_logs", "audit_logs", "log_batches", "log_tiles", "log_statements")
NOTHING = "✘ nothing was verified"


def write_to(server: LognotaryServer) -> None:
    send(server.otlp_grpc, log_record("a line"), log_record("an event", audit_actor_id="ann", audit_action="login"))


def change(server: LognotaryServer, *statements: str) -> None:
    """Change storage behind a server's back; embedded storage only while the server is stopped."""
    with closing(connect(parse_storage_url(server.storage_url))) as engine:
        for statement in statements:
            engine.execute(statement)


def wipe(server: LognotaryServer, logs: Sequence[str]) -> None:
    """Delete everything of some logs."""
    chosen = ", ".join(f"'{log}'" for log in logs)
    change(server, *(f"ALTER TABLE {t} DELETE WHERE LogId IN ({chosen}) SETTINGS mutations_sync = 2" for t in TABLES))


def log_names(server: LognotaryServer) -> dict[str, LogName]:
    """Return the names of a server's logs that have records, by stream: nobody sends spans here."""
    deployment, writer = "lognotary", (server.data_dir / "writer").read_text(encoding="utf-8").strip()
    return {stream.value: LogName(deployment, stream, writer) for stream in (Stream.AUDIT, Stream.OPERATIONAL)}


def of_storage(server: LognotaryServer, *arguments: str) -> list[str]:
    return ["verify", "--storage", server.storage_url, *arguments]


def test_a_store_without_a_log_is_no_success_to_anybody(lognotary: LognotaryServer, tmp_path: Path) -> None:
    lognotary.start()
    done = lognotary.cli("verify")
    assert (done.returncode, done.stderr) == (1, "")
    assert NOTHING in done.stdout
    assert "--log" in done.stdout
    assert "--checkpoint" in done.stdout
    findings, summary = lognotary.verify()
    assert (findings, summary.nothing_verified) == ([], True)
    answer = httpx.post(f"{lognotary.http}/api/v1/verify", timeout=60.0).text.splitlines()
    assert Parse(answer[-1], VerifyResponse()).summary.nothing_verified
    write_to(lognotary)
    assert lognotary.cli("verify").returncode == 0
    assert not lognotary.verify()[1].nothing_verified
    resume = ["--resume", str(tmp_path / "resume")]
    for _ in range(2):  # the second time there is nothing new, which is as it should be
        done = lognotary.cli("verify", *resume)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "• nothing is new since the kept checkpoints of 2 logs" in done.stdout
    assert "✔" not in done.stdout
    done = lognotary.cli("verify", "--until", "2001-01-01T00:00:00Z")
    assert done.returncode == 1
    assert NOTHING in done.stdout
    listed = lognotary.cli("checkpoint", "--list", "--origins")
    assert sorted(listed.stdout.split()) == sorted(name.origin for name in log_names(lognotary).values())
    logs = tmp_path / "logs.txt"
    logs.write_text(f"# of our server\n\n{listed.stdout}", encoding="utf-8")
    assert lognotary.cli("verify", "--logs-file", str(logs)).returncode == 0
    assert lognotary.stop() == 0

    change(lognotary, *(f"TRUNCATE TABLE {table}" for table in TABLES))
    key = ["--public-key", str(lognotary.public_key)]
    done = run_lognotary(*of_storage(lognotary, *key), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert NOTHING in done.stdout
    knowing = run_lognotary(*of_storage(lognotary, "--json", *key, "--data-dir", str(lognotary.data_dir)), cwd=tmp_path)
    findings, _ = read_verification(knowing.stdout)
    assert {finding.origin for finding in findings} >= set(listed.stdout.split())
    assert "LOG_TRUNCATED" in kinds(findings)
    listing = run_lognotary(*of_storage(lognotary, "--json", *key, "--logs-file", str(logs)), cwd=tmp_path)
    findings, _ = read_verification(listing.stdout)
    assert listing.returncode == 1
    assert (kinds(findings), len(findings)) == ({"LOG_MISSING"}, 2)
    assert {finding.origin for finding in findings} == set(listed.stdout.split())


def test_without_a_kept_checkpoint_the_verdict_says_that_a_missing_end_is_not_noticed(
    lognotary: LognotaryServer, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    with lognotary:
        for _ in range(2):
            write_to(lognotary)
        audit = log_names(lognotary)["audit"]
        assert lognotary.cli("checkpoint", "--log", audit.origin, "-o", str(kept)).returncode == 0
        assert "⚠" not in lognotary.cli("verify").stdout  # the server keeps its own
    last = f"SELECT toString(BatchId) FROM log_batches WHERE LogId = '{audit.log_id}' ORDER BY TreeSize DESC LIMIT 1"
    with closing(connect(parse_storage_url(lognotary.storage_url))) as engine:
        batch = engine.query(last)[1:].decode()  # RowBinary: a length, and the text
    tables = ("audit_logs", "log_tiles", "log_batches")
    cut = f"DELETE WHERE BatchId = toUUID('{batch}') SETTINGS mutations_sync = 2"
    change(lognotary, *(f"ALTER TABLE {table} {cut}" for table in tables))
    alone = of_storage(lognotary, "--public-key", str(lognotary.public_key))
    done = run_lognotary(*alone, cwd=tmp_path)
    assert (done.returncode, "cut off at the end of 2 logs" in done.stdout) == (0, True), done.stdout
    _, summary = read_verification(run_lognotary(*alone, "--json", cwd=tmp_path).stdout)
    assert summary.logs_without_checkpoint == sorted(name.origin for name in log_names(lognotary).values())
    done = run_lognotary(*alone, "--checkpoint", str(kept), cwd=tmp_path)
    assert (done.returncode, "LOG_TRUNCATED" in done.stdout, "of 1 log:" in done.stdout) == (1, True, True), done.stdout


def test_a_range_in_which_no_time_lies_is_refused_everywhere(lognotary: LognotaryServer, tmp_path: Path) -> None:
    lognotary.start()
    write_to(lognotary)
    turned = ("--since", "1h", "--until", "2h")
    for command in (("verify",), ("audit",)):
        done = lognotary.cli(*command, *turned)
        assert (done.returncode, done.stdout) == (2, "")
        assert "is not before --until" in done.stderr
    times = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    for answer in (
        httpx.post(f"{lognotary.http}/api/v1/verify", json=times, timeout=60.0),
        httpx.get(f"{lognotary.http}/api/v1/audit-events", params=times, timeout=60.0),
    ):
        assert answer.status_code == 400, answer.text
        assert "is not before until" in answer.text
    assert lognotary.stop() == 0
    done = run_lognotary(*of_storage(lognotary, "--public-key", str(lognotary.public_key), *turned), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not before --until" in done.stderr


def test_a_range_in_which_nothing_was_received_is_no_success(lognotary: LognotaryServer, tmp_path: Path) -> None:
    lognotary.start()
    write_to(lognotary)
    lately = lognotary.cli("verify", "--since", "1h")
    assert lately.returncode == 0, lately.stdout
    for name in log_names(lognotary).values():
        assert f"• {name.origin}: read entry 0" in lately.stdout
    assert lognotary.verify("--since", "1h")[1].entries
    arguments = ["--storage", lognotary.storage_url, "--public-key", str(lognotary.public_key)]
    future = "2100-01-01T00:00:00Z"
    answer = httpx.post(f"{lognotary.http}/api/v1/verify", json={"since": future}, timeout=60.0)
    assert (answer.status_code, "is in the future" in answer.text) == (400, True)
    for directly in (False, True):
        done = (
            run_lognotary("verify", "--since", "now", *arguments)
            if directly
            else lognotary.cli("verify", "--since", "now")
        )
        assert done.returncode == 1
        assert f"{NOTHING}: nothing was received in the range of time" in done.stdout
        refused = run_lognotary("verify", "--since", future, *(arguments if directly else []), cwd=tmp_path)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "--since is in the future" in refused.stderr
        if not directly:
            assert lognotary.stop() == 0


@pytest.mark.parametrize("since", [[], ["--since", "1h"]], ids=["whole", "range"])
def test_a_log_that_has_to_be_there_is_named_if_it_is_not(lognotary: LognotaryServer, since: list[str]) -> None:
    lognotary.start()
    write_to(lognotary)
    names = log_names(lognotary)
    for log in (*(name.origin for name in names.values()), *(name.log_id for name in names.values())):
        assert lognotary.cli("verify", *since, "--log", log).returncode == 0
    findings, _ = lognotary.verify(*since, "--log", "shop/audit/gone", "--log", names["audit"].origin)
    ((kind,), (finding,)) = kinds(findings), findings
    assert (kind, finding.origin) == ("LOG_MISSING", "shop/audit/gone")
    (finding,) = lognotary.verify(*since, "--log", "0123456789abcdef")[0]
    assert (finding.log_id, finding.origin) == ("0123456789abcdef", "")
    wrong = lognotary.cli("verify", *since, "--log", "nonsense")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "names no log" in wrong.stderr
    assert lognotary.stop() == 0

    wipe(lognotary, [names["operational"].log_id])
    # A row that says that the log is there, but that nobody signed.
    change(
        lognotary,
        "INSERT INTO log_batches SELECT * REPLACE "
        f"('{names['operational'].log_id}' AS LogId, '{names['operational'].origin}' AS Origin, "
        "toDateTime64('2001-01-01', 9) AS IngestedAt) FROM log_batches LIMIT 1",
    )
    key = ["--public-key", str(lognotary.public_key)]
    done = run_lognotary(*of_storage(lognotary, "--json", *key, *since, "--log", names["operational"].origin))
    assert done.returncode == 1
    missing = [finding for finding in read_verification(done.stdout)[0] if kinds([finding]) == {"LOG_MISSING"}]
    assert [finding.origin for finding in missing] == [names["operational"].origin]


@pytest.mark.parametrize("wiped", ["audit", "operational", "both"])
def test_a_server_names_its_own_logs_that_were_wiped(clickhouse_storage: str, tmp_path: Path, wiped: str) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02) as server:
        write_to(server)
        names = log_names(server)
        gone = [name for stream, name in names.items() if wiped in (stream, "both")]
        wipe(server, [name.log_id for name in gone])
        for arguments in ([], ["--storage", clickhouse_storage, "--data-dir", str(server.data_dir)]):
            findings, _ = server.verify(*arguments)
            assert "LOG_TRUNCATED" in kinds(findings)
            assert {finding.origin for finding in findings} == {name.origin for name in gone}


def test_a_server_names_logs_of_others_that_it_has_seen(clickhouse_storage: str, tmp_path: Path) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "other", batch_age=0.02) as other:
        write_to(other)
    keys: dict[str, Any] = {"public_keys": str(other.public_key)}
    server = LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, self_verify="1h", **keys)
    with server:
        write_to(server)
        seen = server.data_dir / "checkpoints" / "seen"
        gone = log_names(other)
        wait_for(lambda: all((seen / name.log_id).exists() for name in gone.values()))
        assert server.verify()[0] == []
        wipe(server, [name.log_id for name in gone.values()])
        findings, _ = server.verify()
        assert (kinds(findings), len(findings)) == ({"LOG_TRUNCATED"}, 2)
        assert {finding.origin for finding in findings} == {name.origin for name in gone.values()}
        given = [f"--public-key={key}" for key in (other.public_key, server.public_key)]
        arguments = ["--json", *given, "--data-dir", str(server.data_dir)]
        findings, _ = read_verification(run_lognotary(*of_storage(server, *arguments)).stdout)
        assert {finding.origin for finding in findings} == {name.origin for name in gone.values()}
        # A server that starts on it says so by itself.
        assert server.stop() == 0
        server.start()
        server.wait_for_log("LOG_TRUNCATED")


@pytest.mark.parametrize(
    ("content", "word"),
    [("", "names no log"), ("shop/audit/a\n\x1b[2J\u202e", r"\\x1b[2J\\u202e"), (None, "there is no file")],
)
def test_a_list_of_logs_that_is_none_is_refused(tmp_path: Path, content: str | None, word: str) -> None:
    if content is not None:
        (tmp_path / "logs").write_text(content, encoding="utf-8")
    done = run_lognotary("verify", "--logs-file", str(tmp_path / "logs"))
    assert (done.returncode, done.stdout) == (2, "")
    assert word.replace("\\\\", "\\") in done.stderr
    assert "Traceback" not in done.stderr
