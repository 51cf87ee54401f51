"""Bundles to test ``check.py`` with, their keys and witnesses; and the contents of a report."""

from __future__ import annotations

from pathlib import Path

from harness.bundles import Cosigner, MemoryLog, audit_record, signer_of
from server import check
from server.notary.keys import KeyType
from server.notary.signers import Signer

CHECK = Path(check.__file__)
LOG = MemoryLog([audit_record(number) for number in range(13)])
FIRST, SECOND, THIRD, STRANGER = (signer_of(seed) for seed in (1, 2, 3, 4))
NOTE = LOG.checkpoint(11, FIRST)
BUNDLE = LOG.bundle(5, NOTE, keys=FIRST.verifier_keys(LOG.origin))
OLD_LOG = MemoryLog([audit_record(number, version=1) for number in range(13)])
OLD_BUNDLE = OLD_LOG.bundle(5, OLD_LOG.checkpoint(11, FIRST), keys=FIRST.verifier_keys(LOG.origin))
BUNDLES = {1: OLD_BUNDLE, 2: BUNDLE}
WITNESS = Cosigner("witness.example/w1", 9)
PQ_WITNESS = Cosigner("witness.example/w2", 8, KeyType.ML_DSA_44)
WITNESSED = PQ_WITNESS.cosign(WITNESS.cosign(NOTE, 1_767_225_999), 1_767_226_000)
READ = {"record.bin", "record.json", "record.tlog-proof", "checkpoint"}


def key(signer: Signer) -> check.Key:
    return check.parse_key(str(signer.verifier_key(LOG.origin)))


def keys(signer: Signer) -> list[check.Key]:
    return [check.parse_key(str(verifier_key)) for verifier_key in signer.verifier_keys(LOG.origin)]


def failed(report: check.Report) -> dict[str, str]:
    """Return the failed checks, each with its reason."""
    assert report.holds == all(step.holds for step in report.steps)
    return {step.name: step.says for step in report.steps if not step.holds}


def says(report: check.Report, name: str) -> str:
    [step] = [step for step in report.steps if step.name == name]
    return step.says
