"""A server that is cut off from storage while another one takes its writer's name over: the log does not fork."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import grpc
import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer, ServerNotReadyError, read_verification, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from storage.writers import LEASE
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way

_LONG = 240.0  # seconds, on a busy machine


@dataclass
class Writer:
    """A writer's name, the server that is cut off, and the one that takes the name over."""

    name: str
    cut: LognotaryServer
    other: LognotaryServer
    acknowledged: list[str] = field(default_factory=list)  # and in storage, sooner or later
    only_in_journal: list[str] = field(default_factory=list)

    def send(self, server: LognotaryServer, acknowledged: list[str], text: str) -> None:
        body = f"{self.name} {text}"
        send(server.otlp_grpc, log_record(body))
        acknowledged.append(body)

    def send_until_it_ends(self) -> None:
        """Send to the server that was cut off, as long as it runs; with --ack commit nothing is acknowledged."""
        deadline = time.monotonic() + _LONG
        count = 0
        while self.cut.running:
            assert time.monotonic() < deadline, self.cut.log_tail()
            count += 1
            with contextlib.suppress(grpc.RpcError):
                self.send(self.cut, self.only_in_journal, f"to a server without a lease {count}")


@pytest.mark.timeout(900)
def test_a_server_that_was_cut_off_ends_and_commits_nothing_more(
    clickhouse_server: ClickHouseServer, database: str, tmp_path: Path
) -> None:
    def url(base: str) -> str:
        return urlunsplit(urlsplit(base)._replace(path=f"/{database}"))

    def query(sql: str) -> str:
        return clickhouse_server.query(sql, database=database)

    def stored() -> Counter[str]:
        return Counter(json.loads(query("SELECT toJSONString(groupArray(Body)) FROM otel_logs FORMAT TSVRaw")))

    with Proxy(clickhouse_server.url) as proxy, contextlib.ExitStack() as stack:
        kinds = {"commit": ("commit", 1), "journal": ("journal", 1), "workers": ("commit", 2)}
        writers = []
        for name, (ack, workers) in kinds.items():
            cut, other = (
                LognotaryServer(
                    url(base), tmp_path / f"{name}-{which}", batch_age=0.02, writer=name, ack=ack, workers=workers
                )
                for which, base in (("cut", proxy.url), ("other", clickhouse_server.url))
            )
            stack.callback(cut.stop)
            stack.callback(other.stop)
            writers.append(Writer(name, cut, other))
        commit, journal, _ = writers
        for writer in writers:
            writer.cut.start()
            writer.send(writer.cut, writer.acknowledged, "before")
            shutil.copytree(writer.cut.data_dir / "keys", writer.other.data_dir / "keys")
        wait_for(lambda: stored().total() == len(writers), _LONG)
        wait_for(lambda: query("SELECT uniqExact(Origin) FROM log_batches") == str(len(writers)), _LONG)

        outage = proxy.begin(Trouble(Way.REFUSE))
        journal.send(journal.cut, journal.only_in_journal, "while it was cut off")
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            commit.send(commit.cut, commit.acknowledged, "while it was cut off")
        wait_for(lambda: query(f"SELECT max(SeenAt) < now64(3) - {LEASE} FROM log_writers") == "1", _LONG)
        for writer in writers:
            writer.other.start()
            writer.send(writer.other, writer.acknowledged, "to the other server")
        proxy.end(outage)
        for writer in writers:
            writer.send_until_it_ends()
            writer.send(writer.other, writer.acknowledged, "afterwards")

        for writer in writers:
            assert writer.cut.stop() == 2
            last = writer.cut.log_text().splitlines()[-1]
            assert last.startswith("lognotary: ")
            assert f":{writer.other.data_dir}" in last
            assert f"has taken over the name lognotary/{writer.name}" in last
            assert "Traceback" not in writer.cut.log_text()
            assert writer.other.running
            assert journal is writer or not writer.only_in_journal
        expected = [body for writer in writers for body in writer.acknowledged]
        wait_for(lambda: stored().total() >= len(expected), _LONG)
        assert stored() == Counter(expected)
        inspected = run_lognotary("journal", "inspect", "--json", "--data-dir", str(journal.cut.data_dir))
        entries = [entry for line in inspected.stdout.splitlines() for entry in json.loads(line)["entries"]]
        kept = sum(e["records"] for e in entries if e.get("origin") == "lognotary/operational/journal")
        assert kept == 1 + len(journal.only_in_journal)  # the first is in storage, and in the segment still
        # Batch 2 is in the journal only, and storage has another one in its place.
        assert journal.other.stop() == 0
        for _ in range(2):
            with pytest.raises(ServerNotReadyError):
                journal.cut.start()
            assert journal.cut.stop() == 2
            last = journal.cut.log_text().splitlines()[-1]
            assert "storage has another history: batch 2 of the log lognotary/operational/journal" in last
            assert "Nothing was deleted" in last
            again = run_lognotary("journal", "inspect", "--json", "--data-dir", str(journal.cut.data_dir))
            assert again.stdout == inspected.stdout
        assert stored() == Counter(expected)
        # As the message says: the journal is moved away, and the server continues the log.
        (journal.cut.data_dir / "journal" / "operational").rename(tmp_path / "kept")
        journal.cut.start()
        journal.send(journal.cut, journal.acknowledged, "without the journal")
        expected.append(journal.acknowledged[-1])
        assert journal.cut.stop() == 0
        wait_for(lambda: stored() == Counter(expected), _LONG)

    keys = [f"--public-key={writer.other.public_key}" for writer in writers]
    verified = run_lognotary("verify", "--json", "--storage", url(clickhouse_server.url), *keys)
    findings, summary = read_verification(verified.stdout)
    assert (findings, verified.returncode) == ([], 0), verified.stderr
    assert summary.records == len(expected)
