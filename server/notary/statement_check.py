"""Checks of the statements of logs: signatures, numbers, and what follows for keys and retention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from itertools import accumulate

from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind, row_hash
from server.notary.keys import VerifierKey
from server.notary.note import UnknownKeyError
from server.notary.origin import LogName
from server.notary.statement import (
    DROPPED,
    KeyChange,
    ReceiptBound,
    Statement,
    StatementKind,
    StatementRow,
    data_digest,
    data_word,
    open_statement,
    read_key_change,
    read_receipt_bound,
    read_retention,
)
from server.notary.trust import TrustedKeys, fingerprint, follow_key_changes

__all__ = ["LogStatements", "check_statements", "learn_keys", "statement_problem"]

_OF_NOW = (StatementKind.HEARTBEAT, StatementKind.KEYS, StatementKind.RETENTION)
# Seconds for which records may have waited to be signed in logs whose statements have no receipt bounds.
_LONGEST_WAIT = 3600


@dataclass(slots=True)
class LogStatements:
    """The valid statements of one log, in order, and how long its records had to be kept.

    Attributes:
        statements: by number.
        findings: findings about its rows.
    """

    statements: dict[int, Statement] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def expired_before(self, now: int, *, with_drops: bool = True) -> int:
        """Return the time before which records must have been received for retention to have dropped them.

        Times are nanoseconds since the epoch; 0 if there is no statement about retention.

        Args:
            now: the time.
            with_drops: False to leave out statements that the data of a tenant are dropped, which are not about age.
        """
        said = [
            (statement.time * 10**9, read_retention(statement))
            for _, statement in sorted(self.statements.items())
            if statement.kind is StatementKind.RETENTION
        ]
        ends = [time for time, _ in said[1:]] + [now] * bool(said)
        dropped = [
            end - seconds * 10**9
            for (_, seconds), end in zip(said, ends, strict=True)
            if seconds is not None and (with_drops or seconds != DROPPED)
        ]
        return max([0, *dropped])

    @property
    def origins(self) -> set[str]:
        """Origin of the log, as its statements name it; empty if there are none."""
        return {one.checkpoint.origin for one in self.statements.values()}

    @property
    def last_retention(self) -> int | None:
        """Retention that was stated last, in seconds; None for ever, 0 if there is no statement about retention."""
        said = [number for number, one in self.statements.items() if one.kind is StatementKind.RETENTION]
        return read_retention(self.statements[max(said)]) if said else 0

    @property
    def drops(self) -> tuple[int, ...]:
        """When the log stated that all records that it had may be gone, as is done when a tenant is dropped.

        In order, in seconds since the epoch.
        """
        said = (one for one in self.statements.values() if one.kind is StatementKind.RETENTION)
        return tuple(sorted(one.time for one in said if read_retention(one) == DROPPED))

    def receipt_bounds(self) -> list[ReceiptBound]:
        """Return the signed receipt bounds: from each entry on, records were received at the bound's time or later.

        In order; both numbers only grow. Statements without receipt bounds also count until the first that has one:
        they are older, and the entries in storage stand for the signed entries.
        """
        bounds: list[ReceiptBound] = []
        bare = True
        for _, statement in sorted(self.statements.items()):
            bound = read_receipt_bound(statement)
            if bound is not None:
                bare = False
                bounds.append(bound)
            elif bare and statement.kind in _OF_NOW:
                bounds.append(ReceiptBound(statement.checkpoint.size, statement.time - _LONGEST_WAIT))
        bounds.sort(key=lambda bound: (bound.first, bound.earliest))
        latest = accumulate((bound.earliest for bound in bounds), max)
        return [ReceiptBound(bound.first, earliest) for bound, earliest in zip(bounds, latest, strict=True)]


def learn_keys(rows: Iterable[StatementRow], keys: TrustedKeys) -> TrustedKeys:
    """Return the trusted keys, extended by those that key changes lead to."""
    changes: defaultdict[str, set[KeyChange]] = defaultdict(set)  # others' may have the same numbers
    for row in rows:
        try:
            statement, note = open_statement(row.note)
            if statement.kind is StatementKind.KEYS:
                change = read_key_change(statement, note)
                changes[statement.checkpoint.origin].add(change)
        except VerificationError:
            continue  # it has a finding when it is checked
    in_order = {origin: sorted(made, key=lambda change: change.number) for origin, made in changes.items()}
    return follow_key_changes(keys, in_order)


def check_statements(rows: Iterable[StatementRow], keys: TrustedKeys) -> dict[str, LogStatements]:
    """Check all statements that are stored.

    Args:
        rows: the rows of ``log_statements``.
        keys: the trusted keys, including those that ``learn_keys`` found.

    Returns:
        The statements of each log, by LogId.
    """
    logs: defaultdict[str, LogStatements] = defaultdict(LogStatements)
    origins: dict[str, str] = {}
    broken: defaultdict[str, list[StatementRow]] = defaultdict(list)
    altered: set[tuple[str, int]] = set()  # statements known by a row that has a finding only
    for row in rows:
        home, statement, finding = _check(row, keys)
        log = logs[home]
        if statement is not None:
            origins[home] = statement.checkpoint.origin
            before = log.statements.setdefault(statement.number, statement)
            if before is not statement:
                # Of two rows of one statement one is too many: the one that was altered, if one was.
                copied = statement == before and (home, statement.number) in altered
                finding = finding or (None if copied else _repeated(row, statement, before))
                altered.discard((home, statement.number))
            elif finding is not None:
                altered.add((home, statement.number))
        else:
            broken[home].append(row)
        if finding is not None:
            log.findings.append(finding)
    for home, log in logs.items():
        log.findings += _missing(home, origins.get(home, ""), log.statements, broken[home])
    return dict(logs)


def statement_problem(row: StatementRow, keys: TrustedKeys) -> str:
    """Return the reason why a row is not a valid statement of its log; empty if it is valid.

    Args:
        row: a row of ``log_statements``.
        keys: the trusted keys, including those that ``learn_keys`` found.
    """
    finding = _check(row, keys)[2]
    return "" if finding is None else finding.message


def _check(row: StatementRow, keys: TrustedKeys) -> tuple[str, Statement | None, Finding | None]:
    """Return the log that a row belongs to, its statement if that is signed, and a finding if it is invalid."""
    try:
        statement, note = open_statement(row.note)
        home = LogName.parse(statement.checkpoint.origin).log_id
        try:
            signers = keys.check_statement(statement, note)
        except UnknownKeyError as error:
            with suppress(UnknownKeyError):  # the origin may have been altered, which the signatures name too
                note.verify([key for signature in note.signatures for key in keys.every(signature.name)])
            finding = _finding(FindingKind.STATEMENT_FOREIGN_SIGNED, row, f"it is {error}")
            return row.log_id, None, replace(finding, signers=error.signers)
        named = set(signers)
        if statement.kind is StatementKind.KEYS:  # signed by all that it names, believed or not
            named |= read_key_change(statement, note).signing
        elif statement.kind is StatementKind.RETENTION:
            read_retention(statement)
        read_receipt_bound(statement)
        _check_columns(row, home, statement, named, len(note.signatures))
    except _ColumnError as error:
        return home, statement, _finding(FindingKind.STATEMENT_ALTERED, row, str(error), statement)
    except VerificationError as error:
        return row.log_id, None, _finding(FindingKind.STATEMENT_ALTERED, row, f"it is not as it was signed: {error}")
    time = statement.time * 10**9
    if all(keys.compromised_by([key], time) for key in signers):
        what = f"it is signed by {fingerprint(signers[0].public_key)}, a key that was compromised by then"
        return home, statement, _finding(FindingKind.SIGNED_BY_COMPROMISED_KEY, row, what, statement)
    return home, statement, None


class _ColumnError(VerificationError):
    """The note is valid, but a column of its row is not."""


def _check_columns(
    row: StatementRow, home: str, statement: Statement, signers: set[VerifierKey], signatures: int
) -> None:
    word = data_word(statement)
    for column, stored, signed in (
        ("LogId", row.log_id, home),
        ("Number", row.number, statement.number),
        ("Kind", row.kind, statement.kind.value),
        ("TreeSize", row.tree_size, statement.checkpoint.size),
        ("SignedAt", row.signed_at, statement.time),
        ("Data", data_digest(row.data) if word else row.data, word or b""),
    ):
        if stored != signed:
            raise _ColumnError(f"{column} does not agree with the note")
    if len(signers) != signatures:
        raise _ColumnError("the note has signatures that were not made by the log's keys")


def _repeated(row: StatementRow, statement: Statement, before: Statement) -> Finding:
    if statement == before:
        return _finding(FindingKind.STATEMENT_DUPLICATED, row, "its row is stored more than once", statement)
    what = "another signed statement has the same number: the log has two histories"
    return _finding(FindingKind.LOG_FORKED, row, what, statement)


def _missing(log_id: str, origin: str, good: dict[int, Statement], broken: Sequence[StatementRow]) -> Iterator[Finding]:
    """Report statements that are not stored; a broken row counts as one of them."""
    gone = sorted(set(range(1, max(good, default=0) + 1)) - set(good))
    named = {row.number for row in broken}
    left = [number for number in gone if number not in named]
    spare = sum(row.number not in gone for row in broken)  # their number was altered too
    left = left[spare:]
    for first, last in _runs(left):
        numbers = f"{first}" if first == last else f"{first} to {last}"
        yield Finding(
            FindingKind.STATEMENT_MISSING,
            f"{origin or log_id}: statement {numbers} is not stored",
            log_id=log_id,
            origin=origin,
            sequence=first,
        )


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = 0
    for at, number in enumerate(numbers):
        first = first or number
        if numbers[at + 1 : at + 2] != [number + 1]:
            yield first, number
            first = 0


def _finding(kind: FindingKind, row: StatementRow, what: str, statement: Statement | None = None) -> Finding:
    origin = statement.checkpoint.origin if statement else ""
    number = statement.number if statement else row.number
    return Finding(
        kind,
        f"statement {number} of {origin or f'log {row.log_id}'}: {what}",
        log_id=LogName.parse(origin).log_id if origin else row.log_id,
        origin=origin,
        sequence=number,
        row_hash=row_hash([getattr(row, column.name) for column in fields(row)]),
    )
