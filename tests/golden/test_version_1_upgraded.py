"""A storage and a data directory of the canonical record's version 1, with which this version goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from server import check
from storage.clickhouse import connect
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.docs.outsider import run_verifier
from tests.golden import VERSION_1

FIRST_KEY, OTHER_KEY = str(VERSION_1.key("node-1-first.pem")), str(VERSION_1.key("node-2.pem"))
KEYS = ("--public-key", FIRST_KEY, "--public-key", OTHER_KEY)
AUDIT = "golden/audit/node-1"
(TRACE,) = VERSION_1.contents["traces"]
KINDS = ("plain-audit", "plain-operational.zip", "rotated-audit.zip", "witnessed-audit", "stored-audit-node-2-1.zip")


def restore(storage_url: str, *, upgrade: bool) -> str:
    """Make a storage what version 1 left behind, and if wanted migrate it as a server does when it starts."""
    with closing(connect(parse_storage_url(storage_url))) as engine:
        VERSION_1.restore(engine)
        if upgrade:
            migrate(engine)
    return storage_url


@pytest.fixture
def upgraded(storage_url: str) -> str:
    return restore(storage_url, upgrade=True)


@pytest.fixture
def server(storage_url: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """The writer of version 1, started as this version, on its storage and the journal in which batches wait."""
    data = tmp_path / "data"
    VERSION_1.copy_data_directory(data)
    with LognotaryServer(
        restore(storage_url, upgrade=False),
        data,
        deployment="golden",
        ack="journal",
        ml_dsa="true",
        batch_age=0.02,
        public_keys=OTHER_KEY,
        retention_audit="forever",
        retention_operational="forever",
    ) as started:
        yield started


def waiting(what: str) -> int:
    return sum(int(log[what]) for log in VERSION_1.contents["waiting"].values())


def settled(server: LognotaryServer, records: int) -> None:
    """Wait until so many records are stored; all of them verify."""
    # Until then, rows whose batch is just being stored may be a finding: they were received long ago.
    wait_for(lambda: server.verify()[1].records >= records)
    findings, summary = server.verify()
    assert (findings, summary.records) == ([], records)


def test_a_writer_stores_what_waits_in_the_journal_and_goes_on(server: LognotaryServer, tmp_path: Path) -> None:
    stored = VERSION_1.total("entries") + waiting("records")
    settled(server, stored)
    summary = server.verify()[1]
    assert (summary.logs, summary.batches) == (4, VERSION_1.total("batches") + waiting("batches"))
    former = (VERSION_1.directory / "data" / "keys" / "public-key.pem").read_text()
    wait_for(lambda: server.public_key.read_text() != former)  # the key change of that time is done too

    event = log_record("after", trace_id=TRACE, audit_actor_id="ivan", audit_action="login")
    send(server.otlp_grpc, event, log_record("a line"))
    settled(server, stored + 2)
    kept = [str(VERSION_1.kept(what, origin)) for what in ("checkpoints", "statements") for origin in VERSION_1.logs]
    given = [argument for file in kept for argument in ("--checkpoint", file)]
    now = ("--public-key", str(server.public_key))  # the log of spans is new: no former key signs it
    assert server.verify(*given, *KEYS, *now)[0] == []

    # Of records that cannot be proved, the status would be 1.
    for command in (("trace", TRACE), ("audit", "--actor", "frank"), ("audit", "--actor", "grace")):
        shown = server.cli(*command)
        assert (shown.returncode, command[-1] in shown.stdout) == (0, True), shown.stdout + shown.stderr
    last = VERSION_1.logs[AUDIT]["entries"] + VERSION_1.contents["waiting"][AUDIT]["records"]  # entry of ivan's record
    for leaf in (0, last - 1, last):  # of version 1 and stored by it; of its journal; of this version
        bundle = tmp_path / f"bundle-{leaf}"
        assert server.cli("prove", f"{AUDIT}#{leaf}", "-o", str(bundle)).returncode == 0
        done = run_lognotary("check", str(bundle), "--public-key", FIRST_KEY)
        assert done.returncode == 0, done.stdout

    server.stop()
    done = run_lognotary("verify", "--json", "--storage", server.storage_url, *KEYS, *now, *given)
    findings, summary = read_verification(done.stdout)
    assert (done.returncode, findings, summary.records) == (0, [], stored + 2), done.stderr


@pytest.mark.parametrize("storage_url", ["server"], indirect=True)  # several processes read it
def test_batches_that_are_missing_where_the_version_changes_leave_their_records_unchanged(
    server: LognotaryServer,
) -> None:
    stored = VERSION_1.total("entries") + waiting("records")
    settled(server, stored)
    for number in range(3):
        send(server.otlp_grpc, log_record(f"after {number}", audit_actor_id="ivan", audit_action="login"))
    settled(server, stored + 3)
    first = VERSION_1.logs[AUDIT]["batches"] + int(VERSION_1.contents["waiting"][AUDIT]["batches"]) + 1
    with closing(connect(parse_storage_url(server.storage_url), clients=1)) as engine:
        engine.execute("CREATE TABLE kept AS log_batches")
        engine.execute("INSERT INTO kept SELECT * FROM log_batches")
        # The last of version 1, or the first of this version, or both, or all up to there.
        for missing in ([first - 1], [first], [first - 1, first], list(range(1, first)), list(range(1, first + 1))):
            engine.execute("TRUNCATE TABLE log_batches")
            engine.execute(
                f"INSERT INTO log_batches SELECT * FROM kept WHERE NOT (Origin = '{AUDIT}' AND Sequence IN {missing})"
            )
            (finding,) = server.verify()[0]
            assert kinds([finding]) == {"BATCH_MISSING"}
            assert finding.message.endswith("these records are all unchanged"), missing
        engine.execute("ALTER TABLE audit_logs UPDATE Body = 'x' WHERE Body = 'after 0' SETTINGS mutations_sync = 2")
        (finding,) = server.verify()[0]
        assert finding.message.endswith("not all of these records can be checked")


def test_commands_that_read_the_storage_verify_and_prove_it(upgraded: str, tmp_path: Path) -> None:
    source = ("--storage", upgraded, *KEYS)
    done = run_lognotary("verify", "--json", *source)
    findings, summary = read_verification(done.stdout)
    assert (done.returncode, findings) == (0, []), done.stderr
    assert (summary.logs, summary.records) == (4, VERSION_1.total("entries"))
    for name in ("stored-audit-node-1-4.zip", "stored-operational-node-1-10.zip"):
        bundle = tmp_path / name
        made = run_lognotary("prove", VERSION_1.contents["bundles"][name], "-o", str(bundle), *source)
        assert made.returncode == 0, made.stderr
        with zipfile.ZipFile(bundle) as new, zipfile.ZipFile(VERSION_1.bundle(name)) as frozen:
            assert sorted(new.namelist()) == sorted(frozen.namelist())
            for file in set(frozen.namelist()) - {"README.txt"}:  # for people: its text may change
                assert new.read(file) == frozen.read(file), file
    shown = run_lognotary("audit", "--actor", "frank", *source)
    assert (shown.returncode, f"{AUDIT}#95" in shown.stdout) == (0, True), shown.stdout + shown.stderr


def test_commands_that_read_a_storage_before_it_is_migrated_say_what_to_do(storage_url: str, tmp_path: Path) -> None:
    source = ("--storage", restore(storage_url, upgrade=False), *KEYS)
    for command in (("audit",), ("prove", f"{AUDIT}#4", "-o", str(tmp_path / "bundle"))):
        refused = run_lognotary(*command, *source)
        assert refused.returncode == 2
        assert "A server of this version brings the tables up to date" in refused.stderr, refused.stderr
    done = run_lognotary("verify", *source)
    assert done.returncode == 1
    assert "the table audit_logs is as an earlier version left it" in done.stdout


@pytest.mark.parametrize("storage_url", ["server"], indirect=True)  # it speaks HTTP
def test_the_verifier_of_the_documentation_accepts_it(upgraded: str) -> None:
    done = run_verifier(upgraded, VERSION_1.key("node-1-first.pem"), "--public-key", OTHER_KEY)
    assert (done.returncode, done.stdout) == (0, f"0 findings, {VERSION_1.total('batches')} batches\n"), done.stderr


@pytest.mark.parametrize("name", KINDS)
def test_the_command_accepts_frozen_bundles(name: str) -> None:
    done = run_lognotary("check", str(VERSION_1.bundle(name)), *KEYS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", KINDS)
def test_a_copy_of_the_check_needs_nothing_else_to_accept_them(tmp_path: Path, name: str) -> None:
    alone = shutil.copy(Path(check.__file__), tmp_path / "check.py")
    command = [sys.executable, "-I", str(alone), str(VERSION_1.bundle(name)), *KEYS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
