"""Links and answers made to mislead a reader, in a real browser: the page neither breaks nor vouches for them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from harness.browser import Tab
from harness.lognotary_server import LognotaryServer
from harness.shop_day import send_all, shop_day
from tests.explorer.trust_page import pin

_PATIENCE = 30_000  # milliseconds; the machine may be busy
_Answer = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    """A running server with records of a day, which is honest: tests change its answers on their way."""
    directory: Path = tmp_path_factory.mktemp("forged")
    with LognotaryServer(f"chdb://{directory / 'chdb'}", directory / "data", batch_age=0.02) as started:
        send_all(started.otlp_http, shop_day(time.time_ns(), logs=60, events=60, traces=4).requests)
        yield started


def _visit(page: Page, server: LognotaryServer, **parameters: str) -> None:
    page.goto(f"{server.http}/?{httpx.QueryParams({'since': 'any', **parameters})}")


def _asked(server: LognotaryServer, path: str, **parameters: str) -> _Answer:
    answer = httpx.get(f"{server.http}/api/v1/{path}", params=parameters, headers={"Host": "localhost"})
    found: _Answer = answer.raise_for_status().json()
    return found


def _events(server: LognotaryServer, query: str = "") -> list[_Answer]:
    """Audit events with their proofs, the latest first, without those of who looked."""
    fields = {"query": f"{query} -scope:lognotary.access", "streams": "audit", "includeProofs": "true"}
    return list(_asked(server, "search", since="2000-01-01T00:00:00Z", **fields)["entries"])


def _place(event: _Answer) -> str:
    evidence = event["auditEvent"]["evidence"]
    return f"{evidence['logId']}#{evidence['leafIndex']}"


def _serve(page: Page, path: str, change: Callable[[_Answer], _Answer]) -> None:
    """Change what the server answers on the way to the page, as a hostile server does itself."""

    def answer(route: Route) -> None:
        route.fulfill(json=change(route.fetch().json()))

    page.route(f"**/api/v1/{path}", answer)


def test_a_column_that_every_object_inherits_is_like_any_other_name(seen: Tab, server: LognotaryServer) -> None:
    _visit(seen.page, server, columns="time,__proto__,constructor")
    headers = seen.page.get_by_role("table", name="Records").get_by_role("columnheader")
    expect(headers).to_contain_text(["Evidence", "Time", "__proto__", "constructor"], timeout=_PATIENCE)
    histogram = seen.page.get_by_role("region", name="Histogram")
    expect(histogram.locator("canvas")).to_be_visible(timeout=_PATIENCE)
    enumerable = "(() => { const names = []; for (const name in {}) names.push(name); return names; })()"
    assert seen.page.evaluate(enumerable) == []


def test_neighbours_by_leaf_are_those_that_were_asked_for_and_none_is_left_out_unseen(
    seen: Tab, server: LognotaryServer
) -> None:
    page = seen.page
    event = next(each for each in _events(server) if each["auditEvent"]["evidence"]["leafIndex"] == "20")
    others = _asked(server, "search", streams="operational", includeProofs="true")["entries"][:3]
    _serve(page, "neighbours*", lambda said: {**said, "by": "time", "before": others})
    _visit(page, server, streams="audit", open=_place(event), near="leaf")
    around = page.get_by_role("region", name="Before and after")
    expect(around.get_by_role("alert")).to_contain_text("answered by time", timeout=_PATIENCE)
    expect(around.get_by_role("table")).to_have_count(0)
    page.unroute_all()
    nothing: _Answer = {"before": [], "after": [], "missingLeaves": [], "moreBefore": False, "moreAfter": False}
    _serve(page, "neighbours*", lambda said: {**said, **nothing})
    page.reload()
    unshown = around.get_by_role("row", name="the server does not show what is here")
    expect(unshown).to_have_count(2, timeout=_PATIENCE)
    expect(unshown.nth(0)).to_contain_text("5 to 19")
    expect(unshown.nth(1)).to_contain_text("21 to 35")


def test_neighbours_of_an_actor_are_that_actors_own(seen: Tab, server: LognotaryServer) -> None:
    page = seen.page
    event, other = _events(server, "actor:alice")[0], _events(server, "actor:bob")[0]
    pin(page, server)
    _serve(page, "neighbours*", lambda said: {**said, "before": [other], "after": []})
    _visit(page, server, streams="audit", open=_place(event), near="actor")
    rows = page.get_by_role("region", name="Before and after").locator("tbody tr:not(.quiet)")
    expect(rows).to_have_count(2, timeout=_PATIENCE)
    expect(rows.nth(0)).to_contain_text("✘ not of this page", timeout=_PATIENCE)
    expect(rows.nth(1).locator(".state-checked")).to_be_visible(timeout=_PATIENCE)


def test_the_leaves_beside_a_record_have_marks_of_their_own(seen: Tab, server: LognotaryServer) -> None:
    def forged(said: _Answer) -> _Answer:
        said["before"][0]["auditEvent"]["audit"]["actorId"] = "mallory"
        return {**said, "after": [], "moreAfter": False}

    page = seen.page
    pin(page, server)
    log = _place(_events(server)[0]).partition("#")[0]
    _serve(page, "neighbours*", forged)
    page.goto(f"{server.http}/r/{log}/20")
    leaves = page.get_by_role("navigation", name="Records before and after").locator(".leaf")
    before, after = leaves.nth(0), leaves.nth(1)
    expect(before).to_contain_text("mallory", timeout=_PATIENCE)
    expect(before).to_contain_text("✘ RECORD_CHANGED", timeout=_PATIENCE)
    expect(after).to_contain_text("leaf 21")


def test_a_signed_record_counts_once_however_often_it_is_listed(seen: Tab, server: LognotaryServer) -> None:
    page = seen.page
    pin(page, server)
    event = _events(server, "actor:bob")[0]
    several: _Answer = {"entries": [event] * 4, "nextPageToken": ""}
    _serve(page, "search?*", lambda said: {**said, **several} if len(said["entries"]) > 1 else said)
    _visit(page, server, q="actor:bob", streams="audit")
    rows = page.get_by_role("table", name="Records").locator("tbody")
    expect(rows.locator(".state-checked")).to_have_count(1, timeout=_PATIENCE)
    expect(rows.locator(".state", has_text="shown twice")).to_have_count(3, timeout=_PATIENCE)
    expect(page.get_by_text(re.compile(r"^4 records listed, [\d,]+ records counted$"))).to_be_visible(timeout=_PATIENCE)
    _serve(page, "actors/*", lambda said: {**said, **several})
    page.goto(f"{server.http}/actor/bob")
    expect(page.locator("main .state-checked")).to_have_count(1, timeout=_PATIENCE)
    expect(page.locator("main .state", has_text="shown twice")).to_have_count(3, timeout=_PATIENCE)


def test_a_mark_in_the_list_of_traces_vouches_for_nothing_but_the_match(seen: Tab, server: LognotaryServer) -> None:
    def forged(said: _Answer) -> _Answer:
        return {**said, "traces": [{**trace, "actors": ["mallory"], "errorCount": "0"} for trace in said["traces"]]}

    page = seen.page
    _serve(page, "traces?*", forged)
    page.goto(f"{server.http}/traces?since=any")
    table = page.get_by_role("table")
    expect(table.get_by_role("link", name="mallory").first).to_be_visible(timeout=_PATIENCE)
    expect(table.locator(".state").first).to_contain_text("server: verified")
    expect(page.get_by_text("The mark is about the latest match only")).to_be_visible()
