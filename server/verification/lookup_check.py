"""Replay of lookups: a check that the statements of answers find the records that are stored and signed.

An administrator of the database can hide records from answers without changing any: by replacing the files of an index,
or by a row policy or a view that examines the statement. Verification, which reads all records, then finds nothing
missing. So it also looks some records up, by the values that people search for, and requires that they are found.

Nobody can predict the records and the page size. The statements are identical to the statements of answers that look
up one value: a trace, an actor, a target or a source. Other answers are not replayed.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from random import Random

from server.notary.batch import Batch
from server.notary.canonical import decode_record
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName, Stream
from storage.answer_limits import AnsweringEngine, QueryLimits
from storage.conditions import Column, IsOneOf
from storage.engine import Engine
from storage.errors import LimitExceededError
from storage.lookups import of_condition, within
from storage.read_settings import FULL_SCAN
from storage.records import AuditFilter, Lookup, Place, of_audit_events, of_trace, read_records_at, select_rows
from storage.schema import RECORD_TABLES
from storage.stored_records import StoredRecord, select_records

__all__ = ["LookupCheck", "Lookups"]

_TRACE = "TraceId"
_WORDS = {_TRACE: "trace", "ActorId": "actor", "TargetId": "target", "SourceId": "source"}
_AT_ONCE = 500  # records that are read, and looked up, together
# Rows that answers read, including one that shows whether more follow: for the default page size and for common ones.
_TRACE_PAGE, _PAGE = 1001, 101
_PAGES = (6, 11, 21, 26, 51, 201, 501, 1001)
_MOST_PAGES = 20  # pages, enough for all records that are looked up together
_LIMITS = QueryLimits()  # of answers
_LAST_LEAF = (1 << 64) - 1
_LAST_TIME = (1 << 63) - 1  # nanoseconds since the epoch


@dataclass(frozen=True, slots=True)
class Lookups:
    """Lookups to replay.

    Attributes:
        records: number of records of each log, drawn at random, that are looked up.
        all_audit: look up all audit records, however long that takes.
        seed: decides which records are drawn; None for others each time.
    """

    records: int = 2
    all_audit: bool = False
    seed: str | None = None


class LookupCheck:
    """Lookups of records of one log, all of which are stored as they were signed.

    Attributes:
        lookups: number of lookups that were replayed up to now.
    """

    def __init__(self, engine: Engine, name: LogName, lookups: Lookups) -> None:
        """Begin with no record.

        Args:
            engine: the storage.
            name: the log.
            lookups: how many records are looked up.
        """
        self._engine = engine
        self._name = name
        self._all = lookups.all_audit and name.stream is Stream.AUDIT
        self._random = Random(None if lookups.seed is None else f"{lookups.seed} {name.origin}")  # noqa: S311 - no key
        self._drawn: list[tuple[int, Batch] | None] = [] if self._all else [None] * lookups.records
        self._seen = 0
        self.lookups = 0

    def take(self, batches: Sequence[Batch]) -> Iterator[Finding]:
        """Look up the records of batches, or draw some of them; in the order of the log.

        Raises:
            StorageError: storage cannot be read.
        """
        for batch in batches:
            self._seen += batch.record_count
            if self._all:
                leaves = iter(range(batch.first_leaf, batch.tree_size))
                while some := list(islice(leaves, _AT_ONCE)):
                    yield from self._look_up(dict.fromkeys(some, batch))
            for slot in range(len(self._drawn)):
                # So each slot has any of the records seen so far, each as likely.
                if self._random.randrange(self._seen) < batch.record_count:
                    self._drawn[slot] = self._random.randrange(batch.first_leaf, batch.tree_size), batch

    def drawn(self) -> Iterator[Finding]:
        """Look up the records that were drawn. Raises as ``take``."""
        drawn = dict(filter(None, self._drawn))
        if drawn:
            yield from self._look_up(drawn)

    def _look_up(self, drawn: Mapping[int, Batch]) -> Iterator[Finding]:
        """Look up records, given by their leaves, with the batch of each."""
        stream, log_id = self._name.stream, self._name.log_id
        records = {record.leaf_index: record for record in read_records_at(self._engine, stream, log_id, drawn, 1)}
        missed: defaultdict[int, list[_Missed]] = defaultdict(list)
        for leaf in drawn.keys() - records.keys():
            missed[leaf].append(_Missed("its leaf", _at(stream, log_id, [leaf])))
        by_value: defaultdict[tuple[str, str], list[StoredRecord]] = defaultdict(list)
        for record in records.values():
            for column, value in _values(record):
                by_value[column, value].append(record)
        for (column, value), wanted in by_value.items():
            forms = _forms(stream, column, value, partial(self._page, len(wanted)))
            for form in forms if self._all else [self._random.choice(forms)]:
                self.lookups += 1
                for leaf in self._missing(form, wanted):
                    missed[leaf].append(_Missed(f"its {_WORDS[column]} {value!r}", form.lookup))
        if missed:
            # Retention may have dropped some meanwhile.
            for record in self._scan(_at(stream, log_id, sorted(missed))):
                yield self._finding(record, drawn[record.leaf_index], missed.pop(record.leaf_index, ()))

    def _page(self, records: int, usual: int) -> int:
        """Draw the size of pages on which to look for a number of records."""
        others = [page for page in _PAGES if page * _MOST_PAGES >= records]
        return self._random.choice((usual, self._random.choice(others)))

    def _missing(self, form: _Form, wanted: Sequence[StoredRecord]) -> set[int]:
        """Return the leaves of those records that are on no page of an answer on which they belong."""
        missing = {record.leaf_index for record in wanted}
        lookup = form.lookup
        ahead = sorted(wanted, key=_order, reverse=lookup.latest_first)
        if form.in_windows:  # one of them has all that are wanted
            ends = sorted(record.timestamp for record in wanted)
            lookup = within(lookup, ends[0], ends[-1] + 1 if ends[-1] < _LAST_TIME else None)
        after: Place | None = None
        while ahead:
            rows = self._answer(lookup, form.page, after)
            missing -= {row.leaf_index for row in rows if row.log_id == self._name.log_id}
            if len(rows) < form.page:
                break
            end = _order(rows[-1])
            ahead = [each for each in ahead if (_order(each) < end if lookup.latest_first else _order(each) > end)]
            if ahead:  # pages between are left out
                after = _right_before(ahead[0], latest_first=lookup.latest_first)
        return missing

    def _answer(self, lookup: Lookup, page: int, after: Place | None) -> list[StoredRecord]:
        """Return rows as an answer reads them, with its limits; an answer that would reach one is made without them."""
        try:
            return select_rows(self._answering(), lookup, page, after)
        except LimitExceededError:
            return select_rows(self._engine, lookup, page, after)

    def _answering(self) -> AnsweringEngine:
        # The first statement of an answer may take all its time, a later one what is left.
        left = self._random.choice((_LIMITS.seconds, self._random.uniform(1, _LIMITS.seconds)))
        return AnsweringEngine(self._engine, lambda: _LIMITS.settings(left))

    def _finding(self, record: StoredRecord, batch: Batch, missed: Sequence[_Missed]) -> Finding:
        name, table = self._name, RECORD_TABLES[self._name.stream]
        if all(any(self._scan(each.lookup, record)) for each in missed):
            cause = f"an index of {table} does not lead to it: clear its indexes, and materialize them again"
        else:
            cause = f"a policy, a view or a filter of {table} hides it from these statements"
        return Finding(
            FindingKind.ANSWER_INCOMPLETE,
            f"{name.origin}: answers leave out record {record.leaf_index}, which is stored as it was signed. It is not "
            f"found by {' or '.join(each.words for each in missed)}; {cause}",
            log_id=name.log_id,
            origin=name.origin,
            batch_id=batch.batch_id,
            sequence=batch.sequence,
            leaf_index=record.leaf_index,
            record=record.as_signed(batch.canonical_version)[0],
            record_count=1,
        )

    def _scan(self, lookup: Lookup, record: StoredRecord | None = None) -> Iterator[StoredRecord]:
        """Look up without indexes; only one record, if one is given, with the limits of answers."""
        condition, parameters = lookup.condition, dict(lookup.parameters)
        if record is not None:
            condition += " AND LogId = {its_log:String} AND LeafIndex = {its_leaf:UInt64}"
            parameters |= {"its_log": record.log_id, "its_leaf": record.leaf_index}
            with contextlib.suppress(LimitExceededError):
                engine = self._answering()
                return iter([*select_records(engine, lookup.stream, condition, parameters, settings=FULL_SCAN)])
        return select_records(self._engine, lookup.stream, condition, parameters, settings=FULL_SCAN)


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement of answers: the lookup, the rows that a page asks for, and whether it looks in windows of time."""

    lookup: Lookup
    page: int
    in_windows: bool = False


