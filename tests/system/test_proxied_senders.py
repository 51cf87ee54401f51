"""Tenants that a trusted proxy names at a running server with two workers, and others that try to name one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, SimpleLogRecordProcessor

from harness.collector import Collector
from harness.collector_binaries import CollectorUnavailableError, built_collector
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, own_connection, request_of
from harness.waiting import PATIENCE, wait_for
from storage.clickhouse import connect
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

PROXY = "127.0.0.2"
MANY = 20  # connections: enough that each of two workers gets some
LINE = log_record("a line")
OK, INVALID = grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT
DENIED, UNKNOWN = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED


@contextlib.contextmanager
def relay(target: str) -> Iterator[str]:
    """Relay connections to an address, as a proxy with another address does; yields the address to connect to."""
    host, _, port = target.rpartition(":")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, int(port), local_addr=(PROXY, 0))
        await asyncio.gather(copy(reader, forth), copy(back, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(forward, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:

        async def end() -> None:
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(end(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture
def server(clickhouse_storage: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A running server with two workers, where every sender needs credentials, or a proxy that has checked them."""
    with LognotaryServer(
        clickhouse_storage,
        tmp_path / "data",
        workers=2,
        batch_age=0.02,
        authentication="required",
        trusted_proxies=PROXY,
        max_tenants=3,
        access_log="on",
    ) as running:
        yield running


def outcomes(address: str, **headers: str) -> set[grpc.StatusCode]:
    """Send over new connections, which reach all workers; return the codes."""
    codes = set()
    metadata = [(name.replace("_", "-"), value) for name, value in headers.items()]
    for _ in range(MANY):
        with own_connection(address) as channel:
            try:
                LogsServiceStub(channel).Export(request_of([LINE]), timeout=PATIENCE, metadata=metadata)
                codes.add(OK)
            except grpc.RpcError as error:
                codes.add(error.code())
    return codes


def statuses(address: str, **headers: str) -> set[int]:
    names = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {httpx.post(f"http://{address}/v1/logs", headers=names, content="{}").status_code for _ in range(MANY)}


def export(exporter: LogRecordExporter) -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("test").emit(LogRecord(body=uuid.uuid4().hex))
    provider.shutdown()


def senders(server: LognotaryServer) -> set[tuple[str, str]]:
    """Return the senders and tenants of the records."""
    with closing(connect(parse_storage_url(server.storage_url))) as engine:
        return set(read_rows(engine.query("SELECT DISTINCT Sender, Tenant FROM otel_logs"), (text, text)))


