"""The page of a trace in a real browser: its entries in their places, and the way through a long one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from harness.browser import Tab, tab
from harness.lognotary_server import LognotaryServer
from harness.shop_day import Day, long_trace, send_all
from tests.explorer.conftest import Shop

_PATIENCE = 60_000  # milliseconds; the machine may be busy
_LONG = 10_000  # entries


def _visit(page: Page, shop: Shop, more: str = "") -> None:
    page.goto(shop.url(f"/trace/{shop.day.refund}{more}"))
    expect(_grid(page).get_by_role("row").nth(1)).to_be_visible(timeout=_PATIENCE)


def _grid(page: Page) -> Locator:
    return page.get_by_role("treegrid", name="Entries of the trace")


def test_audit_events_stand_under_the_span_in_which_they_happened(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop)
    rows = _grid(page).get_by_role("row")
    expect(rows.nth(1)).to_contain_text("POST /refund")
    expect(rows.nth(1)).to_have_attribute("aria-level", "1")
    for place, (title, outcome) in enumerate(
        [("refund.approve", "failure"), ("role.grant", "AUDIT"), ("refund.approve", "AUDIT")], start=2
    ):
        expect(rows.nth(place)).to_contain_text(title)
        expect(rows.nth(place)).to_contain_text(outcome)
        expect(rows.nth(place)).to_have_attribute("aria-level", "2")
    expect(page.get_by_role("definition").filter(has_text="3 audit events")).to_be_visible()


def test_filters_and_the_opened_entry_are_in_the_address_and_survive_a_reload(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop)
    page.get_by_role("combobox", name="Kinds of entries").select_option("audit events only")
    rows = _grid(page).get_by_role("row")
    expect(rows).to_have_count(5)  # a header, and the span in which they happened
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text("refund.approve")
    kept = page.url
    page.reload()
    expect(panel).to_contain_text("refund.approve", timeout=_PATIENCE)
    assert page.url == kept
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)
    expect(rows).to_have_count(5)


def test_the_id_may_be_in_another_notation_and_a_trace_that_is_not_there_says_what_to_try(
    chromium: Browser, shop: Shop
) -> None:
    with tab(chromium) as opened:
        digits = shop.day.refund
        uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        opened.page.goto(shop.url(f"/trace/{uuid}"))
        expect(opened.page.get_by_role("heading", level=1)).to_contain_text(digits, timeout=_PATIENCE)
        expect(opened.page).to_have_url(shop.url(f"/trace/{digits}"))
        opened.page.goto(shop.url(f"/trace/{'ab' * 16}"))
        expect(opened.page.get_by_role("main")).to_contain_text("no ", timeout=_PATIENCE)
        assert opened.observed.exceptions == []


def test_the_conditions_of_the_list_are_in_the_address_and_survive_reload_back_and_forward(
    seen: Tab, shop: Shop
) -> None:
    page = seen.page
    page.goto(shop.url("/traces"))
    rows = page.locator(".trace-list tbody tr")
    expect(rows.first).to_be_visible(timeout=_PATIENCE)
    page.get_by_role("combobox", name="Query", exact=True).fill("action:refund.approve")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/traces\?q=action%3Arefund.approve$"))
    expect(rows.first.get_by_role("link", name="bob", exact=True)).to_be_visible(timeout=_PATIENCE)
    matching = rows.count()
    page.get_by_label("took at least").fill("3h")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No trace matches")).to_be_visible(timeout=_PATIENCE)
    kept = page.url
    page.reload()
    expect(page.get_by_text("No trace matches")).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_label("took at least")).to_have_value("3h")
    expect(page.get_by_role("combobox", name="Query", exact=True)).to_have_value("action:refund.approve")
    assert page.url == kept
    page.go_back()
    expect(rows).to_have_count(matching, timeout=_PATIENCE)
    expect(page.get_by_label("took at least")).to_have_value("")
    page.go_back()
    expect(page.get_by_role("combobox", name="Query", exact=True)).to_have_value("")
    page.go_forward()
    page.go_forward()
    expect(page).to_have_url(kept)
    expect(page.get_by_text("No trace matches")).to_be_visible(timeout=_PATIENCE)


def test_from_an_audit_event_to_its_actor_and_back_to_the_trace(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop)
    page.get_by_role("link", name="bob", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("bob")
    expect(page).to_have_url(shop.url("/actor/bob"))
    page.locator(f'a[href^="/trace/{shop.day.refund}"]').first.click(timeout=_PATIENCE)
    expect(_grid(page)).to_be_visible(timeout=_PATIENCE)


def test_the_link_from_a_record_opens_it_in_its_trace(seen: Tab, shop: Shop) -> None:
    page = seen.page
    page.goto(shop.url("/?since=24h&q=action:role.grant"))
    page.get_by_role("table", name="Records").get_by_role("row").nth(1).click(timeout=_PATIENCE)
    record = page.get_by_role("complementary", name="Record")
    record.get_by_role("link", name="Trace", exact=True).click(timeout=_PATIENCE)
    opened = page.get_by_role("complementary", name="Selected entry")
    expect(opened.get_by_role("heading", level=2)).to_contain_text("role.grant", timeout=_PATIENCE)
    expect(_grid(page).locator("tr.is-selected")).to_contain_text("role.grant")


def test_no_label_of_the_axis_is_cut_and_every_column_has_a_heading(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop)
    labels = page.locator(".axis-label:visible")
    expect(labels.first).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_role("columnheader", name="Evidence").get_by_text("Evidence")).to_be_visible()
    for width in (360, 800, 1024, 1280, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        cut = """labels => labels.filter((label) => {
          const { right } = label.closest("th").getBoundingClientRect();
          return label.getBoundingClientRect().right > right;
        }).map((label) => label.textContent)"""
        assert labels.evaluate_all(cut) == [], width


def test_a_genuine_entry_of_another_trace_is_refuted_and_does_not_count_among_the_actors(seen: Tab, shop: Shop) -> None:
    def put_in(route: Route) -> None:
        said = route.fetch().json()
        for entry in said["entries"]:
            if entry.get("auditEvent"):
                entry["auditEvent"]["traceId"] = "ab" * 16
        route.fulfill(json=said)

    page = seen.page
    page.route("**/api/v1/traces/*", put_in)
    _visit(page, shop)
    expect(page.get_by_role("alert").filter(has_text="3 entries are not of this trace")).to_be_visible()
    expect(_grid(page).get_by_role("row", name="refund.approve").first).to_contain_text("not of this page")
    expect(page.locator(".trace-heading").get_by_role("link", name="bob")).to_have_count(0)
    page.keyboard.press("u")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary")).to_contain_text("This browser found not of this page: the server lists")


@pytest.fixture(scope="module")
def long_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A server with one trace of 10,000 entries."""
    directory: Path = tmp_path_factory.mktemp("long")
    day = long_trace(time.time_ns() - 3600 * 10**9, _LONG)
    with LognotaryServer(f"chdb://{directory / 'chdb'}", directory / "data", batch_age=0.02) as server:
        send_all(server.otlp_http, day.requests)
        yield Shop(server, Day((), day.refund))


