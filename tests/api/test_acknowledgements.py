"""Acknowledged findings: what is known does not fail verification, and what differs in anything does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lognotary.v1 import evidence_pb2
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError
from server.log.journal import Journal
from server.notary.acknowledgement import Acknowledgement, sign_acknowledgement
from server.notary.origin import Stream
from server.notary.signers import Ed25519Key, Signer, SigningKey, public_pem
from server.notary.trust import TrustedKeys, fingerprint
from storage.engine import Engine
from tests.api.growing import delete, update
from tests.api.store import LOGS, Writer, audit_event, log_record
from tests.effort import effort

OPERATOR = Ed25519Key.generate()


def tampered(engine: Engine, journal: Journal) -> Writer:
    """Return a store with findings of several kinds, some of them twice."""
    writer = Writer(engine, journal)
    for number in range(4):
        writer.write([log_record(f"log {number}"), audit_event(f"action {number}"), log_record(f"more {number}")])
    update(engine, "otel_logs", "Body = 'x'", "Body IN ('log 0', 'log 1')")
    delete(engine, "otel_logs", "Body = 'log 2'")
    update(engine, "audit_logs", "ActorId = 'eve'", "Action = 'action 3'")
    update(engine, "log_batches", "MinTimestamp = MinTimestamp + 1", "Sequence = 2")
    for _ in range(2):
        engine.execute("INSERT INTO log_statements SELECT * FROM log_statements WHERE Number = 1 LIMIT 1")
    engine.execute("INSERT INTO otel_logs (Body) SELECT 'forged'")
    return writer


@pytest.fixture(scope="module")
def store(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        yield tampered(module_engine, journal)


@pytest.fixture
def changing(engine: Engine, journal: Journal) -> Writer:
    return tampered(engine, journal)


def verify(
    writer: Writer, notes: Sequence[str] = (), kept: Sequence[str] = (), **request: Any
) -> tuple[list[evidence_pb2.Finding], evidence_pb2.VerifySummary]:
    backend = Backend(writer.engine, writer.keys, acknowledged=lambda: kept)
    *steps, last = backend.verify(evidence_pb2.VerifyRequest(acknowledgements=notes, **request))
    return [step.finding for step in steps if step.HasField("finding")], last.summary


def note_of(finding: evidence_pb2.Finding, count: int, key: SigningKey) -> str:
    kind = evidence_pb2.FindingKind.Name(finding.kind)
    return str(sign_acknowledgement(Acknowledgement(finding.id, count, 5, kind, "it", "known since May"), key))


def notes_of(findings: Sequence[evidence_pb2.Finding], key: SigningKey) -> list[str]:
    """Return acknowledgements of findings; equal ones share one."""
    ids = [finding.id for finding in findings]
    return [note_of(finding, ids.count(finding.id), key) for finding in {f.id: f for f in findings}.values()]


def test_any_subset_of_findings_may_be_acknowledged_and_verification_fails_if_one_is_left(store: Writer) -> None:
    findings, summary = verify(store)
    assert (summary.findings, summary.acknowledged) == (len(findings), 0)
    assert len({finding.kind for finding in findings}) >= 5
    key = store.signer.ed25519

    @given(st.sets(st.integers(0, len(findings) - 1)))
    @settings(max_examples=effort(20))
    def check(chosen: set[int]) -> None:
        again, summary = verify(store, notes_of([findings[number] for number in chosen], key))
        assert [finding.id for finding in again] == [finding.id for finding in findings]
        assert summary.findings == len(findings)
        assert summary.acknowledged == len(chosen) == sum(finding.HasField("acknowledgement") for finding in again)

    check()
    everything, summary = verify(store, notes_of(findings, key))
    assert summary.acknowledged == summary.findings
    said = everything[0].acknowledgement
    assert (said.reason, said.time.seconds, said.signed_by) == ("known since May", 5, fingerprint(key.public_key))


def test_only_findings_that_nobody_has_acknowledged_are_counted_for_alerts(store: Writer) -> None:
    findings, _ = verify(store)
    counted: list[str] = []
    backend = Backend(store.engine, store.keys, on_finding=lambda finding: counted.append(finding.kind.name))
    request = evidence_pb2.VerifyRequest(acknowledgements=notes_of(findings[1:], store.signer.ed25519))
    list(backend.verify(request))
    assert counted == [evidence_pb2.FindingKind.Name(findings[0].kind)]


def test_what_is_kept_counts_if_a_trusted_key_signed_it(store: Writer, caplog: pytest.LogCaptureFixture) -> None:
    findings, _ = verify(store)
    key = store.signer.ed25519
    assert verify(store, kept=notes_of(findings, key))[1].acknowledged == len(findings)
    assert caplog.text == ""
    assert verify(store, kept=[*notes_of(findings, OPERATOR), "nonsense"])[1].acknowledged == 0
    assert caplog.text.count("an acknowledgement in the data directory is not used") > 1
    pem = public_pem(OPERATOR.public_key).decode()
    notes = notes_of(findings, OPERATOR)
    assert verify(store, notes, acknowledgement_keys=[pem])[1].acknowledged == len(findings)
    with pytest.raises(InvalidArgumentError, match=r"the acknowledgement of the finding [0-9a-f]{64} cannot be used"):
        verify(store, notes)
    with pytest.raises(InvalidArgumentError, match="key for acknowledgements"):
        verify(store, acknowledgement_keys=["nonsense"])
    stolen = {fingerprint(key.public_key): evidence_pb2.Acknowledgement().time}
    assert verify(store, kept=notes_of(findings, key), compromised_keys=stolen)[1].acknowledged == 0


def test_with_a_wrong_key_each_log_has_one_finding_that_names_both_keys(store: Writer) -> None:
    wrong = Signer.generate()
    pem = wrong.public_pem().decode()
    own = fingerprint(store.signer.ed25519.public_key)
    backends = (Backend(store.engine, TrustedKeys()), Backend(store.engine, store.keys))
    for backend, knows in zip(backends, (False, True), strict=True):
        found = check_wrong_key(list(backend.verify(evidence_pb2.VerifyRequest(public_keys=[pem]))), wrong)
        for finding in found:
            key_id = store.signer.verifier_key(finding.origin).key_id.hex()
            signer = own if knows else f"a key with the ID {key_id}"
            assert f"; it is signed by {signer}. If" in finding.message


def check_wrong_key(steps: list[evidence_pb2.VerifyResponse], wrong: Signer) -> list[evidence_pb2.Finding]:
    """Check that there is one finding for each log; return them."""
    findings = [step.finding for step in steps if step.finding.kind == evidence_pb2.LOG_FOREIGN_SIGNED]
    written = (LOGS[Stream.AUDIT].origin, LOGS[Stream.OPERATIONAL].origin)
    assert sorted(finding.origin for finding in findings) == sorted(written)
    assert not {evidence_pb2.BATCH_FOREIGN_SIGNED, evidence_pb2.STATEMENT_FOREIGN_SIGNED} & {
        step.finding.kind for step in steps
    }
    assert steps[-1].summary.findings == sum(step.HasField("finding") for step in steps)
    for finding in findings:
        assert f"none of the given keys ({fingerprint(wrong.ed25519.public_key)}) signed this log" in finding.message
        assert "public_keys" in finding.message
    return findings


# Last in this module: it begins with an empty storage.
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE otel_logs UPDATE Body = 'y' WHERE LeafIndex = 0",
        "ALTER TABLE otel_logs UPDATE Body = 'z' WHERE Body = 'more 3'",
        "INSERT INTO log_statements SELECT * FROM log_statements WHERE Number = 1 LIMIT 1",
        "INSERT INTO otel_logs (Body) SELECT 'forged'",
        "ALTER TABLE log_batches UPDATE MaxTimestamp = MaxTimestamp + 1 WHERE Sequence = 2",
    ],
)
def test_a_finding_that_differs_or_one_more_is_not_covered(changing: Writer, change: str) -> None:
    findings, _ = verify(changing)
    notes = notes_of(findings, changing.signer.ed25519)
    assert verify(changing, notes)[1].acknowledged == len(findings)
    settings_of_change = " SETTINGS mutations_sync = 2" if change.startswith("ALTER") else ""
    changing.engine.execute(change + settings_of_change)
    _, summary = verify(changing, notes)
    assert summary.acknowledged < summary.findings
