"""The frame of the explorer in Chromium: titles, the skip link, and what readers are told about roles."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from harness.browser import Tab, tab
from harness.free_port import free_port
from harness.waiting import wait_for
from server.access.callers import Grant, Role
from tests.explorer.conftest import Shop
from tests.system.attacks.site import Site, create_token


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that takes tokens and has no page to log in; programs or proxies present them for their readers."""
    closed = Site(tmp_path_factory.mktemp("site"), tls=False, http=f"127.0.0.1:{free_port()}")
    with closed.running():
        yield closed


def reader(site: Site, chromium: Browser, role: Role) -> contextlib.AbstractContextManager[Tab]:
    """A tab whose requests present a token of a role."""
    token = create_token(site, role.value, Grant(role))
    headers = {"Authorization": f"Bearer {token}"}
    wait_for(lambda: httpx.get(f"{site.server.http}/login/whoami", headers=headers).status_code == 200)
    return tab(chromium, extra_http_headers=headers)


def test_a_server_without_a_page_to_log_in_offers_no_link_to_one(site: Site, chromium: Browser) -> None:
    with tab(chromium) as opened:
        opened.page.goto(site.server.http)
        expect(opened.page.get_by_role("heading", name="Log in")).to_be_visible()
        expect(opened.page.get_by_text("It has no page to log in")).to_be_visible()
        expect(opened.page.get_by_role("link", name="Log in")).to_have_count(0)
        expect(opened.page).to_have_title("Log in · Lognotary")


def test_an_operator_begins_with_the_logs_and_is_told_which_role_reads_records(site: Site, chromium: Browser) -> None:
    with reader(site, chromium, Role.OPERATOR) as opened:
        page = opened.page
        page.goto(site.server.http)
        expect(page.get_by_role("heading", name="Logs", exact=True)).to_be_visible()
        expect(page.locator(".fine").first).to_contain_text("ready")
        expect(page.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(0)
        expect(page.get_by_role("navigation", name="Pages").get_by_role("link")).to_have_text(["Logs", "Trust"])
        page.goto(f"{site.server.http}/traces")
        expect(page.get_by_text("It needs the role viewer or auditor; you have operator.")).to_be_visible()
        assert opened.observed.complaints() == []


def test_a_viewer_is_told_that_actors_are_for_auditors(site: Site, chromium: Browser) -> None:
    with reader(site, chromium, Role.VIEWER) as opened:
        opened.page.goto(f"{site.server.http}/actor/alice")
        expect(opened.page.get_by_text("It needs the role auditor; you have viewer.")).to_be_visible()
        assert opened.observed.complaints() == []


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
def test_the_skip_link_moves_the_focus_to_the_content(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/logs"))
    expect(page.get_by_role("heading", name="Logs", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_url(re.compile("/logs#main$"))


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
def test_the_title_follows_the_page_and_the_query(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/?q=outcome:failure"))
    expect(page).to_have_title(re.compile("outcome:failure.* · Search · Lognotary"))
    page.get_by_role("link", name="Traces").click()
    expect(page).to_have_title("Traces · Lognotary")
    page.go_back()
    expect(page).to_have_title(re.compile("Search"))
    page.goto(shop.url("/actor/a%E2%80%AEb"))
    expect(page).to_have_title(re.compile(r"Actor .a\[U\+202E\]b. · Lognotary"))
