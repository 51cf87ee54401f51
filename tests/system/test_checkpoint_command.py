"""``lognotary checkpoint``, and ``lognotary verify`` with checkpoints that were kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.json_format import Parse

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.evidence_pb2 import GetCheckpointResponse, ListLogsResponse
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import counted
from server.notary.keys import VerifierKey
from tests.system.evidence_logs import OTHER_KEY, audit_log, listed, started_with_records


@pytest.fixture
def server(lognotary: LognotaryServer) -> LognotaryServer:
    return started_with_records(lognotary)


def test_a_checkpoint_is_printed_as_it_was_signed_and_can_be_verified_later(
    server: LognotaryServer, tmp_path: Path
) -> None:
    log = audit_log(server)
    for name in (log.origin, log.log_id):
        done = server.cli("checkpoint", "--log", name)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == log.checkpoint
    kept = tmp_path / "kept"
    for option, what in (("--statement", "statement"), ("--size=3", "checkpoint")):
        written = server.cli("checkpoint", "--log", log.origin, option, "-o", str(kept))
        assert (written.returncode, written.stderr) == (0, "")
        assert written.stdout.startswith(f"{kept} is the {what} of {log.origin} after ")
    assert written.stdout.endswith("after 3 entries\n")
    assert kept.read_text(encoding="utf-8") == log.checkpoint
    _, note = open_checkpoint(done.stdout)
    keys = [VerifierKey.parse(line) for line in server.verifier_keys.read_text(encoding="utf-8").splitlines()]
    assert note.verify(keys)
    assert server.verify("--checkpoint", str(kept))[0] == []
    as_json = Parse(server.cli("checkpoint", "--log", log.log_id, "--json").stdout, GetCheckpointResponse())
    assert (as_json.checkpoint, as_json.tree_size) == (log.checkpoint, 3)


def test_an_earlier_checkpoint_is_printed_by_its_size(server: LognotaryServer) -> None:
    log = audit_log(server)
    sizes = {}
    for size in (1, 2, 3):
        done = server.cli("checkpoint", "--log", log.log_id, "--size", str(size))
        assert done.returncode == 0
        sizes[open_checkpoint(done.stdout)[0].size] = done.stdout
    assert sorted(sizes) == [1, 2, 3]
    missing = server.cli("checkpoint", "--log", log.log_id, "--size", "4")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "the nearest is after 3" in missing.stderr


def test_where_there_are_several_logs_one_has_to_be_chosen(server: LognotaryServer) -> None:
    done = server.cli("checkpoint")
    assert (done.returncode, done.stdout) == (2, "")
    shown = server.cli("checkpoint", "--list")
    assert shown.returncode == 0
    for log in listed(server):
        for text in (done.stderr, shown.stdout):
            assert f"{log.origin}" in text
            assert log.log_id in text
    as_json = Parse(server.cli("checkpoint", "--list", "--json").stdout, ListLogsResponse())
    assert list(as_json.logs) == listed(server)


def test_the_only_log_needs_no_name_and_no_log_has_no_checkpoint(lognotary: LognotaryServer) -> None:
    lognotary.start()
    names = lognotary.directory / "logs.txt"
    for arguments in (
        ["checkpoint"],
        ["checkpoint", "--list"],
        ["checkpoint", "--list", "--origins", "-o", str(names)],
    ):
        done = lognotary.cli(*arguments)
        assert done.returncode == 1
        assert "no logs yet" in done.stdout + done.stderr
    assert not names.exists()
    send(lognotary.otlp_grpc, log_record("a line"))
    assert lognotary.cli("checkpoint").stdout == listed(lognotary)[0].checkpoint


def test_a_checkpoint_that_does_not_exist_leaves_the_file_as_it_was(
    shared_server: LognotaryServer, tmp_path: Path
) -> None:
    send(shared_server.otlp_grpc, log_record("a line"))
    kept, missing = tmp_path / "kept", tmp_path / "missing"
    kept.write_text("an older checkpoint\n", encoding="utf-8")
    for file in (kept, missing):
        done = shared_server.cli("checkpoint", "--log=shop/audit/node-1", "-o", str(file))
        assert done.returncode != 0
        assert "there is no log" in done.stderr
    assert kept.read_text(encoding="utf-8") == "an older checkpoint\n"
    assert not missing.exists()

    names = tmp_path / "logs.txt"
    done = shared_server.cli("checkpoint", "--list", "--origins", "-o", str(names))
    written = len(names.read_text(encoding="utf-8").splitlines())
    said = f"{names} has the {counted(written, 'name of a log', 'names of logs')}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert shared_server.cli("verify", "--logs-file", str(names)).returncode == 0
    done = shared_server.cli("checkpoint", "--list", "--origins", "-o", str(tmp_path / "nowhere" / "logs.txt"))
    assert done.returncode == 2
    assert f"--output: {tmp_path}/nowhere/logs.txt cannot be written" in done.stderr


def test_verify_names_the_kept_file_that_is_not_a_checkpoint(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    done = run_lognotary("verify", "--checkpoint", str(kept))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--checkpoint: {kept} is not a checkpoint" in done.stderr
    assert "lognotary checkpoint -o FILE" in done.stderr


def test_commands_name_the_file_that_is_not_a_key_or_an_acknowledgement(tmp_path: Path) -> None:
    for name, content, reason in (
        ("empty", "", "the file is empty"),
        ("text", "hello", "it is neither PEM nor lines of verifier keys"),
        ("pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "the public key cannot be read"),
        ("private", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "it is a private key"),
    ):
        file = tmp_path / name
        file.write_text(content, encoding="utf-8")
        for command in (["verify"], ["findings", "list"], ["prove", "shop/audit/a#0"]):
            key = ["--public-key", str(file), "--storage", f"chdb://{tmp_path}/typo"]
            done = run_lognotary(*command, *key)
            assert (done.returncode, done.stdout) == (2, ""), command
            assert f"--public-key: {file} is not a public key: {reason}" in done.stderr
        done = run_lognotary("verify", "--acknowledgements", str(file))
        assert (done.returncode, done.stdout) == (2, "")
        assert f"--acknowledgements: {file} is not an acknowledgement (" in done.stderr
    done = run_lognotary("verify", "--acknowledgement-key", str(tmp_path / "missing"))
    assert f"--acknowledgement-key: there is no file {tmp_path}/missing: check the path" in done.stderr


def test_verify_names_the_kept_checkpoint_that_another_key_signed(server: LognotaryServer, tmp_path: Path) -> None:
    kept, key = tmp_path / "kept", tmp_path / "other.pem"
    origin = audit_log(server).origin
    kept.write_text(server.cli("checkpoint", "--log", origin).stdout, encoding="utf-8")
    key.write_text(OTHER_KEY, encoding="utf-8")
    done = server.cli("verify", "--checkpoint", str(kept), "--public-key", str(key))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lognotary: --checkpoint: {kept}: the checkpoint of {origin} after ")
