"""A schedule: senders, faults, the end of all faults, and the check."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.clickhouse_http import QueryError
from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import run_lognotary
from harness.waiting import wait_for
from tests.faults.collector_sender import CollectorSender, file_collector, grpc_collector
from tests.faults.ledger import Ledger, Outcome
from tests.faults.plan import Plan, Step
from tests.faults.sdk_senders import SdkSender, grpc_exporter, http_exporter
from tests.faults.senders import RawSenders, Sender
from tests.faults.site import Fault, Site
from tests.faults.stored import StoredRecords, count_ids, read_batches, read_records, rows_of
from tests.faults.timeline import Timeline
from tests.faults.verdict import Verdict, judge
from tests.faults.volume import Volume

__all__ = ["Result", "run_schedule"]

_TICK = 0.02  # seconds between steps of the timeline: its clock, not a wait
_BETWEEN_LOOKS = 0.2  # seconds between looks at a condition
_HEALED_SECONDS = 240.0  # seconds in which everything must work again after the faults


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a schedule.

    Attributes:
        plan: the plan of the schedule.
        verdict: everything that was wrong.
        records: number of records that were sent.
        sends: number of times that records were sent, by outcome.
        stored: number of rows of records in storage.
        hits: number of faults that hit a request, a process, a disk, a table or a system call.
        notes: events with their times.
        seconds: duration in seconds.
    """

    plan: Plan
    verdict: Verdict
    records: int
    sends: Counter[Outcome]
    stored: int
    hits: int
    notes: tuple[str, ...]
    seconds: float


def run_schedule(plan: Plan, node: ClickHouseNode, node_volume: Volume, directory: Path) -> Result:
    """Run a schedule on a running ClickHouse server, which runs afterwards too.

    Args:
        plan: the plan of the schedule.
        node: the ClickHouse server.
        node_volume: volume with the data of the ClickHouse server.
        directory: directory for everything else, which must not exist yet; logs stay in it.
    """
    began = time.monotonic()
    ledger = Ledger()
    site = Site(plan, node, node_volume, directory)
    try:
        with site:
            site.begin()
            senders = _senders(site, ledger)
            for sender in senders:
                sender.start()
            try:
                _follow(site)
                deadline = time.monotonic() + _HEALED_SECONDS
                late = _wait(site, site.ready, deadline, lambda: f"the server was not ready: {site.not_ready()}")
            except BaseException:
                deadline = 0.0
                raise
            finally:
                # Senders of a schedule that failed are not left running.
                sentences = [sentence for sender in senders for sentence in sender.finish(deadline)]
            late += sentences
            late += _wait_until_stored(site, ledger)
            status = site.server.stop()
            if status != 0:
                late.append(f"the server stopped with status {status}")
            try:
                verdict = _check(site, ledger, late)
                records = read_records(node, site.database)
            except QueryError as error:
                verdict, records = Verdict(late=(*late, f"storage cannot be read: {error}")), StoredRecords()
            if wrong := [line.split()[0] for line in verdict.records]:
                (directory / "rows.tsv").write_text(rows_of(node, site.database, wrong[:500]))
    finally:
        site.start_clickhouse()
        _keep(site, directory)
        site.dismantle()
    return Result(
        plan=plan,
        verdict=verdict,
        records=ledger.records(),
        sends=ledger.sends(),
        stored=records.signed.total() + records.unsigned.total(),
        hits=site.hits,
        notes=tuple(site.notes),
        seconds=time.monotonic() - began,
    )


def _senders(site: Site, ledger: Ledger) -> list[Sender]:
    wanted = site.plan.senders
    senders: list[Sender] = [RawSenders(site.otlp_grpc, ledger, wanted.habits, site.plan.seed)]
    if wanted.sdk_grpc:
        senders.append(SdkSender("sdk-grpc", ledger, partial(grpc_exporter, site.otlp_grpc)))
    if wanted.sdk_http:
        senders.append(SdkSender("sdk-http", ledger, partial(http_exporter, f"http://{site.otlp_http}")))
    if wanted.collector:
        made = grpc_collector(site.otlp_grpc, site.directory / "collector")
        senders.append(CollectorSender("collector", *made, ledger, partial(_count, site, "collector-")))
    if wanted.file_collector:
        made = file_collector(f"http://{site.otlp_http}", site.directory / "file-collector")
        senders.append(CollectorSender("file-collector", *made, ledger, partial(_count, site, "file-collector-")))
    return senders


