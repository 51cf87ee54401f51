"""The call ``ListGaps``: periods in which nobody signed a statement of a log.

Storage finds them by the times in its columns, which anybody with the right to insert rows may have written. So the two
statements around a gap are checked. Inserted rows may hide a gap, and verification reports such rows.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from lognotary.v1 import evidence_pb2 as pb
from server.api.checkpoints import parse_log
from server.api.messages import from_nanos
from server.api.time_ranges import in_seconds, parse_time_range
from server.notary.errors import MalformedError
from server.notary.origin import LogName
from server.notary.statement import StatementRow
from server.notary.statement_check import statement_problem
from server.notary.trust import TrustedKeys
from server.query.limits import LimitedEngine, QueryLimits
from storage.engine import Engine
from storage.statement_gaps import StatementGap, read_statement_gaps
from storage.statements import read_numbered_statements

__all__ = ["list_gaps"]

_SIZE, _LARGEST = 100, 1000
_LONGEST = (1 << 63) - 1
_LIMITS = QueryLimits()

_Rows = Mapping[tuple[str, int], Sequence[StatementRow]]


def list_gaps(
    engine: Engine, keys: TrustedKeys, request: pb.ListGapsRequest, limits: QueryLimits = _LIMITS
) -> pb.ListGapsResponse:
    """Answer ``EvidenceService.ListGaps``, with the gaps of the logs that the caller may read.

    Raises:
        InvalidArgumentError: the log's name or the range of time cannot be used.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    since, until = parse_time_range(request)
    end = in_seconds(until)
    now = time.time_ns() // 10**9
    size = min(request.limit or _SIZE, _LARGEST)
    limited = LimitedEngine(engine, limits)
    found = read_statement_gaps(
        limited,
        since=0 if since is None else since // 10**9,
        until=now if end is None else end,
        now=now,
        least=min(request.min_seconds, _LONGEST) or None,
        most=size + 1,
        log_id=parse_log(request.log) if request.log else None,
    )
    around = _statements_around(limited, found[:size])
    return pb.ListGapsResponse(gaps=[_message(gap, around, keys) for gap in found[:size]], truncated=len(found) > size)


def _statements_around(engine: Engine, gaps: Sequence[StatementGap]) -> _Rows:
    """Return the rows of the statements before and after gaps, by LogId and number."""
    places = {(gap.log_id, gap.number) for gap in gaps}
    places |= {(gap.log_id, gap.next_number) for gap in gaps if gap.until is not None}
    rows: defaultdict[tuple[str, int], list[StatementRow]] = defaultdict(list)
    for row in read_numbered_statements(engine, places):
        rows[row.log_id, row.number].append(row)
    return rows


def _message(gap: StatementGap, around: _Rows, keys: TrustedKeys) -> pb.Gap:
    before = _at(around, gap.log_id, gap.number, gap.since)
    problem = _problem(before, keys)
    message = pb.Gap(
        log_id=gap.log_id,
        since=from_nanos(gap.since * 10**9),
        last_statement=gap.number,
        last_tree_size=gap.size,
        usual_seconds=gap.usual,
    )
    rows = list(before)
    if gap.until is not None:
        after = _at(around, gap.log_id, gap.next_number, gap.until)
        problem = problem or _problem(after, keys)
        message.until.CopyFrom(from_nanos(gap.until * 10**9))
        message.next_statement, message.next_tree_size = gap.next_number, gap.next_size
        message.missing_statements = max(0, gap.next_number - gap.number - 1)
        rows += after
    message.origin = next((name for row in rows if (name := _origin(row))), "")
    message.problem = problem
    return message


def _at(around: _Rows, log_id: str, number: int, signed_at: int) -> list[StatementRow]:
    return [row for row in around.get((log_id, number), ()) if row.signed_at == signed_at]


def _problem(rows: Sequence[StatementRow], keys: TrustedKeys) -> str:
    """Return why none of the rows of one statement is valid; empty if one is."""
    problems = [statement_problem(row, keys) for row in rows]
    return "" if "" in problems else next(iter(problems), "the statement is no longer stored")


def _origin(row: StatementRow) -> str:
    """Return the origin that a note names, if its ID is the LogId of the row; empty otherwise."""
    with suppress(MalformedError):
        name = LogName.parse(row.note.partition("\n")[0])
        if name.log_id == row.log_id:
            return name.origin
    return ""
