"""Our side of the protocol against a witness that others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.litewitness import LiteWitness, running_litewitness
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.witnessing import Cosignature
from server.witness.client import WitnessClient, WitnessSize
from server.witness.errors import OtherHistoryError, WitnessRefusedError
from server.witness.settings import Witness
from tests.witness.growing_log import GrowingLog

PATIENCE = 60.0  # seconds, for what comes at once


@pytest.fixture(scope="module")
def litewitness() -> Iterator[LiteWitness]:
    with TemporaryDirectory(prefix="lw") as directory, running_litewitness(Path(directory)) as witness:
        yield witness


@pytest.fixture
def client(litewitness: LiteWitness) -> WitnessClient:
    return WitnessClient(Witness(litewitness.url, litewitness.verifier_key), PATIENCE)


@pytest.fixture
def log(request: pytest.FixtureRequest, litewitness: LiteWitness) -> GrowingLog:
    log = GrowingLog(f"example.org/audit/{request.node.name}").grow(10)
    litewitness.add_log(log.origin, log.keys)
    return log


def test_it_calls_itself_as_we_do(litewitness: LiteWitness) -> None:
    assert str(litewitness.verifier_key) in litewitness.process.log_text()


def test_it_cosigns_a_log_that_grows(client: WitnessClient, litewitness: LiteWitness, log: GrowingLog) -> None:
    client.add_checkpoint(log.checkpoint(), 0, [])
    old = 10
    for new in (11, 16, 17, 255, 256, 257, 1000):
        checkpoint = log.grow(new - old).checkpoint()
        assert isinstance(client.add_checkpoint(checkpoint, old, log.consistency(old, new)), Cosignature)
        old = new
    assert litewitness.size(log.origin) == 1000


def test_it_tells_its_size(client: WitnessClient, log: GrowingLog) -> None:
    client.add_checkpoint(log.checkpoint(), 0, [])
    assert client.add_checkpoint(log.grow(5).checkpoint(), 0, []) == WitnessSize(10)


def test_it_cosigns_again(client: WitnessClient, log: GrowingLog) -> None:
    for old in (0, 10):
        assert isinstance(client.add_checkpoint(log.checkpoint(), old, []), Cosignature)


def test_it_refuses_a_history_that_was_rewritten(
    client: WitnessClient, litewitness: LiteWitness, log: GrowingLog
) -> None:
    client.add_checkpoint(log.checkpoint(), 0, [])
    rewritten = GrowingLog(log.origin, log.signer, history="another").grow(17)
    with pytest.raises(OtherHistoryError):
        client.add_checkpoint(rewritten.checkpoint(), 10, rewritten.consistency(10, 17))
    assert litewitness.size(log.origin) == 10


def test_it_refuses_what_it_does_not_know(client: WitnessClient, log: GrowingLog) -> None:
    with pytest.raises(WitnessRefusedError, match="does not know the log"):
        client.add_checkpoint(GrowingLog("example.org/audit/unknown").grow(1).checkpoint(), 0, [])
    with pytest.raises(WitnessRefusedError, match="signature"):
        client.add_checkpoint(GrowingLog(log.origin).grow(1).checkpoint(), 0, [])


def test_it_takes_checkpoints_with_a_second_signature(client: WitnessClient, litewitness: LiteWitness) -> None:
    log = GrowingLog("example.org/audit/two", Signer(Ed25519Key.generate(), MlDsa44Key.generate())).grow(3)
    litewitness.add_log(log.origin, log.keys[:1])
    assert isinstance(client.add_checkpoint(log.checkpoint(), 0, []), Cosignature)
