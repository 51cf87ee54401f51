"""The access log of a process: its failure stops the process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access_log.event import AccessEvent, Outcome
from server.access_log.noticed import DeniedSenders
from server.intake.access_log import running_access_log
from server.own_records.sender import OwnRecords
from server.process.background import TaskFailedError
from server.settings.values import Address


class Broken(OwnRecords):
    """A client with a defect."""

    def send_access(self, tenant: str, scope: str, records: Sequence[LogRecord]) -> None:
        raise ZeroDivisionError(f"{len(records)} record of {scope}{tenant}")


async def test_an_unexpected_error_in_the_access_log_stops_the_process(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()
    process: Any = SimpleNamespace(
        settings=SimpleNamespace(access_log="on"),
        signals=SimpleNamespace(stop=stop),
        denied_senders=DeniedSenders(),
    )

    async def run() -> None:
        with running_access_log(process, Broken(Address("127.0.0.1", 1), "")) as log:
            log.note(AccessEvent("search", Outcome.SUCCESS))
            await asyncio.wait_for(stop.wait(), 60)

    with pytest.raises(TaskFailedError, match=r"'access log' failed.*1 record of lognotary\.access"):
        await run()
    assert "the background task 'access log' failed; the process is stopping" in caplog.text
    assert "1 record of who looked was lost" in caplog.text
