"""The pages of actors and targets in Chromium, against real servers."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Browser, Locator, Page, Route, expect

from harness.browser import Tab, tab
from tests.explorer.conftest import Shop


def events_of(page: Page) -> str:
    """The line that counts the events of the view."""
    line = page.locator(".summary")
    expect(line).to_be_visible()
    return line.inner_text()


def _query(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Query", exact=True)


def test_a_value_of_the_overview_narrows_the_events_and_back_widens_them_again(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob"))
    everything = events_of(page)
    page.get_by_role("link", name="refund.approve", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/actor/bob\?q=action%3A%22refund.approve%22$"))
    expect(page.locator(".summary")).not_to_have_text(everything)
    expect(page.locator("tr.event").first).to_contain_text("refund.approve")
    page.reload()
    expect(_query(page)).to_have_value('action:"refund.approve"')
    page.go_back()
    expect(page.locator(".summary")).to_have_text(everything)
    expect(_query(page)).to_have_value("")


def test_the_first_event_of_an_actor_has_its_first_times_marked(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob?order=oldest"))
    first = page.locator("tr.event").first
    expect(first.locator(".first")).to_contain_text("first time from 203.0.113.")


def test_an_event_leads_to_its_trace_its_record_and_its_target_and_back(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob?q=action:refund.approve"))
    row = page.locator("tr.event").first
    row.get_by_role("link", name="1047").click()
    expect(page).to_have_url(re.compile("/target/1047$"))
    expect(page.locator("tr.event").first).to_contain_text("bob")
    page.go_back()
    page.locator("tr.event").first.get_by_role("link", name=re.compile("^trace ")).click()
    expect(page).to_have_url(re.compile("/trace/[0-9a-f]{32}[?]entry="))
    page.go_back()
    page.locator("tr.event").first.get_by_role("link", name=re.compile("^record ")).click()
    expect(page).to_have_url(re.compile(r"/r/[0-9a-f]{16}/\d+$"))


def test_keys_move_from_event_to_event_and_open_a_record(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob"))
    expect(page.locator("tr.event").first).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tr.event").nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("tr.event").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/r/[0-9a-f]{16}/\d+$"))


def test_an_id_with_markup_and_slashes_is_shown_as_text(shop: Shop, seen: Tab) -> None:
    page = seen.page
    target = "../../a b/<img src=x onerror=alert(1)>?x=1#y" + "z" * 900
    page.goto(shop.url(f"/target/{quote(target, safe='')}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=alert(1)>?x=1#y")
    expect(page.get_by_text("No event of the target")).to_be_visible()


def test_nobody_of_an_id_gets_suggestions(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bo"))
    suggestion = page.get_by_role("listitem").filter(has_text="similar IDs").get_by_role("link", name="bob")
    suggestion.click()
    expect(page).to_have_url(re.compile("/actor/bob$"))
    assert "events" in events_of(page)


def test_while_another_actor_is_awaited_nothing_of_the_one_before_is_shown(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob"))
    expect(page.locator("tr.event").first).to_be_visible()
    held: list[Route] = []
    page.route("**/api/v1/actors/bo?*", lambda route: held.append(route))
    page.evaluate("history.pushState(null, '', '/actor/bo'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("bo$"))
    expect(page.locator("tr.event, .summary, .overview")).to_have_count(0)
    for route in held:
        route.continue_()


def test_a_genuine_event_of_somebody_else_is_refuted_on_the_page_of_an_actor_or_a_target(shop: Shop, seen: Tab) -> None:
    page = seen.page
    true_path = "/api/v1/actors/bob"

    def answer_of_bob(route: Route) -> None:
        _, _, query = route.request.url.partition("?")
        route.fulfill(response=route.fetch(url=f"{shop.server.http}{true_path}?{query}"))

    for kind in ("actor", "target"):
        page.route(f"**/api/v1/{kind}s/mallory*", answer_of_bob)
        page.goto(shop.url(f"/{kind}/mallory"))
        row = page.locator("tr.event").first
        expect(row.locator(".proof")).to_contain_text("not of this page")
        expect(row).to_contain_text("the server lists it here")
        expect(row.get_by_role("link", name="bob").first).to_be_visible()
        expect(page.get_by_text("as this actor")).to_have_count(0)


def test_a_first_page_that_failed_is_asked_for_again(shop: Shop, chromium: Browser) -> None:
    with tab(chromium) as opened:
        page = opened.page
        failure = {"code": "UNAVAILABLE", "message": "the storage does not answer"}
        page.route("**/api/v1/actors/bob?*", lambda route: route.fulfill(status=503, json=failure))
        page.goto(shop.url("/actor/bob"))
        expect(page.get_by_role("alert").filter(has_text="the storage does not answer")).to_be_visible()
        page.unroute("**/api/v1/actors/bob?*")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("tr.event").first).to_be_visible()
        expect(page.get_by_text("the storage does not answer")).to_have_count(0)


def test_the_query_of_an_actor_is_completed_and_an_error_in_it_is_shown_at_its_place(
    shop: Shop, chromium: Browser
) -> None:
    with tab(chromium) as opened:  # the browser reports the answer 400
        page = opened.page
        page.goto(shop.url("/actor/bob"))
        page.keyboard.press("/")
        _query(page).press_sequentially("outc")
        page.get_by_role("option", name=re.compile("^outcome")).click()
        page.get_by_role("option", name=re.compile("^failure")).click()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/actor/bob\?q=outcome%3Afailure$"))
        expect(page.locator("tr.event").first).to_contain_text("failure")
        _query(page).fill("outcome:failure actr:alice")
        page.keyboard.press("Enter")
        error = page.get_by_role("alert").filter(has_text="Column 17:")
        expect(error.locator("mark")).to_have_text("actr")
        expect(page.get_by_role("button", name="Try again")).to_have_count(0)
        page.go_back()
        expect(page.locator("tr.event").first).to_contain_text("failure")
        expect(error).to_have_count(0)


def test_range_order_and_grouping_are_in_the_address_and_survive_reload_back_and_forward(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob"))
    everything = events_of(page)
    page.get_by_role("button", name="the first record to now").click()
    page.get_by_role("button", name="7d").click()
    expect(page).to_have_url(re.compile(r"/actor/bob\?since=7d$"))
    page.get_by_role("checkbox", name="oldest first").check()
    expect(page.locator("tr.session-row")).not_to_have_count(0)
    page.get_by_role("checkbox", name="group by session").uncheck()
    expect(page.locator("tr.session-row")).to_have_count(0)
    kept = page.url
    page.reload()
    expect(page.get_by_role("button", name="last 7 days")).to_be_visible()
    expect(page.get_by_role("checkbox", name="oldest first")).to_be_checked()
    expect(page.get_by_role("checkbox", name="group by session")).not_to_be_checked()
    assert page.url == kept
    for _ in range(3):
        page.go_back()
    expect(page).to_have_url(re.compile("/actor/bob$"))
    expect(page.get_by_role("button", name="the first record to now")).to_be_visible()
    expect(page.get_by_role("checkbox", name="group by session")).to_be_checked()
    for _ in range(3):
        page.go_forward()
    expect(page).to_have_url(kept)
    expect(page.get_by_role("checkbox", name="group by session")).not_to_be_checked()
    page.get_by_role("button", name="last 7 days").click()
    page.get_by_role("button", name="all").click()
    expect(page.locator(".summary")).to_have_text(everything)


def test_a_range_of_seconds_and_one_between_two_times_narrow_the_events(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/actor/bob?q=action:refund.approve"))
    expect(page.locator("tr.event").first).to_be_visible()
    page.get_by_role("button", name="the first record to now").click()
    page.get_by_label("Last", exact=True).fill("5s")
    page.get_by_role("button", name="Use").first.click()
    expect(page).to_have_url(re.compile(r"since=5s$"))
    expect(page.get_by_text("No event of the actor")).to_be_visible()
    page.get_by_role("button", name="last 5 seconds").click()
    page.get_by_label("From", exact=True).fill("2020-01-01T00:00:00")
    page.get_by_label("To", exact=True).fill("2020-01-02T00:00:00")
    page.get_by_role("button", name="Use").last.click()
    expect(page).to_have_url(re.compile(r"since=2020-01-01T.*&until=2020-01-02T"))
    expect(page.get_by_text("No event of the actor")).to_be_visible()


def test_a_range_that_the_server_refuses_is_shown_with_its_error_and_another_can_be_chosen(
    shop: Shop, chromium: Browser
) -> None:
    with tab(chromium) as opened:  # the browser reports the answer 400
        page = opened.page
        page.goto(shop.url("/actor/bob?since=soon"))
        expect(page.get_by_role("alert").filter(has_text="soon")).to_be_visible()
        expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()
        page.get_by_role("button", name="soon to now").click()
        page.get_by_role("button", name="7d").click()
        expect(page.locator("tr.event").first).to_be_visible()
        assert opened.observed.exceptions == []
