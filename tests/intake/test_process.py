"""The context of a process: what it still does when it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.access.token_uses import read_uses
from server.data_dir.directory import DataDirectory
from server.intake.process import started_process
from server.process.lifecycle import Signals
from server.process.pools import open_pools
from server.settings.settings import load_settings


async def test_the_last_uses_of_tokens_are_written_when_a_process_ends(tmp_path: Path) -> None:
    settings = load_settings({"data_dir": str(tmp_path)}, {})
    with DataDirectory(tmp_path) as data, open_pools() as pools:
        with started_process(settings, data, pools, Signals(), asyncio.Event(), "token") as process:
            process.tokens.uses.note("a", 1_700_000_000)
            assert read_uses(tmp_path) == {}
        assert read_uses(tmp_path) == {"a": 1_700_000_000}
