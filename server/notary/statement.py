"""Statements: signed claims of a log's owner about a checkpoint at a time.

A statement is a checkpoint (C2SP tlog-checkpoint) with one extension line, so that its content is
signed with the log's size and root hash:

    lognotary/v1 <number> <unix seconds> <kind>[ <word>...]

Statements of a log are numbered from 1 without gaps, so a removed statement is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from server.notary.checkpoint import Checkpoint
from server.notary.errors import KeyMaterialError, MalformedError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import SignedNote, parse_note
from server.notary.origin import LogName
from server.notary.signers import Signer

__all__ = [
    "DROPPED",
    "KeyChange",
    "ReceiptBound",
    "Statement",
    "StatementKind",
    "StatementRow",
    "data_digest",
    "data_word",
    "key_change_words",
    "open_statement",
    "read_key_change",
    "read_receipt_bound",
    "read_retention",
    "sign_statement",
]

DROPPED = 1
"""Seconds in a RETENTION statement that precedes a removal of all records that a log had; settings have whole days."""

_LINE = re.compile(r"lognotary/v1 ([1-9][0-9]{0,18}) (0|[1-9][0-9]{0,9}) ([a-z]+)((?: \S+)*)")
_LATEST = (1 << 32) - 1  # ClickHouse's DateTime
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BOUND = re.compile(r"(0|[1-9][0-9]{0,18}) (0|[1-9][0-9]{0,9})")


class StatementKind(Enum):
    """Kind of a statement: its meaning, in addition to the log's size and root hash.

    HEARTBEAT: the log was in this state at that time; a ``ReceiptBound``, which older heartbeats lack.
    KEYS: the keys that sign the log from now on, and those that signed it so far.
    RETENTION: age in seconds after which records may be dropped, ``forever``: never; SHA-256 of the rules, if records
        are kept for different times; a ``ReceiptBound``, as HEARTBEAT.
    WITNESSED: SHA-256 of cosignature lines of witnesses over this checkpoint.
    TIMESTAMPED: SHA-256 of an RFC 3161 response over this checkpoint.
    """

    HEARTBEAT = "heartbeat"
    KEYS = "keys"
    RETENTION = "retention"
    WITNESSED = "witnessed"
    TIMESTAMPED = "timestamped"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement.

    Attributes:
        checkpoint: the state of the log that it is about.
        number: number of the statement in its log, from 1.
        time: time of signing, in seconds since the epoch.
        kind: kind of the statement.
        words: the words after the kind.
    """

    checkpoint: Checkpoint
    number: int
    time: int
    kind: StatementKind
    words: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the note text that is signed."""
        said = " ".join((f"lognotary/v1 {self.number} {self.time} {self.kind.value}", *self.words))
        return f"{self.checkpoint.text()}{said}\n"


@dataclass(frozen=True, slots=True)
class ReceiptBound:
    """The earliest time at which the records of a log's later entries were received.

    The log may have more entries than its checkpoint says by then: signed, and not in storage yet.

    Attributes:
        first: number of the first entry that it holds for; it holds for all that follow.
        earliest: seconds since the epoch.
    """

    first: int
    earliest: int

    @property
    def words(self) -> tuple[str, str]:
        """The words by which a statement says so."""
        return str(self.first), str(self.earliest)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A row of ``log_statements``; fields in the order of the columns.

    Attributes:
        log_id: the log's short ID.
        number: number of the statement in its log.
        kind: kind of the statement.
        tree_size: number of entries in the log.
        signed_at: when it was signed, in seconds since the epoch.
        note: the signed note.
        data: cosignature lines or timestamp response for WITNESSED and TIMESTAMPED, rules for RETENTION, else empty.
    """

    log_id: str
    number: int
    kind: str
    tree_size: int
    signed_at: int
    note: str
    data: bytes


def data_digest(data: bytes) -> str:
    """Return the word that identifies data in a statement."""
    return sha256(data).hexdigest()


def sign_statement(statement: Statement, signers: Sequence[Signer], data: bytes = b"") -> StatementRow:
    """Sign a statement under the log's origin as key name.

    Args:
        statement: the statement.
        signers: the log's keys; for a key change, both the old and the new ones.
        data: the data it is about.

    Raises:
        SigningError: a key cannot sign at the moment.
    """
    text, origin = statement.text(), statement.checkpoint.origin
    notes = [signer.sign(text, origin) for signer in signers]
    lines = dict.fromkeys(line for note in notes for line in note.signatures)
    return StatementRow(
        log_id=LogName.parse(origin).log_id,
        number=statement.number,
        kind=statement.kind.value,
        tree_size=statement.checkpoint.size,
        signed_at=statement.time,
        note=str(SignedNote(text, tuple(lines))),
        data=data,
    )


