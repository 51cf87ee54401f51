"""The kinds of faults, and the timelines of each kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.plan import Deed, Needs, Step
from tests.faults.trouble import Trouble, Way, bare_error, error_200, error_of, garbage

__all__ = ["KINDS", "Kind"]

Make = Callable[[random.Random, float], Sequence[Step]]

_INSERTS = ("INSERT INTO", "otel_logs", "audit_logs", "log_tiles", "log_batches", "log_statements")
_TABLES = ("otel_logs", "audit_logs", "log_tiles", "log_batches")
# READONLY, TABLE_IS_READ_ONLY, NOT_ENOUGH_SPACE, MEMORY_LIMIT_EXCEEDED, TOO_MANY_PARTS, UNKNOWN_TABLE: said
# before anything is stored.
_CERTAIN_CODES = (164, 242, 243, 241, 252, 60)
# TIMEOUT_EXCEEDED, SOCKET_TIMEOUT, NETWORK_ERROR, UNKNOWN_STATUS_OF_INSERT, QUERY_WAS_CANCELLED: the outcome is
# unknown.
_UNCERTAIN_CODES = (159, 209, 210, 319, 394)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of faults.

    Attributes:
        make: function that returns the steps of a timeline of a number of seconds.
        needs: requirements that the machine must meet.
        flags: flags that the server must have.
        down_at_start: True if ClickHouse is started only after the server.
    """

    make: Make
    needs: frozenset[Needs] = frozenset()
    flags: Mapping[str, str | float] = field(default_factory=dict)
    down_at_start: bool = False


def _spread(choose: random.Random, seconds: float, least: int, most: int) -> list[float]:
    """Return between ``least`` and ``most`` times in order, none near the ends."""
    return sorted(choose.uniform(0.1, 0.8) * seconds for _ in range(choose.randint(least, most)))


def _troubles(make: Callable[[random.Random], Trouble], longest: float = 3.0) -> Make:
    def steps(choose: random.Random, seconds: float) -> list[Step]:
        return [
            Step(at, choose.uniform(0.2, longest), Deed.TROUBLE, make(choose)) for at in _spread(choose, seconds, 2, 5)
        ]

    return steps


def _way(way: Way) -> Callable[[random.Random], Trouble]:
    def make(choose: random.Random) -> Trouble:
        everything = choose.random() < 0.2
        where = "" if everything else choose.choice(_INSERTS)
        return Trouble(way, where, choose.choice((0.3, 1.0)), choose.uniform(0.05, 1.5))

    return make


def _refuse(_: random.Random) -> Trouble:
    return Trouble(Way.REFUSE)


def _answer_of(choose: random.Random, kind: str) -> Trouble:
    applied = choose.random() < 0.5
    match kind:
        case "certain":
            answer = error_of(choose.choice(_CERTAIN_CODES))
        case "uncertain":
            answer = error_of(choose.choice(_UNCERTAIN_CODES), applied=applied)
        case "200":
            code = choose.choice(_CERTAIN_CODES + _UNCERTAIN_CODES)
            if choose.random() < 0.3:
                answer = error_of(code, applied=applied and code in _UNCERTAIN_CODES, status="200 OK")
            else:
                answer = error_200(code, applied=applied, tagged=choose.random() < 0.5)
        case "bare":
            answer = bare_error(choose.choice(("502 Bad Gateway", "503 Service Unavailable")), applied=applied)
        case _:
            answer = garbage(choose.randrange(4), applied=applied)
    return Trouble(Way.ANSWER, choose.choice(_INSERTS), choose.choice((0.3, 1.0)), answer=answer)


def _answers(kind: str) -> Make:
    return _troubles(lambda choose: _answer_of(choose, kind))


def _deeds(*deeds: Deed, shortest: float, longest: float, most: int = 3) -> Make:
    """Return a maker of steps that do one of these deeds each; delays let some fall between the inserts of a batch."""

    def steps(choose: random.Random, seconds: float) -> list[Step]:
        made: list[Step] = []
        for at in _spread(choose, seconds, 1, most):
            last = choose.uniform(shortest, longest)
            made.append(Step(at, last, choose.choice(deeds)))
            if choose.random() < 0.5:
                delay = Trouble(choose.choice((Way.DELAY_REQUEST, Way.DELAY_ANSWER)), choose.choice(_INSERTS), 1.0, 0.4)
                made.append(Step(max(0.0, at - 0.5), 0.6, Deed.TROUBLE, delay))
        return made

    return steps


def _tables(deed: Deed) -> Make:
    def steps(choose: random.Random, seconds: float) -> list[Step]:
        times = _spread(choose, seconds, 1, 3)
        # One after another: a table cannot be renamed twice.
        return [
            Step(at, min(choose.uniform(0.3, 2.0), next_ - at - 0.05), deed, table=choose.choice(_TABLES))
            for at, next_ in zip(times, [*times[1:], seconds], strict=True)
            if next_ - at > 0.2
        ]

    return steps


