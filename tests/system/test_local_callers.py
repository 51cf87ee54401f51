"""Callers without credentials at a server for its own machine: welcome until there are credentials for the API."""

from __future__ import annotations

from pathlib import Path

import httpx

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import Load
from harness.waiting import wait_for


def tokens(server: LognotaryServer, *arguments: str) -> str:
    action, *rest = arguments
    done = run_lognotary("tokens", action, "--data-dir", str(server.data_dir), *rest)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_api_is_open_on_this_machine_until_there_is_a_token_for_it(storage_url: str, tmp_path: Path) -> None:
    with LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02) as server, httpx.Client() as http:
        url = f"{server.http}/api/v1/logs"

        def status(host: str = "", token: str = "") -> int:
            headers = ({"Host": host} if host else {}) | ({"Authorization": f"Bearer {token}"} if token else {})
            return http.get(url, headers=headers).status_code

        assert (status(), status("localhost:7318")) == (200, 200)
        assert status("evil.example:7318") == 403
        sender = tokens(server, "create", "checkout")
        wait_for(lambda: status(token=sender) == 403)  # the server knows it
        assert status() == 200
        auditor = tokens(server, "create", "grafana", "--role", "auditor")
        wait_for(lambda: status() == 401)
        assert (status(token=auditor), status("logs.example", auditor)) == (200, 200)
        tokens(server, "revoke", "grafana")
        wait_for(lambda: status(token=auditor) == 401)
        assert status() == 401  # what is revoked does not open the API
        with Load(server.otlp_grpc, threads=1) as load:  # senders need no credentials
            load.wait_for_acknowledged(1)


def test_with_a_break_glass_file_calls_from_this_machine_need_credentials(storage_url: str, tmp_path: Path) -> None:
    file = tmp_path / "break-glass"
    file.write_text("f" * 64)
    file.chmod(0o600)
    with LognotaryServer(storage_url, tmp_path / "data", break_glass_file=str(file)) as server, httpx.Client() as http:
        url = f"{server.http}/api/v1/logs"
        assert http.get(url).status_code == 401
        assert http.get(url, headers={"Authorization": f"Bearer {'f' * 64}"}).status_code == 200


def test_a_page_that_has_its_name_lead_to_this_machine_sends_no_records(storage_url: str, tmp_path: Path) -> None:
    page = {"Host": "evil.example:4318", "Origin": "http://evil.example:4318", "Sec-Fetch-Site": "same-origin"}
    with LognotaryServer(storage_url, tmp_path / "data") as server, httpx.Client() as http:

        def status(headers: dict[str, str], path: str = "/v1/logs") -> int:
            return http.post(f"{server.otlp_http}{path}", json={}, headers=headers).status_code

        assert [status(page, path) for path in ("/v1/logs", "/v1/traces", "/v1/audit")] == [403, 403, 403]
        assert (status({}), status({"Host": "localhost:4318"}), status({"Host": "[::1]:4318"})) == (200, 200, 200)
        token = tokens(server, "create", "checkout")
        wait_for(lambda: status(page | {"Authorization": f"Bearer {token}"}) == 200)
