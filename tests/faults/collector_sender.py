"""Real Collectors with their own queues and retries, and functions that feed them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import grpc

from harness.collector import Collector
from harness.collector_binaries import packaged_collector
from harness.free_port import free_port
from harness.otlp_load import ID
from harness.waiting import wait_for
from tests.faults.ledger import Ledger, Outcome, SentRequest
from tests.faults.senders import EXPORT, fast_reconnecting, make_request

__all__ = ["CollectorSender", "file_collector", "grpc_collector", "unknown_attempts"]

_PAUSE = 0.1  # seconds between requests
_RECORDS = 4  # of a request
_BETWEEN_COUNTS = 0.2  # seconds between looks at storage
_PATIENCE = 20.0  # seconds in which something must arrive


Feed = Callable[[tuple[str, ...]], str]
"""Function that gives a Collector records with these IDs; returns the reason of a refusal, empty for none."""


class CollectorSender:
    """A sender to a Collector, which delivers what it has accepted at least once, however long that takes."""

    def __init__(
        self,
        name: str,
        collector: Collector,
        feeding: AbstractContextManager[Feed],
        ledger: Ledger,
        count_stored: Callable[[], int],
    ) -> None:
        """Prepare a Collector.

        Args:
            name: name of the sender.
            collector: the Collector, which is not started yet.
            feeding: context manager with the function that feeds the running Collector.
            ledger: ledger of the requests.
            count_stored: function that returns the number of different records of this sender that are stored.
        """
        self._name = name
        self._collector = collector
        self._feeding = feeding
        self._ledger = ledger
        self._count_stored = count_stored
        self._finishing = threading.Event()
        self._requests: list[SentRequest] = []
        self._refused: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._collector.start()
        self._thread.start()

    def finish(self, deadline: float) -> list[str]:
        self._finishing.set()
        self._thread.join()
        # A Collector does not retry while it stops, so all that it has accepted must be stored before.
        ids = [name for request in self._requests for name in request.ids]
        late = []
        known = 0
        try:
            while (stored := self._count_stored()) < len(ids):
                if stored > known:  # the machine may be slow, and a journal long
                    known, deadline = stored, max(deadline, time.monotonic() + _PATIENCE)
                wait_for(partial(self._has_stored_more_than, known), deadline - time.monotonic(), every=_BETWEEN_COUNTS)
        except TimeoutError:
            late.append(f"{len(ids) - known} records that the Collector accepted were not stored in time")
        log = self._collector.log_text()
        self._collector.stop()
        unknown = unknown_attempts(log)
        for request in self._requests:
            request.slack = unknown
        late += [f"the Collector dropped records: {line}" for line in log.splitlines() if "ropping data" in line]
        return late + self._refused

    def _has_stored_more_than(self, number: int) -> bool:
        return self._count_stored() > number

    def _run(self) -> None:
        with self._feeding as feed:
            count = 0
            while not self._finishing.is_set():
                ids = tuple(f"{self._name}-{count}-{place}" for place in range(_RECORDS))
                count += 1
                if refusal := feed(ids):
                    self._refused.append(f"the Collector refused records: {refusal}")
                else:
                    sent = SentRequest(self._name, ids, [Outcome.ACKNOWLEDGED])
                    self._requests.append(self._ledger.add(sent))
                self._finishing.wait(_PAUSE)


def grpc_collector(address: str, directory: Path) -> tuple[Collector, AbstractContextManager[Feed]]:
    """Return a Collector that is built with Go, and relays compressed OTLP/gRPC to an address; with its feed."""
    own = f"127.0.0.1:{free_port()}"
    exporter: dict[str, object] = {"endpoint": address, "compression": "gzip", "tls": {"insecure": True}}
    receiver: dict[str, object] = {"protocols": {"grpc": {"endpoint": own}}}
    return Collector(_config("otlp", receiver, exporter), directory), _feeding_over_grpc(own)


def file_collector(url: str, directory: Path) -> tuple[Collector, AbstractContextManager[Feed]]:
    """Return a Collector from PyPI that sends the lines of a file over OTLP/HTTP to a URL; with its feed."""
    file = directory / "records.log"
    receiver = {
        "include": [str(file)],
        "start_at": "beginning",
        "poll_interval": "50ms",
        "operators": [
            {"type": "add", "field": f"attributes['{ID}']", "value": "EXPR(body)"},
            # The first of a request is an audit record, as those of others.
            *(
                {"type": "add", "field": f"attributes['{key}']", "value": value, "if": 'body endsWith "-0"'}
                for key, value in (("audit.actor.id", "alice"), ("audit.action", "read"))
            ),
        ],
    }
    config = _config("filelog", receiver, {"endpoint": url}, exporter_name="otlphttp")
    return Collector(config, directory, binary=packaged_collector()), _feeding_by_file(file)


@contextmanager
def _feeding_over_grpc(address: str) -> Iterator[Feed]:
    with fast_reconnecting(address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)

        def feed(ids: tuple[str, ...]) -> str:
            try:
                call(make_request(ids), timeout=10.0)
            except grpc.RpcError as error:
                return str(error.code())
            return ""

        yield feed


@contextmanager
def _feeding_by_file(file: Path) -> Iterator[Feed]:
    with file.open("a", encoding="ascii", buffering=1) as lines:

        def feed(ids: tuple[str, ...]) -> str:
            lines.writelines(f"{name}\n" for name in ids)
            return ""

        yield feed


def unknown_attempts(log: str) -> int:
    """Return the number of failed attempts with unknown outcome; a Collector logs the server's refusals as Throttle."""
    failed = [line for line in log.splitlines() if "Will retry" in line]
    return sum("Throttle" not in line and "connection refused" not in line for line in failed)


def _config(
    receiver_name: str, receiver: object, exporter: dict[str, object], exporter_name: str = "otlp"
) -> dict[str, object]:
    exporter |= {
        "timeout": "3s",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms", "max_elapsed_time": "0s"},
        "sending_queue": {"queue_size": 100000, "num_consumers": 20},
    }
    return {
        "receivers": {receiver_name: receiver},
        "exporters": {exporter_name: exporter},
        # The log has every failed attempt, without sampling.
        "service": {
            "telemetry": {"logs": {"sampling": {"enabled": False}}},
            "pipelines": {"logs": {"receivers": [receiver_name], "exporters": [exporter_name]}},
        },
    }
