"""Settings that a version of ClickHouse does not know are left out.

They have a module of their own, since no module's engine may be open: a process has one embedded storage at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import pytest

from storage.clickhouse import connect
from storage.read_settings import PINNED, without_unknown
from storage.url import parse_storage_url


def test_settings_that_a_version_does_not_know_are_left_out(storage_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = {"setting_of_tomorrow": 1, **PINNED, "setting_of_the_day_after": "x"}
    monkeypatch.setattr("storage.clients.PINNED", unknown)
    with closing(connect(parse_storage_url(storage_url))) as engine:
        assert engine.query("SELECT getSetting('optimize_use_projections')") == b"\x00"


def test_only_settings_that_are_unknown_are_left_out() -> None:
    known = {"b", "d"}
    sent: list[set[str]] = []

    def unknown(settings: Mapping[str, str | int]) -> str | None:
        sent.append(set(settings))
        return next((name for name in settings if name not in known), None)

    assert without_unknown({"a": 1, "b": 2, "c": 3, "d": 4}, unknown) == {"b": 2, "d": 4}
    assert sent == [{"a", "b", "c", "d"}, {"b", "c", "d"}, {"b", "d"}]
