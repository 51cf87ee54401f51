"""Exports from a running server: over gRPC, over HTTP, and on the command line."""

from __future__ import annotations

import json
import secrets
import subprocess
import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import PATIENCE, wait_for
from lognotary.v1.export_pb2 import ExportRequest
from tests.query.ocsf_schema import problems


@pytest.fixture
def word(shared_server: LognotaryServer) -> str:
    """A word that is in three records which were just acknowledged: two logs and an audit event."""
    word = f"w{uuid.uuid4().hex}"
    event: dict[str, Any] = {
        "audit_actor_id": f"actor-{word}",
        "audit_action": "role.grant",
        "audit_outcome": "failure",
    }
    send(shared_server.otlp_grpc, log_record(f"=Order 17 paid {word}"), log_record(f"order 18 refused {word}"))
    send(shared_server.otlp_grpc, log_record(f"granted {word}", log_type="audit", **event))
    return word


def check(server: LognotaryServer, file: Path, manifest: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_lognotary("check", str(file), str(manifest), "--public-key", str(server.public_key), *arguments)


def test_what_was_acknowledged_is_exported_over_grpc(shared_server: LognotaryServer, word: str) -> None:
    with shared_server.correlation() as api:
        steps = list(api.Export(ExportRequest(query=word)))
    content = b"".join(step.content for step in steps)
    assert [json.loads(line)["Body"].rpartition(" ")[0] for line in content.splitlines()] == [
        "granted",
        "=Order 17 paid",
        "order 18 refused",
    ]
    assert steps[0].progress.total_records == 3
    assert steps[-1].summary.sha256 == sha256(content).digest()


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "arrow", "ocsf"])
def test_a_download_over_http_has_a_manifest_that_can_be_checked(
    shared_server: LognotaryServer, word: str, kind: str, tmp_path: Path
) -> None:
    parameters = {"query": word, "format": kind, "streams": "audit" if kind == "ocsf" else "audit,operational"}
    answer = httpx.get(f"{shared_server.http}/api/v1/export", params=parameters, timeout=PATIENCE)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="lognotary-export.{kind}"'
    manifest = httpx.get(f"{shared_server.http}{answer.headers['Lognotary-Manifest']}", timeout=PATIENCE)
    (tmp_path / "file").write_bytes(answer.content)
    (tmp_path / "manifest").write_bytes(manifest.content)
    done = check(shared_server, tmp_path / "file", tmp_path / "manifest")
    assert done.returncode == 0, done.stdout
    assert "✔ Proved: the server signed that it exported this file." in done.stdout


def test_a_page_chooses_the_name_of_the_manifest_of_its_download(shared_server: LognotaryServer, word: str) -> None:
    name = secrets.token_hex(16)
    manifest = f"{shared_server.http}/api/v1/export-manifests/{name}"
    parameters = {"query": word, "manifest": name}
    answer = httpx.get(f"{shared_server.http}/api/v1/export", params=parameters, timeout=PATIENCE)
    assert answer.headers["Lognotary-Manifest"] == f"/api/v1/export-manifests/{name}"
    assert f'"SHA256": "{sha256(answer.content).hexdigest()}"' in httpx.get(manifest, timeout=PATIENCE).text
    again = httpx.get(f"{shared_server.http}/api/v1/export", params=parameters, timeout=PATIENCE)
    assert (again.status_code, again.json()["message"]) == (
        400,
        "manifest: another export has this name; choose a new one for each export",
    )


def test_a_page_learns_why_its_download_failed(shared_server: LognotaryServer) -> None:
    name = secrets.token_hex(16)
    parameters = {"query": "actr:x", "manifest": name}
    refused = httpx.get(f"{shared_server.http}/api/v1/export", params=parameters, timeout=PATIENCE)
    told = httpx.get(f"{shared_server.http}/api/v1/export-manifests/{name}", timeout=PATIENCE)
    assert (refused.status_code, told.status_code) == (400, 404)
    assert (
        "the export failed, so it has no manifest: query: column 1: there is no field 'actr'" in told.json()["message"]
    )


def test_a_wrong_export_is_refused_over_http(shared_server: LognotaryServer) -> None:
    twice = [("manifest", "0" * 32), ("manifest", "1" * 32)]
    for parameters, message in (
        ([("format", "xml")], "format: 'xml' is not ndjson, csv, parquet, arrow or ocsf"),
        ([("query", "actr:x")], "query: column 1: there is no field 'actr'"),
        ([("manifest", "guess")], "manifest: not a name of 32 lower-case hexadecimal digits"),
        (twice, "the parameter manifest is given twice"),
    ):
        query = urlencode(parameters)
        answer = httpx.get(f"{shared_server.http}/api/v1/export?{query}", timeout=PATIENCE)
        assert answer.status_code == 400
        assert message in answer.json()["message"]
    answer = httpx.get(f"{shared_server.http}/api/v1/export-manifests/none", timeout=PATIENCE)
    assert answer.status_code == 404


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "arrow"])
def test_the_command_writes_a_file_and_a_manifest(
    shared_server: LognotaryServer, word: str, kind: str, tmp_path: Path
) -> None:
    file, manifest = tmp_path / "file", tmp_path / "manifest"
    done = shared_server.cli("export", word, "--format", kind, "-o", str(file), "--manifest", str(manifest))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"3 records in {file}, all verified; SHA-256 {sha256(file.read_bytes()).hexdigest()}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "manifest"]
    assert check(shared_server, file, manifest).returncode == 0
    for names in (("-o", f"{file}2", "--manifest", str(manifest)), ("-o", str(file))):
        again = shared_server.cli("export", word, "--format", kind, *names)
        assert (again.returncode, "never overwritten" in again.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "manifest"]
    file.write_bytes(file.read_bytes() + b"{}\n")
    changed = check(shared_server, file, manifest, "--json")
    assert changed.returncode == 1
    assert not json.loads(changed.stdout)["holds"]


