"""Keys that change, statements, witnesses and timestamps: real servers that sign, and services that answer them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.small_http import serving
from harness.softhsm import SoftToken
from harness.timestamp_authority import TimestampAuthority
from harness.waiting import wait_for
from harness.witness import SmallWitness
from server.notary.checkpoint import open_checkpoint
from server.notary.keys import VerifierKey
from server.notary.note import parse_note
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement, StatementKind, open_statement, read_receipt_bound
from storage.clickhouse import connect
from storage.statements import read_statements
from storage.url import parse_storage_url

AUDIT = LogName("lognotary", Stream.AUDIT, "w")
SETTINGS: dict[str, Any] = {"writer": "w", "batch_age": 0.02}


def send_event(server: LognotaryServer, text: str) -> None:
    send(server.otlp_grpc, log_record(text, audit_actor_id="mallory", audit_action="login"))


def states(storage_url: str, *kinds: StatementKind) -> list[str]:
    """Return the statements of the audit log in order: kinds and words, without receipt bounds."""
    engine = connect(parse_storage_url(storage_url))
    try:
        rows = read_statements(engine, AUDIT.log_id, *kinds)
        stated = [open_statement(row.note)[0] for row in rows]
        return [" ".join([said.kind.value, *_own_words(said)]) for said in stated]
    finally:
        engine.close()


def _own_words(said: Statement) -> tuple[str, ...]:
    return said.words if read_receipt_bound(said) is None else said.words[:-2]


def checkpoint(server: LognotaryServer) -> str:
    done = server.cli("checkpoint", "--log", AUDIT.origin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def audit_log_of(server: LognotaryServer) -> str:
    names = [VerifierKey.parse(line).name for line in server.verifier_keys.read_text().split()]
    return next(name for name in names if "/audit/" in name)


def prove(server: LognotaryServer, record: str, bundle: Path) -> Path:
    """Have a bundle written anew."""
    shutil.rmtree(bundle, ignore_errors=True)
    done = server.cli("prove", record, "-o", str(bundle))
    assert done.returncode == 0, done.stderr
    return bundle


def test_a_key_is_replaced_while_the_server_runs_and_either_key_verifies_all(
    lognotary: LognotaryServer, tmp_path: Path
) -> None:
    lognotary.start()
    send_event(lognotary, "before")
    first, new = tmp_path / "first.pem", lognotary.public_key
    shutil.copy(new, first)
    origin = audit_log_of(lognotary)
    done = run_lognotary("keys", "rotate", "--data-dir", str(lognotary.data_dir))
    assert (done.returncode, "the running server was notified" in done.stdout) == (0, True)
    lognotary.wait_for_log(f"{origin}: signing key changed to")
    wait_for(lambda: new.read_text() != first.read_text())
    send_event(lognotary, "after")
    for key in (first, new):
        findings, summary = lognotary.verify("--public-key", str(key))
        assert (findings, summary.records) == ([], 2)
    for leaf in (0, 1):
        bundle = prove(lognotary, f"{origin}#{leaf}", tmp_path / "bundle")
        assert (bundle / "key-changes" / "0001").exists()
        for key in (first, new):
            done = run_lognotary("check", str(bundle), "--public-key", str(key))
            assert done.returncode == 0, done.stdout
    lognotary.stop()
    lognotary.start()  # and is not replaced once more
    assert "other keys" not in lognotary.log_text()
    assert lognotary.verify("--public-key", str(first))[0] == []


def test_a_key_that_was_replaced_while_the_server_was_down_is_taken_over_at_its_start(
    lognotary: LognotaryServer, tmp_path: Path
) -> None:
    lognotary.start()
    send_event(lognotary, "before")
    first = tmp_path / "first.pem"
    shutil.copy(lognotary.public_key, first)
    lognotary.stop()
    done = run_lognotary("keys", "rotate", "--data-dir", str(lognotary.data_dir))
    assert (done.returncode, "when it is started" in done.stdout) == (0, True)
    lognotary.start()
    send_event(lognotary, "after")
    findings, summary = lognotary.verify("--public-key", str(first))
    assert (findings, summary.records) == ([], 2)


def test_a_compromised_key_makes_later_signatures_findings(lognotary: LognotaryServer) -> None:
    lognotary.start()
    send_event(lognotary, "signed by whoever has the key")
    listed = run_lognotary("keys", "list", "--data-dir", str(lognotary.data_dir)).stdout
    findings, _ = lognotary.verify("--compromised", f"{listed.split()[0]}=2020-01-01T00:00:00Z")
    batches = [finding for finding in findings if finding.batch_id]
    assert len(batches) == 1
    assert "compromised by then" in batches[0].message
    for source in ((), ("--storage", lognotary.storage_url, "--data-dir", str(lognotary.data_dir))):
        if source:
            lognotary.stop()
        command = ("verify", "--compromised", f"{'1' * 16}=2020-01-01T00:00:00Z", *source)
        done = run_lognotary(*command) if source else lognotary.cli(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert "no log has a signature of the key '1111111111111111'" in done.stderr


def test_a_server_states_how_long_it_keeps_records_and_that_it_is_alive(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    server = LognotaryServer(storage, tmp_path / "data", heartbeat=0.05, **SETTINGS)
    with server:
        wait_for(lambda: server.verify()[1].statements >= 8)
        assert server.verify()[0] == []
    stated = states(storage)
    assert stated.count(f"retention {400 * 86400}") == 1
    assert stated.count("heartbeat") == len(stated) - 1
    with LognotaryServer(storage, tmp_path / "data", retention_audit="forever", heartbeat=3600, **SETTINGS) as again:
        assert again.verify()[0] == []
    assert states(storage)[len(stated) :] == ["retention forever"]


@pytest.fixture
def signed_storage(tmp_path: Path) -> str:
    """A storage whose log has keys already: a witness has to be told of them."""
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage, tmp_path / "data", **SETTINGS):
        pass
    return storage


def witness_of(tmp_path: Path) -> SmallWitness:
    keys = map(VerifierKey.parse, (tmp_path / "data" / "keys" / "verifier-keys.txt").read_text().split())
    return SmallWitness(tmp_path / "witness", {key.name: [key] for key in keys})


def test_cosignatures_and_timestamps_stand_with_the_checkpoint_and_in_bundles(
    signed_storage: str, tmp_path: Path
) -> None:
    witness = witness_of(tmp_path)
    (tmp_path / "tsa").mkdir()
    authority = TimestampAuthority(tmp_path / "tsa")
    with serving(witness.respond) as witness_url, serving(authority.respond) as authority_url:
        server = LognotaryServer(
            signed_storage,
            tmp_path / "data",
            witnesses=f"{witness.verifier_key} {witness_url}",
            witness_interval=0.1,
            timestamp_authority=authority_url,
            timestamp_roots=str(authority.roots),
            timestamp_interval=0.1,
            **SETTINGS,
        )
        with server:
            send_event(server, "to be witnessed")
            wait_for(lambda: witness.verifier_key.name in checkpoint(server))
            note = parse_note(checkpoint(server))
            assert note.verify([witness.verifier_key]) == [witness.verifier_key]
            bundle = tmp_path / "bundle"
            wait_for(lambda: (prove(server, f"{AUDIT.origin}#0", bundle) / "timestamp.tsr").exists())
            findings, summary = server.verify()
            assert findings == []
            assert summary.statements >= 4
    key = str(tmp_path / "data" / "keys" / "public-key.pem")
    done = run_lognotary("check", str(bundle), "--public-key", key, "--witness", str(witness.verifier_key))
    assert done.returncode == 0, done.stdout
    text = open_checkpoint((bundle / "checkpoint").read_text())[0].text()
    assert "Verification: OK" in authority.verify((bundle / "timestamp.tsr").read_bytes(), text.encode())


def test_a_server_that_rewrote_history_is_refused_by_the_witness(signed_storage: str, tmp_path: Path) -> None:
    witness = witness_of(tmp_path)
    with serving(witness.respond) as url:
        flags: dict[str, Any] = {"witnesses": f"{witness.verifier_key} {url}", "witness_interval": 0.1, **SETTINGS}
        with LognotaryServer(signed_storage, tmp_path / "data", **flags) as server:
            send_event(server, "what happened")
            wait_for(lambda: witness.size(AUDIT.origin) == 1)
        # Whoever has the key begins anew, and says something else.
        shutil.rmtree(tmp_path / "chdb")
        shutil.rmtree(tmp_path / "data" / "checkpoints")
        shutil.rmtree(tmp_path / "data" / "journal")  # it would store again what it has
        with LognotaryServer(signed_storage, tmp_path / "data", **flags) as server:
            send_event(server, "what never happened")
            send_event(server, "and more")
            server.wait_for_log("is inconsistent with what the witness cosigned before")
            assert witness.verifier_key.name not in checkpoint(server)
            assert server.verify()[0] == []  # alone, nobody can tell
    assert witness.size(AUDIT.origin) == 1


def test_a_key_in_a_token_follows_on_one_in_a_file(signed_storage: str, tmp_path: Path, token: SoftToken) -> None:
    first = tmp_path / "first.pem"
    with LognotaryServer(signed_storage, tmp_path / "data", **SETTINGS) as server:
        send_event(server, "signed by a key in a file")
        shutil.copy(server.public_key, first)
    done = run_lognotary("keys", "generate", token.uri())
    assert done.returncode == 0, done.stderr
    with LognotaryServer(signed_storage, tmp_path / "data", signing_key=token.uri(), **SETTINGS) as server:
        server.wait_for_log("signing key changed to")
        send_event(server, "signed by a key in a token")
        findings, summary = server.verify("--public-key", str(first))
        assert (findings, summary.records) == ([], 2)
        assert server.public_key.read_text() == done.stdout != first.read_text()


def test_workers_go_over_to_a_new_key_too(clickhouse_storage: str, tmp_path: Path) -> None:
    first = tmp_path / "first.pem"
    with LognotaryServer(clickhouse_storage, tmp_path / "data", workers=2, **SETTINGS) as server:
        send_event(server, "before")
        shutil.copy(server.public_key, first)
        assert run_lognotary("keys", "rotate", "--data-dir", str(server.data_dir)).returncode == 0
        for worker in (1, 2):
            server.wait_for_log(f"{AUDIT.origin}-{worker}: signing key changed to")
        for _ in range(8):  # whichever worker takes it
            send_event(server, "after")
        findings, summary = server.verify("--public-key", str(first))
        assert (findings, summary.records) == ([], 9)
        assert server.verify()[0] == []


def test_a_second_signature_with_ml_dsa_can_be_turned_on_and_off(tmp_path: Path) -> None:
    storage, data = f"chdb://{tmp_path / 'chdb'}", tmp_path / "data"
    lines = []
    for number, ml_dsa in enumerate(("true", "true", "false")):
        with LognotaryServer(storage, data, ml_dsa=ml_dsa, **SETTINGS) as server:
            send_event(server, f"record {number}")
            lines.append(len(parse_note(checkpoint(server)).signatures))
            for keys in ((), ("--public-key", str(server.public_key))):
                findings, summary = server.verify(*keys)
                assert (findings, summary.records) == ([], number + 1)
            if number == 1:
                names = [line for line in server.verifier_keys.read_text().split() if line.startswith(AUDIT.origin)]
                bundle = prove(server, f"{AUDIT.origin}#0", tmp_path / "bundle")
                (tmp_path / "keys").write_text("\n".join(names))
                assert len(names) == 2
    assert lines == [2, 2, 1]
    for key in (str(tmp_path / "keys"), str(data / "keys" / "public-key.pem")):
        done = run_lognotary("check", str(bundle), "--public-key", key)
        assert done.returncode == 0, done.stdout


def test_a_heartbeat_that_was_kept_shows_statements_that_were_removed(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage, tmp_path / "data", heartbeat=0.1, **SETTINGS) as server:
        send_event(server, "a record")
        wait_for(lambda: " heartbeat " in server.cli("checkpoint", "--log", AUDIT.origin, "--statement").stdout)
        kept = tmp_path / "kept"
        kept.write_text(server.cli("checkpoint", "--log", AUDIT.origin, "--statement").stdout)
        assert server.verify("--checkpoint", str(kept))[0] == []
    engine = connect(parse_storage_url(storage))
    engine.execute("ALTER TABLE log_statements DELETE WHERE Kind = 'heartbeat' SETTINGS mutations_sync = 2")
    engine.close()
    key = str(tmp_path / "data" / "keys" / "public-key.pem")
    done = run_lognotary("verify", "--storage", storage, "--public-key", key, "--checkpoint", str(kept))
    assert (done.returncode, "STATEMENT_MISSING" in done.stdout) == (1, True), done.stdout
