"""Lookups that verification replays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from server.verification.lookup_check import Lookups
from server.verification.scope import Scope
from server.verification.verification import verify
from storage.engine import EngineWrapper
from tests.tamper.stated import Stated


class Recording(EngineWrapper):
    """Engine that records the LIMIT of statements by actor and by target."""

    def __init__(self, stated: Stated) -> None:
        super().__init__(stated.reader)
        self.limits: set[int] = set()

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        if (limit := re.search(r"LIMIT \{limit:UInt64\}|LIMIT (\d+)$", select)) and "TargetId" in select:
            self.limits.add(int(limit[1] or (parameters or {})["limit"]))
        return super().query(select, parameters, settings=settings)


def test_the_page_sizes_of_replayed_lookups_are_those_that_people_give(stated: Stated) -> None:
    engine = Recording(stated)
    for _ in verify(engine, stated.keys, Scope(lookups=Lookups(all_audit=True, seed="any"))):
        pass
    assert {21, 51, 101, 1001} <= engine.limits
