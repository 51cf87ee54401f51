"""The pages of logs and of verification in Chromium, against real servers."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from harness.audit_log import audit_log
from harness.browser import Tab
from tests.explorer.conftest import Shop


def test_all_logs_are_listed_with_their_signers_and_heartbeats(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/logs"))
    row = page.locator(".logs tbody tr").filter(has_text="/operational/")
    expect(row).to_contain_text(re.compile("[0-9a-f]{16}"))
    expect(row).to_contain_text(re.compile(r"statement \d+"))
    expect(page.locator(".fine").first).to_contain_text("ready")


def test_statements_of_a_log_are_chosen_by_kind_in_the_address(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url(f"/logs/{audit_log(shop.server.http)['logId']}"))
    page.get_by_role("checkbox", name="retention").check()
    expect(page).to_have_url(re.compile(r"\?kinds=retention$"))
    rows = page.locator(".statements tbody tr")
    expect(rows.first).to_contain_text("records may be dropped after")
    page.reload()
    expect(page.get_by_role("checkbox", name="retention")).to_be_checked()
    expect(rows.filter(has_text="heartbeat")).to_have_count(0)


def test_verification_ends_with_a_verdict_about_every_log(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/verify"))
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".judgement")).to_contain_text("all records match what was signed", timeout=60_000)
    expect(page.locator(".log-bars")).to_contain_text("/spans/")
    expect(page.get_by_role("heading", name="0 findings")).to_be_visible()


def test_a_log_that_must_be_there_and_is_not_is_a_finding(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/verify?log=shop/audit/nowhere"))
    page.get_by_role("button", name="Verify").click()
    finding = page.locator(".finding")
    expect(finding).to_contain_text("LOG_MISSING", timeout=60_000)
    expect(page.locator(".judgement")).to_contain_text("1 finding")
    expect(page.get_by_text("lognotary verify --log shop/audit/nowhere")).to_be_visible()


def test_the_click_that_stops_a_verification_leaves_it_without_a_verdict(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.route("**/api/v1/verify", lambda _: None)  # not answered, so that it cannot end before the click
    page.goto(shop.url("/verify?lookups=all"))
    page.get_by_role("button", name="Verify").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("there is no verdict")).to_be_visible()
    expect(page.get_by_role("button", name="Verify")).to_be_enabled()
