"""Gaps between the statements of logs: periods in which nobody signed one, found by storage in one pass."""

from __future__ import annotations

from dataclasses import dataclass

from storage.engine import Engine
from storage.rowbinary import int64, read_rows, text, uint64

__all__ = ["FEWEST_HEARTBEATS", "StatementGap", "read_statement_gaps"]

FEWEST_HEARTBEATS = 3
"""Number of heartbeats of a log from which on the time between them is known."""

_LATEST = 100  # heartbeats of each log, whose distances are usual
_TIMES = 3  # the usual distance, from which on there is a gap
_SHORTEST = 60  # seconds
_IF_UNKNOWN = 1800  # seconds

_ALL = "log_statements"
_OF_LOG = "(SELECT * FROM log_statements WHERE LogId = {log:String})"


@dataclass(frozen=True, slots=True)
class StatementGap:
    """A gap, as the columns of the statements around it have it, unverified. Times are seconds since the epoch.

    Attributes:
        log_id: the log's short ID.
        since: when the last statement before it was signed.
        number: number of this statement.
        size: number of entries in the log then.
        until: when the first statement after it was signed; None if there is none.
        next_number: number of this statement.
        next_size: number of entries in the log then.
        usual: median of the times between the log's latest heartbeats; 0 if there are too few.
    """

    log_id: str
    since: int
    number: int
    size: int
    until: int | None
    next_number: int
    next_size: int
    usual: int


def read_statement_gaps(
    engine: Engine, *, since: int, until: int, now: int, least: int | None, most: int, log_id: str | None = None
) -> list[StatementGap]:
    """Return the gaps that overlap with a range of time, the latest first.

    Args:
        engine: the storage.
        since: start of the range, in seconds since the epoch; gaps that end there are left out.
        until: end of the range; gaps that begin there are left out.
        now: end of the gaps that last.
        least: seconds of the shortest gap; None for three times the usual distance of the log's heartbeats, or half an
            hour if it is not known.
        most: number of gaps, at most.
        log_id: ID of the log; None for all logs.

    Raises:
        StorageError: storage cannot be read.
    """
    parameters = {"since": since, "until": until, "now": now, "least": least or 0, "most": most}
    rows = (
        engine.query(_gaps(_ALL), parameters)
        if log_id is None
        else engine.query(_gaps(_OF_LOG), parameters | {"log": log_id})
    )
    readers = (text, int64, uint64, uint64, int64, uint64, uint64, uint64)
    return [
        StatementGap(log_id, signed, number, size, None if after < 0 else after, next_number, next_size, usual)
        for log_id, signed, number, size, after, next_number, next_size, usual in read_rows(rows, readers)
    ]


def _gaps(statements: str) -> str:
    """Return the query for the gaps between the statements of a table, or of a query in parentheses."""
    # In the order of the table's key, so that storage reads and compares rows without keeping them.
    steps = f"""
SELECT LogId, Number, TreeSize, toInt64(toUnixTimestamp(SignedAt)) AS Signed,
    leadInFrame(toInt64(toUnixTimestamp(SignedAt)), 1, toInt64(-1)) OVER ahead AS NextSigned,
    leadInFrame(Number) OVER ahead AS NextNumber,
    leadInFrame(TreeSize) OVER ahead AS NextSize
FROM {statements}
WINDOW ahead AS (PARTITION BY LogId ORDER BY Number, SignedAt ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)
"""
    usual = f"""
SELECT LogId, toUInt64(greatest(0, quantileExact(0.5)(Signed - Before))) AS Usual, count() + 1 AS Heartbeats
FROM (
    SELECT LogId, toInt64(toUnixTimestamp(SignedAt)) AS Signed,
        lagInFrame(toInt64(toUnixTimestamp(SignedAt)), 1, toInt64(-1)) OVER behind AS Before
    FROM (
        SELECT LogId, Number, SignedAt FROM {statements}
        WHERE Kind = 'heartbeat' AND toInt64(toUnixTimestamp(SignedAt)) < {{until:Int64}}
        ORDER BY LogId DESC, Number DESC LIMIT {_LATEST} BY LogId
    )
    WINDOW behind AS (PARTITION BY LogId ORDER BY Number, SignedAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE Before >= 0 GROUP BY LogId
"""
    return f"""
SELECT toString(LogId), Signed, Number, TreeSize, NextSigned, NextNumber, NextSize,
    if(Heartbeats >= {FEWEST_HEARTBEATS}, Usual, 0) AS UsualIfKnown
FROM ({steps}) AS steps LEFT JOIN ({usual}) AS usual USING (LogId)
WHERE Signed < {{until:Int64}} AND if(NextSigned < 0, {{now:Int64}}, NextSigned) > {{since:Int64}}
    AND if(NextSigned < 0, {{now:Int64}}, NextSigned) - Signed > multiIf(
        {{least:Int64}} > 0, {{least:Int64}},
        Heartbeats >= {FEWEST_HEARTBEATS}, toInt64(greatest({_SHORTEST}, {_TIMES} * Usual)),
        {_IF_UNKNOWN}
    )
ORDER BY Signed DESC, LogId, Number DESC LIMIT {{most:UInt64}}
"""
