"""The command that builds the explorer's page as a part of the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from setuptools import Distribution

from build_support.commands import BuildExplorer
from build_support.explorer import SWITCH

STATIC = Path("server/explorer/static")


def run() -> None:
    """Run the command in the current directory, as for a wheel."""
    command = BuildExplorer(Distribution({"name": "lognotary"}))
    command.ensure_finalized()
    command.run()


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which the page was built before; no Node.js can be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("build_support.explorer.find_node", lambda: None)
    for name in ("index.html", "bundle.html", "assets/explorer-1.js"):
        (STATIC / name).parent.mkdir(parents=True, exist_ok=True)
        (STATIC / name).write_text("built before")
    return tmp_path / STATIC


def test_a_page_that_was_built_before_is_left_out_if_no_page_is_wanted(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "no")
    run()
    assert [file.name for file in built.iterdir()] == ["not-built.txt"]
    assert (built / "not-built.txt").read_text() == "BUILD_EXPLORER was 'no'\n"


def test_a_page_that_was_built_before_stays_if_it_cannot_be_built_again(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    run()
    assert (built / "index.html").exists()
    assert not (built / "not-built.txt").exists()