def test_the_command_writes_ocsf_events_that_can_be_checked(
    shared_server: LognotaryServer, word: str, tmp_path: Path
) -> None:
    file, manifest = tmp_path / "file", tmp_path / "manifest"
    done = shared_server.cli("export", word, "--format", "ocsf", "-o", str(file), "--manifest", str(manifest))
    assert (done.returncode, done.stderr) == (0, "")
    [event] = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert problems(event) == []
    assert (event["class_uid"], event["activity_name"], event["status"]) == (3007, "Assign Roles", "Failure")
    assert event["actor"]["user"]["uid"] == f"actor-{word}"
    checked = check(shared_server, file, manifest)
    assert "the SHA-256 of 1 was computed from the content" in checked.stdout, checked.stdout
    proved = shared_server.cli("prove", event["metadata"]["uid"], "-o", str(tmp_path / "bundle.zip"))
    assert proved.returncode == 0, proved.stderr


def test_the_command_takes_the_filters_of_audit(shared_server: LognotaryServer, word: str) -> None:
    for arguments, count in (
        (("--actor", f"actor-{word}"), 1),
        ((word, "--text", "PAID"), 1),
        ((f"{word} OR nothinglikethis", "--action", "role.*", "--outcome", "failure", "--category", "admin"), 1),
        ((word, "--outcome", "success"), 0),
    ):
        done = shared_server.cli("export", *arguments, "--format", "jsonl", "-o", "-")
        assert len(done.stdout.splitlines()) == count, done.stderr


def test_the_command_writes_to_standard_output(shared_server: LognotaryServer, word: str) -> None:
    done = shared_server.cli("export", word, "--stream", "audit", "--columns", "Action", "-o", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["Action"] == "role.grant"
    assert done.stderr.startswith("1 record in the standard output")


def test_the_command_reads_storage_without_a_server(clickhouse_storage: str, tmp_path: Path) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02) as server:
        send(server.otlp_grpc, log_record("a line"))
        source = ("--storage", server.storage_url, "--public-key", str(server.public_key))
        done = server.cli("export", "-o", "-", *source)
        assert json.loads(done.stdout.splitlines()[0])["Body"]
        refused = server.cli("export", "-o", "-", "--manifest", "m", *source)
        assert refused.returncode == 2
        assert "--manifest needs a server, which signs it" in refused.stderr


def test_a_caller_with_limits_keeps_the_export_and_is_told_why_there_is_no_manifest(tmp_path: Path) -> None:
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02) as server:
        send(server.otlp_grpc, log_record("a line"), service="checkout")
        token, file, manifest = tmp_path / "token", tmp_path / "file", tmp_path / "manifest"
        given = ("--role", "viewer", "--service", "checkout", "-o", str(token), "--data-dir", str(server.data_dir))
        assert run_lognotary("tokens", "create", "limited", *given).returncode == 0
        arguments = ("-o", str(file), "--manifest", str(manifest), "--token-file", str(token))
        asked = ("whoami", "--url", server.http, "--token-file", str(token))
        wait_for(lambda: run_lognotary(*asked).returncode == 0)
        done = server.cli("export", "--stream", "operational", *arguments)
        assert done.returncode == 2
        assert "1 record in" in done.stdout
        assert "roles are limited to services or environments" in done.stderr
        assert json.loads(file.read_text().splitlines()[0])["Body"] == "a line"
        assert not manifest.exists()


def test_the_command_says_what_is_wrong_and_leaves_no_file(shared_server: LognotaryServer, tmp_path: Path) -> None:
    file = str(tmp_path / "file")
    for arguments, status, message in (
        (("nothinglikethis", "-o", file), 1, "no record matches: no file was written"),
        (("nothinglikethis", "-o", file, "--manifest", f"{file}.manifest"), 1, "no record matches"),
        (("nothinglikethis", "-o", "-", "--manifest", f"{file}.manifest"), 1, "no record matches"),
        (("nothinglikethis", "-o", file, "--json"), 1, '"output": "", "manifest": "", '),
        (("severity:erorr", "-o", f"{file}2"), 2, "'erorr' is not a severity"),
        (("--columns", "Bodi", "-o", f"{file}2"), 2, "did you mean 'Body'?"),
        (("-o", str(tmp_path)), 2, "is a directory"),
        (("-o", str(tmp_path / "none" / "x")), 2, "--output:"),
        (("--format", "cvs", "-o", f"{file}2"), 2, "csv"),
        (("--format", "ocsf", "--stream", "spans", "-o", f"{file}2"), 2, "--format ocsf is for audit events"),
        (("--format", "ocsf", "--columns", "Body", "-o", f"{file}2"), 2, "--columns cannot be used with --format ocsf"),
        (("--action", "a*b", "-o", f"{file}2"), 2, "has a '*' that is not at its end"),
    ):
        done = shared_server.cli("export", *arguments)
        assert done.returncode == status, done.stderr
        assert message in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
