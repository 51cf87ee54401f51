"""Records of who looked: calls of commands, tokens, senders that are not let in; with workers, and over restarts."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import own_connection, request_of
from harness.waiting import PATIENCE, wait_for
from server.notary.trust import fingerprint, read_public_pem
from tests.audit_ids.audit_records import audit_record

Event = tuple[str, str, str]
STARTED = ("lognotary", "settings.start", "success")


def create_token(server: LognotaryServer, name: str, *arguments: str) -> str:
    """Create a token by the command line, which works on the file, and return its text."""
    done = run_lognotary("tokens", "create", name, "--data-dir", str(server.data_dir), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def send_event(server: LognotaryServer, token: str) -> None:
    """Send an audit record with a token, empty for none."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with own_connection(server.otlp_grpc) as channel:
        LogsServiceStub(channel).Export(request_of([audit_record()]), timeout=PATIENCE, metadata=metadata)


def get(server: LognotaryServer, path: str, token: str = "") -> httpx.Response:
    """Ask a server over HTTP."""
    return httpx.get(f"{server.http}{path}", headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=30)


def who_looked(server: LognotaryServer, *arguments: str) -> list[Event]:
    """Return actor, action and outcome of the events that the command shows from storage, the earliest first."""
    key = ("--public-key", str(server.public_key))
    done = run_lognotary("audit", "--json", "--storage", server.storage_url, *key, *arguments, cwd=server.directory)
    events = json.loads(done.stdout)["events"]
    assert {event["evidence"]["state"] for event in events} <= {"VERIFIED"}
    told = [
        (
            event["audit"]["actorId"],
            event["audit"]["action"],
            event["logAttributes"].get("lognotary.access.outcome", ""),
        )
        for event in events
    ]
    return told[::-1]


def test_who_looked_is_on_record_when_the_server_has_ended(tmp_path: Path) -> None:
    with LognotaryServer(
        f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", access_log="on", authentication="required", deployment="shop"
    ) as server:
        auditor = create_token(server, "ada", "--role", "auditor")
        sender = create_token(server, "checkout")
        operator = create_token(server, "otto", "--role", "operator")  # the last one: the others are known before
        wait_for(lambda: get(server, "/api/v1/status", operator).status_code == 200)
        for token in ("", "wrong", "wrong"):
            with pytest.raises(grpc.RpcError):
                send_event(server, token)
        send_event(server, sender)
        assert get(server, "/api/v1/audit-events", operator).status_code == 403
        assert len(get(server, "/api/v1/audit-events", auditor).json()["events"]) == 1
        assert server.stop() == 0  # just after the answer
    assert "were lost" not in server.log_text()
    assert who_looked(server) == [("alice", "LOGIN", "")]
    found = who_looked(server, "--access")
    denials = [event for event in found if event[1] == "send"]
    assert denials == [("127.0.0.1", "send", "denied")] * 2  # one for each reason
    created = [event for event in found if event[1] == "token.create"]
    assert created == [("lognotary", "token.create", "success")] * 3
    calls = [event for event in found if event[1] in ("audit.search", "status.get") and event[2] != "denied"]
    assert calls[-1] == ("ada", "audit.search", "success")
    assert ("otto", "status.get", "success") in calls
    assert ("otto", "audit.search", "denied") in found
    verify = ("verify", "--storage", server.storage_url, "--public-key", str(server.public_key))
    done = run_lognotary(*verify, cwd=server.directory)
    assert done.returncode == 0, done.stdout
    complete = ("audit", "--access", "--complete", "--storage", server.storage_url)
    shown = run_lognotary(*complete, "--public-key", str(server.public_key), cwd=server.directory)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "shop/access/" in shown.stdout
    assert "LOGIN" not in shown.stdout


