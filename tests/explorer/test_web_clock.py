"""The clocks that the explorer's modules read."""

from __future__ import annotations

from pathlib import Path

WEB = Path(__file__).parents[2] / "server" / "explorer" / "web"
OF_THE_BROWSER = {"api", "trust"}
"""Folders that may read the browser's own clock: one compares it with the server's, the other keeps when it looked."""


def test_ages_and_ranges_are_counted_from_the_time_of_the_server_and_not_of_the_browser() -> None:
    modules = {file: file.read_text(encoding="utf-8") for file in WEB.glob("*/*.ts*")}
    assert any("serverNow()" in text for text in modules.values())
    reading = {file.relative_to(WEB) for file, text in modules.items() if "Date.now(" in text}
    assert {str(file) for file in reading if file.parts[0] not in OF_THE_BROWSER} == set()