# How the journal and the data directory are written; os.pwritev is pwritev2.
_CALLS = ("fsync", "fsync", "pwritev2", "pwritev2", "rename", "openat", "ftruncate", "unlink", "write")


def _inject(errors: Sequence[str]) -> Make:
    def steps(choose: random.Random, seconds: float) -> list[Step]:
        times = [seconds * (0.1 + 0.3 * number) for number in range(3)]
        return [
            Step(
                at,
                0.25 * seconds,
                Deed.INJECT,
                call=choose.choice(_CALLS),
                when=str(choose.choice((1, 1, 2, 3, 5, 8))) + choose.choice(("", "", "+")) * bool(errors[0]),
                error=choose.choice(errors),
            )
            for at in times
        ]

    return steps


def _mixed(choose: random.Random, seconds: float) -> list[Step]:
    names = [name for name, kind in _SINGLE.items() if not kind.needs and name not in ("table-away", "too-many-parts")]
    made = [step for name in choose.sample(names, 3) for step in _SINGLE[name].make(choose, seconds)]
    return sorted(choose.sample(made, min(len(made), 6)), key=lambda step: step.at)


_TMPFS, _STRACE = frozenset({Needs.TMPFS}), frozenset({Needs.STRACE})

_SINGLE: dict[str, Kind] = {
    "refuse": Kind(_troubles(_refuse)),
    "cut-before": Kind(_troubles(_way(Way.CUT_BEFORE))),
    "cut-during": Kind(_troubles(_way(Way.CUT_DURING))),
    "cut-answer": Kind(_troubles(_way(Way.CUT_ANSWER))),
    "cut-in-answer": Kind(_troubles(_way(Way.CUT_IN_ANSWER))),
    "delay": Kind(_troubles(lambda choose: _way(choose.choice((Way.DELAY_REQUEST, Way.DELAY_ANSWER)))(choose))),
    "black-hole": Kind(_troubles(_way(Way.HOLD))),
    "duplicate": Kind(_troubles(_way(Way.DUPLICATE))),
    "error-certain": Kind(_answers("certain")),
    "error-uncertain": Kind(_answers("uncertain")),
    "error-200": Kind(_answers("200")),
    "error-bare": Kind(_answers("bare")),
    "garbage": Kind(_answers("garbage")),
    "kill-server": Kind(_deeds(Deed.KILL_SERVER, shortest=0.05, longest=1.0)),
    "kill-worker": Kind(_deeds(Deed.KILL_WORKER, shortest=0.1, longest=0.2), flags={"workers": 2}),
    "stop-server": Kind(_deeds(Deed.STOP_SERVER, shortest=0.05, longest=1.0)),
    "pause-server": Kind(_deeds(Deed.PAUSE_SERVER, shortest=0.5, longest=6.0)),
    "kill-clickhouse": Kind(_deeds(Deed.KILL_CLICKHOUSE, shortest=0.1, longest=3.0)),
    "stop-clickhouse": Kind(_deeds(Deed.STOP_CLICKHOUSE, shortest=0.1, longest=3.0)),
    "pause-clickhouse": Kind(_deeds(Deed.PAUSE_CLICKHOUSE, shortest=0.5, longest=6.0)),
    "kill-both": Kind(_deeds(Deed.KILL_SERVER, Deed.KILL_CLICKHOUSE, shortest=0.1, longest=2.0, most=5)),
    "down-at-start": Kind(_deeds(Deed.KILL_SERVER, shortest=0.1, longest=0.5, most=1), down_at_start=True),
    "table-away": Kind(_tables(Deed.HIDE_TABLE)),
    "too-many-parts": Kind(_tables(Deed.TOO_MANY_PARTS)),
    "full-clickhouse": Kind(_deeds(Deed.FILL_CLICKHOUSE, shortest=0.5, longest=3.0), _TMPFS),
    "full-server": Kind(_deeds(Deed.FILL_SERVER, shortest=0.5, longest=3.0), _TMPFS),
    "full-and-kill": Kind(
        _deeds(Deed.FILL_SERVER, Deed.FILL_CLICKHOUSE, Deed.KILL_SERVER, shortest=0.3, longest=2.0, most=5), _TMPFS
    ),
    "syscall-error": Kind(_inject(("EIO", "ENOSPC")), _STRACE),
    "syscall-kill": Kind(_inject(("",)), _STRACE),
}

KINDS: Mapping[str, Kind] = {**_SINGLE, "mixed": Kind(_mixed)}
"""All kinds by name."""
