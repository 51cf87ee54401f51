"""Servers that the tests of a module share, one for each engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from server.settings.settings import SETTINGS
from tests.keys.conftest import token

__all__ = ["token"]

MAX_REQUEST_BYTES = 1 << 20


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Keep settings and the time zone of the tests' environment away from the servers and commands they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        for name in (*(setting.name for setting in SETTINGS), "config", "api", "token"):
            patch.delenv(f"LOGNOTARY_{name.upper()}", raising=False)
        yield


@contextmanager
def _fresh_storage(server: ClickHouseServer) -> Iterator[str]:
    with server.fresh_database() as database:
        yield urlunsplit(urlsplit(server.url)._replace(path=f"/{database}"))


@pytest.fixture(params=["embedded", "server"], scope="module")
def shared_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LognotaryServer]:
    """A running server for tests that only add to what is stored, once for each engine."""
    directory: Path = tmp_path_factory.mktemp("shared")

    def server_on(storage_url: str) -> LognotaryServer:
        return LognotaryServer(storage_url, directory / "data", batch_age=0.02, max_request_bytes=MAX_REQUEST_BYTES)

    if request.param == "embedded":
        with server_on(f"chdb://{directory / 'chdb'}") as server:
            yield server
        return
    clickhouse: ClickHouseServer = request.getfixturevalue("clickhouse_server")
    with _fresh_storage(clickhouse) as url, server_on(url) as server:
        yield server


@pytest.fixture
def api(shared_server: LognotaryServer) -> Iterator[CorrelationServiceStub]:
    """The calls of the shared server over gRPC."""
    with shared_server.correlation() as stub:
        yield stub


@pytest.fixture
def word(shared_server: LognotaryServer) -> str:
    """A word in three records that were just acknowledged: two logs and an audit event."""
    word = f"w{uuid.uuid4().hex}"
    event: dict[str, Any] = {
        "audit_actor_id": f"actor-{word}",
        "audit_action": "role.grant",
        "audit_outcome": "failure",
    }
    send(shared_server.otlp_grpc, log_record(f"Order 17 paid {word}"), log_record(f"order 18 refused {word}"))
    send(shared_server.otlp_grpc, log_record(f"granted {word}", log_type="audit", **event))
    return word


@pytest.fixture
def lognotary(storage_url: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A server of the test's own, not started, once for each engine; stopped afterwards."""
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02)
    yield server
    server.stop()


@pytest.fixture
def clickhouse_storage(clickhouse_server: ClickHouseServer) -> Iterator[str]:
    """The URL of an empty database on a ClickHouse server, for what the embedded engine cannot do."""
    with _fresh_storage(clickhouse_server) as url:
        yield url


@pytest.fixture(scope="module")
def clickhouse_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseNode]:
    """A running ClickHouse server that tests may stop and kill, and leave running.

    Where none can be had: an error in CI, a skip that says why elsewhere.
    """
    try:
        with ClickHouseNode(tmp_path_factory.mktemp("node")) as node:
            yield node
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")
