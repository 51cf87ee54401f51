"""Records and logs that a browser could not compare, or that its reader may not see any more."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from harness.browser import Tab
from harness.shop_day import send_all, shop_day
from tests.explorer.conftest import Shop
from tests.explorer.trust_page import (
    PATIENCE,
    Log,
    banner,
    look_at_logs,
    pin,
    serve_logs,
    shown_logs,
    wait_for_growth,
    with_other_checkpoint,
)


def test_records_are_not_called_checked_while_the_proof_of_their_history_is_refused(seen: Tab, shop: Shop) -> None:
    page = seen.page
    pin(page, shop.server)
    page.route("**/consistency-proof*", lambda route: route.fulfill(status=200, content_type="text/plain", body="no"))
    page.goto(shop.url("/?q=service:accounts"))
    uncompared = page.get_by_role("table", name="Records").locator(".state-uncompared").first
    expect(uncompared).to_be_visible(timeout=PATIENCE)
    expect(uncompared).to_have_attribute("title", re.compile("did not prove that its log has only grown"))
    expect(page.locator(".state-tampered")).to_have_count(0)


def _overdue(page: Page) -> Locator:
    return page.locator(".trust-banner-overdue")


def test_a_log_that_is_not_in_its_form_does_not_keep_the_others_from_being_compared(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    true = shown_logs(shop.server)[0]
    odd: list[Any] = [None, {"checkpoint": None}, {**true, "logId": 1}, {**true, "verifierKeys": {}}]

    def forged(logs: list[Log]) -> list[Log]:
        return [*odd, with_other_checkpoint(shop.server, true, int(true["treeSize"])), *logs[1:]]

    serve_logs(page, forged)
    page.reload()
    expect(banner(page)).to_contain_text("LOG_FORKED", timeout=PATIENCE)
    expect(page.get_by_text("log 2 of the server's list is not in the form of one")).to_be_visible()


@pytest.mark.parametrize("body", ["nothing of the kind", '{"logs": "none"}', "null"])
def test_a_list_of_logs_that_cannot_be_read_is_reported_on_every_page(seen: Tab, shop: Shop, body: str) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    count = page.locator("#checkpoints tbody tr").count()
    page.route("**/api/v1/logs", lambda route: route.fulfill(content_type="application/json", body=body))
    page.goto(shop.url("/?q=service:accounts"))
    if body == "null":
        expect(banner(page)).to_contain_text("LOG_MISSING", timeout=40_000)
        return
    expect(_overdue(page)).to_contain_text("the server's list of logs cannot be read", timeout=40_000)
    expect(_overdue(page)).to_contain_text(f"{count} logs that this browser keeps")
    _overdue(page).get_by_role("button", name="Hide").click()
    expect(_overdue(page)).to_have_count(0)


def test_a_proof_that_is_refused_again_is_reported_on_every_page(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    log = next(log for log in shown_logs(shop.server) if log["stream"] == "operational")
    page.route(
        "**/consistency-proof*", lambda route: route.fulfill(content_type="application/json", body='{"path": 5}')
    )
    send_all(shop.server.otlp_http, shop_day(time.time_ns(), logs=30, events=0, traces=0, seed=time.time_ns()).requests)
    wait_for_growth(shop.server, log)
    page.goto(shop.url("/traces"))
    expect(_overdue(page)).to_contain_text(f"{log['origin']}: the server has not proved since", timeout=40_000)
    expect(page.locator(".trust-banner", has_text="LOG_")).to_have_count(0)


def test_a_reader_who_is_not_an_auditor_any_more_reads_that_nothing_is_compared(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)

    def viewer(route: Route) -> None:
        said = route.fetch().json()
        route.fulfill(json={**said, "name": "eve", "roles": [{**said["roles"][0], "role": "viewer"}]})

    page.route("**/login/whoami", viewer)
    page.goto(shop.url("/"))
    expect(_overdue(page)).to_contain_text(
        "it says that this reader, eve (viewer), is not an auditor", timeout=PATIENCE
    )
    expect(_overdue(page)).to_contain_text("not compared since 20")
    page.goto(shop.url("/trust"))
    expect(page.get_by_text("nothing is compared or kept")).to_be_visible()
    expect(page.locator("#checkpoints tbody tr")).to_have_count(0)
    for log in shown_logs(shop.server):
        expect(page.get_by_text(log["origin"])).to_have_count(0)


def test_logs_that_another_reader_saw_are_counted_and_not_named(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    hidden = shown_logs(shop.server)[0]

    def other_auditor(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "name": "eve"})

    page.route("**/login/whoami", other_auditor)
    serve_logs(page, lambda logs: [log for log in logs if log["logId"] != hidden["logId"]])
    page.goto(shop.url("/trust"))
    expect(_overdue(page)).to_contain_text("another one saw them then", timeout=PATIENCE)
    expect(_overdue(page)).to_contain_text("not compared since 20")
    expect(page.get_by_text("It also keeps 1 checkpoint that another reader saw here.")).to_be_visible()
    expect(page.get_by_role("row", name=shown_logs(shop.server)[1]["origin"])).to_contain_text("has only grown")
    expect(page.get_by_text(hidden["origin"])).to_have_count(0)


def test_another_reader_neither_learns_of_which_log_a_finding_is_nor_puts_it_away(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    hidden = shown_logs(shop.server)[0]
    serve_logs(page, lambda logs: [log for log in logs if log["logId"] != hidden["logId"]])
    page.reload()
    expect(banner(page)).to_contain_text(hidden["origin"], timeout=2 * PATIENCE)

    def nobody(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "name": "eve", "roles": []})

    page.route("**/login/whoami", nobody)
    page.reload()
    told = "This browser has 1 finding about logs, which an auditor can read here"
    expect(banner(page).get_by_text(told)).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#findings")).to_contain_text(told)
    expect(page.get_by_text(hidden["origin"])).to_have_count(0)
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)


def test_records_that_could_not_be_checked_are_checked_once_the_server_answers_again(seen: Tab, shop: Shop) -> None:
    page = seen.page
    pin(page, shop.server)
    page.route("**/inclusion-proof*", lambda route: route.fulfill(status=503, json={"code": "UNAVAILABLE"}))
    page.goto(shop.url("/?q=service:accounts"))
    table = page.get_by_role("table", name="Records")
    expect(table.locator(".state-said").first).to_have_attribute(
        "title", re.compile("could not be checked"), timeout=PATIENCE
    )
    expect(table.locator(".state-checked")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")
    expect(table.locator(".state-checked").first).to_be_visible(timeout=PATIENCE)
    assert all("503 (Service Unavailable)" in error for error in seen.observed.console_errors)
    seen.observed.console_errors.clear()
