from __future__ import annotations

from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import EMPTY_ROOT
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, key_change_words, sign_statement
from server.notary.trust import TrustedKeys, fingerprint
from server.verification.foreign_logs import ForeignLogs, key_names

LOG = LogName("shop", Stream.AUDIT, "a")
OLD, NEW = Signer.generate(), Signer.generate()
GIVEN = TrustedKeys(unnamed=tuple(Signer.generate().ed25519.public_key for _ in range(7)))
NONE = TrustedKeys()


def name_of(signer: Signer) -> str:
    key = signer.verifier_key(LOG.origin)
    return f"{key.name}+{key.key_id.hex()}"


def foreign(kind: FindingKind, signer: Signer = OLD, **fields: object) -> Finding:
    named = {"log_id": LOG.log_id, "signers": (name_of(signer),), **fields}
    return Finding(kind, "it is signed by no known key", **named)  # type: ignore[arg-type]


def held(*findings: Finding) -> ForeignLogs:
    logs = ForeignLogs()
    assert [logs.holds(finding) for finding in findings] == [True] * len(findings)
    return logs


BATCH = foreign(FindingKind.BATCH_FOREIGN_SIGNED, record_count=3)
STATEMENT = foreign(FindingKind.STATEMENT_FOREIGN_SIGNED)


def test_a_log_that_only_unknown_keys_signed_is_one_finding_that_names_the_keys() -> None:
    for findings in ([STATEMENT], [BATCH, STATEMENT, BATCH]):
        known = TrustedKeys(unnamed=(OLD.ed25519.public_key,))
        [finding] = held(*findings).findings([], GIVEN, {}, known)
        assert (finding.kind, finding.origin, finding.log_id) == (
            FindingKind.LOG_FOREIGN_SIGNED,
            LOG.origin,
            LOG.log_id,
        )
        assert finding.record_count == 3 * findings.count(BATCH)
        assert f"({fingerprint(GIVEN.unnamed[0])}, " in finding.message
        assert "and 2 more) signed this log" in finding.message
        assert f"signed by {fingerprint(OLD.ed25519.public_key)}. If" in finding.message


def test_a_log_of_which_anything_is_signed_by_a_known_key_keeps_its_findings() -> None:
    assert list(held(BATCH, STATEMENT).findings([LOG.log_id], GIVEN, {}, NONE)) == [BATCH, STATEMENT]


def test_rows_that_name_no_log_keep_their_findings() -> None:
    junk = foreign(FindingKind.BATCH_FOREIGN_SIGNED, log_id="0" * 16, origin="no log")
    assert list(held(junk).findings([], GIVEN, {}, NONE)) == [junk]


def test_other_findings_are_not_held() -> None:
    logs = ForeignLogs()
    for other in (
        Finding(FindingKind.RECORD_CHANGED, "changed", LOG.log_id),
        foreign(FindingKind.BATCH_FOREIGN_SIGNED, signers=()),  # by a key of another time
        foreign(FindingKind.BATCH_FOREIGN_SIGNED, log_id=""),
    ):
        assert not logs.holds(other)
    assert list(logs.findings([], GIVEN, {}, NONE)) == []


def test_key_changes_name_the_keys_by_their_fingerprints() -> None:
    words = key_change_words(NEW.verifier_keys(LOG.origin), OLD.verifier_keys(LOG.origin))
    statement = Statement(Checkpoint(LOG.origin, 0, EMPTY_ROOT), 1, 5, StatementKind.KEYS, words)
    row = sign_statement(statement, [OLD, NEW])
    names = key_names([row])
    assert names == {name_of(signer): fingerprint(signer.ed25519.public_key) for signer in (OLD, NEW)}
    [finding] = held(BATCH).findings([], GIVEN, names, NONE)
    assert f"signed by {fingerprint(OLD.ed25519.public_key)}. If" in finding.message
