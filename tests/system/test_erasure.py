"""Values to which records have commitments, and their erasure, with a real server."""

from __future__ import annotations

import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import grpc

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from lognotary.v1 import disclosures_pb2 as messages
from lognotary.v1 import disclosures_pb2_grpc

PERSONS, SECRETS = (b"alice", b"bob"), (b"secret-of-alice", b"secret-of-bob")
SETTINGS = 'redaction = "disclose"\nredaction_keys = ["actor id"]\n'


def disclosed(server: LognotaryServer, *commitments: str) -> dict[str, bytes]:
    """Return the values of commitments, each checked against its commitment."""
    with grpc.insecure_channel(str(server.api_grpc)) as channel:
        stub = disclosures_pb2_grpc.DisclosureServiceStub(channel)
        answer = stub.Disclose(messages.DiscloseRequest(commitments=commitments))
    for each in answer.values:
        assert sha256(each.salt + each.value).hexdigest() == each.commitment
    return {each.commitment: each.value for each in answer.values}


def commitments(server: LognotaryServer, *query: str) -> list[str]:
    found = server.cli("audit", "--json", *query).stdout
    return sorted(set(re.findall(r"\[redacted:[a-z_.]+:sha256:([0-9a-f]{64})\]", found)))


def check(bundle: Path, server: LognotaryServer) -> subprocess.CompletedProcess[str]:
    return run_lognotary("check", str(bundle), "--public-key", str(server.public_key))


def test_values_are_shown_and_chosen_ones_are_open_in_a_bundle(tmp_path: Path) -> None:
    settings = tmp_path / "lognotary.toml"
    settings.write_text(SETTINGS)
    storage = f"chdb://{tmp_path / 'chdb'}"
    bundles = [tmp_path / name for name in ("closed", "open.zip", "some", "stored", "none", "copied")]
    with LognotaryServer(storage, tmp_path / "data", batch_age=0.02, config=str(settings)) as server:
        send(server.otlp_grpc, log_record("password=secret-of-alice", audit_actor_id="alice", audit_action="login"))
        found = re.search(r"\S+/audit/\S+#\d+", server.cli("audit").stdout)
        assert found
        record = found[0]
        shown = server.cli("disclose", record)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert re.search(
            r'key.custom +[0-9a-f]{12}  alice  in LogAttributes\["audit.actor.id"\], ActorId\n', shown.stdout
        )
        values = json.loads(server.cli("disclose", record, "--json").stdout)["values"]
        assert {value["text"]: value["places"] for value in values}["secret-of-alice"] == ["Body"]
        assert "2 values are closed in it" in server.cli("prove", record, "-o", str(bundles[0])).stdout
        assert server.cli("prove", record, "-o", str(bundles[1]), "--disclose", "all").returncode == 0
        proved = check(bundles[1], server).stdout
        assert "] is alice\n" in proved
        assert "] is secret-of-alice\n" in proved
        assert "0 are open" in check(bundles[0], server).stdout
        assert not any(word in file.read_bytes() for file in bundles[0].iterdir() for word in (b"alice", b"secret-of"))
        unknown = server.cli("prove", record, "-o", str(bundles[4]), "--disclose", "key.passwort")
        assert (unknown.returncode, "did you mean 'key.password'" in unknown.stderr) == (1, True)

        mark = re.search(r"\[redacted:key.custom:sha256:[0-9a-f]{64}\]", server.cli("audit", "--json").stdout)
        assert mark
        send(server.otlp_grpc, log_record(f"password=own {mark[0]}", audit_actor_id="m", audit_action="mallory"))
        forged = re.search(r"\S+/audit/\S+#\d+", server.cli("audit", "--action", "mallory").stdout)
        assert forged
        shown = server.cli("disclose", forged[0])
        assert re.search(r"key.custom +[0-9a-f]{12}  not a value: the sender wrote this text  in Body\n", shown.stdout)
        proof = server.cli("prove", forged[0], "-o", str(bundles[5]), "--disclose", "all")
        assert "the sender of the record wrote 1 text like a commitment" in proof.stdout
        checked = check(bundles[5], server)
        assert (checked.returncode, "alice" in checked.stdout, "] is own\n" in checked.stdout) == (0, False, True)

        assert server.cli("erase", "--value", "alice", "--reason", "request 4711").returncode == 0
        shown = server.cli("disclose", record)
        assert (shown.returncode, "erased or expired" in shown.stdout) == (1, True)
        gone = server.cli("prove", record, "-o", str(bundles[4]), "--disclose", "all")
        assert (gone.returncode, bundles[4].exists()) == (1, False)
        option = re.search(r"--keep-closed [0-9a-f]{12}", gone.stderr)
        assert option
        some = server.cli("prove", record, "-o", str(bundles[2]), "--disclose", "all", *option[0].split())
        assert some.returncode == 0, some.stderr
        assert "1 is open and has its commitment, and 1 remains closed" in check(bundles[2], server).stdout
        server.stop()
        stored = ["--storage", storage, "--public-key", str(server.public_key), "-o", str(bundles[3])]
        done = run_lognotary("prove", record, "--disclose", "key.password", *stored)
        assert done.returncode == 0, done.stderr
        assert "] is secret-of-alice\n" in check(bundles[3], server).stdout


