"""The call ``ListStatements``: the signed statements of one log, in pages."""

from __future__ import annotations

from collections.abc import Sequence

from lognotary.v1 import evidence_pb2 as pb
from server.api.checkpoints import parse_log
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.messages import from_nanos
from server.api.page_tokens import StatementPosition, make_statements_token, parse_statements_token
from server.api.time_ranges import in_seconds, parse_time_range
from server.errors.suggestions import not_one_of
from server.notary.origin import LogName
from server.notary.statement import StatementKind, StatementRow, open_statement
from server.notary.statement_check import statement_problem
from server.notary.trust import TrustedKeys
from server.query.limits import LimitedEngine, QueryLimits
from storage.batch_lookup import read_known_logs
from storage.engine import Engine
from storage.statements import StatementPage, read_stated_logs, read_statement_page

__all__ = ["list_statements"]

_PAGE_SIZE, _LARGEST = 100, 1000
_KINDS = tuple(kind.value for kind in StatementKind)
_LIMITS = QueryLimits()


def list_statements(
    engine: Engine, keys: TrustedKeys, request: pb.ListStatementsRequest, limits: QueryLimits = _LIMITS
) -> pb.ListStatementsResponse:
    """Answer ``EvidenceService.ListStatements``.

    Raises:
        InvalidArgumentError: the log's name, a kind, the range of time or the page token cannot be used.
        NotFoundError: there is no such log.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    log_id = parse_log(request.log)
    for kind in sorted(request.kinds):
        if kind not in _KINDS:
            raise InvalidArgumentError(f"kinds: {not_one_of(kind, _KINDS)}")
    kinds = sorted(set(request.kinds))
    since, until = parse_time_range(request)
    asked = repr(("statements", log_id, kinds, since, until))
    position = parse_statements_token(request.page_token, asked) if request.page_token else StatementPosition()
    size = min(request.page_size or _PAGE_SIZE, _LARGEST)
    page = StatementPage(
        log_id,
        position.number,
        position.skipped,
        size + 1,
        kinds,
        since=in_seconds(since) or 0,
        until=in_seconds(until),
    )
    limited = LimitedEngine(engine, limits)
    rows = read_statement_page(limited, page)
    if not rows and not (read_known_logs(limited, [log_id]) or read_stated_logs(limited, [log_id])):
        raise NotFoundError(f"there is no log {request.log}; list the logs with 'lognotary checkpoint --list'")
    problems = [statement_problem(row, keys) for row in rows[:size]]
    valid = (row for row, problem in zip(rows, problems, strict=False) if not problem)
    return pb.ListStatementsResponse(
        origin=request.log if request.log != log_id else next((_origin(row) for row in valid), ""),
        log_id=log_id,
        statements=[_message(row, problem) for row, problem in zip(rows, problems, strict=False)],
        next_page_token=make_statements_token(_after(rows[:size], position), asked) if len(rows) > size else "",
    )


def _after(rows: Sequence[StatementRow], position: StatementPosition) -> StatementPosition:
    """Return the position after the rows of a page."""
    last = rows[-1].number
    alike = sum(row.number == last for row in rows)
    return StatementPosition(last, alike + (position.skipped if last == position.number else 0))


def _origin(row: StatementRow) -> str:
    statement, _ = open_statement(row.note)
    return LogName.parse(statement.checkpoint.origin).origin


def _message(row: StatementRow, problem: str) -> pb.Statement:
    return pb.Statement(
        number=row.number,
        kind=row.kind,
        tree_size=row.tree_size,
        signed_at=from_nanos(row.signed_at * 10**9),
        note=row.note,
        data=row.data,
        problem=problem,
    )
