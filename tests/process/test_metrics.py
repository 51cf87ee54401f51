"""A server's metrics in Prometheus' text format, its own and its workers'."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from server.notary.origin import Stream
from server.pipeline.measures import BatchMeasure, RequestMeasure
from server.process.metrics import Metrics, ready_gauge


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.expose().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    metrics.request(RequestMeasure(100, "ok", 0.2, "grpc"))
    metrics.request(RequestMeasure(50, "ok", 0.3, "grpc"))
    metrics.request(RequestMeasure(7, "storage", 9.0, "grpc"))
    told = samples(metrics)
    for_logs = (("protocol", "grpc"), ("service", "logs"))
    assert told["lognotary_requests_total", (("outcome", "ok"), *for_logs)] == 2
    assert told["lognotary_requests_total", (("outcome", "storage"), *for_logs)] == 1
    assert told["lognotary_request_bytes_total", (("outcome", "ok"), *for_logs)] == 150
    waited = [told[f"lognotary_request_duration_seconds_{name}", (("protocol", "grpc"),)] for name in ("count", "sum")]
    assert waited == [2, 0.5]


def test_counters_are_0_from_the_start_for_every_label_value() -> None:
    metrics = Metrics()
    metrics.expect_requests(("grpc", "http"), ("ok", "malformed"), ("traces", "other"))
    metrics.expect_calls("http", ("/api/v1/logs",))
    told = samples(metrics)
    assert {value for (name, _), value in told.items() if name.startswith("lognotary_")} == {0}
    for name, labels in (
        ("lognotary_requests_total", {"outcome": "malformed", "protocol": "http", "service": "logs"}),
        ("lognotary_requests_total", {"outcome": "not_served", "protocol": "grpc", "service": "traces"}),
        ("lognotary_acknowledged_records_total", {"stream": "audit"}),
        ("lognotary_batches_total", {"stream": "operational", "kept": "false"}),
        ("lognotary_redactions_total", {"rule": "key.password"}),
        ("lognotary_findings_total", {"kind": "LOG_FORKED"}),
        ("lognotary_storage_errors_total", {"operation": "insert", "failure": "unknown"}),
        ("lognotary_confirmation_failures_total", {"kind": "witness"}),
        ("lognotary_api_duration_seconds_count", {"protocol": "http", "call": "/api/v1/logs"}),
    ):
        assert (name, tuple(sorted(labels.items()))) in told


def test_what_is_read_and_only_grows_is_a_counter() -> None:
    metrics = Metrics(lambda: [("signatures_total", "How many", {}, 3.0), ("depth", "How deep", {}, 1.0)])
    types = {family.name: family.type for family in text_string_to_metric_families(metrics.expose().decode())}
    assert (types["signatures"], types["depth"]) == ("counter", "gauge")


def test_records_count_as_acknowledged_where_their_batch_was_kept() -> None:
    metrics = Metrics()
    metrics.batch_of(Stream.AUDIT)(BatchMeasure(10, 0.1, 0.2, kept=True))
    metrics.batch_of(Stream.AUDIT)(BatchMeasure(5, 0.1, 0.2, kept=False))
    told = samples(metrics)
    assert told["lognotary_acknowledged_records_total", (("stream", "audit"),)] == 10
    assert told["lognotary_batches_total", (("kept", "false"), ("stream", "audit"))] == 1
    assert told["lognotary_batch_records_sum", (("stream", "audit"),)] == 15


def test_secrets_that_were_replaced_are_counted_by_rule() -> None:
    metrics = Metrics()
    metrics.redacted((("card", 2), ("key.password", 1)))
    metrics.redacted((("card", 1),))
    told = samples(metrics)
    assert told["lognotary_redactions_total", (("rule", "card"),)] == 3
    assert told["lognotary_redactions_total", (("rule", "key.password"),)] == 1


def test_what_is_read_is_read_when_it_is_asked_for() -> None:
    depth = [1.0]
    metrics = Metrics(lambda: [("depth", "How deep", {"stream": stream}, depth[0]) for stream in ("a", "b")])
    assert samples(metrics)["depth", (("stream", "a"),)] == 1
    depth[0] = 2.0
    assert samples(metrics)["depth", (("stream", "b"),)] == 2


def test_workers_metrics_are_joined_under_their_numbers() -> None:
    workers = [Metrics(lambda: [ready_gauge("")]), Metrics(lambda: [ready_gauge("storage is away")])]
    workers[0].request(RequestMeasure(1, "ok", 0.1, "grpc"))
    texts = [(str(number), worker.expose().decode()) for number, worker in enumerate(workers, 1)]
    server = Metrics(lambda: [ready_gauge("")], lambda: texts)
    told = samples(server)
    assert told["lognotary_ready", ()] == 1
    assert told["lognotary_ready", (("worker", "1"),)] == 1
    assert told["lognotary_ready", (("worker", "2"),)] == 0
    assert (
        told[
            "lognotary_requests_total", (("outcome", "ok"), ("protocol", "grpc"), ("service", "logs"), ("worker", "1"))
        ]
        == 1
    )
    # A name stands once with its type: Prometheus refuses a page that says it twice.
    types = [line for line in server.expose().decode().splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


def test_verification_is_counted() -> None:
    metrics = Metrics()
    metrics.verified(12, 3)
    metrics.finding("RECORD_CHANGED")
    told = samples(metrics)
    assert told["lognotary_verified_records_total", ()] == 12
    assert told["lognotary_verified_expired_records_total", ()] == 3
    assert told["lognotary_findings_total", (("kind", "RECORD_CHANGED"),)] == 1