def test_no_value_is_shown_to_callers_who_may_not_read_them(tmp_path: Path) -> None:
    settings = tmp_path / "lognotary.toml"
    settings.write_text(SETTINGS)
    with LognotaryServer(
        f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02, config=str(settings)
    ) as server:
        send(server.otlp_grpc, log_record("password=secret-of-alice", audit_actor_id="alice", audit_action="login"))
        record = re.search(r"\S+/audit/\S+#\d+", server.cli("audit").stdout)
        assert record
        made = run_lognotary("tokens", "create", "vera", "--role", "viewer", "--data-dir", str(server.data_dir))
        (token := tmp_path / "vera.token").write_text(made.stdout)
        token.chmod(0o600)
        wait_for(lambda: "token" in server.cli("disclose", record[0]).stderr)  # there is one now, so calls need one
        for command in (["disclose", record[0]], ["prove", record[0], "--disclose", "all", "-o", str(tmp_path / "no")]):
            refused = server.cli(*command, "--token-file", str(token))
            assert (refused.returncode, refused.stdout, "do not permit" in refused.stderr) == (2, "", True), refused
        assert not (tmp_path / "no").exists()


def test_a_person_is_erased_and_all_records_still_verify(tmp_path: Path) -> None:
    settings = tmp_path / "lognotary.toml"
    settings.write_text(SETTINGS)
    server = LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02, config=str(settings))
    with server:
        for actor in ("alice", "bob"):
            record = log_record(f"password=secret-of-{actor}", audit_actor_id=actor, audit_action="login")
            send(server.otlp_grpc, record)
        committed = commitments(server)
        assert sorted(disclosed(server, *committed).values()) == [*PERSONS, *SECRETS]
        refused = server.cli("erase", "--actor", "alice", "--reason", "alice asked for it")
        assert (refused.returncode, "contains what is to be erased" in refused.stderr) == (2, True), refused
        by_actor = server.cli("hold", "add", "case-1", "--actor", "alice", "--reason", "a lawsuit")
        assert (by_actor.returncode, "redaction hides the IDs of actors" in by_actor.stderr) == (2, True), by_actor
        erased = server.cli("erase", "--actor", "alice", "--reason", "request 4711")
        assert (erased.returncode, erased.stdout[:8]) == (0, "2 values"), erased.stderr
        assert sorted(disclosed(server, *committed).values()) == [b"bob", b"secret-of-bob"]
        assert server.cli("erase", "--actor", "alice", "--reason", "request 4711").returncode == 1
        assert server.cli("erase", "--value", "secret-of-bob", "--reason", "request 4712").returncode == 0
        assert sorted(disclosed(server, *committed).values()) == [b"bob"]
        acts = json.loads(server.cli("audit", "--json", "--action", "disclosure.erase").stdout)["events"]
        assert sorted((act["body"], act["audit"]["outcome"]) for act in acts) == [
            ("1 disclosed value, chosen by value, is about to be erased: request 4712", "unknown"),
            ("1 disclosed value, chosen by value, is erased: request 4712", "success"),
            ("2 disclosed values, chosen by actor, are about to be erased: request 4711", "unknown"),
            ("2 disclosed values, chosen by actor, are erased: request 4711", "success"),
        ]
        assert set(committed) == set(commitments(server))  # the records remain, and those of erasures hide nobody
        assert server.verify()[0] == []
        assert not any(word in server.log_text() for word in ("alice", "secret-of"))