def token(server: LognotaryServer, name: str, *arguments: str) -> str:
    done = run_lognotary("tokens", "create", name, "--data-dir", str(server.data_dir), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_only_the_proxy_names_tenants_and_only_so_many(server: LognotaryServer) -> None:
    free, bound = token(server, "free"), token(server, "bound", "--tenant", "acme")
    admin = token(server, "root", "--role", "admin")
    with relay(server.otlp_grpc) as by_grpc, relay(server.otlp_http.removeprefix("http://")) as by_http:
        wait_for(lambda: outcomes(server.otlp_grpc, authorization=free) == {OK})
        wait_for(lambda: outcomes(server.otlp_grpc, authorization=bound) == {OK})

        # What SDKs send that pass through the proxy.
        named = {"x-scope-orgid": "acme"}
        export(GrpcExporter(endpoint=f"http://{by_grpc}", insecure=True, headers=named))
        export(HttpExporter(endpoint=f"http://{by_http}/v1/logs", headers={"X-Scope-OrgID": "umbrella"}))
        export(HttpExporter(endpoint=f"http://{by_http}/v1/logs", headers=named | {"Authorization": bound}))
        assert outcomes(by_grpc, x_scope_orgid="acme", authorization=free) == {OK}
        expected = {("token:free", ""), ("token:bound", "acme"), ("proxy", "acme"), ("proxy", "umbrella")}
        wait_for(lambda: senders(server) == expected | {("token:free", "acme")})

        # Without a tenant, the proxy is a sender like others.
        assert outcomes(by_grpc) == outcomes(by_grpc, x_forwarded_for="127.0.0.1") == {UNKNOWN}
        assert outcomes(by_grpc, x_scope_orgid="a/b") == outcomes(by_grpc, x_scope_orgid="") == {INVALID}
        assert statuses(by_http, x_scope_orgid="a/b") == {400}
        assert outcomes(by_grpc, x_scope_orgid="umbrella", authorization=bound) == {DENIED}
        assert statuses(by_http, x_scope_orgid="umbrella", authorization=bound) == {403}
        assert outcomes(by_grpc, x_scope_orgid="acme", authorization="lgn_x") == {UNKNOWN}

        # Beside the proxy, nobody names one.
        direct = {"x_scope_orgid": "acme", "x_forwarded_for": PROXY}
        assert outcomes(server.otlp_grpc, **direct) == {UNKNOWN}
        assert outcomes(server.otlp_grpc, **direct, authorization=free) == {DENIED}
        assert outcomes(server.otlp_grpc, **direct, authorization=bound) == {OK}
        assert statuses(server.otlp_http.removeprefix("http://"), **direct) == {401}
        assert statuses(server.otlp_http.removeprefix("http://"), **direct, authorization=free) == {403}

        # Each worker may have three tenants.
        assert outcomes(by_grpc, x_scope_orgid="umbrella") == outcomes(by_grpc, x_scope_orgid="third") == {OK}
        assert outcomes(by_grpc, x_scope_orgid="fourth") == {DENIED}
        assert outcomes(by_grpc, x_scope_orgid="third") == {OK}
        late = token(server, "late", "--tenant", "fifth")
        wait_for(lambda: outcomes(server.otlp_grpc, authorization=late) == {OK})
    expected |= {("token:free", "acme"), ("proxy", "third"), ("token:late", "fifth")}
    wait_for(lambda: senders(server) == expected)
    assert server.verify("--token-file", _file(server, admin))[0] == []


def test_a_question_about_a_tenant_that_has_sent_nothing_begins_no_log(server: LognotaryServer) -> None:
    admin = token(server, "root", "--role", "admin")

    def ask(address: str, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(f"http://{address}{path}", headers={**named, "Authorization": f"Bearer {admin}"}, timeout=30)

    def found(query: str) -> list[str]:
        """Return the origins of the logs with records that a query finds."""
        entries = ask(direct, f"/api/v1/search?query={query}").json()["entries"]
        return [entry["auditEvent"]["evidence"]["origin"] for entry in entries]

    direct = server.http.removeprefix("http://")
    with relay(server.otlp_grpc) as by_grpc, relay(direct) as by_api:
        wait_for(lambda: ask(direct, "/api/v1/status").status_code == 200)
        assert outcomes(by_grpc, x_scope_orgid="acme") == {OK}
        for ghost in ("ghost-1", "ghost-2"):
            assert ask(by_api, "/api/v1/search?query=looked", x_scope_orgid=ghost).status_code == 200
            wait_for(lambda ghost=ghost: found(f"lognotary.access.tenant:{ghost}"), 60)  # type: ignore[misc]

        def acme_sees() -> bool:
            """Return whether acme's access log has a call; the server learns of its tenants after some seconds."""
            assert ask(by_api, "/api/v1/search?query=looked", x_scope_orgid="acme").status_code == 200
            return any("/acme/access/" in log["origin"] for log in ask(direct, "/api/v1/logs").json()["logs"])

        wait_for(acme_sees, 60)
        assert all(log.startswith("lognotary/access/") for log in found("lognotary.access.tenant:ghost-1"))
        names = [log["origin"] for log in ask(direct, "/api/v1/logs").json()["logs"]]
        assert not any("ghost" in name for name in names)


def test_a_collector_may_be_the_proxy_over_both_transports(tmp_path: Path) -> None:
    try:
        binary = built_collector()
    except CollectorUnavailableError as error:
        lacking(str(error))
    (tmp_path / "app.log").write_text("a line\n")
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(
        storage, tmp_path / "data", batch_age=0.02, authentication="required", trusted_proxies="127.0.0.1"
    ) as server:
        exporters = {
            "otlp": {
                "endpoint": server.otlp_grpc,
                "tls": {"insecure": True},
                "headers": {"X-Scope-OrgID": "by-grpc"},
            },
            "otlphttp": {"endpoint": server.otlp_http, "headers": {"X-Scope-OrgID": "by-http"}},
        }
        files = {"include": [str(tmp_path / "app.log")], "start_at": "beginning", "poll_interval": "50ms"}
        pipeline = {"receivers": ["filelog"], "exporters": ["otlp", "otlphttp"]}
        config = {
            "receivers": {"filelog": files},
            "exporters": exporters,
            "service": {"pipelines": {"logs": pipeline}},
        }
        credentials = _file(server, token(server, "root", "--role", "admin"))

        def named() -> dict[str, str]:
            shown = server.cli("tenants", "list", "--json", "--token-file", credentials)
            listed = json.loads(shown.stdout)["tenants"] if shown.returncode == 0 else []
            return {one["name"]: one["takenRecords"] for one in listed if one.get("name")}

        with Collector(config, tmp_path / "collector", binary=binary):
            wait_for(lambda: named() == {"by-grpc": "1", "by-http": "1"}, every=0.5)


def _file(server: LognotaryServer, text: str) -> str:
    file = server.directory / "admin.token"
    file.write_text(text)
    return str(file)
