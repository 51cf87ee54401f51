"""Metrics of a server, for Prometheus. ``docs/reliability.md`` lists all metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from server.codec.producers.policy import Result
from server.codec.redaction_rules import RULES
from server.notary.findings import FindingKind
from server.notary.origin import Stream
from server.pipeline.measures import BatchMeasure, MeasureBatch, RequestMeasure
from storage.measured import FAILURES, OPERATIONS

__all__ = ["GaugeSample", "Metrics", "build_gauge", "ready_gauge"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS = (1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000)

GaugeSample = tuple[str, str, dict[str, str], float]
"""Sample that is read on each scrape: name, help, labels and value; a counter's name ends with ``_total``."""


def ready_gauge(not_ready: str) -> GaugeSample:
    """Return the readiness gauge: 1 if there is no reason why the process is not ready, otherwise 0."""
    return "lognotary_ready", "1 while records can be acknowledged", {}, float(not not_ready)


def build_gauge(codec: str) -> GaugeSample:
    """Return a gauge that is always 1, with the version of Lognotary and the name of the codec as labels."""
    labels = {"version": version("lognotary"), "python": python_version(), "codec": codec}
    return "lognotary_build_info", "1, with the version and the codec as labels", labels, 1.0


class Metrics(Collector):
    """Metrics of one process."""

    def __init__(
        self,
        read: Callable[[], Iterable[GaugeSample]] = tuple,
        workers: Callable[[], Iterable[tuple[str, str]]] = tuple,
    ) -> None:
        """Create the metrics.

        Args:
            read: function that returns samples of gauges, such as the size of a journal.
            workers: function that returns the number of each worker, and the last result of its ``expose``.
        """
        self._workers = workers
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Gauges(read))
        self._requests = Counter(
            "lognotary_requests",
            "Answered requests, by outcome",
            ["outcome", "protocol", "service"],
            registry=self._registry,
        )
        self._bytes = Counter(
            "lognotary_request_bytes",
            "Bytes of answered requests, by outcome",
            ["outcome", "protocol", "service"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "lognotary_request_duration_seconds",
            "How long senders waited for OK",
            ["protocol"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._records = Counter(
            "lognotary_acknowledged_records",
            "Records acknowledged with OK",
            ["stream"],
            registry=self._registry,
        )
        self._redactions = Counter(
            "lognotary_redactions",
            "Secrets that were replaced in acknowledged records, by rule",
            ["rule"],
            registry=self._registry,
        )
        self._batches = Counter(
            "lognotary_batches", "Batches, by whether they were stored", ["stream", "kept"], registry=self._registry
        )
        self._batch_records = Histogram(
            "lognotary_batch_records", "Records per batch", ["stream"], buckets=_RECORDS, registry=self._registry
        )
        self._batch_age = Histogram(
            "lognotary_batch_age_seconds",
            "Age of the first records of a batch when it was closed",
            ["stream"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._commit_seconds = Histogram(
            "lognotary_commit_duration_seconds",
            "Time from closing a batch to acknowledging it",
            ["stream"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._verified = Counter(
            "lognotary_verified_records", "Records verified by Verify calls", registry=self._registry
        )
        self._expired = Counter(
            "lognotary_verified_expired_records",
            "Records that Verify calls found expired, with their log intact",
            registry=self._registry,
        )
        self._findings = Counter(
            "lognotary_findings", "Findings of Verify calls, by kind", ["kind"], registry=self._registry
        )
        self._storage_seconds = Histogram(
            "lognotary_storage_duration_seconds",
            "Duration of statements to storage, by kind",
            ["operation"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._storage_errors = Counter(
            "lognotary_storage_errors",
            "Statements to storage that failed, by kind of statement and of failure",
            ["operation", "failure"],
            registry=self._registry,
        )
        self._call_seconds = Histogram(
            "lognotary_api_duration_seconds",
            "Duration of calls to the API",
            ["protocol", "call"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._confirmation_failures = Counter(
            "lognotary_confirmation_failures",
            "Failed attempts to get a cosignature of a witness, or a timestamp",
            ["kind"],
            registry=self._registry,
        )
        self._signatures = Counter(
            "lognotary_producer_signatures",
            "Records of requests with signatures of producers, by result of the check",
            ["result"],
            registry=self._registry,
        )
        self._denied = Counter(
            "lognotary_denied",
            "Requests and calls without valid credentials, or for which the credentials do not suffice, by reason",
            ["surface", "reason"],
            registry=self._registry,
        )
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        """Create the series of all label values, so that the first increase of each is seen as one."""
        for stream in (stream.value for stream in Stream):
            self._records.labels(stream)
            for kept in ("true", "false"):
                self._batches.labels(stream, kept)
            for histogram in (self._batch_records, self._batch_age, self._commit_seconds):
                histogram.labels(stream)
        for result in Result:
            self._signatures.labels(result.value)
        for finding in FindingKind:
            self._findings.labels(finding.value)
        for operation in OPERATIONS:
            self._storage_seconds.labels(operation)
            for failure in FAILURES:
                self._storage_errors.labels(operation, failure)
        for rule in RULES:
            self._redactions.labels(rule)
        for kind in ("witness", "timestamp"):
            self._confirmation_failures.labels(kind)

    def expect_requests(self, protocols: Iterable[str], outcomes: Iterable[str], services: Iterable[str]) -> None:
        """Create the series of requests: all outcomes of those for logs, and refusals of those for other services."""
        outcomes = tuple(outcomes)
        for protocol in protocols:
            self._request_seconds.labels(protocol)
            for outcome in outcomes:
                for service in ("logs", "audit") if protocol == "http" else ("logs",):
                    self._requests.labels(outcome, protocol, service)
                    self._bytes.labels(outcome, protocol, service)
            for service in services:
                self._requests.labels("not_served", protocol, service)

    def expect_calls(self, protocol: str, calls: Iterable[str]) -> None:
        """Create the series of calls to the API."""
        for call in calls:
            self._call_seconds.labels(protocol, call)

    def expect_denials(self, surfaces: Iterable[str], reasons: Iterable[str]) -> None:
        """Create the series of denials."""
        reasons = tuple(reasons)
        for surface in surfaces:
            for reason in reasons:
                self._denied.labels(surface, reason)

    def denied(self, surface: str, reason: str) -> None:
        """Count a request or call that was denied.

        Args:
            surface: name of the setting with the address of the port: "otlp_grpc", "otlp_http", "api_grpc" or "http".
            reason: value of ``access.errors.Denial``.
        """
        self._denied.labels(surface, reason).inc()

    def request(self, measure: RequestMeasure) -> None:
        """Count a request."""
        labels = measure.outcome, measure.protocol, measure.service
        self._requests.labels(*labels).inc()
        self._bytes.labels(*labels).inc(measure.size)
        if measure.denial:
            self.denied(f"otlp_{measure.protocol}", measure.denial)
        if measure.outcome == "ok":
            self._request_seconds.labels(measure.protocol).observe(measure.seconds)

    def statement(self, operation: str, seconds: float, failure: str) -> None:
        """Count a statement to storage; see ``storage.measured.MeasureStatement``."""
        self._storage_seconds.labels(operation).observe(seconds)
        if failure:
            self._storage_errors.labels(operation, failure).inc()

    def call(self, protocol: str, call: str, seconds: float) -> None:
        """Count a call to the API."""
        self._call_seconds.labels(protocol, call).observe(seconds)

    def confirmation_failed(self, kind: str) -> None:
        """Count a failed attempt: "witness" or "timestamp"."""
        self._confirmation_failures.labels(kind).inc()

    def redacted(self, redactions: Iterable[tuple[str, int]]) -> None:
        """Count secrets that were replaced, given the number for each rule."""
        for rule, number in redactions:
            self._redactions.labels(rule).inc(number)

    def batch_of(self, stream: Stream) -> MeasureBatch:
        """Return a function that counts the batches of a stream."""

        def count(measure: BatchMeasure) -> None:
            self._batches.labels(stream.value, str(measure.kept).lower()).inc()
            self._batch_records.labels(stream.value).observe(measure.records)
            self._batch_age.labels(stream.value).observe(measure.age)
            self._commit_seconds.labels(stream.value).observe(measure.seconds)
            if measure.kept:
                self._records.labels(stream.value).inc(measure.records)

        return count

    def add_gauges(self, read: Callable[[], Iterable[GaugeSample]]) -> None:
        """Add gauges, with names of their own, that are read on each scrape."""
        self._registry.register(_Gauges(read))

    def verified(self, records: int, expired: int) -> None:
        """Count verified records, and records that have expired."""
        self._verified.inc(records)
        self._expired.inc(expired)

    def producer_signatures(self, results: Mapping[str, int]) -> None:
        """Count records by the result of the check of their producers' signatures; thread-safe."""
        for result, records in results.items():
            self._signatures.labels(result).inc(records)

    def finding(self, kind: str) -> None:
        """Count a finding."""
        self._findings.labels(kind).inc()

    def expose(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this process and of the workers, which have the worker's number as a label."""
        joined: dict[str, Metric] = {}
        for family in self._registry.collect():
            # The creation times of counters are a third of the text, and are not needed.
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            joined[family.name] = family
        for number, text in self._workers():
            for family in text_string_to_metric_families(text):
                whole = joined.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    whole.samples.append(Sample(sample.name, {**sample.labels, "worker": number}, sample.value))
        yield from joined.values()


class _Gauges(Collector):
    def __init__(self, read: Callable[[], Iterable[GaugeSample]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        families: dict[tuple[str, str], list[tuple[dict[str, str], float]]] = defaultdict(list)
        for name, text, labels, value in self._read():
            families[name, text].append((labels, value))
        for (name, text), values in families.items():
            is_counter = name.endswith("_total")
            family = Metric(name.removesuffix("_total"), text, "counter" if is_counter else "gauge")
            for labels, value in values:
                family.add_sample(name, labels, value)
            yield family

    def describe(self) -> Iterator[Metric]:
        yield from ()
