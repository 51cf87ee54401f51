import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import grpc.aio
import pytest

from benchmarks.load import LoadFailedError, LoadResult, Requests, describe_retries, load
from benchmarks.processes import Meter
from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.shape import Shape
from harness.process_stats import cpu_seconds, resident
from server.errors.ingest import MalformedRequestError, OverloadedError
from server.otlp.grpc_receiver import build_handlers
from server.process.pools import Pool
from tests.otlp.recording import RecordingIngest


@contextmanager
def _served(ingest: RecordingIngest) -> Iterator[str]:
    started, ended, ports = threading.Event(), threading.Event(), []

    async def serve() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(build_handlers(ingest, 1 << 22, Pool("ingest", 2)))
        ports.append(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        started.set()
        await asyncio.to_thread(ended.wait)
        await server.stop(None)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield f"127.0.0.1:{ports[0]}"
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    return Requests.build(Shape(records=3, distinct=2), tmp_path)


def test_every_request_is_sent_until_it_is_acknowledged(requests: Requests) -> None:
    ingest = RecordingIngest(OverloadedError("busy", retry_after=0.01), OverloadedError("busy", retry_after=0.01))
    with _served(ingest) as address:
        result = load(address, requests, requests=5, clients=2)
    assert sorted(ingest.requests) == sorted(requests.encoded[number % 2] for number in range(5))
    assert (result.requests, result.records, result.retries) == (5, 15, {"UNAVAILABLE": 2})
    assert result.latency_ms["p50"] <= result.latency_ms["max"]
    assert describe_retries([result, result]) == "sent again after a refusal: 4 x UNAVAILABLE"


def test_requests_that_are_refused_for_good_are_told(requests: Requests) -> None:
    with (
        _served(RecordingIngest(MalformedRequestError("no"))) as address,
        pytest.raises(LoadFailedError, match="INVALID"),
    ):
        load(address, requests, requests=2, clients=1)


def test_load_can_be_gzipped_timed_and_watched(requests: Requests) -> None:
    ingest = RecordingIngest()
    with _served(ingest) as address:
        result: LoadResult = load(address, requests, seconds=0.5, clients=1, gzip=True, progress=0.1)
    assert result.requests == len(ingest.requests) > 0
    assert set(ingest.requests) <= set(requests.encoded)
    assert result.progress


def test_cpu_of_all_threads_is_counted() -> None:
    meter = Meter.of(os.getpid())

    def work() -> None:
        while cpu_seconds(os.getpid()) < before + 0.1:
            sum(range(10_000))

    before = cpu_seconds(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert meter.read()[0] > 0.05  # of at least 0.1, which is some ticks of the kernel
    assert resident(os.getpid()) > 1 << 20


def test_realistic_requests_go_out_by_number() -> None:
    ingest = RecordingIngest()
    shape = RealisticShape(records=20, skeletons=8)
    with _served(ingest) as address:
        result = load(address, shape, requests=3, clients=1)
    assert (result.requests, result.records) == (3, 60)
    assert ingest.requests == [RealisticRequests(shape)[number] for number in range(3)]


def test_requests_go_to_a_url_over_http_until_they_are_acknowledged() -> None:
    answers = iter([(503, {"Retry-After": "0"}), (200, {}), (200, {})])
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers = next(answers)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        shape = RealisticShape(records=5)
        result = load(f"http://127.0.0.1:{server.server_port}/v1/logs", shape, requests=2, clients=1)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    sent = [RealisticRequests(shape)[number] for number in (0, 0, 1)]
    assert received == [("/v1/logs", request) for request in sent]
    assert (result.requests, result.retries) == (2, {"HTTP 503": 1})
