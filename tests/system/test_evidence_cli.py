"""``lognotary prove``, on a running server and on its storage."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import SearchAuditEventsRequest
from lognotary.v1.evidence_pb2 import GetConsistencyProofRequest, GetInclusionProofRequest
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from server.notary.checkpoint import open_checkpoint
from server.notary.merkle import split_hashes
from server.notary.proofs import verify_consistency, verify_inclusion
from storage.clickhouse import connect
from storage.url import parse_storage_url
from tests.system.evidence_logs import OTHER_KEY, audit_log, shown_record, started_with_records


@pytest.fixture
def server(lognotary: LognotaryServer) -> LognotaryServer:
    return started_with_records(lognotary)


def check(bundle: Path, key: Path) -> int:
    return run_lognotary("check", str(bundle), "--public-key", str(key)).returncode


def test_a_record_that_audit_shows_is_proved_to_who_trusts_no_server(server: LognotaryServer, tmp_path: Path) -> None:
    name = shown_record(server, "bob")
    log_id = audit_log(server).log_id
    for number, (record, path) in enumerate(
        ((name, tmp_path / "bundle"), (name, tmp_path / "bundle.zip"), (f"{log_id}#1", tmp_path / "by-id"))
    ):
        done = server.cli("prove", record, *(["-o", str(path)] if number else ["--output", str(path)]))
        assert (done.returncode, done.stderr) == (0, "")
        assert f"lognotary check {path} --public-key" in done.stdout
        assert check(path, server.public_key) == 0
    assert b"event of bob" in (tmp_path / "bundle" / "record.bin").read_bytes()
    assert {file.name: file.read_bytes() for file in (tmp_path / "bundle").iterdir()} == {
        file.name: file.read_bytes() for file in (tmp_path / "by-id").iterdir()
    }
    other = tmp_path / "other.pem"
    other.write_text(OTHER_KEY, encoding="ascii")
    assert check(tmp_path / "bundle", other) == 1


def test_a_bundle_is_named_after_its_record_and_never_overwritten(server: LognotaryServer) -> None:
    name = shown_record(server, "ann")
    done = server.cli("prove", name, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    origin, leaf = name.split("#")
    assert said["bundle"] == f"{origin.replace('/', '-')}-{leaf}"
    assert (said["origin"], said["leafIndex"], said["treeSize"]) == (origin, leaf, "3")
    bundle = server.directory / said["bundle"]
    assert check(bundle, server.public_key) == 0
    before = {file.name: file.stat().st_mtime_ns for file in bundle.iterdir()}
    again = server.cli("prove", name)
    assert (again.returncode, again.stdout) == (2, "")
    assert "already exists" in again.stderr
    assert {file.name: file.stat().st_mtime_ns for file in bundle.iterdir()} == before


def test_a_record_is_proved_from_the_storage_alone(server: LognotaryServer, tmp_path: Path) -> None:
    name, log_id = shown_record(server, "cyd"), audit_log(server).log_id
    server.stop()
    from_storage = ["prove", name, "--storage", server.storage_url]
    given = run_lognotary(*from_storage, "--public-key", str(server.public_key), "-o", str(tmp_path / "given"))
    assert (given.returncode, given.stderr) == (0, "")
    assert f"--public-key {server.public_key}" in given.stdout
    own = run_lognotary(*from_storage, "--data-dir", str(server.data_dir), "-o", str(tmp_path / "own.zip"))
    assert own.returncode == 0
    for bundle in ("given", "own.zip"):
        assert check(tmp_path / bundle, server.public_key) == 0
    other = tmp_path / "other.pem"
    other.write_text(OTHER_KEY, encoding="ascii")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no key", encoding="ascii")
    for arguments, status, word in (
        ([name, "--public-key", str(other)], 1, "signed by no known key"),
        ([f"{log_id}#3", "--public-key", str(server.public_key)], 1, "no leaf 3"),
        (["shop#3", "--public-key", str(server.public_key)], 2, "names no log"),
        ([name, "--public-key", str(tmp_path / "none")], 2, "there is no file"),
        ([name, "--public-key", str(nonsense)], 2, "verifier key"),
        ([name, "--data-dir", str(tmp_path)], 2, "no public key"),
    ):
        done = run_lognotary("prove", "--storage", server.storage_url, "-o", str(tmp_path / "no"), *arguments)
        assert (done.returncode, done.stdout) == (status, ""), done.stderr
        assert word in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "no").exists()
    shown = run_lognotary("audit", "--storage", server.storage_url, "--public-key", str(other))
    assert (shown.returncode, shown.stdout.count("└ ✘ unsigned: "), "tampered" in shown.stdout) == (1, 3, False)
    assert "none of the given keys" in shown.stdout
    assert "give that server's public key" in shown.stdout


def test_nothing_is_written_for_a_record_that_is_not_what_was_signed(server: LognotaryServer, tmp_path: Path) -> None:
    changed, good, moved = (shown_record(server, actor) for actor in ("ann", "bob", "cyd"))
    log_id = audit_log(server).log_id
    embedded = server.storage_url.startswith("chdb:")
    if embedded:
        server.stop()
    engine = connect(parse_storage_url(server.storage_url))
    for change, where in (
        ("Body = 'false'", "ActorId = 'ann'"),
        ("BatchId = toUUID('00000000-0000-0000-0000-000000000007')", "ActorId = 'cyd'"),
    ):
        engine.execute(f"ALTER TABLE audit_logs UPDATE {change} WHERE {where} SETTINGS mutations_sync = 2")
    engine.close()
    if embedded:
        server.start()
    out = str(tmp_path / "bundle")
    for name, word in (
        (changed, "tampered: content does not match what was signed"),
        (moved, "its BatchId was changed"),
    ):
        done = server.cli("prove", name, "-o", out)
        assert (done.returncode, done.stdout) == (1, "")
        assert word in done.stderr
        assert name in done.stderr
    assert not Path(out).exists()
    assert server.cli("prove", good, "-o", out).returncode == 0
    if embedded:
        server.stop()
    engine = connect(parse_storage_url(server.storage_url))
    engine.execute(f"ALTER TABLE log_tiles DELETE WHERE LogId = '{log_id}' AND Offset = 0 SETTINGS mutations_sync = 2")
    engine.close()
    server.stop()
    server.start()
    done = server.cli("prove", good, "-o", str(tmp_path / "other"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "log_tiles" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["prove"],
        ["prove", "record"],
        ["prove", "shop/audit/a"],
        ["prove", "#3"],
        ["prove", "shop/audit/a#-1"],
        ["prove", "shop/audit/a#x"],
        ["prove", "shop/audit/a#99999999999999999999"],
        ["prove", "shop/audit/a#1", "--public-key", __file__],
        ["prove", "shop/audit/a#1", "--storage", "ftp://host/logs", "--public-key", __file__],
        ["checkpoint", "--size", "0"],
        ["checkpoint", "--size", "all"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(tmp_path: Path, arguments: list[str]) -> None:
    done = run_lognotary(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "lognotary" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_ends_with_1(server: LognotaryServer) -> None:
    log = audit_log(server)
    for arguments, word in (
        (["prove", f"{log.origin}#3"], "has 3 entries"),
        (["prove", "shop/audit/none#0"], "there is no log"),
        (["checkpoint", "--log", "shop/audit/none"], "there is no log"),
    ):
        done = server.cli(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert word in done.stderr


def test_a_running_server_proves_its_log_over_grpc_http_and_as_tiles(server: LognotaryServer) -> None:
    log = audit_log(server)
    with grpc.insecure_channel(server.api_grpc) as channel:
        stub = EvidenceServiceStub(channel)
        proof = stub.GetInclusionProof(GetInclusionProofRequest(log=log.origin, leaf_index=1))
        growth = stub.GetConsistencyProof(GetConsistencyProofRequest(log=log.origin, first=1))
    root = open_checkpoint(log.checkpoint)[0].root
    verify_inclusion(1, 3, proof.leaf_hash, list(proof.path), root)
    verify_consistency(1, 3, open_checkpoint(growth.first_checkpoint)[0].root, root, list(growth.path))
    over_http = httpx.get(f"{server.http}/api/v1/logs/{log.log_id}/inclusion-proof?leaf_index=1", timeout=60.0)
    assert over_http.json()["tlogProof"] == proof.tlog_proof
    files = f"{server.http}/tlog/{log.log_id}"
    assert httpx.get(f"{files}/checkpoint", timeout=60.0).text == log.checkpoint
    tile = httpx.get(f"{files}/tile/0/000.p/3", timeout=60.0)
    assert split_hashes(tile.content)[1] == proof.leaf_hash
    head = httpx.head(f"{files}/tile/0/000.p/3", timeout=60.0)
    assert (head.content, head.headers["content-length"]) == (b"", "96")
    again = httpx.get(f"{files}/tile/0/000.p/3", headers={"If-None-Match": tile.headers["etag"]}, timeout=60.0)
    assert (again.status_code, again.content) == (304, b"")


def test_records_that_audit_shows_have_the_names_that_prove_takes(server: LognotaryServer) -> None:
    actor = uuid.uuid4().hex
    send(server.otlp_grpc, log_record("now", audit_actor_id=actor, audit_action="login"))
    with server.correlation() as api:
        (event,) = api.SearchAuditEvents(SearchAuditEventsRequest(actor_id=actor)).events
    assert shown_record(server, actor) == f"{event.evidence.origin}#{event.evidence.leaf_index}"
    assert server.cli("prove", shown_record(server, actor)).returncode == 0


def test_answers_say_that_they_cannot_show_what_is_missing(server: LognotaryServer) -> None:
    said = "Only stored records can be shown: 'lognotary verify' shows whether one is missing"
    for command in (["audit"], ["audit", "--actor", "nobody at all"], ["trace", "4bf92f3577b34da6a3ce929d0e0e4736"]):
        done = server.cli(*command)
        if done.stdout:
            assert done.stdout.splitlines()[-1] == said
    nobody = server.cli("audit", "--actor", "nobody at all", "--since", "2025-01-01T00:00:00Z")
    assert nobody.returncode == 1
    assert "no audit event matches --actor 'nobody at all' --since 2025-01-01T00:00:00Z" in nobody.stdout


def test_prove_names_a_log_as_it_was_given(server: LognotaryServer, tmp_path: Path) -> None:
    done = server.cli("prove", "shop/audit/nowhere#0", "-o", str(tmp_path / "bundle"))
    assert done.returncode == 1
    assert "there is no log shop/audit/nowhere;" in done.stderr
