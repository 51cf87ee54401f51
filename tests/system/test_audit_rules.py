"""Audit rules of a settings file: at start, while the server runs, and in what is found."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for

RULE = """
[[audit.rules]]
name = "{name}"
match = [{{ resource = {{ "service.name" = "bill*" }}, body = {{ "who.name" = "*" }} }}]
[audit.rules.fields]
actor_id = ["body:who.name"]
action = ["=pay"]
"""


def events(server: LognotaryServer, *arguments: str) -> list[dict[str, Any]]:
    answer = server.cli("audit", "--json", *arguments)
    assert answer.returncode in (0, 1), answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout).get("events", [])
    return found


def rules_of(server: LognotaryServer) -> list[tuple[str, str]]:
    return sorted((event["audit"]["rule"], event["body"]) for event in events(server))


def test_rules_are_read_anew_on_sighup_and_rules_that_cannot_be_used_change_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(RULE.format(name="first"))
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage, tmp_path / "data", batch_age=0.02, config=str(settings), access_log="on") as server:
        send(server.otlp_grpc, log_record('{"who":{"name":"bob"},"n":1}'), service="billing")
        settings.write_text(RULE.format(name="second"))
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for_log("audit rules were read anew")
        send(server.otlp_grpc, log_record('{"who":{"name":"bob"},"n":2}'), service="billing")
        settings.write_text(RULE.format(name="third") + 'outcome = ["verb"]\n')
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for_log("the audit rules could not be reloaded, so the old ones stay in force")
        status = server.cli("status")
        assert status.returncode == 1
        assert "audit rules        ✘ not reloaded, older rules are in force" in status.stdout
        assert "\nlognotary_audit_rules_reload_failed 1.0\n" in httpx.get(f"{server.http}/metrics").text
        send(server.otlp_grpc, log_record('{"who":{"name":"bob"},"n":3}'), service="billing")
        wait_for(lambda: len(events(server)) == 3)
        assert rules_of(server) == [
            ("first", '{"who":{"name":"bob"},"n":1}'),
            ("second", '{"who":{"name":"bob"},"n":2}'),
            ("second", '{"who":{"name":"bob"},"n":3}'),
        ]
        assert f"{settings}:2: audit rule 'third': outcome cannot come from 'verb'" in server.log_text()
        digests = [json.loads(event["otlpDetails"])["rules"] for event in events(server)]
        assert len(set(digests)) == 2
        assert all(digest in server.log_text() for digest in digests)
        check_reloads_on_record(server, str(settings))


def check_reloads_on_record(server: LognotaryServer, settings: str) -> None:
    """Check that the access log has two reloads, and that the second one failed for the rules in the settings file."""

    def reloads() -> list[dict[str, Any]]:
        found = events(server, "--access", "--action", "settings.reload")
        return [event["logAttributes"] for event in reversed(found)]

    wait_for(lambda: len(reloads()) == 2)
    first, second = reloads()
    assert first["lognotary.access.outcome"] == "success"
    assert second["lognotary.access.outcome"] == "failed"
    assert second["lognotary.access.reason"].startswith(f"the audit rules could not be reloaded: {settings}:2: ")


def test_a_server_does_not_start_with_a_rule_that_cannot_be_used(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("workers = 1\n" + RULE.format(name="r").replace("body:who.name", "regex:who"))
    refused = run_lognotary("serve", "--config", str(settings), cwd=tmp_path)
    assert refused.returncode == 2
    assert f"{settings}:3: audit rule 'r': actor_id cannot come from 'regex:who'" in refused.stderr


def test_a_record_without_any_time_counts_as_of_its_receipt(tmp_path: Path) -> None:
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02) as server:
        record = log_record("no time", timestamp=0, audit_actor_id="eventbridge", audit_action="rule.fire")
        send(server.otlp_grpc, record)
        wait_for(lambda: len(events(server, "--since", "1h")) == 1)
        (event,) = events(server, "--since", "1h")
        assert event["timestamp"] == event["ingestedAt"]
        assert json.loads(event["otlpDetails"])["time"] == "unset"
        assert server.verify()[0] == []
