"""Legal holds and rules of retention of a real server."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from storage.clickhouse import connect
from storage.url import parse_storage_url

RULES = """
[[retention]]
stream = "audit"
category = "data"
days = {days}
"""


def test_changes_of_policy_are_recorded_and_holds_survive_a_restart(tmp_path: Path) -> None:
    settings = tmp_path / "lognotary.toml"
    settings.write_text(RULES.format(days=2557))
    server = LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02, config=str(settings))
    with server:
        send(server.otlp_grpc, log_record("a login", audit_actor_id="alice", audit_action="login"))
        added = server.cli("hold", "add", "case-1", "--actor", "alice", "--reason", "a lawsuit")
        assert (added.returncode, added.stdout.splitlines()[0]) == (
            0,
            "the hold case-1 keeps 1 stored record, and later ones that match",
        )
        assert server.cli("hold", "add", "case-1", "--all", "--reason", "again").returncode == 2
    settings.write_text(RULES.format(days=30))
    with server:
        listed = json.loads(server.cli("hold", "list", "--json").stdout)["holds"]
        assert [(hold["name"], hold["scope"]["actor"]) for hold in listed] == [("case-1", "alice")]
        wait_for(lambda: "retention.change" in server.cli("audit", "--category", "admin").stdout)
        released = server.cli("hold", "release", "case-1", "--reason", "settled")
        assert released.returncode == 0, released.stderr
        found = server.cli("audit", "--category", "admin", "--service", "lognotary")
        assert found.returncode == 0, found.stdout
        for action in ("hold.add", "hold.release", "retention.change"):
            assert action in found.stdout
        assert server.cli("hold", "list").stdout == "no hold is in force\n"
        assert server.cli("hold", "release", "case-2", "--reason", "x").returncode == 1
        assert server.verify()[0] == []
    storage = f"chdb://{tmp_path / 'chdb'}"
    with closing(connect(parse_storage_url(storage))) as engine:
        engine.execute("TRUNCATE TABLE legal_holds")
    found = run_lognotary("verify", "--storage", storage, "--public-key", str(server.public_key))
    assert "the legal hold case-1 has signed records, but is not in the table legal_holds" in found.stdout
