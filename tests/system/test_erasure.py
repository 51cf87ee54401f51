"""Values to which records have commitments, and their erasure, with a real server."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import grpc

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
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
        assert set(committed) < set(commitments(server))  # the records remain
        assert server.verify()[0] == []
        assert not any(word in server.log_text() for word in ("alice", "secret-of"))
