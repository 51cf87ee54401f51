"""Signals that ask a process to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from server.process.lifecycle import Signals


async def test_signals_that_come_together_are_one_request_to_stop() -> None:
    signals = Signals()
    for _ in range(3):
        signals.ask_to_stop(signal.SIGINT)
    assert signals.stop.is_set()


async def test_a_later_signal_ends_the_process_at_once_after_its_workers() -> None:
    program = (
        "import asyncio, os, time\n"
        "from server.process import lifecycle\n"
        "lifecycle._SAME_REQUEST = -1.0\n"
        "signals = lifecycle.Signals()\n"
        "signals.before_end.extend([lambda: 1 / 0, lambda: print('the workers are killed')])\n"
        "signals.ask_to_stop(2)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ
    )
    output, log = await process.communicate()
    assert (process.returncode, output) == (128 + 2, b"the workers are killed\n")
    assert b"ending at once" in log
