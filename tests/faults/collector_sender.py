"""A real Collector with its own queue and retries, and what feeds it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from tests.faults.ledger import Ledger, Outcome, SentRequest
from tests.faults.senders import EXPORT, fast_reconnecting, make_request
from tests.support.collector import Collector
from tests.support.free_port import free_port

__all__ = ["CollectorSender", "unknown_attempts"]

_PAUSE = 0.1
_RECORDS = 4
_PATIENCE = 20.0  # seconds in which something must arrive


class CollectorSender:
    """Sends to a Collector; what that takes it brings to the server, at least once, however long it takes."""

    def __init__(self, address: str, ledger: Ledger, directory: Path, count_stored: Callable[[], int]) -> None:
        """Prepare a Collector.

        Args:
            address: the server's OTLP/gRPC.
            ledger: where its requests are taken down.
            directory: for its configuration and its log.
            count_stored: how many different records of it are stored by now.
        """
        own = f"127.0.0.1:{free_port()}"
        self._own = own
        self._ledger = ledger
        self._count_stored = count_stored
        self._finishing = threading.Event()
        self._requests: list[SentRequest] = []
        self._refused: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._collector = Collector(_config(own, address), directory)

    def start(self) -> None:
        self._collector.start()
        self._thread.start()

    def finish(self, deadline: float) -> list[str]:
        self._finishing.set()
        self._thread.join()
        # A Collector that stops does not try again: what it has taken has to be there before.
        ids = [name for request in self._requests for name in request.ids]
        late = []
        known = 0
        while (stored := self._count_stored()) < len(ids):
            if stored > known:  # the machine may be slow, and a journal long
                known, deadline = stored, max(deadline, time.monotonic() + _PATIENCE)
            if time.monotonic() > deadline:
                late.append(f"{len(ids) - stored} records that the Collector took were not stored in time")
                break
            time.sleep(0.2)
        log = self._collector.log_text()
        self._collector.stop()
        unknown = unknown_attempts(log)
        for request in self._requests:
            request.slack = unknown
        late += [f"the Collector dropped records: {line}" for line in log.splitlines() if "ropping data" in line]
        return late + self._refused

    def _run(self) -> None:
        with fast_reconnecting(self._own) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
            count = 0
            while not self._finishing.is_set():
                ids = tuple(f"collector-{count}-{place}" for place in range(_RECORDS))
                count += 1
                try:
                    call(make_request(ids), timeout=10.0)
                except grpc.RpcError as error:
                    self._refused.append(f"the Collector did not take records: {error.code()}")
                else:
                    sent = SentRequest("collector", ids, [Outcome.ACKNOWLEDGED])
                    self._requests.append(self._ledger.add(sent))
                self._finishing.wait(_PAUSE)


def unknown_attempts(log: str) -> int:
    """Count the attempts of a Collector that failed without word from the server: it calls those Throttle."""
    failed = [line for line in log.splitlines() if "Will retry" in line]
    return sum("Throttle" not in line and "connection refused" not in line for line in failed)


def _config(own: str, address: str) -> dict[str, object]:
    exporter = {
        "endpoint": address,
        "compression": "gzip",
        "tls": {"insecure": True},
        "timeout": "3s",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms", "max_elapsed_time": "0s"},
        "sending_queue": {"queue_size": 100000, "num_consumers": 20},
    }
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": own}}}},
        "exporters": {"otlp": exporter},
        # Every failed attempt stands in the log: none is left out as one of many.
        "service": {
            "telemetry": {"logs": {"sampling": {"enabled": False}}},
            "pipelines": {"logs": {"receivers": ["otlp"], "exporters": ["otlp"]}},
        },
    }
