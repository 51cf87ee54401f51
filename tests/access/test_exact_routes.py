"""Routes that match a path and nothing more."""

from __future__ import annotations

import re

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route

from server.access.exact_routes import match_exactly


async def answer(_: Request) -> Response:
    return PlainTextResponse("")


def routes() -> list[Route]:
    found = [Route("/a", answer), Route("/b/{name}", answer), Route("/c/{name:path}", answer)]
    found[2].path_regex = re.compile(found[2].path_regex.pattern, re.DOTALL)  # an ID may have line breaks
    return found


def found_by(given: list[Route], path: str) -> tuple[Match, dict[str, str]]:
    for route in given:
        match, scope = route.matches({"type": "http", "method": "GET", "path": path, "path_params": {}})
        if match is Match.FULL:
            return match, scope["path_params"]
    return Match.NONE, {}


@pytest.mark.parametrize(
    ("path", "names"), [("/a", {}), ("/b/x", {"name": "x"}), ("/c/x\n", {"name": "x\n"}), ("/c/\n/", {"name": "\n/"})]
)
def test_a_path_is_matched_with_all_of_its_parameters(path: str, names: dict[str, str]) -> None:
    exact = routes()
    match_exactly(exact)
    assert found_by(exact, path) == (Match.FULL, names)


@pytest.mark.parametrize("path", ["/a\n", "/a\n\n", "/a/"])
def test_a_line_break_behind_a_path_is_another_path(path: str) -> None:
    exact = routes()
    match_exactly(exact)
    assert found_by(exact, path) == (Match.NONE, {})
