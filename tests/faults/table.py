"""Results of schedules as lines and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.ledger import Outcome
from tests.faults.schedule import Result

__all__ = ["progress_line", "table"]

_COLUMNS = (
    "fault kind",
    "schedules",
    "hits",
    "records sent",
    "acknowledged",
    "refused",
    "unknown",
    "stored",
    "double as documented",
    "lost",
    "doubled",
    "doubled after a refusal",
    "unsigned",
    "findings",
)


def progress_line(number: int, of: int, result: Result) -> str:
    """Return one line about a schedule."""
    verdict = result.verdict
    sends = result.sends
    return (
        f"[{number}/{of}] {'ok  ' if verdict.good else 'FAIL'} seed {result.plan.seed} {result.plan.kind}: "
        f"{result.records} records, {sends[Outcome.ACKNOWLEDGED]} acknowledged, {sends[Outcome.REFUSED]} refused, "
        f"{sends[Outcome.UNKNOWN]} unknown, {result.hits} hits, {result.seconds:.0f} s"
    )


def table(results: Sequence[Result]) -> str:
    """Return a Markdown table: a row for each kind, and the totals."""
    kinds = list(dict.fromkeys(result.plan.kind for result in results))
    groups = [(kind, [result for result in results if result.plan.kind == kind]) for kind in sorted(kinds)]
    rows = [_COLUMNS, *(_row(kind, group) for kind, group in [*groups, ("**all**", list(results))])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    return "\n".join(_lines(rows, widths))


def _row(name: str, results: Sequence[Result]) -> tuple[str, ...]:
    def total(outcome: Outcome) -> int:
        return sum(result.sends[outcome] for result in results)

    verdicts = [result.verdict for result in results]
    numbers = (
        len(results),
        sum(result.hits for result in results),
        sum(result.records for result in results),
        total(Outcome.ACKNOWLEDGED),
        total(Outcome.REFUSED),
        total(Outcome.UNKNOWN),
        sum(result.stored for result in results),
        sum(verdict.repeats for verdict in verdicts),
        sum(len(verdict.lost) for verdict in verdicts),
        sum(len(verdict.doubled) for verdict in verdicts),
        sum(len(verdict.doubled_refused) for verdict in verdicts),
        sum(len(verdict.unsigned) for verdict in verdicts),
        sum(len(verdict.findings) + len(verdict.disorder) + len(verdict.late) for verdict in verdicts),
    )
    return (name, *(f"{number:,}".replace(",", " ") for number in numbers))


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for number, row in enumerate(rows):
        # Names to the left, numbers to the right.
        name, *numbers = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        numbers = [cell.strip().rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
        yield f"| {' | '.join([name, *numbers])} |"
        if number == 0:
            rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
            yield f"| {' | '.join(rule)} |"
