"""Many logs in one journal: whenever the process is killed, each log has every acknowledged record once."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from harness.bound_process import BoundProcess
from harness.waiting import wait_for
from server.notary.findings import Finding
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.verification.scope import Scope, Summary
from server.verification.verification import verify
from storage.clickhouse import connect
from storage.migrate import migrate
from storage.rowbinary import read_rows, text
from storage.schema import RECORD_TABLES
from storage.url import parse_storage_url
from tests.system.many_logs_process import names_of, signer_of

LOGS = 40
LIVES = 6
SEED = "5a" * 32
TABLE = RECORD_TABLES[Stream.OPERATIONAL]


@pytest.mark.parametrize("way", ["commit", "append"])
def test_kill_loses_and_repeats_nothing_of_any_log(storage_url: str, tmp_path: Path, way: str) -> None:
    with closing(connect(parse_storage_url(storage_url))) as engine:
        migrate(engine)
    directory, acknowledged = tmp_path / "server" / "journal", tmp_path / "acknowledged"

    def process(rounds: int = 0) -> BoundProcess:
        arguments = [storage_url, str(directory), SEED, str(LOGS), way, str(rounds)]
        command = [sys.executable, "-m", "tests.system.many_logs_process", *arguments]
        root = Path(__file__).parents[2]
        return BoundProcess(command, log=tmp_path / "log", stdout=acknowledged, cwd=root)

    def rounds_acknowledged() -> list[str]:
        content = acknowledged.read_text() if acknowledged.exists() else ""
        return content[: content.rfind("\n") + 1].split()

    for life in range(LIVES):
        writer, before = process(), len(rounds_acknowledged())
        writer.start()
        wait_for(lambda: len(rounds_acknowledged()) > before + life or not writer.running)  # noqa: B023
        assert writer.running, (tmp_path / "log").read_text()
        writer.kill()
    last = process(rounds=1)
    last.start()
    wait_for(lambda: not last.running)
    assert len(set(rounds_acknowledged())) == len(rounds_acknowledged()) > LIVES, (tmp_path / "log").read_text()

    names, signer = names_of(LOGS), signer_of(SEED)
    with closing(connect(parse_storage_url(storage_url))) as engine:
        keys = TrustedKeys(named=tuple(signer.verifier_key(name.origin) for name in names))
        steps = list(verify(engine, keys, Scope()))
        assert [step for step in steps if isinstance(step, Finding)] == []
        [summary] = [step for step in steps if isinstance(step, Summary)]
        assert summary.logs == LOGS
        for name in names:
            rows = engine.query(f"SELECT Body FROM {TABLE} WHERE LogId = {{log:String}}", {"log": name.log_id})
            stored = Counter(body for (body,) in read_rows(rows, (text,)))
            assert set(stored.values()) == {1}
            assert set(rounds_acknowledged()) <= set(stored)
            # In each life, the records of one more round may have been on their way.
            assert len(stored) <= len(rounds_acknowledged()) + LIVES