def open_statement(note: str) -> tuple[Statement, SignedNote]:
    """Parse a signed statement; no signature is checked.

    Raises:
        MalformedError: the note is not a statement.
    """
    signed = parse_note(note)
    checkpoint = Checkpoint.parse(signed.text)
    extension = signed.text.removeprefix(checkpoint.text())
    match = _LINE.fullmatch(extension.removesuffix("\n"))
    if match is None or int(match[2]) > _LATEST:
        raise MalformedError("the note is a checkpoint, but not a Lognotary statement")
    try:
        kind = StatementKind(match[3])
    except ValueError as error:
        raise MalformedError(f"statements of kind {match[3]!r} are not supported by this Lognotary") from error
    return Statement(checkpoint, int(match[1]), int(match[2]), kind, tuple(match[4].split())), signed


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A KEYS statement.

    Attributes:
        size: number of entries up to which ``before`` sign; from there on ``after`` sign.
        number: the statement's number.
        time: when it was signed, in seconds since the epoch.
        before: the keys that signed so far.
        after: the keys that sign from now on.
    """

    size: int
    number: int
    time: int
    before: tuple[VerifierKey, ...]
    after: tuple[VerifierKey, ...]

    @property
    def signing(self) -> set[VerifierKey]:
        """The keys that sign the statement: ML-DSA-44 signs no extension lines (C2SP tlog-cosignature)."""
        return {key for key in (*self.before, *self.after) if key.key_type is KeyType.ED25519}


def key_change_words(after: Sequence[VerifierKey], before: Sequence[VerifierKey]) -> tuple[str, ...]:
    """Return the words of a KEYS statement."""
    return (*map(str, after), "after", *map(str, before))


def read_key_change(statement: Statement, signed: SignedNote) -> KeyChange:
    """Read a KEYS statement and check that both the old and the new keys it names signed it.

    This does not mean that any of the keys is trusted.

    Raises:
        VerificationError: the statement does not name keys, or is not signed by all of them.
    """
    words = list(statement.words)
    if statement.kind is not StatementKind.KEYS or words.count("after") != 1:
        raise MalformedError("the statement does not say which keys replace which")
    split = words.index("after")
    try:
        after, before = ([VerifierKey.parse(word) for word in part] for part in (words[:split], words[split + 1 :]))
    except KeyMaterialError as error:
        raise MalformedError(f"the keys in the statement cannot be read: {error}") from error
    origin = statement.checkpoint.origin
    change = KeyChange(statement.checkpoint.size, statement.number, statement.time, tuple(before), tuple(after))
    if any(key.name != origin for key in (*after, *before)):
        raise VerificationError("the statement names keys of another log")
    if not change.signing & set(after) or not change.signing & set(before):
        raise VerificationError("the statement does not name an Ed25519 key on both sides")
    missing = change.signing - set(signed.verify(change.signing))
    if missing:
        raise VerificationError(f"the statement is not signed by {', '.join(map(str, missing))}, which it names")
    return change


def read_retention(statement: Statement) -> int | None:
    """Return the retention in seconds from a RETENTION statement, the shortest if there are rules; None for ever.

    Raises:
        MalformedError: the statement does not contain a retention.
    """
    words = statement.words
    known = len(words) in (1, 3) or (len(words) in (2, 4) and _DIGEST.fullmatch(words[1]))
    word = words[0] if known else ""
    if statement.kind is StatementKind.RETENTION and word == "forever":
        return None
    if statement.kind is not StatementKind.RETENTION or not re.fullmatch(r"[1-9][0-9]{0,11}", word):
        raise MalformedError("the statement does not say how long records are kept")
    return int(word)


def data_word(statement: Statement) -> str:
    """Return the word of a statement that is the digest of its data; empty if it has no data."""
    if statement.kind in (StatementKind.WITNESSED, StatementKind.TIMESTAMPED):
        return "".join(statement.words)
    has_rules = statement.kind is StatementKind.RETENTION and len(statement.words) in (2, 4)
    return statement.words[1] if has_rules else ""


def read_receipt_bound(statement: Statement) -> ReceiptBound | None:
    """Return the receipt bound of a HEARTBEAT or RETENTION statement; None where it has none, as older ones.

    Raises:
        MalformedError: its words are no receipt bound.
    """
    after_retention = statement.words[2 if len(statement.words) in (2, 4) else 1 :]
    words = {StatementKind.HEARTBEAT: statement.words, StatementKind.RETENTION: after_retention}.get(statement.kind)
    if not words:
        return None
    match = _BOUND.fullmatch(" ".join(words))
    if match is None or int(match[2]) > statement.time:
        raise MalformedError("the statement does not say from which entry on records were received after which time")
    return ReceiptBound(int(match[1]), int(match[2]))