def test_each_start_is_on_record_with_its_settings_also_if_nobody_records_who_looked(tmp_path: Path) -> None:
    roles = tmp_path / "lognotary.toml"
    roles.write_text('[[roles]]\ngroup = "staff"\nrole = "auditor"\n', encoding="utf-8")
    found: list[str] = []
    for access_log in ("off", "on", "off"):
        with LognotaryServer(
            f"chdb://{tmp_path / 'chdb'}",
            tmp_path / "data",
            access_log=access_log,
            authentication="off",
            trusted_proxies="10.0.0.0/24",
            config=str(roles),
        ) as server:
            send_event(server, "")
            assert server.stop() == 0
        if not found:  # where nothing was ever recorded, nothing can be missing
            assert who_looked(server, "--access") == []
        found.append(access_log)
    assert who_looked(server, "--access", "--action", "settings.start") == [STARTED] * 2
    [off] = attributes_of(server, "action:settings.start lognotary.setting.access_log:off")
    told = {name.rpartition(".")[2]: value for name, value in off.items() if name.startswith("lognotary.setting.")}
    assert (
        told.items()
        >= {
            "access_log": "off",
            "authentication": "off",
            "trusted_proxies": "10.0.0.0/24",
            "administration": "local",
            "public_tiles": "false",
        }.items()
    )
    assert told["roles"].startswith("sha256:")


def attributes_of(server: LognotaryServer, query: str) -> list[dict[str, str]]:
    """Return the attributes of the records of the access log that a query finds."""
    key = ("--public-key", str(server.public_key))
    done = run_lognotary("search", query, "--json", "--storage", server.storage_url, *key, cwd=server.directory)
    assert done.returncode == 0, done.stderr
    return [entry["auditEvent"]["logAttributes"] for entry in json.loads(done.stdout)["entries"]]


def test_a_tenant_sees_who_of_its_own_looked_and_nobody_else(tmp_path: Path) -> None:
    with LognotaryServer(
        f"chdb://{tmp_path / 'chdb'}",
        tmp_path / "data",
        access_log="required",
        authentication="required",
        deployment="shop",
    ) as server:
        names = {"ada": "alpha", "ben": "bravo"}
        tokens = {name: create_token(server, name, "--role", "auditor", "--tenant", names[name]) for name in names}
        default = create_token(server, "dan", "--role", "auditor")
        everything = create_token(server, "amy", "--role", "auditor", "--all-tenants")
        wait_for(lambda: get(server, "/api/v1/logs", everything).status_code == 200)
        for name, token in {**tokens, "dan": default, "amy": everything}.items():
            assert get(server, f"/api/v1/search?query=looked-by-{name}", token).status_code == 200
        assert get(server, "/api/v1/status", tokens["ben"]).status_code == 403
        paths = (
            "/api/v1/audit-events?include_access=true",
            "/api/v1/search?query=scope:lognotary.access",
            "/api/v1/facets?fields=actor&query=scope:lognotary.access",
            "/api/v1/export?query=scope:lognotary.access",
            "/api/v1/actors/ada",
            "/api/v1/actors/ben",
            "/api/v1/actors/dan",
            "/api/v1/logs",
        )
        logs: dict[str, str] = {}
        for name, tenant in names.items():
            answers = [get(server, path, tokens[name]) for path in paths]
            assert {answer.status_code for answer in answers} == {200}
            shown = "".join(answer.text for answer in answers)
            assert f"looked-by-{name}" in shown
            for other in ({*names, "dan", "amy"}) - {name}:
                assert f"looked-by-{other}" not in shown, name
            [log] = answers[-1].json()["logs"]
            assert log["origin"].startswith(f"shop/{tenant}/access/")
            logs[name] = log["logId"]
        # The log of the whole server, which shows what was looked for at any tenant, is not the default tenant's.
        of_default = [get(server, path, default) for path in paths]
        assert {answer.status_code for answer in of_default} == {200}
        assert "looked-by-" not in "".join(answer.text for answer in of_default)
        assert of_default[-1].json().get("logs", []) == []
        everybody = get(server, paths[0], everything).text
        assert all(f"looked-by-{name}" in everybody for name in (*names, "dan", "amy"))
        for name in names:
            for other in names.keys() - {name}:
                foreign, unknown = logs[other], "0123456789abcdef"
                for path in (
                    "checkpoint",
                    "inclusion-proof?leaf_index=0",
                    "bundle?leaf_index=0",
                    "consistency-proof?first=0",
                ):
                    assert get(server, f"/api/v1/logs/{logs[name]}/{path}", tokens[name]).status_code == 200
                    refused, missing = (
                        get(server, f"/api/v1/logs/{log}/{path}", tokens[name]) for log in (foreign, unknown)
                    )
                    assert refused.status_code == missing.status_code == 404
                    assert refused.text.replace(foreign, "…") == missing.text.replace(unknown, "…")


