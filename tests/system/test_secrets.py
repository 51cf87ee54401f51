"""Servers with marked secrets that fail in different ways: the marks are in nothing that anybody can see."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_users import user
from harness.free_port import free_port
from harness.lognotary_server import LognotaryServer, ServerNotReadyError, run_lognotary
from harness.otlp_load import log_record, send
from harness.softhsm import SoftToken
from server.keys.journal_key import create_key_file, create_token_key
from server.keys.pkcs11 import generate_key

MARK = "mark-4107"
IN_FLAGS = "mark-5218"  # of secrets in flags, which the list of processes shows
_COMMANDS = (["config", "show"], ["config", "show", "--json"], ["config", "check"])


@pytest.fixture
def journal_key(tmp_path: Path) -> Path:
    """The file of a key of journals."""
    file = tmp_path / "journal.key"
    create_key_file(file)
    return file


def marked_file(directory: Path) -> Path:
    file = directory / "secret"
    file.write_text(f"{MARK}-of-a-file\n")
    file.chmod(0o600)
    return file


def command_lines() -> str:
    """Return the command lines of all processes."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().decode(errors="replace"))
    return "\n".join(lines)


def shown_by_commands(environ: Mapping[str, str], *arguments: str) -> str:
    """Return what commands show that get the same variables and flags as a server."""
    done = [run_lognotary(*command, *arguments, env=environ) for command in _COMMANDS]
    return "\n".join(one.stdout + one.stderr for one in done)


def ended(server: LognotaryServer) -> str:
    """Return what a server that cannot start says."""
    with pytest.raises(ServerNotReadyError) as error:
        server.start()
    assert server.returncode == 2
    return f"{error.value}\n{server.log_text()}\n{server.output_text()}"


def test_secrets_are_seen_nowhere_while_storage_cannot_be_reached(tmp_path: Path, journal_key: Path) -> None:
    variable = {"LOGNOTARY_STORAGE_PASSWORD_FILE": str(marked_file(tmp_path))}
    storage, http = f"http://me@127.0.0.1:{free_port()}/none", f"127.0.0.1:{free_port()}"
    server = LognotaryServer(
        storage,
        tmp_path / "data",
        env=variable,
        json_output=False,
        http=http,
        log_level="debug",
        journal_key=str(journal_key),
    )
    server.launch()
    try:
        server.wait_for_log("waiting for storage at ")
        paths = ("metrics", "readyz", "healthz", "api/v1/settings")
        answers = [httpx.get(f"http://{http}/{path}", timeout=60.0) for path in paths]
        status = run_lognotary("status", "--api", http, env=variable)
        seen = [answer.text for answer in answers] + [status.stdout, status.stderr, command_lines()]
        seen.append(shown_by_commands(variable, "--storage", storage, "--journal-key", str(journal_key)))
        assert [answer.status_code for answer in answers] == [200, 503, 200, 200]
        told = {each["name"]: each for each in answers[-1].json()["settings"]}
        assert (told["http"]["value"], told["http"]["origin"]) == (http, "option")
        assert told["storage_password_file"]["place"] == "LOGNOTARY_STORAGE_PASSWORD_FILE"
    finally:
        server.stop()
    seen += [server.log_text(), server.output_text()]
    assert "/none" in "\n".join(seen)
    for secret in (MARK, journal_key.read_text().strip()):
        assert secret not in "\n".join(seen)


def test_a_wrong_password_is_not_in_what_the_server_says(tmp_path: Path) -> None:
    right = f"right-{MARK}"
    with ClickHouseNode(tmp_path / "clickhouse", users=user("writer", password=right)) as node:
        storage = node.url.replace("//", "//writer@").replace("//writer@default@", "//writer@") + "/logs"
        for variables in (
            {"LOGNOTARY_STORAGE_PASSWORD_FILE": str(marked_file(tmp_path))},
            {"LOGNOTARY_STORAGE": storage.replace("writer@", f"writer:{IN_FLAGS}@")},
        ):
            url = variables.get("LOGNOTARY_STORAGE", storage)
            server = LognotaryServer(url, tmp_path / "data", env=variables, log_level="debug")
            said = ended(server)
            assert "writer" in said
            assert MARK not in said
            assert IN_FLAGS not in said
        verify = ("verify", "--storage", storage, "--data-dir", str(tmp_path / "data"))
        done = run_lognotary(*verify, env={"LOGNOTARY_STORAGE_PASSWORD": f"{MARK}-wrong"})
        assert done.returncode == 2
        assert "writer" in done.stderr
        assert MARK not in done.stdout + done.stderr
        good = {"LOGNOTARY_STORAGE_PASSWORD": right}
        with LognotaryServer(storage, tmp_path / "good", env=good, log_level="debug") as server:
            answers = [httpx.get(f"{server.http}/{path}", timeout=60.0) for path in ("metrics", "api/v1/settings")]
            assert '"***"' in answers[1].text
            seen = [server.log_text(), *(answer.text for answer in answers), command_lines()]
            assert MARK not in "\n".join(seen)