def _follow(site: Site) -> None:
    """Carry out the steps of the plan at their times, and undo all faults in the end."""
    line = Timeline(site.plan.patience)
    with ExitStack() as healing:

        def begin(step: Step, _last: bool) -> bool:
            fault = site.do(step)
            if fault is None:
                return False
            # Undone once: when its time is over, or at the end of the schedule.
            undo = healing.enter_context(ExitStack())
            undo.callback(fault.undo)
            line.at(step.at + step.seconds, partial(end, fault, undo))
            return True

        def end(fault: Fault, undo: ExitStack, last: bool) -> bool:
            if not last and not fault.has_hit():
                return False
            undo.close()
            return True

        def start_clickhouse(_last: bool) -> bool:
            site.start_clickhouse()
            return True

        for step in site.plan.steps:
            line.at(step.at, partial(begin, step))
        if site.plan.down_at_start:
            healing.callback(site.start_clickhouse)
            line.at(0.3 * site.plan.seconds, start_clickhouse)
        while line.position < site.plan.seconds:
            began = time.monotonic()
            site.supervise()
            time.sleep(_TICK)  # the clock of the schedule: nothing is awaited
            line.advance(time.monotonic() - began)
    site.note("all is healed")


def _wait(site: Site, condition: Callable[[], bool], deadline: float, otherwise: Callable[[], str]) -> list[str]:
    def holds() -> bool:
        if condition():
            return True
        site.supervise()
        return False

    try:
        wait_for(holds, deadline - time.monotonic(), every=_BETWEEN_LOOKS)
    except TimeoutError:
        return [otherwise()]
    return []


def _count(site: Site, prefix: str) -> int:
    try:
        return count_ids(site.node, site.database, prefix)
    except (OSError, QueryError):
        return 0


def _wait_until_stored(site: Site, ledger: Ledger) -> list[str]:
    """Wait until all acknowledged records are stored, while more are stored: journals may be long, machines slow."""
    wanted = {name for request in ledger.requests if request.acknowledged for name in request.ids}
    known = -1
    while (stored := _count(site, "")) > known:
        known = stored
        if not _wait(site, lambda: _all_stored(site, wanted), time.monotonic() + _HEALED_SECONDS, str):
            return []
    return ["nothing more was stored, and not all was there"]


def _all_stored(site: Site, wanted: set[str]) -> bool:
    if _count(site, "") < len(wanted):
        return False
    records = read_records(site.node, site.database)
    return all(records.signed[name] for name in wanted)


def _check(site: Site, ledger: Ledger, late: list[str]) -> Verdict:
    verified = run_lognotary(
        "verify", "--json", "--storage", site.storage_url, "--data-dir", str(site.server.data_dir), cwd=site.directory
    )
    findings = [
        json.dumps(step["finding"]) for line in verified.stdout.splitlines() if "finding" in (step := json.loads(line))
    ]
    if verified.returncode != bool(findings) or '"summary"' not in verified.stdout:
        findings.append(f"verify ended with status {verified.returncode}: {verified.stderr[-1000:]}")
    return judge(
        ledger.requests,
        read_records(site.node, site.database),
        read_batches(site.node, site.database),
        workers=int(site.plan.flags.get("workers", 1)),
        findings=findings,
        late=late,
    )


def _keep(site: Site, directory: Path) -> None:
    """Write down what happened, and copy the logs before their volume is unmounted."""
    (directory / "schedule.txt").write_text(site.plan.describe() + "\n\n" + "\n".join(site.notes) + "\n")
    for log in (directory / "server").glob("data.*"):
        (directory / f"server-{log.name}").write_bytes(log.read_bytes())