def test_a_tenant_whose_key_is_away_keeps_no_other_out_if_records_are_required(tmp_path: Path) -> None:
    config = tmp_path / "lognotary.toml"
    config.write_text('[[tenants]]\nname = "acme"\nown_key = true\n')
    with LognotaryServer(
        f"chdb://{tmp_path / 'chdb'}",
        tmp_path / "data",
        access_log="required",
        authentication="required",
        config=str(config),
    ) as server:
        acme, shop = (create_token(server, name, "--role", "auditor", "--tenant", name) for name in ("acme", "shop"))
        everybody = create_token(server, "amy", "--role", "auditor", "--all-tenants")
        wait_for(lambda: get(server, "/api/v1/search?query=one", everybody).status_code == 200)
        key = server.data_dir / "keys" / "tenants" / "acme"
        key.rename(tmp_path / "away")
        for _ in range(2):
            assert get(server, "/api/v1/search?query=one", acme).status_code == 503
            for token in (shop, everybody):
                assert get(server, "/api/v1/search?query=two", token).status_code == 200
        (tmp_path / "away").rename(key)
        wait_for(lambda: get(server, "/api/v1/search?query=three", acme).status_code == 200)
        events = get(server, "/api/v1/audit-events?include_access=true", acme).json()["events"]
        outcomes = [event["logAttributes"]["lognotary.access.outcome"] for event in events[::-1]]
        # The first one was sent, so it may have been stored and stays as it is.
        assert outcomes[0] == outcomes[-1] == "success"
        assert outcomes[1:-1].count("failed") == len(outcomes) - 2 >= 2
    assert "were lost" not in server.log_text()


def test_workers_record_who_was_not_let_in_and_required_records_come_before_answers(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "data", workers=2, access_log="required") as server:
        send_event(server, "")
        with pytest.raises(grpc.RpcError):
            send_event(server, "wrong")
        assert server.cli("search", "*").returncode == 0
        assert ("local", "search", "success") in who_looked(server, "--access")
        wait_for(lambda: {("127.0.0.1", "send", "denied"), STARTED} <= set(who_looked(server, "--access")))
        assert server.verify()[0] == []
    assert "were lost" not in server.log_text()


def test_a_new_key_and_changes_of_tokens_while_the_server_is_down_are_on_record(tmp_path: Path) -> None:
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02, access_log="on") as server:
        create_token(server, "ada")
        send_event(server, "")
        first = fingerprint(read_public_pem(server.public_key.read_text()))
        rotated = run_lognotary("keys", "rotate", "--data-dir", str(server.data_dir))
        assert rotated.returncode == 0, rotated.stdout + rotated.stderr
        wait_for(lambda: "key.rotate" in server.cli("audit", "--access", "--json").stdout)
        events = json.loads(server.cli("audit", "--access", "--json").stdout)["events"]
        [event] = [event for event in events if event["audit"]["action"] == "key.rotate"]
        assert event["audit"]["actorId"] == "lognotary"
        new = fingerprint(read_public_pem(server.public_key.read_text()))
        assert (event["audit"]["targetType"], event["audit"]["targetId"]) == ("key", new)
        assert new != first
        wait_for(lambda: "token.create" in server.cli("audit", "--access", "--json").stdout)
        assert server.stop() == 0
        create_token(server, "otto")
        revoked = run_lognotary("tokens", "revoke", "ada", "--data-dir", str(server.data_dir))
        assert revoked.returncode == 0, revoked.stderr
        server.start()
        wait_for(lambda: "token.revoke" in server.cli("audit", "--access", "--json").stdout)
        assert server.stop() == 0
    changes = [event for event in who_looked(server, "--access") if event[1].startswith("token.")]
    actions = ("token.create", "token.create", "token.revoke")
    assert sorted(changes) == [("lognotary", action, "success") for action in actions]