def test_a_wrong_pin_is_not_in_what_the_server_says(tmp_path: Path, token: SoftToken) -> None:
    signing, journal = token.uri("signing-key"), token.uri("journal")
    generate_key(signing)
    create_token_key(journal)
    pin = marked_file(tmp_path)
    wrong = f"pin-source=file:{pin}"
    for name, right in (("signing_key", signing), ("journal_key", journal)):
        variable = f"LOGNOTARY_{name.upper()}"
        uri = right.replace(f"pin-source=file:{token.pin_file}", wrong)
        server = LognotaryServer(
            f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", env={variable: uri}, log_level="debug"
        )
        said = ended(server)
        assert "the token refused the PIN" in said
        assert MARK not in said
        for shown in (uri, uri.replace(wrong, f"pin-value={MARK}")):
            assert MARK not in shown_by_commands({variable: shown})


def test_a_secret_in_a_flag_is_warned_of(tmp_path: Path) -> None:
    storage = f"http://me:{IN_FLAGS}@127.0.0.1:{free_port()}/none"
    server = LognotaryServer(storage, tmp_path / "data", json_output=False)
    server.launch()
    try:
        server.wait_for_log("waiting for storage at ")
    finally:
        server.stop()
    assert "--storage has a password, which the list of processes shows" in server.log_text()
    assert IN_FLAGS not in server.log_text()


def test_a_lost_key_of_the_journal_is_explained_and_nothing_is_deleted(tmp_path: Path, journal_key: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage, tmp_path / "data", journal_key=str(journal_key), batch_age=0.02):
        pass
    journals = {path: path.read_bytes() for path in (tmp_path / "data" / "journal").rglob("*.journal")}
    assert journals
    other = tmp_path / "other.key"
    create_key_file(other)
    said = ended(LognotaryServer(storage, tmp_path / "data", journal_key=str(other)))
    assert "the journal is encrypted with the key" in said
    assert "journal_retired_keys" in said
    journal_key.rename(tmp_path / "moved.key")
    said = ended(LognotaryServer(storage, tmp_path / "data", journal_key=str(journal_key)))
    assert f"there is no file {journal_key}" in said
    assert {path: path.read_bytes() for path in (tmp_path / "data" / "journal").rglob("*.journal")} == journals
    retired = str(tmp_path / "moved.key")
    with LognotaryServer(storage, tmp_path / "data", journal_key=str(other), journal_retired_keys=retired) as server:
        assert server.verify()[0] == []


def test_no_file_of_a_server_has_a_record_in_clear(tmp_path: Path, journal_key: Path) -> None:
    data_dir, key = tmp_path / "data", tmp_path / "storage.key"
    create_key_file(key)
    storage = f"chdb://{data_dir / 'chdb'}"
    server = LognotaryServer(
        storage, data_dir, batch_age=0.02, journal_key=str(journal_key), storage_encryption_key=str(key), ack="journal"
    )
    for _ in range(2):
        with server:
            send(server.otlp_grpc, *(log_record(f"body {MARK} {number}") for number in range(500)))
            assert server.verify()[0] == []
            assert MARK in server.cli("search", MARK, "--since", "1h").stdout
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert any(path.suffix == ".journal" for path in files)
    assert [path for path in files if MARK.encode() in path.read_bytes()] == []
    offline = ("verify", "--storage", storage, "--data-dir", str(data_dir), "--json")
    assert run_lognotary(*offline, env={"LOGNOTARY_STORAGE_ENCRYPTION_KEY": str(key)}).returncode == 0
    assert "is encrypted: give the file of its key" in run_lognotary(*offline).stderr
