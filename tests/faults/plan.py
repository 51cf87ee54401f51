"""Plan of a schedule, derived from its seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.faults.senders import Habits
from tests.faults.trouble import Trouble

__all__ = ["Deed", "Needs", "Plan", "Senders", "Step"]


class Deed(Enum):
    """A fault of the processes, the disks or the tables, which is undone when its time is over."""

    TROUBLE = "trouble"  # between server and ClickHouse
    KILL_SERVER = "kill -9 of the server"
    KILL_WORKER = "kill -9 of a worker"
    STOP_SERVER = "SIGTERM to the server"
    PAUSE_SERVER = "SIGSTOP of the server"
    KILL_CLICKHOUSE = "kill -9 of ClickHouse"
    STOP_CLICKHOUSE = "SIGTERM to ClickHouse"
    PAUSE_CLICKHOUSE = "SIGSTOP of ClickHouse"
    HIDE_TABLE = "table renamed"
    TOO_MANY_PARTS = "limit of parts reached"
    FILL_CLICKHOUSE = "ClickHouse's disk full"
    FILL_SERVER = "the server's disk full"
    INJECT = "strace"


class Needs(Enum):
    """Requirements of a schedule."""

    TMPFS = auto()
    STRACE = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """One fault on the timeline.

    Attributes:
        at: seconds after the senders began.
        seconds: duration of the fault in seconds.
        deed: the fault.
        trouble: the trouble of ``Deed.TROUBLE``.
        table: name of the table, for faults of tables.
        call: system call of ``Deed.INJECT``, as are ``when`` and ``error`` (see ``syscalls.Injection``).
    """

    at: float
    seconds: float
    deed: Deed
    trouble: Trouble | None = None
    table: str = ""
    call: str = ""
    when: str = ""
    error: str = ""

    def __str__(self) -> str:
        what = self.deed.value
        if self.trouble is not None:
            trouble = self.trouble
            what = f"{trouble.way.value} of {trouble.share:.0%} of requests with {trouble.where!r}"
            what += f" by {trouble.seconds:.2f} s" * bool(trouble.seconds)
            if trouble.answer is not None:
                what += (
                    f" ({'after' if trouble.answer.applied else 'instead of'} doing it): {trouble.answer.raw[:200]!r}"
                )
        elif self.table:
            what += f": {self.table}"
        elif self.call:
            what += f": {self.error or 'SIGKILL'} at {self.call}, when={self.when}"
        return f"{self.at:5.2f} s, for {self.seconds:.2f} s: {what}"


@dataclass(frozen=True, slots=True)
class Senders:
    """The senders of a plan.

    Attributes:
        habits: habits of the raw senders.
        sdk_grpc, sdk_http: True if an application with the SDK's exporter sends too.
        collector: True if a Collector that is built with Go sends too, over gRPC.
        file_collector: True if a Collector from PyPI that reads a file sends too, over HTTP.
    """

    habits: Habits
    sdk_grpc: bool = False
    sdk_http: bool = False
    collector: bool = False
    file_collector: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule.

    Attributes:
        seed: seed that the schedule was derived from, with ``kind``.
        kind: kind of the faults.
        flags: flags of the server.
        senders: the senders.
        steps: the timeline.
        seconds: length of the timeline in seconds; all faults are undone after it.
        needs: requirements that the machine must meet.
        down_at_start: True if ClickHouse is started only after the server.
        patience: seconds in all for which the timeline waits for steps that cannot begin yet, and for steps that have
            not hit anything yet; 0 to wait for none.
    """

    seed: int
    kind: str
    flags: dict[str, str | float]
    senders: Senders
    steps: tuple[Step, ...]
    seconds: float
    needs: frozenset[Needs] = field(default_factory=frozenset)
    down_at_start: bool = False
    patience: float = 0.0

    def random(self, purpose: str) -> random.Random:
        """Return a generator for choices that are not in the plan; each replay makes the same choices."""
        return random.Random(f"{self.seed}/{purpose}")

    def describe(self) -> str:
        """Return the plan for people."""
        flags = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in self.flags.items())
        lines = [f"seed {self.seed}, {self.kind}: {self.seconds:.1f} s", f"  server: {flags}", f"  {self.senders}"]
        if self.down_at_start:
            lines.append("  ClickHouse is started after the server")
        return "\n".join([*lines, *(f"  {step}" for step in self.steps)])
