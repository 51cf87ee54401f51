"""The search in a real browser where records lie: hostile texts, changed and copied rows, names that hide."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Route, expect

from harness.audit_log import audit_log
from harness.browser import Tab
from harness.lognotary_server import LognotaryServer
from harness.shop_day import Day, send_all, shop_day
from harness.tampering import change_actor, copy_record
from tests.explorer.conftest import Shop
from tests.explorer.search_page import PATIENCE, count, send_audit_event, state, visit


@pytest.fixture
def changed(storage_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A server without spans, in whose storage leaf 3 was changed and leaf 5 copied, once for each engine."""
    day = shop_day(time.time_ns(), logs=5, events=20, traces=0)
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02)
    with server:
        send_all(server.otlp_http, [request for request in day.requests if request[0] == "/v1/logs"])
        audit = str(audit_log(server.http)["logId"])
    change_actor(server, audit, 3, "mallory")
    copy_record(server, audit, 5)
    with server:
        yield Shop(server, Day((), ""))


def test_a_sender_cannot_hide_events_by_the_name_of_records_of_who_looked(seen: Tab, shop: Shop) -> None:
    page, actor = seen.page, f"hider-{time.time_ns()}"
    send_audit_event(shop, actor, scope="lognotary.access", event="lognotary.access")
    visit(page, shop, f"actor:{actor}")
    assert count(page) == 1
    page.get_by_role("button", name="Export …").click()
    export = page.get_by_role("link", name=re.compile("^Download")).get_attribute("href")
    assert actor in httpx.get(shop.url(str(export)), headers={"Host": "localhost"}).text
    page.goto(shop.url(f"/actor/{actor}"))
    page.get_by_role("button", name="without who looked").click()
    expect(page.get_by_text(re.compile("1 event")).first).to_be_visible(timeout=PATIENCE)


def test_the_list_says_that_it_has_records_which_cannot_be_proved_and_where(seen: Tab, shop: Shop) -> None:
    page = seen.page

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"unprovedOmitted": True})

    page.route("**/api/v1/search?*", answer)
    visit(page, shop)
    told = page.get_by_role("note").filter(has_text="There are records here that cannot be proved")
    expect(told).to_contain_text("at the end of the list", timeout=PATIENCE)


def test_hostile_records_are_text_in_rows_and_panel(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, 'service:"<b>hostile</b>"')
    assert count(page) == 9
    expect(page.get_by_text("<script>document.title='owned'</script>").first).to_be_visible()
    assert page.locator("main script, main img, main b").count() == 0
    for _ in range(9):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Record")).to_be_visible(timeout=PATIENCE)
    assert page.locator("main script, main img, main b").count() == 0
    assert "owned" not in page.title()


def test_a_server_without_spans_is_not_called_empty(seen: Tab, changed: Shop) -> None:
    page = seen.page
    visit(page, changed, streams="spans")
    expect(page.get_by_role("heading", name="No record matches")).to_be_visible(timeout=PATIENCE)


def test_a_row_that_was_changed_behind_the_servers_back_is_named(seen: Tab, changed: Shop) -> None:
    page = seen.page
    visit(page, changed, "actor:mallory")
    row = page.get_by_role("row").filter(has_text="mallory")
    expect(row).to_contain_text("RECORD_CHANGED", timeout=PATIENCE)  # the browser's own finding
    row.click()
    reasons = page.get_by_role("complementary", name="Record").get_by_role("alert")
    expect(reasons.filter(has_text="RECORD_CHANGED")).to_be_visible(timeout=PATIENCE)
    expect(reasons.filter(has_text="The server says")).to_be_visible()
    visit(page, changed, "evidence:tampered")
    expect(row).to_have_count(1, timeout=PATIENCE)


def test_rows_that_claim_the_same_leaf_are_opened_one_by_one(seen: Tab, changed: Shop) -> None:
    page = seen.page
    visit(page, changed, "leaf:5", streams="audit")
    rows = page.get_by_role("table", name="Records").locator("tbody tr.row")
    expect(rows).to_have_count(2, timeout=PATIENCE)
    opened = []
    for number in range(2):
        rows.nth(number).click()
        expect(rows.nth(number)).to_have_attribute("aria-current", "true")
        expect(page.locator("tr[aria-current=true]")).to_have_count(1)
        expect(page.get_by_role("complementary", name="Record")).to_contain_text("Another row claims this leaf")
        opened += state(page)["open"]
    assert len(set(opened)) == 2
    page.reload()
    expect(page.locator("tr[aria-current=true]")).to_have_count(1, timeout=PATIENCE)
