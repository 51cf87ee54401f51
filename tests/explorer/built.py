"""A small explorer, as if it had been built, and a client of its routes."""

from __future__ import annotations

from pathlib import Path

import httpx
from starlette.applications import Starlette

from server.access.exact_routes import match_exactly
from server.explorer.assets import read_built
from server.explorer.pages import Explorer

__all__ = ["SCRIPT", "build", "built_explorer", "client"]

SCRIPT = "explorer-3BWC5HOF.js"


def build(directory: Path) -> Path:
    """Write the files of an explorer into a directory; returns it."""
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html><title>Lognotary</title>")
    (directory / "licences.txt").write_text("preact 11.2.0 (MIT)\n")
    (directory / "assets" / SCRIPT).write_text("console.log('ä')" + "//" * 500, encoding="utf-8")
    (directory / "assets" / "icon.svg").write_text("<svg/>")
    return directory


def client(explorer: Explorer) -> httpx.AsyncClient:
    """Return a client of an application that has the explorer's routes only."""
    app = Starlette(routes=explorer.routes)
    match_exactly(app.routes)
    app.router.redirect_slashes = False
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:7318")


def built_explorer(directory: Path) -> Explorer:
    """Return an explorer with these files."""
    return Explorer(read_built(build(directory)))
