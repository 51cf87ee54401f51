"""Schedules derived from seeds."""

from __future__ import annotations

import random

from tests.faults.kinds import KINDS
from tests.faults.plan import Plan, Senders
from tests.faults.senders import Habits

__all__ = ["derive"]

_ACKS = ("commit", "journal")


def derive(seed: int, kind: str = "", *, ack: str = "", seconds: float = 0.0) -> Plan:
    """Return the schedule of a seed.

    Args:
        seed: the seed; consecutive seeds go through all kinds.
        kind: name of a kind; empty for the seed's own.
        ack: the server's ``--ack``; empty for the seed's own.
        seconds: length of the schedule in seconds; 0 for the seed's own, 5 to 12.
    """
    choose = random.Random(seed)
    names = list(KINDS)
    name = kind or names[seed % len(names)]
    wanted = KINDS[name]
    seconds = seconds or choose.uniform(5.0, 12.0)
    flags: dict[str, str | float] = {
        "ack": ack or choose.choice(_ACKS),
        "workers": choose.choice((1, 1, 1, 2)),
        "batch_rows": choose.choice((50, 1000, 50000)),
        "batch_age": choose.choice((0.05, 0.25, 0.5)),
        "ack_timeout": choose.choice((1, 3, 10)),
        **wanted.flags,
    }
    habits = Habits(
        threads=choose.choice((2, 4, 8)),
        records=choose.choice((1, 4, 20)),
        large=choose.choice((0.0, 0.02)),
        timeout=choose.choice((2.0, 5.0, 20.0)),
    )
    senders = Senders(
        habits,
        sdk_grpc=choose.random() < 0.4,
        sdk_http=choose.random() < 0.4,
        collector=choose.random() < 0.3,
        file_collector=choose.random() < 0.2,
    )
    steps = tuple(sorted(wanted.make(choose, seconds), key=lambda step: step.at))
    return Plan(seed, name, flags, senders, steps, seconds, wanted.needs, wanted.down_at_start)
