from __future__ import annotations

import logging
from pathlib import Path

import pytest

from server.process.metrics import Metrics
from server.settings.settings import Settings, load_settings
from server.writer.signatures_in_force import SignaturesInForce
from tests.codec.producers.signing import NOW, login, producer, request_of, shared, signed

ONE, OTHER = producer(), producer(number=1)


def settings_of(directory: Path, policy: str = "annotate") -> Settings:
    return load_settings({"producer_signatures": policy, "producer_keys": str(directory)}, {})


def counted(metrics: Metrics) -> set[str]:
    lines = metrics.expose().decode().splitlines()
    return {line for line in lines if line.startswith("lognotary_producer_signatures_total")}


def result_of(signatures: SignaturesInForce, metrics: Metrics) -> str:
    """Return the result that the metrics count for a record that ONE signed."""
    before = counted(metrics)
    assert signatures.examine is not None
    signatures.examine(request_of(signed(login(), "ES256", ONE.key), resource=shared("ES256", ONE.full)), NOW)
    (changed,) = counted(metrics) - before
    return changed.partition('result="')[2].partition('"')[0]


def test_keys_are_read_again_and_bad_ones_leave_the_old_ones_in_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "other.pem").write_text(OTHER.pem)
    metrics = Metrics()
    signatures = SignaturesInForce(settings_of(tmp_path), metrics.producer_signatures)
    assert result_of(signatures, metrics) == "untrusted"
    (tmp_path / "one.pem").write_text(ONE.pem)
    signatures.reload()
    signatures.reload()  # nothing has changed, so there is nothing to say
    assert result_of(signatures, metrics) == "verified"
    (tmp_path / "bad.pem").write_text("-----BEGIN NOTHING")
    signatures.reload()
    assert result_of(signatures, metrics) == "verified"
    assert caplog.messages[:2] == [
        "producers' signatures: annotate, 1 keys",
        "producers' keys were read anew: 2, before that 1",
    ]
    assert caplog.messages[2].startswith("the producers' keys could not be reloaded, so the old ones stay in force: ")


def test_with_off_nothing_is_examined(tmp_path: Path) -> None:
    signatures = SignaturesInForce(settings_of(tmp_path, "off"), Metrics().producer_signatures)
    assert signatures.examine is None
    signatures.reload()


def test_all_results_are_counted_from_zero() -> None:
    exposed = Metrics().expose().decode()
    for result in ("verified", "failed", "untrusted", "unsigned"):
        assert f'lognotary_producer_signatures_total{{result="{result}"}} 0.0' in exposed
