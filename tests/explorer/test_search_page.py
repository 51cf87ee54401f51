"""The search in a real browser: what it finds, how it is narrowed, and that its address has all of its state."""

from __future__ import annotations

import re
import shlex
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, Page, expect

from harness.browser import Tab
from harness.lognotary_server import run_lognotary
from harness.waiting import wait_for
from tests.explorer.conftest import Shop
from tests.explorer.search_page import PATIENCE, count, send_audit_event, send_log, state, visit


def _asked(shop: Shop, query: str) -> int:
    """The number of records that the API has found, without those of who looked."""
    fields = {"query": query, "since": _day_ago(), "count_up_to": "100000"}
    answer = httpx.get(f"{shop.server.http}/api/v1/search", params=fields, headers={"Host": "localhost"})
    return int(answer.raise_for_status().json()["count"])


def _asked_with_evidence(shop: Shop, query: str) -> httpx.Response:
    fields = {"query": query, "streams": "audit", "since": _day_ago()}
    return httpx.get(f"{shop.server.http}/api/v1/search", params=fields, headers={"Host": "localhost"})


def _day_ago() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400))


def test_count_histogram_facets_and_rows_are_about_the_same_records(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    found = count(page)
    assert found == _asked(shop, "actor:bob") > 0
    page.get_by_role("region", name="Histogram").get_by_role("button", name="Table").click()
    totals = page.get_by_role("region", name="Histogram").locator("tbody tr td:nth-child(2)")
    assert sum(int(text.replace(",", "")) for text in totals.all_text_contents()) == found
    streams = page.get_by_role("button", name=re.compile(r"^audit [\d,]+ 100%$"))
    expect(streams).to_contain_text(f"{found:,}")
    assert page.get_by_role("table", name="Records").get_attribute("aria-rowcount") in (str(found + 1), "-1")


def test_a_facet_narrows_the_search_and_its_minus_excludes(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    count(page)
    page.get_by_role("button", name=re.compile(r"^failure [\d,]+")).click()
    expect(page.get_by_role("combobox", name="Query")).to_have_value('actor:bob outcome:"failure"')
    failures = count(page)
    assert failures == _asked(shop, "actor:bob outcome:failure")
    page.go_back()
    expect(page.get_by_role("combobox", name="Query")).to_have_value("actor:bob")
    page.get_by_role("button", name="exclude failure").click()
    expect(page.get_by_role("combobox", name="Query")).to_have_value('actor:bob -outcome:"failure"')
    assert count(page) == _asked(shop, "actor:bob -outcome:failure")


def test_reload_back_and_forward_keep_the_query_the_columns_and_the_opened_record(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob", columns="time,actor,action", sort="oldest")
    count(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Record")
    expect(panel).to_be_visible(timeout=PATIENCE)
    opened = state(page)["open"]
    page.reload()
    expect(panel).to_be_visible(timeout=PATIENCE)
    assert state(page)["open"] == opened
    headers = page.get_by_role("table", name="Records").get_by_role("columnheader")
    expect(headers).to_contain_text(["Evidence", "Time", "Actor", "Action"], ignore_case=True)
    panel.get_by_role("button", name="Close").click()
    expect(panel).not_to_be_visible()
    assert "open" not in state(page)
    page.go_back()
    expect(panel).to_be_visible(timeout=PATIENCE)
    page.go_forward()
    expect(panel).not_to_be_visible()


def test_after_a_page_that_failed_the_search_goes_on(seen: Tab, shop: Shop) -> None:
    page = seen.page
    later_pages = re.compile(r"/api/v1/search\?.*page_token=")
    page.route(later_pages, lambda route: route.abort())
    visit(page, shop)
    total = count(page)
    _scroll_down(page)
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible(timeout=PATIENCE)
    page.unroute(later_pages)
    again.click()
    expect(again).not_to_be_visible(timeout=PATIENCE)
    _scroll_to_row(page, total)
    seen.observed.console_errors.clear()  # the browser names what was aborted


def test_a_search_that_was_stopped_before_its_first_page_goes_on(seen: Tab, shop: Shop) -> None:
    page = seen.page
    page.route(re.compile(r"/api/v1/search\?"), lambda _: None)  # never answered
    visit(page, shop, "actor:bob")
    page.get_by_role("button", name="Stop").click()
    page.unroute_all()
    page.get_by_role("button", name="Go on").click()
    assert count(page) == _asked(shop, "actor:bob")


def test_an_error_in_a_query_is_shown_with_its_place(shop: Shop, seen: Tab) -> None:
    page = seen.page
    visit(page, shop, "bob actr:bob")
    alert = page.get_by_role("alert").filter(has_text="there is no field")
    expect(alert).to_contain_text("did you mean 'actor'?", timeout=PATIENCE)
    expect(alert).to_contain_text("Column 5")
    expect(alert.locator("mark")).to_have_text("actr")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)  # it could not help
    # The browser itself names answers with an error in its console, and this page asks for several.
    seen.observed.console_errors.clear()


def test_names_and_values_are_completed_by_the_keyboard(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop)
    count(page)
    page.keyboard.press("/")
    query = page.get_by_role("combobox", name="Query")
    expect(query).to_be_focused()
    page.keyboard.type("acto")
    page.get_by_role("option", name=re.compile("^actor")).first.wait_for(timeout=PATIENCE)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(query).to_have_value("actor:")
    page.keyboard.type("bo")
    page.get_by_role("option", name=re.compile("bob")).first.wait_for(timeout=PATIENCE)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert count(page) == _asked(shop, "actor:bob")


def test_escape_leaves_the_query_so_that_keys_of_the_list_work_again(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    count(page)
    page.keyboard.press("/")
    query = page.get_by_role("combobox", name="Query")
    page.keyboard.type(" actio")
    page.get_by_role("option", name=re.compile("^action")).first.wait_for(timeout=PATIENCE)
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Completions")).not_to_be_visible()
    expect(query).to_be_focused()
    page.keyboard.press("Escape")
    expect(query).not_to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Record")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("leave the query")


def test_a_record_beside_the_list_leaves_room_for_messages_and_has_room_for_its_values(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    count(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Record")
    value = panel.get_by_role("row", name=re.compile("^actor ")).locator(".field-value")
    expect(value).to_be_visible(timeout=PATIENCE)
    rows = page.get_by_role("table", name="Records").get_by_role("row")
    message = rows.nth(1).locator(".cell-message")
    for width in (1024, 1100, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert _seen_width(value) > 300, width
        assert _seen_width(message) > 200, width
        assert [rows.nth(at).evaluate("row => row.offsetHeight") for at in (1, 2)] == [26, 26], width


def _seen_width(cell: Locator) -> float:
    """Pixels of a cell that the window and the list around the cell show."""
    return float(
        cell.evaluate(
            """cell => {
              const own = cell.getBoundingClientRect();
              const around = (cell.closest(".rows") ?? document.body).getBoundingClientRect();
              return Math.min(own.right, around.right) - own.left;
            }"""
        )
    )


def test_a_live_tail_shows_what_arrives_and_waits_while_a_record_is_read(seen: Tab, shop: Shop) -> None:
    page = seen.page
    word = f"w{time.time_ns()}"
    visit(page, shop, word, live="1")
    expect(page.get_by_role("table", name="Records")).to_be_visible(timeout=PATIENCE)
    # A tail begins with what is committed after it was asked for.
    expect(page.get_by_role("status").filter(has_text="Following")).to_be_visible(timeout=PATIENCE)
    send_log(shop, f"first {word}")
    rows = page.get_by_role("row").filter(has_text=word)
    expect(rows).to_have_count(1, timeout=PATIENCE)
    rows.first.click()
    expect(page.get_by_role("complementary", name="Record")).to_be_visible()
    send_log(shop, f"second {word}")
    expect(page.get_by_text(re.compile("paused", re.IGNORECASE)).first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("complementary", name="Record").get_by_role("button", name="Close").click()
    expect(rows.filter(has_text="second")).to_have_count(1, timeout=PATIENCE)


def test_a_live_tail_that_a_proxy_holds_back_says_so(seen: Tab, shop: Shop) -> None:
    page = seen.page
    page.clock.install()
    page.route(re.compile("/api/v1/tail"), lambda _: None)  # is never answered
    with page.expect_request(re.compile("/api/v1/tail"), timeout=PATIENCE):
        visit(page, shop, live="1")
    expect(page.get_by_role("status").filter(has_text=re.compile("^Connecting …$"))).to_be_visible()
    page.clock.fast_forward(10_000)
    expect(page.get_by_role("status").filter(has_text="A proxy in front of the server")).to_be_visible()


def test_an_export_has_the_whole_answer_and_a_manifest_that_the_command_checks(
    seen: Tab, shop: Shop, tmp_path: Path
) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    found = count(page)
    page.get_by_role("button", name="Export …").click()
    file, manifest = tmp_path / "lognotary-export.ndjson", tmp_path / "lognotary-export.ndjson.manifest"
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("link", name=re.compile("^Download lognotary-export")).click()
    download.value.save_as(file)
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("dialog").get_by_text(re.compile("manifest", re.IGNORECASE)).get_by_role("link").or_(
            page.get_by_role("dialog").get_by_role("link", name=re.compile("manifest", re.IGNORECASE))
        ).first.click()
    download.value.save_as(manifest)
    assert len(file.read_text().splitlines()) == found
    checked = run_lognotary("check", str(file), str(manifest), "--public-key", str(shop.server.public_key))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    seen.observed.console_errors.clear()  # until an export is complete, its manifest is not there


def test_the_link_of_a_log_finds_its_records_whatever_their_age_and_stream(seen: Tab, shop: Shop) -> None:
    page = seen.page
    send_audit_event(shop, "alice", happened=time.time_ns() - 9 * 86_400 * 10**9)
    logs = httpx.get(shop.url("/api/v1/logs"), headers={"Host": "localhost"}).json()["logs"]
    for log in logs:
        page.goto(shop.url(f"/logs/{log['logId']}"))
        page.get_by_role("link", name="search its records").click()
        found = count(page)
        # The log of who looked goes on growing.
        assert found >= int(log["treeSize"]) if "/access/" in log["origin"] else found == int(log["treeSize"])


def test_a_browser_whose_clock_is_behind_shows_the_latest_records(seen: Tab, shop: Shop) -> None:
    page = seen.page
    word = f"w{time.time_ns()}"
    send_log(shop, f"just now {word}")
    page.add_init_script("const now = Date.now; Date.now = () => now() - 90_000;")
    visit(page, shop, word)
    assert count(page) == 1


def test_a_search_asks_no_more_than_it_shows(seen: Tab, shop: Shop) -> None:
    """Each call of the API is a record of who looked."""
    page = seen.page
    visit(page, shop, "actor:bob")
    count(page)
    page.wait_for_load_state("networkidle")
    seen.observed.requests.clear()
    calls = ["/api/v1/facets", "/api/v1/histogram", "/api/v1/search"]
    for _ in range(2):  # a call that followed later than these would be seen by the end of the second search
        with ExitStack() as answered:
            for call in calls:
                answered.enter_context(page.expect_response(f"**{call}?*"))
            page.get_by_role("combobox", name="Query").press("Enter")
        count(page)
    asked = [urlsplit(request.partition(" ")[2]).path for request in seen.observed.requests]
    assert sorted(asked) == sorted(2 * calls)


def test_the_first_visit_guesses_no_address_to_which_records_would_be_sent(seen: Tab, shop: Shop) -> None:
    page = seen.page
    nothing = {"entries": [], "nextPageToken": "", "unprovedOmitted": False}
    page.route("**/api/v1/search?*", lambda route: route.fulfill(json=nothing))
    visit(page, shop)
    expect(page.get_by_role("heading", name="There are no records yet")).to_be_visible(timeout=PATIENCE)
    command = page.locator(".command code").filter(has_text="curl")
    expect(command).to_contain_text('"$OTEL_EXPORTER_OTLP_ENDPOINT/v1/logs"')
    expect(page.get_by_text("otlp_http=")).to_be_visible()


def test_searches_are_offered_and_saved_in_the_browser(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob", streams="audit")
    found = count(page)
    page.get_by_role("button", name="Searches").click()
    menu = page.get_by_role("region", name="Searches")
    for link in menu.get_by_role("link").all():
        (query,) = parse_qs(urlsplit(str(link.get_attribute("href"))).query)["q"]
        assert _asked_with_evidence(shop, query).is_success, query
    menu.get_by_label("Name").fill("of bob")
    menu.get_by_role("button", name="Save this search").click()
    page.goto(shop.url("/"))
    page.get_by_role("button", name="Searches").click()
    menu.get_by_role("link", name="of bob").click()
    assert count(page) == found
    expect(page.get_by_role("combobox", name="Query")).to_have_value("actor:bob")


def test_the_commands_beside_a_search_find_the_same(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob outcome:failure", streams="audit")
    found = count(page)
    page.get_by_role("button", name="Command line").click()
    commands = page.get_by_role("region", name="This search on the command line").locator("code")
    for command in commands.all_text_contents():
        words = shlex.split(command)[1:]
        query = words.index("--")
        ran = run_lognotary(*words[:query], "--json", "--api", shop.server.api_grpc, *words[query:])
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.count('"recordHash"') == found, command


def _scroll_down(page: Page) -> None:
    page.locator(".rows").evaluate("(rows) => rows.scrollTo(0, rows.scrollHeight)")


def _scroll_to_row(page: Page, number: int) -> None:
    """Scroll down, as far as rows are loaded each time, until a row is in the page; the first one is 1."""
    row = page.locator(f'tr[aria-rowindex="{number + 1}"]')

    def is_shown() -> bool:
        _scroll_down(page)
        return row.count() > 0

    wait_for(is_shown)
