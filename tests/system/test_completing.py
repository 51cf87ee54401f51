"""Completion in real shells, with values from a running server."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from harness.lacking import require_tools
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.shell import Shell
from harness.waiting import wait_for
from server.commands.completion import SHELLS


@pytest.fixture(scope="module")
def actor(shared_server: LognotaryServer) -> str:
    """An actor with colons in the name; there are also actors with misleading names, and one with a space."""
    name = f"arn:aws:iam::{uuid.uuid4().hex}"
    for other in (name, f"{name}\x1b[2J", f"{name}\nsecond", f"it's {name}", f"spaced {name}"):
        event: dict[str, Any] = {
            "log_type": "audit",
            "audit_actor_id": other,
            "audit_action": "role.grant",
            "http_method": "GET",
        }
        send(shared_server.otlp_grpc, log_record("done", **event))
    return name


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_values_that_the_server_knows(
    shared_server: LognotaryServer, actor: str, shell: str, tmp_path: Path
) -> None:
    require_tools(shell)
    with Shell(shell, tmp_path, {"LOGNOTARY_API": shared_server.api_grpc}) as typing:
        for typed, expected in (
            (f"lognotary audit --actor {actor[:-6]}", actor),
            (f"lognotary search actor:{actor[:-6]}", f"actor:{actor}"),
            (f"lognotary search 'paid actor:{actor[:-6]}", f"'paid actor:{actor}"),
            (f"lognotary actor {actor[:-6]}", actor),
            ("lognotary search --stream audit -- -effec", "-effective_actor:"),
            ("lognotary facets --field LogAttributes.http.me", "LogAttributes.http.method"),
            ("lognotary verify --log lognotary/aud", "lognotary/audit/"),
            ("lognotary search severity:war", "severity:warn"),
            ("lognotary hist", "lognotary histogram"),
        ):
            seen = typing.complete(typed, expected)
            assert "\x1b[2J" not in seen
            assert "second" not in seen


def test_what_is_offered_is_asked_for_in_one_call(shared_server: LognotaryServer, actor: str) -> None:
    def offered(*words: str) -> list[str]:
        done = run_lognotary("__complete", *words, env={"LOGNOTARY_API": shared_server.api_grpc})
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    # A server that does not answer in time offers nothing: whoever types presses Tab again.
    wait_for(lambda: offered("search", f"'a OR (-actor:{actor[:-1]}") == [f"a OR (-actor:{actor}"])
    wait_for(lambda: offered("search", f"'actor:\"spaced {actor[:-1]}") == [f'actor:"spaced {actor}"'])
    assert offered("search", f"'actor:spaced\\ {actor[:-1]}") == []
    assert offered("search", "outcome:f") == ["outcome:failure"]
    assert offered("search", "status:e") == ["status:Error"]
    assert offered("search", "severity:>=e") == ["severity:>=error"]
    assert offered("target", "--", "x", "ev") == ["event:", "evidence:"]
    assert offered("target", "x", "--since", "") == []
    assert offered("near", "") == []
    assert offered("nothing", "") == offered("search") == offered() == []
    name = "LogAttributes.http.method:"
    wait_for(lambda: name in offered("search", "http.m") + offered("search", "LogAttributes.http.m"))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "10.255.255.1:7317", "nonsense"])
def test_without_a_server_there_is_no_value_and_nothing_is_said(address: str) -> None:
    for words in (("audit", "--actor", "a"), ("search", "actor:a"), ("verify", "--log", "")):
        done = run_lognotary("__complete", *words, env={"LOGNOTARY_API": address})
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
