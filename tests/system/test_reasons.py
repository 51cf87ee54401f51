"""Reasons: /readyz, refusals and the log name the real cause of trouble, once, and its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.free_port import free_port
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from storage.clickhouse import connect
from storage.url import parse_storage_url
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way
from tests.faults.volume import Volume, can_mount

ADDRESSES = ("otlp_grpc", "otlp_http", "api_grpc", "http")
SMALL, LARGE = 40 << 20, 1 << 30  # bytes; storage wants 128 MiB of free space
BODY = b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]}'


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    if not can_mount(tmp_path):
        lacking("file systems cannot be mounted")
    volume = Volume(tmp_path / "disk", SMALL)
    assert volume.mount()
    yield volume
    volume.unmount()


@pytest.fixture
def places() -> dict[str, Any]:
    """Addresses that are known before a server is ready."""
    return {name: f"127.0.0.1:{free_port()}" for name in ADDRESSES}


def readiness(places: dict[str, Any]) -> tuple[int, str]:
    try:
        answer = httpx.get(f"http://{places['http']}/readyz", timeout=60.0)
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def refusal(places: dict[str, Any]) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"http://{places['otlp_http']}/v1/logs", content=BODY, headers=headers, timeout=60.0)
    return answer.status_code, answer.text


def occurrences(text: str, server: LognotaryServer) -> int:
    return server.log_text().count(text)


def test_a_disk_that_is_too_full_at_the_start_is_named_until_there_is_room(
    volume: Volume, places: dict[str, Any]
) -> None:
    storage = f"chdb://{volume.directory / 'chdb'}"
    server = LognotaryServer(storage, volume.directory / "data", batch_age=0.02, **places)
    server.launch()
    try:
        # As soon as it answers it is not ready, and soon it knows why.
        wait_for(lambda: readiness(places)[0])
        wait_for(lambda: "is full" in readiness(places)[1])
        status, reason = readiness(places)
        assert status == 503
        assert re.fullmatch(
            rf"the server is starting: the disk of {volume.directory}/chdb is full: [\d.]+ MiB are free, and storage "
            r"takes no records while less than 128 MiB are free\. Free some space\n",
            reason,
        )
        status, message = refusal(places)
        assert (status, "is starting, and waits for storage" in message) == (503, True)
        assert str(volume.directory) not in message
        assert server.output_text() == ""
        assert occurrences("waiting for storage at", server) == 1
        volume.resize(LARGE)
        server.wait_until_ready()
        wait_for(lambda: readiness(places) == (200, "ok\n"))
        assert refusal(places)[0] == 200
        assert occurrences("can be used, after", server) == 1
        # Nothing has to be stated at the next start, which therefore comes to its end; but no record could be stored.
        assert server.stop() == 0
        volume.resize(SMALL)
        server.launch()
        server.wait_for_log("not ready yet: the disk of ")
        wait_for(lambda: "is full" in readiness(places)[1])
        assert server.output_text() == ""
        assert occurrences("lognotary is ready", server) == 0
        volume.resize(LARGE)
        server.wait_until_ready()
        assert readiness(places) == (200, "ok\n")
        assert occurrences("lognotary is ready", server) == 1
    finally:
        server.stop()


def test_a_disk_that_fills_up_is_named_to_the_operator_and_senders_get_no_paths(
    volume: Volume, places: dict[str, Any]
) -> None:
    volume.resize(LARGE)
    storage = f"chdb://{volume.directory / 'chdb'}"
    with LognotaryServer(storage, volume.directory / "data", batch_age=0.02, ack_timeout=1, **places) as server:
        assert refusal(places)[0] == 200
        volume.fill(leave=1 << 20)
        status, message = refusal(places)
        assert status == 503
        wait_for(lambda: "is full" in readiness(places)[1])
        assert "is full" in server.log_text()
        assert not any(word in message for word in (str(volume.directory), "ClickHouse", "Code", "DB::"))
        volume.free()
        wait_for(lambda: readiness(places)[0] == 200)


@pytest.mark.parametrize("workers", [1, 2])
def test_storage_that_goes_away_and_comes_back_is_logged_once_each(
    clickhouse_server: ClickHouseServer,
    clickhouse_storage: str,
    tmp_path: Path,
    places: dict[str, Any],
    workers: int,
) -> None:
    processes = workers if workers == 1 else workers + 1  # each probes storage
    with Proxy(clickhouse_server.url) as proxy:
        number = proxy.begin(Trouble(Way.REFUSE))
        url = proxy.url + urlsplit(clickhouse_storage).path
        server = LognotaryServer(url, tmp_path / "data", batch_age=0.02, workers=workers, **places)
        server.launch()
        try:
            wait_for(lambda: "cannot be reached" in readiness(places)[1])
            status, reason = readiness(places)
            assert (status, reason.count("cannot be reached")) == (503, 1), reason
            proxy.end(number)
            server.wait_until_ready()
            assert occurrences("waiting for storage at", server) == 1

            number = proxy.begin(Trouble(Way.REFUSE))
            wait_for(lambda: "cannot be reached" in readiness(places)[1])
            status, reason = readiness(places)
            assert (status, reason.count("cannot be reached")) == (503, 1), reason
            wait_for(lambda: occurrences("storage is away", server) == processes)
            proxy.end(number)
            wait_for(lambda: readiness(places)[0] == 200)
            wait_for(lambda: occurrences("storage is back after", server) == processes)
            send(server.otlp_grpc, log_record("a line"))
        finally:
            server.stop()
        assert occurrences("storage is away", server) == processes


def test_a_commit_that_hangs_on_an_error_of_storage_is_refused_with_that_error(
    clickhouse_storage: str, tmp_path: Path, places: dict[str, Any]
) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, ack_timeout=1, **places) as server:
        engine = connect(parse_storage_url(clickhouse_storage))
        engine.execute("ALTER TABLE log_batches ADD CONSTRAINT nothing CHECK RecordCount = 0")
        assert refusal(places)[0] == 503
        wait_for(lambda: "waited for storage" in refusal(places)[1])
        assert "nothing" not in refusal(places)[1]
        assert "nothing" in readiness(places)[1]
        engine.execute("ALTER TABLE log_batches DROP CONSTRAINT nothing")
        engine.close()
        wait_for(lambda: readiness(places)[0] == 200)
        assert occurrences("failed, retrying", server) == 1
        assert occurrences("succeeded after", server) == 1
