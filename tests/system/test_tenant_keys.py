"""Tenants with keys and witnesses of their own: real servers that sign, and outsiders who verify with one key."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, request_of
from harness.small_http import serving
from harness.waiting import wait_for
from harness.witness import SmallWitness
from server.notary.keys import VerifierKey
from server.notary.note import parse_note

ACME, UMBRELLA = (f"lognotary/{tenant}/audit/w" for tenant in ("acme", "umbrella"))
SETTINGS: dict[str, Any] = {"writer": "w", "batch_age": 0.02}
PATIENCE = 30.0  # seconds


def tokens(data: Path, *tenants: str) -> list[str]:
    """Create a token of each tenant."""
    made = []
    for tenant in tenants:
        done = run_lognotary("tokens", "create", tenant, "--tenant", tenant, "--data-dir", str(data))
        assert done.returncode == 0, done.stderr
        made.append(done.stdout.strip())
    return made


def send(server: LognotaryServer, token: str, text: str) -> None:
    request = request_of([log_record(text, audit_actor_id="mallory", audit_action="login")])
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        export = LogsServiceStub(channel).Export

        def is_let_in() -> bool:
            try:
                export(request, metadata=[("authorization", f"Bearer {token}")], timeout=PATIENCE)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                    return False
                raise
            return True

        wait_for(is_let_in)  # a new token is in force within a second


def keys_of(server: LognotaryServer, tenant: str = "") -> dict[str, str]:
    """Return the published verifier keys, by origin: those of all logs, or those in the file of a tenant."""
    file = server.data_dir / "keys" / "tenants" / tenant / "verifier-keys.txt" if tenant else server.verifier_keys
    return {VerifierKey.parse(line).name: line for line in file.read_text().split()}


def published(server: LognotaryServer, origin: str) -> str:
    wait_for(lambda: origin in keys_of(server))
    return keys_of(server)[origin]


def changed(server: LognotaryServer, origin: str, before: str) -> None:
    wait_for(lambda: published(server, origin) != before)


def configured(directory: Path, text: str) -> str:
    file = directory / "lognotary.toml"
    file.write_text(text)
    return str(file)


def checked(bundle: Path, key: str, *arguments: str) -> bool:
    """Return whether an outsider with one key believes a bundle."""
    file = bundle.parent / "key"
    file.write_text(key + "\n")
    return run_lognotary("check", str(bundle), "--public-key", str(file), *arguments).returncode == 0


def prove(server: LognotaryServer, record: str, bundle: Path) -> Path:
    done = server.cli("prove", record, "-o", str(bundle))
    assert done.returncode == 0, done.stderr
    return bundle


def rotate(server: LognotaryServer, *arguments: str) -> None:
    done = run_lognotary("keys", "rotate", "--data-dir", str(server.data_dir), *arguments)
    assert (done.returncode, "the running server was notified" in done.stdout) == (0, True), done.stderr


def test_a_tenants_log_is_cosigned_and_verified_with_its_own_key_alone(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    config = configured(tmp_path, '[[tenants]]\nname = "acme"\nown_key = true\n')
    with LognotaryServer(storage, tmp_path / "data", config=config, **SETTINGS) as server:
        # The witness is told of the tenant's logs before their first record.
        of_acme = keys_of(server, "acme")
    witness = SmallWitness(tmp_path / "witness", {name: [VerifierKey.parse(key)] for name, key in of_acme.items()})
    with serving(witness.respond) as url:
        given = f'["{witness.verifier_key} {url}"]'
        configured(tmp_path, f'[[tenants]]\nname = "acme"\nown_key = true\nwitnesses = {given}\n')
        with LognotaryServer(storage, tmp_path / "data", config=config, witness_interval=0.1, **SETTINGS) as server:
            acme, umbrella = tokens(server.data_dir, "acme", "umbrella")
            send(server, acme, "of acme")
            send(server, umbrella, "of umbrella")
            wait_for(lambda: witness.size(ACME) == 1)

            def note() -> str:
                return server.cli("checkpoint", "--log", ACME).stdout

            wait_for(lambda: witness.verifier_key.name in note())
            assert parse_note(note()).verify([witness.verifier_key]) == [witness.verifier_key]
            ours, others = (prove(server, f"{origin}#0", tmp_path / origin[10:14]) for origin in (ACME, UMBRELLA))
            assert checked(ours, of_acme[ACME], "--witness", str(witness.verifier_key))
            assert checked(others, published(server, UMBRELLA))
            assert not checked(ours, published(server, UMBRELLA))
            assert not checked(others, of_acme[ACME])
            assert not checked(others, keys_of(server, "acme")[ACME].replace(ACME, UMBRELLA))  # nor under its name
            assert published(server, ACME) == of_acme[ACME]
            assert witness.size(UMBRELLA) == 0
            assert server.verify() == server.verify("--public-key", str(server.verifier_keys))
            findings, summary = server.verify()
            assert (findings, summary.records) == ([], 2)
            exported = run_lognotary(
                "keys", "export", "--tenant", "acme", "--origin", ACME, "--data-dir", str(server.data_dir)
            )
            assert exported.stdout == of_acme[ACME] + "\n"
        done = run_lognotary("verify", "--storage", storage, "--data-dir", str(tmp_path / "data"))
        assert done.returncode == 0, done.stdout


def test_a_tenants_key_is_rotated_while_records_arrive_and_none_is_lost(
    lognotary: LognotaryServer, tmp_path: Path
) -> None:
    config = configured(tmp_path, '[[tenants]]\nname = "acme"\nown_key = true\n')
    with LognotaryServer(lognotary.storage_url, tmp_path / "data", config=config, **SETTINGS) as server:
        acme, umbrella = tokens(server.data_dir, "acme", "umbrella")
        send(server, acme, "before")
        send(server, umbrella, "before")
        first, of_server = published(server, ACME), published(server, UMBRELLA)
        done, sent = threading.Event(), [2]

        def keep_sending() -> None:
            while not done.is_set():
                for token in (acme, umbrella):
                    send(server, token, "meanwhile")
                    sent[0] += 1

        sending = threading.Thread(target=keep_sending)
        sending.start()
        try:
            for _ in range(2):
                before = published(server, ACME)
                rotate(server, "--tenant", "acme")
                changed(server, ACME, before)
        finally:
            done.set()
            sending.join()
        last = published(server, ACME)
        assert keys_of(server, "acme")[ACME] == last
        assert published(server, UMBRELLA) == of_server
        listed = run_lognotary("keys", "list", "--tenant", "acme", "--data-dir", str(server.data_dir))
        states = [line.split()[-1] for line in listed.stdout.splitlines() if not line.startswith(" ")]
        assert states == ["current", "replaced", "replaced"]
    with LognotaryServer(lognotary.storage_url, tmp_path / "data", config=config, **SETTINGS) as server:
        send(server, acme, "after a restart")
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], sent[0] + 1)
        bundle = prove(server, f"{ACME}#0", tmp_path / "bundle")
        assert checked(bundle, first)
        assert checked(bundle, last)
        assert not checked(bundle, of_server.replace(UMBRELLA, ACME))


def test_a_tenant_that_has_sent_gets_a_key_and_gives_it_back(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    config = configured(tmp_path, "")
    keys, signing = [], []
    [acme] = tokens(tmp_path / "data", "acme")
    for number, own in enumerate(("false", "true", "true", "false")):
        configured(tmp_path, f'[[tenants]]\nname = "acme"\nown_key = {own}\n')
        with LognotaryServer(storage, tmp_path / "data", config=config, **SETTINGS) as server:
            send(server, acme, f"record {number}")
            wait_for(lambda: VerifierKey.parse(published(server, ACME)).key_id.hex() in _signer(server))
            keys.append(published(server, ACME))
            signing.append(_signer(server))
            findings, summary = server.verify()
            assert (findings, summary.records) == ([], number + 1)
            bundle = prove(server, f"{ACME}#0", tmp_path / f"bundle-{number}")
            assert all(checked(bundle, key) for key in keys)
    assert [key == keys[0] for key in keys] == [True, False, False, True]
    assert signing[0] == signing[3] != signing[1] == signing[2]


def _signer(server: LognotaryServer) -> str:
    """Return the ID of the key that signed the last checkpoint of the tenant."""
    [signature] = parse_note(server.cli("checkpoint", "--log", ACME).stdout).signatures
    return signature.key_id.hex()


def test_workers_sign_the_logs_of_a_tenant_with_its_key(clickhouse_storage: str, tmp_path: Path) -> None:
    config = configured(tmp_path, '[[tenants]]\nname = "acme"\nown_key = true\n')
    with LognotaryServer(clickhouse_storage, tmp_path / "data", config=config, workers=2, **SETTINGS) as server:
        [acme] = tokens(server.data_dir, "acme")
        for _ in range(8):  # whichever worker takes it
            send(server, acme, "before")
        first = keys_of(server, "acme")
        rotate(server, "--tenant", "acme")
        wait_for(lambda: keys_of(server, "acme") != first)
        for _ in range(8):
            send(server, acme, "after")
        assert keys_of(server, "acme").items() <= keys_of(server).items()
        for key in (first, keys_of(server, "acme")):
            (tmp_path / "keys").write_text("\n".join([*key.values(), *server.verifier_keys.read_text().split()]))
            findings, summary = server.verify("--public-key", str(tmp_path / "keys"))
            assert (findings, summary.records) == ([], 16)


def test_a_lost_key_of_a_tenant_is_not_replaced(tmp_path: Path) -> None:
    config = configured(tmp_path, '[[tenants]]\nname = "acme"\nown_key = true\n')
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", config=config, **SETTINGS) as server:
        [acme] = tokens(server.data_dir, "acme")
        send(server, acme, "signed")
        published(server, ACME)
    directory = tmp_path / "data" / "keys" / "tenants"
    (directory / "acme").rename(tmp_path / "elsewhere")
    server.launch()
    wait_for(lambda: not server.running)
    assert "has checkpoints of logs of the tenant acme that it signed" in server.log_text()
    assert not (directory / "acme" / "signing-key.pem").exists()
    (directory / "acme").rmdir() if (directory / "acme").exists() else None
    (tmp_path / "elsewhere").rename(directory / "acme")
    server.start()
    send(server, acme, "signed again")
    assert server.verify()[0] == []
    server.stop()
