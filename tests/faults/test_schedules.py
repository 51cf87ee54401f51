"""Short schedules of faults against the real server: nothing acknowledged is lost, nothing double, all is signed.

``make faults`` runs many more, and longer ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.clickhouse_source import ServerUnavailableError
from harness.collector_binaries import CollectorUnavailableError, packaged_collector
from harness.lacking import lacking, require_tools
from harness.lognotary_server import LognotaryServer
from harness.waiting import wait_for
from tests.faults.campaign import Bench, able, bench
from tests.faults.derive import derive
from tests.faults.ledger import Ledger, Outcome
from tests.faults.plan import Deed, Needs, Plan, Senders, Step
from tests.faults.schedule import Result
from tests.faults.senders import Habits, RawSenders
from tests.faults.stored import read_batches, read_records
from tests.faults.verdict import Verdict, judge

SECONDS = 3.2
PATIENCE = 120.0  # seconds: all steps are taken and hit something, however slow the machine is
FEW = Senders(Habits(threads=3, records=4, timeout=5.0))
SDKS = replace(FEW, sdk_grpc=True, sdk_http=True)


@pytest.fixture(scope="module")
def shared_bench() -> Iterator[Bench]:
    """A ClickHouse of the tests' own. Where none can be had: an error in CI, a skip that says why elsewhere."""
    with bench() as made:
        try:
            made.node.start()
        except ServerUnavailableError as error:
            lacking(f"no ClickHouse server of the tests' own: {error}")
        yield made


def run(at: Bench, plan: Plan, directory: Path) -> Result:
    result = at.run(plan, directory / "schedule")
    wrong = "\n".join(result.verdict.lines())
    assert result.verdict.good, f"{plan.describe()}\n{wrong}\n" + "\n".join(result.notes)
    assert result.sends[Outcome.ACKNOWLEDGED] > 0, "nothing was acknowledged, so nothing was tested"
    return result


def kills(plan: Plan) -> int:
    """Return how many steps do something to a process: troubles between may meet a server that is down."""
    return sum(step.deed is not Deed.TROUBLE for step in plan.steps)


def test_errors_that_come_after_status_200_lose_and_repeat_nothing(shared_bench: Bench, tmp_path: Path) -> None:
    plan = derive(1, "error-200", ack="commit", seconds=SECONDS)
    plan = replace(plan, senders=SDKS, flags={**plan.flags, "workers": 1}, patience=PATIENCE)
    assert run(shared_bench, plan, tmp_path).hits >= len(plan.steps)


def test_killing_either_side_loses_and_repeats_nothing(shared_bench: Bench, tmp_path: Path) -> None:
    plan = derive(1, "kill-both", ack="journal", seconds=SECONDS)
    plan = replace(plan, senders=FEW, flags={**plan.flags, "workers": 1})
    assert run(shared_bench, plan, tmp_path).hits >= kills(plan) > 0


def test_a_collector_brings_all_it_took_whatever_happens_to_the_server(shared_bench: Bench, tmp_path: Path) -> None:
    try:
        packaged_collector()
    except CollectorUnavailableError as error:
        lacking(str(error))
    plan = derive(3, "kill-server", ack="commit", seconds=SECONDS)
    # Not refused because the machine is slow: what a killed server had refused in the moment before may come twice.
    flags = {**plan.flags, "ack_timeout": PATIENCE}
    plan = replace(plan, senders=replace(FEW, file_collector=True), flags=flags)
    assert run(shared_bench, plan, tmp_path).hits >= kills(plan) > 0


def test_a_full_disk_loses_and_repeats_nothing(shared_bench: Bench, tmp_path: Path) -> None:
    if Needs.TMPFS not in able():
        lacking("file systems cannot be mounted here: that takes root, and a machine that permits it")
    steps = (
        Step(0.5, 0.8, Deed.FILL_SERVER),
        Step(1.5, 0.8, Deed.FILL_CLICKHOUSE),
        Step(2.5, 0.8, Deed.FILL_SERVER),
        Step(2.8, 0.2, Deed.KILL_SERVER),
    )
    flags: dict[str, str | float] = {"ack": "journal", "batch_age": 0.1, "ack_timeout": 1}
    plan = Plan(1, "full", flags, FEW, steps, SECONDS, patience=PATIENCE)
    assert run(shared_bench, plan, tmp_path).hits == len(steps)


def test_errors_and_death_at_system_calls_lose_and_repeat_nothing(shared_bench: Bench, tmp_path: Path) -> None:
    require_tools("strace")
    points = (
        ("pwritev2", "1", "ENOSPC"),
        ("fsync", "2", "EIO"),
        ("fsync", "1", ""),
        ("rename", "1", ""),
    )
    steps = tuple(
        Step(0.3 + 1.4 * number, 1.2, Deed.INJECT, call=call, when=when, error=error)
        for number, (call, when, error) in enumerate(points)
    )
    flags: dict[str, str | float] = {"ack": "journal", "batch_age": 0.1, "ack_timeout": 1}
    plan = Plan(1, "syscalls", flags, FEW, steps, 0.3 + 1.4 * len(points), patience=PATIENCE)
    assert run(shared_bench, plan, tmp_path).hits >= len(points)


def test_the_check_sees_what_is_changed_in_storage(shared_bench: Bench, tmp_path: Path) -> None:
    """Records that are gone, there twice, or there without a signature: as schedules check it."""
    node, database, ledger = shared_bench.node, "faults_changed", Ledger()
    with LognotaryServer(f"{node.url}/{database}", tmp_path / "data", batch_age=0.1) as server:
        senders = RawSenders(server.otlp_grpc, ledger, Habits(threads=2, large=0.0, again=0.0), seed=1)
        senders.start()
        wait_for(lambda: ledger.sends()[Outcome.ACKNOWLEDGED] >= 40)
        assert senders.finish(deadline=0.0) == []

    def verdict() -> Verdict:
        return judge(ledger.requests, read_records(node, database), read_batches(node, database))

    def change(statement: str) -> None:
        node.query(statement, database=database, settings={"mutations_sync": 1})

    assert verdict() == Verdict()
    one = "LogAttributes['test.id'] = 'raw-0-0-1'"
    change(f"INSERT INTO otel_logs SELECT * REPLACE (generateUUIDv4() AS BatchId) FROM otel_logs WHERE {one}")
    seen = verdict()
    assert (len(seen.doubled), seen.unsigned, seen.disorder) == (1, ("raw-0-0-1",), ())
    change(f"ALTER TABLE otel_logs DELETE WHERE {one}")
    seen = verdict()
    assert (len(seen.lost), seen.doubled, seen.unsigned, len(seen.disorder)) == (1, (), (), 1)
    change("INSERT INTO otel_logs SELECT * FROM otel_logs WHERE LogAttributes['test.id'] = 'raw-0-0-2'")
    assert len(verdict().doubled) == 1
    change("ALTER TABLE log_batches DELETE WHERE Sequence = 1")
    seen = verdict()
    assert seen.unsigned
    assert len(seen.disorder) >= 2
