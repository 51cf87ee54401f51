"""Commands against real servers and tokens: status, typing errors, and addresses of other things."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.softhsm import soft_token
from harness.waiting import wait_for

FREE_PORTS = [f"--{name}=127.0.0.1:0" for name in ("otlp-grpc", "otlp-http", "api-grpc", "http")]


@pytest.fixture(scope="module")
def traced(shared_server: LognotaryServer) -> tuple[LognotaryServer, str]:
    """A server, and the ID of a trace on it."""
    trace_id = uuid.uuid4().hex
    event: dict[str, Any] = {"audit_actor_id": "alice*1", "audit_action": "role.grant", "audit_outcome": "success"}
    send(shared_server.otlp_grpc, log_record("a line", trace_id=trace_id), log_record("", trace_id=trace_id, **event))
    return shared_server, trace_id


def test_status_shows_the_server_its_storage_and_its_logs(traced: tuple[LognotaryServer, str]) -> None:
    server, _ = traced
    done = server.cli("status")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("server             Lognotary 0.")
    assert lines[0].endswith(", ✔ ready")
    assert "ClickHouse 2" in lines[1]
    assert lines[2] == "self-verification  off"
    assert [line.split()[0].split("/")[1] for line in lines[4:]] == ["audit", "operational"]
    assert all("1 entry in 1 batch, last checkpoint 20" in line for line in lines[4:])


def test_status_is_json_for_programs_over_grpc_and_http(traced: tuple[LognotaryServer, str]) -> None:
    server, _ = traced
    status = json.loads(server.cli("status", "--json").stdout)
    assert (status["notReady"], status["storageProblem"], len(status["logs"])) == ("", "", 2)
    assert httpx.get(f"{server.http}/api/v1/status", timeout=60.0).json() == status


def test_status_shows_self_verification(lognotary: LognotaryServer) -> None:
    server = LognotaryServer(lognotary.storage_url, lognotary.data_dir, self_verify="1h", batch_age=0.02)
    with server:
        send(server.otlp_grpc, log_record("a line"))

        def verified() -> bool:
            line = server.cli("status").stdout.splitlines()[2]
            return line.startswith("self-verification  no findings, last pass finished 20")

        wait_for(verified)


@pytest.mark.parametrize(
    "words", [["search"], ["search", "--csv"], ["search", "--json"], ["trace"], ["status"], ["export"]]
)
def test_an_answer_that_a_full_disk_does_not_take_ends_with_one_message(
    traced: tuple[LognotaryServer, str], words: list[str]
) -> None:
    server, trace_id = traced
    more = {"trace": [trace_id], "export": ["-o", "-"]}.get(words[0], [])
    command = [sys.executable, "-m", "server", *words, *more, "--api", server.api_grpc]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    (message,) = done.stderr.splitlines()
    assert "no space left on device" in message
    assert done.returncode == 2


def test_without_a_server_status_ends_with_2(tmp_path: Path) -> None:
    done = run_lognotary("status", "--api", "127.0.0.1:1", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no server is listening on 127.0.0.1:1" in done.stderr


@pytest.mark.parametrize("form", ["{}", "0x{}", "{:U}", "00-{}-00f067aa0ba902b7-01", "1-{:X}", "Root=1-{:X};Sampled=1"])
def test_a_trace_is_found_by_its_id_as_other_tools_show_it(traced: tuple[LognotaryServer, str], form: str) -> None:
    server, trace_id = traced
    text = form.replace("{:U}", str(uuid.UUID(trace_id))).replace("{:X}", f"{trace_id[:8]}-{trace_id[8:]}")
    done = server.cli("trace", text.replace("{}", trace_id))
    assert done.returncode == 0, done.stderr
    assert trace_id in done.stdout


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--actor", "alice\\*1"], True),
        (["--actor", "ali*"], True),
        (["--actor", "*", "--action", "role.*", "--outcome", "SUCCESS"], True),
        (["--actor", "bob*"], False),
        (["--target", "*"], False),
    ],
)
def test_filters_take_beginnings(traced: tuple[LognotaryServer, str], filters: list[str], *, found: bool) -> None:
    server, trace_id = traced
    assert server.cli("audit", "--trace", trace_id, *filters).returncode == (0 if found else 1)


@pytest.mark.parametrize("pattern", ["*login", "l*n", "**", "10.0.0.*.5"])
def test_an_asterisk_in_the_wrong_place_is_refused(traced: tuple[LognotaryServer, str], pattern: str) -> None:
    server, _ = traced
    done = server.cli("audit", "--action", pattern)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"action: '{pattern}' has a '*' that is not at its end" in done.stderr


def test_an_address_that_is_not_the_api_is_explained(traced: tuple[LognotaryServer, str]) -> None:
    server, trace_id = traced
    for address, reason in (
        (server.otlp_grpc, "does not answer this call"),
        (server.http.removeprefix("http://"), "does not speak gRPC"),
        (server.otlp_http.removeprefix("http://"), "does not speak gRPC"),
    ):
        done = run_lognotary("trace", trace_id, "--api", address)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"lognotary: {address} {reason}" in done.stderr
        assert "with --api (default: 127.0.0.1:7317)" in done.stderr


@pytest.mark.parametrize("name", ["otlp-grpc", "otlp-http", "api-grpc", "http"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_of_another_machine_is_explained(tmp_path: Path, name: str, workers: int) -> None:
    done = run_lognotary(
        "serve",
        *(flag for flag in FREE_PORTS if not flag.startswith(f"--{name}=")),
        f"--{name}=192.0.2.1:14317",
        "--insecure-listen",
        f"--workers={workers}",
        *(["--storage=http://127.0.0.1:1/x"] if workers > 1 else []),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, "")
    message = done.stderr.splitlines()[-1]
    assert message.startswith("lognotary: cannot listen on 192.0.2.1:14317 (this machine does not have the address): ")
    assert "0.0.0.0 to be reached on all its addresses" in message


def test_a_key_that_exists_in_a_token_is_not_generated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with soft_token(tmp_path, monkeypatch) as token:
        assert run_lognotary("keys", "generate", token.uri(), cwd=tmp_path).returncode == 0
        done = run_lognotary("keys", "generate", token.uri(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lognotary: key 'signing-key' of token")
    assert "already exists: give the new key another label or ID" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("action", ["list", "export", "rotate"])
def test_in_a_wrong_directory_keys_says_so(tmp_path: Path, action: str) -> None:
    for directory, reason in ((tmp_path, "is not the data directory of a server"), (tmp_path / "no", "does not exist")):
        done = run_lognotary("keys", action, "--data-dir", str(directory), cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"lognotary: {directory} {reason}, so there are no keys" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_verifier_key_is_exported_for_the_servers_own_logs_only(traced: tuple[LognotaryServer, str]) -> None:
    server, _ = traced

    def export(origin: str) -> tuple[int, str, str]:
        done = run_lognotary("keys", "export", "--origin", origin, "--data-dir", str(server.data_dir))
        return done.returncode, done.stdout, done.stderr

    own = server.verifier_keys.read_text().splitlines()[0]
    origin = own.partition("+")[0]
    assert export(origin) == (0, f"{own}\n", "")
    for wrong, reason in (
        ("nope", "'nope' is not <deployment>/<stream>/<writer>"),
        ("a b", "'a b' is not <deployment>/<stream>/<writer>"),
        (f"{origin}x", f"is not a log of this server; did you mean '{origin}'?"),
        ("shop/audit/elsewhere", "is not a log of this server"),
    ):
        status, printed, message = export(wrong)
        assert (status, printed) == (2, "")
        assert reason in message
        assert "Traceback" not in message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "audit-events?outcome=failed",
            "outcome: 'failed' is not success, failure or unknown; did you mean 'failure'?",
        ),
        ("audit-events?category=foo", "category: 'foo' is not admin, data, auth or system"),
        ("audit-events?actorid=alice", "unknown parameter 'actorid'; did you mean 'actorId'?"),
        ("audit-events?actorId=alice&actorId=eve", "the parameter actorId is given twice: give it once"),
        ("audit-events?actor_id=alice&actorId=eve", "the parameter actorId is given twice: give it once"),
        ("audit-events?action=*login", "action: '*login' has a '*' that is not at its end"),
        (
            "audit-events?since=2026-11-28",
            "since: '2026-11-28' is not a time in RFC 3339, such as 2026-01-31T12:00:00Z",
        ),
        ("audit-events?pageSize=few", "pageSize: 'few' is not a whole number from 0 to 4294967295"),
        ("audit-events?check=CHECK_RECORD", "is not CHECK_RECORDS or CHECK_SIGNATURES; did you mean 'CHECK_RECORDS'?"),
        (
            "audit-events?since=2026-11-28T00:00:00Z&until=2026-11-27T00:00:00Z",
            "since (2026-11-28T00:00:00Z) is not before until (2026-11-27T00:00:00Z), so nothing can be between them",
        ),
        ("logs?limit=3", "unknown parameter 'limit' (there are none here)"),
        ("traces/1?trace_id=2", "the parameter trace_id is given twice: give it once"),
    ],
)
def test_http_refuses_what_nothing_could_match(traced: tuple[LognotaryServer, str], path: str, message: str) -> None:
    server, _ = traced
    answer = httpx.get(f"{server.http}/api/v1/{path}", timeout=60.0)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert message in answer.json()["message"]


def test_http_refuses_a_verification_that_is_misspelled(traced: tuple[LognotaryServer, str]) -> None:
    server, _ = traced
    for body, message in (
        ({"sinse": "2026-11-28T00:00:00Z"}, "unknown field 'sinse'; did you mean 'since'?"),
        ({"logs": "a"}, "logs: 'a' is not a list, in which each item is a text"),
        (
            {"compromisedKeys": {"a": 1}},
            "compromisedKeys: must be an object, in which each value is a time in RFC 3339",
        ),
        ({"since": "2026-11-28T00:00:00Z", "until": "2026-11-28T00:00:00Z"}, "is not before until"),
    ):
        answer = httpx.post(f"{server.http}/api/v1/verify", json=body, timeout=60.0)
        assert (answer.status_code, message in answer.json()["message"]) == (400, True), answer.text
