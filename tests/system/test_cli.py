"""The command as people and programs use it: exit status, messages, settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import log_record, send
from server.explorer.assets import built_files, why_not_built
from server.notary.signers import Ed25519Key
from storage.clickhouse import connect
from storage.url import parse_storage_url

ADDRESSES = ("otlp_grpc", "otlp_http", "api_grpc", "http")
FREE_PORTS = [f"--{name.replace('_', '-')}=127.0.0.1:0" for name in ADDRESSES]


@pytest.fixture(scope="module")
def traced(shared_server: LognotaryServer) -> tuple[LognotaryServer, str]:
    """A server, and the ID of a trace on it."""
    trace_id = uuid.uuid4().hex
    send(
        shared_server.otlp_grpc,
        log_record("a line", trace_id=trace_id),
        log_record("an event", trace_id=trace_id, audit_actor_id="mallory", audit_action="login"),
    )
    return shared_server, trace_id


def test_help_says_what_the_exit_status_means() -> None:
    done = run_lognotary("--help")
    assert (done.returncode, done.stderr) == (0, "")
    in_one_line = " ".join(done.stdout.split())
    assert "0 all good, 1 a finding (or nothing found), 2 wrong usage or cannot run" in in_one_line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["trace"],
        ["serve", "--wings"],
        ["audit", "--limit", "0"],
        ["audit", "--limit", "few"],
        ["audit", "--since", "some day"],
        ["verify", "--until", "tomorrow"],
        ["verify", "--public-key", "no-such-file"],
        ["verify", "--checkpoint", "no-such-file"],
        ["verify", "--storage", "ftp://host/logs", "--public-key", __file__],
        ["verify", "--storage", "chdb:///tmp/x", "--data-dir", "no-such-directory"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(tmp_path: Path, arguments: list[str]) -> None:
    done = run_lognotary(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "lognotary" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("roots", "no root certificates can be read from"),
        ("package", "pip install 'lognotary[timestamps]'"),
    ],
)
def test_a_timestamp_authority_that_cannot_be_used_ends_a_server_with_2_and_says_why(
    tmp_path: Path, lacking: str, message: str
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text("no PEM")
    (tmp_path / "shadow").mkdir()
    if lacking == "package":
        (tmp_path / "shadow" / "rfc3161_client.py").write_text("raise ImportError('not installed')")
    done = run_lognotary(
        "serve",
        *FREE_PORTS,
        f"--data-dir={tmp_path / 'data'}",
        "--timestamp-authority=http://127.0.0.1:9/",
        f"--timestamp-roots={roots}",
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "shadow")},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("lognotary: ")
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_ends_a_server_with_2_and_says_which(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for name in ADDRESSES:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            ports = [f"--{other.replace('_', '-')}=127.0.0.1:0" for other in ADDRESSES if other != name]
            done = run_lognotary(
                "serve",
                *ports,
                f"--{name.replace('_', '-')}={address}",
                f"--data-dir={tmp_path / 'data'}",
                cwd=tmp_path,
            )
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.splitlines()[-1].startswith(f"lognotary: cannot listen on {address} (")
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["trace", "1" * 32], ["audit"], ["verify"]])
def test_without_a_server_commands_end_with_2_and_advice(command: list[str]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
        done = run_lognotary(*command, "--api", address)
    assert (done.returncode, done.stdout) == (2, "")
    assert address in done.stderr
    assert "'lognotary serve'" in done.stderr
    assert "--api" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_good_is_0_and_nothing_found_is_1(traced: tuple[LognotaryServer, str]) -> None:
    server, trace_id = traced
    for arguments, status in (
        (["trace", trace_id], 0),
        (["trace", trace_id, "--signatures-only"], 0),
        (["trace", "1" * 32], 1),
        (["trace", "xyz"], 2),
        (["audit", "--actor", "mallory"], 0),
        (["audit", "--actor", "mallory", "--since", "1h", "--limit", "1", "--signatures-only"], 0),
        (["audit", "--actor", "nobody"], 1),
        (["audit", "--trace", "xyz"], 2),
        (["verify"], 0),
        (["verify", "--since", "1h", "--until", "2100-01-01T00:00:00Z"], 0),
    ):
        done = server.cli(*arguments)
        assert (arguments, done.returncode) == (arguments, status), done.stderr
        assert bool(done.stderr) == (status == 2 or arguments == ["trace", "1" * 32])
        assert "Traceback" not in done.stderr


def test_signatures_only_shows_signed_and_not_verified(traced: tuple[LognotaryServer, str]) -> None:
    server, trace_id = traced
    for arguments, counted in ((["trace", trace_id], "2 records"), (["audit", "--trace", trace_id], "1 event")):
        shown = server.cli(*arguments, "--signatures-only").stdout
        assert (shown.count(f"• {counted} signed"), shown.count("verified")) == (1, 0)


def test_a_changed_record_is_a_finding_for_every_command(lognotary: LognotaryServer) -> None:
    trace_id = uuid.uuid4().hex
    lognotary.start()
    send(
        lognotary.otlp_grpc,
        log_record("true", trace_id=trace_id),
        log_record("true", trace_id=trace_id, audit_actor_id="mallory", audit_action="login"),
        log_record("other"),
    )
    storage_checks = ["verify", "--json", "--storage", lognotary.storage_url, "--data-dir", str(lognotary.data_dir)]
    assert lognotary.stop() == 0
    findings, summary = read_verification(run_lognotary(*storage_checks).stdout)
    assert (findings, summary.records, summary.logs) == ([], 3, 2)

    engine = connect(parse_storage_url(lognotary.storage_url))
    for table in ("otel_logs", "audit_logs"):
        engine.execute(f"ALTER TABLE {table} UPDATE Body = 'false' WHERE Body = 'true' SETTINGS mutations_sync = 2")
    engine.close()
    alone = run_lognotary(*storage_checks)
    assert alone.returncode == 1
    findings, _ = read_verification(alone.stdout)
    assert (len(findings), kinds(findings)) == (2, {"RECORD_CHANGED"})

    lognotary.start()
    assert lognotary.verify()[0] == findings
    for arguments in (["trace", trace_id], ["audit", "--actor", "mallory"]):
        done = lognotary.cli(*arguments)
        assert done.returncode == 1
        assert "✘ tampered" in done.stdout
        assert "content does not match what was signed" in done.stdout
    unread, output = os.pipe()
    os.close(unread)  # as 'head' does once it has enough
    command = [sys.executable, "-m", "server", "verify", "--api", lognotary.api_grpc]
    cut_off = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=False)
    os.close(output)
    assert (cut_off.returncode, cut_off.stderr) == (141, b"")
    # What is signed is not touched by that.
    assert lognotary.cli("trace", trace_id, "--signatures-only").returncode == 0


def test_the_ready_line_is_for_people(storage_url: str, tmp_path: Path) -> None:
    with LognotaryServer(storage_url, tmp_path / "data", json_output=False) as server:
        line, *explorer = server.output_text().splitlines()
        assert server.stop() == 0
    addresses = " ".join(rf"{name}=127\.0\.0\.1:[1-9]\d*" for name in ADDRESSES)
    assert re.fullmatch(rf"lognotary is ready: {addresses}", line)
    assert len(set(re.findall(r":(\d+)", line))) == 4
    http = line.rpartition(" http=")[2]
    assert explorer == ([] if why_not_built(built_files()) else [f"the explorer is at http://{http}/"])


def test_the_ready_line_is_json_for_programs(lognotary: LognotaryServer) -> None:
    lognotary.start()
    ready = json.loads(lognotary.output_text())
    assert ready.pop("ready") is True
    assert ready.keys() == set(ADDRESSES)
    ports = {address.rpartition(":")[2] for address in ready.values()}
    assert len(ports) == 4
    assert "0" not in ports
    assert lognotary.stop() == 0


def serve(storage_url: str, data_dir: Path, *arguments: str) -> tuple[int, str]:
    """Run a server that must not start; its exit status and what it says."""
    done = run_lognotary(
        "serve",
        f"--storage={storage_url}",
        f"--data-dir={data_dir}",
        *FREE_PORTS,
        *arguments,
        cwd=data_dir.parent,
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_second_server_on_the_same_data_directory_is_refused(lognotary: LognotaryServer) -> None:
    lognotary.start()
    status, message = serve(lognotary.storage_url, lognotary.data_dir)
    assert status == 2
    assert f"another server is running on the data directory {lognotary.data_dir}" in message
    # The first is not disturbed.
    send(lognotary.otlp_grpc, log_record("still here"))
    assert lognotary.verify()[0] == []


def test_embedded_storage_is_for_one_process(tmp_path: Path) -> None:
    storage_url = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage_url, tmp_path / "data") as server:
        status, message = serve(storage_url, tmp_path / "other")
        assert status == 2
        assert "one process can open" in message
        done = run_lognotary("verify", "--storage", storage_url, "--data-dir", str(server.data_dir))
        assert done.returncode == 2
        assert "one process can open" in done.stderr


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_port_in_use_is_refused_by_its_number(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flag = f"--{name.replace('_', '-')}=127.0.0.1:{port}"
        status, message = serve(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", flag)
    assert status == 2
    assert str(port) in message


@pytest.mark.parametrize("url", ["chdb://relative/path", "ftp://host/logs", "nonsense", "http://host/no-name"])
def test_a_storage_url_that_cannot_be_is_refused(tmp_path: Path, url: str) -> None:
    status, message = serve(url, tmp_path / "data")
    assert status == 2
    assert message.startswith("lognotary: --storage: ")


def test_a_signing_key_that_is_none_is_refused(lognotary: LognotaryServer) -> None:
    key = lognotary.data_dir / "keys" / "signing-key.pem"
    key.parent.mkdir(parents=True)
    key.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    key.chmod(0o600)
    status, message = serve(lognotary.storage_url, lognotary.data_dir)
    assert status == 2
    assert str(key) in message


def test_another_signing_key_does_not_go_on_with_a_log(lognotary: LognotaryServer) -> None:
    lognotary.start()
    send(lognotary.otlp_grpc, log_record("signed with the first key"))
    assert lognotary.stop() == 0
    key = lognotary.data_dir / "keys" / "signing-key.pem"
    key.write_bytes(Ed25519Key.generate().to_pem())
    status, message = serve(lognotary.storage_url, lognotary.data_dir)
    assert status == 2
    assert "do not verify" in message


@pytest.mark.parametrize("lost", ["key", "keys", "data directory"])
def test_a_lost_signing_key_stops_the_start_and_no_new_one_is_made(lognotary: LognotaryServer, lost: str) -> None:
    with lognotary:
        send(lognotary.otlp_grpc, log_record("signed with the first key"))
        [current] = json.loads(run_lognotary("keys", "list", "--json", "--data-dir", str(lognotary.data_dir)).stdout)
    writer = (lognotary.data_dir / "writer").read_text().strip()
    key = lognotary.data_dir / "keys" / "signing-key.pem"
    gone = {"key": key, "keys": key.parent, "data directory": lognotary.data_dir}[lost]
    gone.rename(lognotary.directory / "backup")
    status, message = serve(lognotary.storage_url, lognotary.data_dir, "--writer", writer)
    assert status == 2
    assert "restore" in message
    assert "No key was written" in message
    assert (f"fingerprint {current['fingerprint']}" in message) == (lost == "key")
    assert not key.exists()
    if gone.exists():
        shutil.rmtree(gone)
    (lognotary.directory / "backup").rename(gone)
    with lognotary:
        send(lognotary.otlp_grpc, log_record("signed with the first key too"))
        assert lognotary.verify()[0] == []


@pytest.mark.parametrize(
    ("arguments", "env", "toml", "where"),
    [
        (["--batch-rows=0"], {}, "", "--batch-rows: "),
        ([], {"LOGNOTARY_BATCH_AGE": "soon"}, "", "LOGNOTARY_BATCH_AGE: "),
        ([], {}, "log_level = 'loud'", "lognotary.toml:1: log_level: "),
        ([], {}, "wings = 2", "lognotary.toml:1: unknown setting wings"),
        ([], {}, "log_level =", "lognotary.toml:1: the file is not TOML"),
        (["--config=other.toml"], {}, "", "the settings file: there is no file other.toml: check the path"),
        (["--public-keys=no-such-file"], {}, "", "--public-keys: "),
        (["--otlp-grpc=4317"], {}, "", "--otlp-grpc: '4317' is not host:port"),
    ],
)
def test_a_wrong_setting_is_named_with_where_it_stands(
    tmp_path: Path, arguments: list[str], env: dict[str, str], toml: str, where: str
) -> None:
    if toml:
        (tmp_path / "lognotary.toml").write_text(toml)
    done = run_lognotary("serve", *arguments, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert where in done.stderr
    assert "Traceback" not in done.stderr


def test_flags_count_before_variables_before_the_file_before_defaults(storage_url: str, tmp_path: Path) -> None:
    def deployment_of(server: LognotaryServer) -> str:
        with server:
            assert server.stop() == 0
        (deployment,) = {key.split("/")[0] for key in server.verifier_keys.read_text().splitlines()}
        return deployment

    data_dir, env = tmp_path / "data", {"LOGNOTARY_DEPLOYMENT": "from-env"}
    assert deployment_of(LognotaryServer(storage_url, data_dir)) == "lognotary"
    (tmp_path / "lognotary.toml").write_text("deployment = 'from-file'\n")
    assert deployment_of(LognotaryServer(storage_url, data_dir)) == "from-file"
    assert deployment_of(LognotaryServer(storage_url, data_dir, env=env)) == "from-env"
    assert deployment_of(LognotaryServer(storage_url, data_dir, env=env, deployment="from-flag")) == "from-flag"