@dataclass(frozen=True, slots=True)
class _Missed:
    """A lookup that does not find a record: by what it was looked up, in words, and the lookup."""

    words: str
    lookup: Lookup


def _values(record: StoredRecord) -> Iterator[tuple[str, str]]:
    """Yield the columns by which answers look up a record, with its values."""
    fields = decode_record(record.stream, record.canonical)
    for column in _WORDS:
        value = fields.get(column)
        if isinstance(value, bytes) and value:
            with contextlib.suppress(UnicodeDecodeError):  # nobody can ask for what is no text
                yield column, value.decode()


def _forms(stream: Stream, column: str, value: str, page: Callable[[int], int]) -> list[_Form]:
    """Return how the calls of the API look for a value: those of their own filters first, then those of queries.

    Args:
        stream: stream of the records.
        column: column of the value.
        value: the value.
        page: function that returns the size of pages, given the usual one.
    """
    query = of_condition(stream, IsOneOf(Column(column), (value,)), latest_first=True)
    if column == _TRACE:
        return [_Form(of_trace(stream, value), page(_TRACE_PAGE)), _Form(query, page(_PAGE))]
    events = of_audit_events(AuditFilter({column: value}))
    return [_Form(events, page(_PAGE), in_windows=True), _Form(query, page(_PAGE), in_windows=True)]


def _at(stream: Stream, log_id: str, leaves: Sequence[int]) -> Lookup:
    condition = "LogId = {log:String} AND LeafIndex IN {leaves:Array(UInt64)}"
    return Lookup(stream, condition, {"log": log_id, "leaves": leaves})


def _order(record: StoredRecord) -> tuple[int, str, int]:
    return record.timestamp, record.log_id, record.leaf_index


def _right_before(record: StoredRecord, *, latest_first: bool) -> Place:
    leaf = min(record.leaf_index + 1, _LAST_LEAF) if latest_first else record.leaf_index - 1
    timestamp = record.timestamp
    if leaf < 0:
        timestamp, leaf = timestamp - 1, _LAST_LEAF
    return Place(record.stream, timestamp, record.log_id, leaf, record.batch_id, b"")