def test_of_ten_thousand_entries_only_those_in_view_are_in_the_page(seen: Tab, long_one: Shop) -> None:
    page = seen.page
    _visit(page, long_one)
    grid = _grid(page)
    expect(grid).to_have_attribute("aria-rowcount", str(_LONG + 5), timeout=4 * _PATIENCE)  # a root, 3 events, a header
    assert grid.get_by_role("row").count() < 200
    page.keyboard.press("j")
    page.keyboard.press("End")
    last = grid.locator(f'[aria-rowindex="{_LONG + 5}"]')
    expect(last).to_be_visible(timeout=_PATIENCE)
    assert grid.get_by_role("row").count() < 200


def test_a_trace_without_an_end_is_read_to_a_limit_and_on_when_asked(seen: Tab, shop: Shop) -> None:
    asked: list[str] = []
    first: dict[str, Any] = {}

    def go_on_for_ever(route: Route) -> None:
        asked.append(route.request.url)
        if not first:
            first.update(route.fetch().json())
        log = next(entry["auditEvent"] for entry in first["entries"] if entry.get("auditEvent"))
        log = {name: value for name, value in log.items() if name != "audit"}
        log["evidence"] = {**log["evidence"], "canonicalRecord": "", "inclusionPath": [], "checkpoint": ""}
        entries = [{"timestamp": log["timestamp"], "log": log}] * 11_000
        route.fulfill(json={**first, "entries": entries, "logCount": "1000000", "nextPageToken": f"page-{len(asked)}"})

    page = seen.page
    page.route("**/api/v1/traces/*", go_on_for_ever)
    _visit(page, shop)
    expect(page.get_by_text("This trace is very long, so reading it has stopped")).to_be_visible(timeout=_PATIENCE)
    assert len(asked) == 2
    page.get_by_role("button", name="read on").click()
    expect(page.get_by_text("44,000 of 1,000,0")).to_be_visible(timeout=_PATIENCE)
    assert len(asked) == 4
