"""Rows of statements of one log, and the check of them."""

from __future__ import annotations

from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import (
    Statement,
    StatementKind,
    StatementRow,
    data_digest,
    key_change_words,
    sign_statement,
)
from server.notary.statement_check import check_statements, learn_keys
from server.notary.trust import TrustedKeys

NAME, OTHER = (LogName("shop", stream, "node-1") for stream in (Stream.AUDIT, Stream.OPERATIONAL))
A, B, C, THIEF, THIEF_TOO = (Signer.generate() for _ in range(5))
BOTH, BOTH_TOO = (Signer(Ed25519Key.generate(), MlDsa44Key.generate()) for _ in range(2))
KEYS = TrustedKeys(unnamed=(A.ed25519.public_key,))
DAY = 86_400
T0 = 1_790_000_000
SECOND = 10**9


def key(signer: Signer) -> VerifierKey:
    return signer.verifier_key(NAME.origin)


def said(
    number: int, kind: StatementKind = StatementKind.HEARTBEAT, *words: str, size: int = 0, time: int = 0
) -> Statement:
    checkpoint = Checkpoint(NAME.origin, size or number, bytes([size or number]) * 32)
    return Statement(checkpoint, number, time or T0 + number, kind, words)


def row(*args: object, signer: Signer = A, data: bytes = b"", **fields: int) -> StatementRow:
    return sign_statement(said(*args, **fields), [signer], data)  # type: ignore[arg-type]


def change(number: int, before: Signer, after: Signer, *signers: Signer, **fields: int) -> StatementRow:
    words = key_change_words(after.verifier_keys(NAME.origin), before.verifier_keys(NAME.origin))
    return sign_statement(said(number, StatementKind.KEYS, *words, **fields), signers or (before, after))


def check(*rows: StatementRow, keys: TrustedKeys = KEYS) -> list[Finding]:
    """Check rows as verification does: first learn keys, then check with all of them."""
    logs = check_statements(rows, learn_keys(rows, keys))
    return [finding for log in logs.values() for finding in log.findings]


def kinds(*rows: StatementRow, keys: TrustedKeys = KEYS) -> list[FindingKind]:
    return [finding.kind for finding in check(*rows, keys=keys)]


GOOD = (
    row(1, StatementKind.RETENTION, str(30 * DAY)),
    row(2),
    row(3, StatementKind.WITNESSED, data_digest(b"lines"), data=b"lines"),
    row(4, StatementKind.TIMESTAMPED, data_digest(b"der"), data=b"der"),
    row(5),
)
