"""Runs a command of the server, and writes the routes of its HTTP API to a file as soon as ``/healthz`` is asked for.

``python listing_routes.py FILE PYTHON -m server ARGUMENT…``: so the routes are those of the application that answers,
not those that a test believes it has.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from server.cli import main

__all__: list[str] = []


def _list_routes(file: Path) -> None:
    answer: Any = Starlette.__call__

    def write(app: Starlette) -> None:
        routes = [
            f"{method} {route.path}" if isinstance(route, Route) else f"? {route!r}"
            for route in app.routes
            for method in sorted(getattr(route, "methods", None) or ("GET",))
        ]
        file.write_text(json.dumps(routes), encoding="utf-8")

    async def listing(app: Starlette, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/healthz":
            write(app)
        await answer(app, scope, receive, send)

    setattr(Starlette, "__call__", listing)  # noqa: B010 - the types of methods are in the way


if __name__ == "__main__":
    _list_routes(Path(sys.argv[1]))
    sys.argv = ["lognotary", *sys.argv[5:]]
    raise SystemExit(main())
