"""Requests that were refused, and whose batches are stored all the same: after a kill, retries are stored once."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, request_of
from harness.waiting import PATIENCE
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way


def post(server: LognotaryServer, request: bytes) -> int:
    headers = {"Content-Type": "application/x-protobuf"}
    url = f"{server.otlp_http}/v1/logs"
    return httpx.post(url, content=request, headers=headers, timeout=PATIENCE).status_code


def test_a_retry_is_stored_once_after_the_server_was_killed_while_it_did_not_know_what_storage_has(
    clickhouse_server: ClickHouseServer, tmp_path: Path
) -> None:
    request = request_of([log_record("once")]).SerializeToString()
    with clickhouse_server.fresh_database() as database, Proxy(clickhouse_server.url) as proxy:
        parts = urlsplit(clickhouse_server.url)
        netloc = f"{parts.netloc.rpartition(':')[0]}:{urlsplit(proxy.url).port}"
        url = urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))
        with LognotaryServer(url, tmp_path / "data", batch_age=0.02, ack_timeout=1) as server:
            trouble = proxy.begin(Trouble(Way.CUT_ANSWER))
            assert post(server, request) == 503
            server.kill()
            proxy.end(trouble)
            server.start()
            assert post(server, request) == 200
            findings, summary = server.verify()
            assert (findings, summary.records) == ([], 1)
            # The retry was acknowledged, so an equal request is another one.
            assert post(server, request) == 200
            assert server.verify()[1].records == 2
