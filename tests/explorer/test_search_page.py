"""The search in a real browser: what it finds, how it is narrowed, and that its address has all of its state."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from harness.browser import Tab
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.shop_day import Day, send_all, shop_day
from harness.tampering import change_actor
from tests.explorer.conftest import Shop

_PATIENCE = 30_000  # milliseconds; the machine may be busy


def _visit(page: Page, shop: Shop, query: str = "", **more: str) -> None:
    parameters = httpx.QueryParams({"since": "24h", **({"q": query} if query else {}), **more})
    page.goto(shop.url(f"/?{parameters}"))


def _count(page: Page) -> int:
    """The number of records that the page says it has found."""
    status = page.get_by_role("status").filter(has_text=re.compile(r"^[\d,]+ records?$"))
    expect(status).to_be_visible(timeout=_PATIENCE)
    return int((status.text_content() or "").partition(" ")[0].replace(",", ""))


def _asked(shop: Shop, query: str) -> int:
    """The number of records that the API has found, without those of who looked."""
    fields = {"query": query, "since": _day_ago(), "count_up_to": "100000"}
    answer = httpx.get(f"{shop.server.http}/api/v1/search", params=fields, headers={"Host": "localhost"})
    return int(answer.raise_for_status().json()["count"])


def _day_ago() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400))


def _state(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_count_histogram_facets_and_rows_are_about_the_same_records(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop, "actor:bob")
    found = _count(page)
    assert found == _asked(shop, "actor:bob") > 0
    page.get_by_role("region", name="Histogram").get_by_role("button", name="Table").click()
    totals = page.get_by_role("region", name="Histogram").locator("tbody tr td:nth-child(2)")
    assert sum(int(text.replace(",", "")) for text in totals.all_text_contents()) == found
    streams = page.get_by_role("button", name=re.compile(r"^audit [\d,]+ 100%$"))
    expect(streams).to_contain_text(f"{found:,}")
    assert page.get_by_role("table", name="Records").get_attribute("aria-rowcount") in (str(found + 1), "-1")


def test_a_facet_narrows_the_search_and_its_minus_excludes(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop, "actor:bob")
    _count(page)
    page.get_by_role("button", name=re.compile(r"^failure [\d,]+")).click()
    expect(page.get_by_role("combobox", name="Query")).to_have_value('actor:bob outcome:"failure"')
    failures = _count(page)
    assert failures == _asked(shop, "actor:bob outcome:failure")
    page.go_back()
    expect(page.get_by_role("combobox", name="Query")).to_have_value("actor:bob")
    page.get_by_role("button", name="exclude failure").click()
    expect(page.get_by_role("combobox", name="Query")).to_have_value('actor:bob -outcome:"failure"')
    assert _count(page) == _asked(shop, "actor:bob -outcome:failure")


def test_reload_back_and_forward_keep_the_query_the_columns_and_the_opened_record(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop, "actor:bob", columns="time,actor,action", sort="oldest")
    _count(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Record")
    expect(panel).to_be_visible(timeout=_PATIENCE)
    opened = _state(page)["open"]
    page.reload()
    expect(panel).to_be_visible(timeout=_PATIENCE)
    assert _state(page)["open"] == opened
    headers = page.get_by_role("table", name="Records").get_by_role("columnheader")
    expect(headers).to_contain_text(["Evidence", "Time", "Actor", "Action"], ignore_case=True)
    page.keyboard.press("Escape")
    expect(panel).not_to_be_visible()
    assert "open" not in _state(page)
    page.go_back()
    expect(panel).to_be_visible(timeout=_PATIENCE)
    page.go_forward()
    expect(panel).not_to_be_visible()


def test_an_error_in_a_query_is_shown_with_its_place(shop: Shop, seen: Tab) -> None:
    page = seen.page
    _visit(page, shop, "actr:bob")
    alert = page.get_by_role("alert").filter(has_text="there is no field")
    expect(alert).to_contain_text("did you mean 'actor'?", timeout=_PATIENCE)
    # The browser itself names answers with an error in its console, and this page asks for several.
    seen.observed.console_errors.clear()


def test_names_and_values_are_completed_by_the_keyboard(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop)
    _count(page)
    page.keyboard.press("/")
    query = page.get_by_role("combobox", name="Query")
    expect(query).to_be_focused()
    page.keyboard.type("acto")
    page.get_by_role("option", name=re.compile("^actor")).first.wait_for(timeout=_PATIENCE)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(query).to_have_value("actor:")
    page.keyboard.type("bo")
    page.get_by_role("option", name=re.compile("bob")).first.wait_for(timeout=_PATIENCE)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert _count(page) == _asked(shop, "actor:bob")


def test_a_live_tail_shows_what_arrives_and_waits_while_a_record_is_read(seen: Tab, shop: Shop) -> None:
    page = seen.page
    word = f"w{time.time_ns()}"
    _visit(page, shop, word, live="1")
    expect(page.get_by_role("table", name="Records")).to_be_visible(timeout=_PATIENCE)
    with page.expect_response(re.compile("/api/v1/tail"), timeout=_PATIENCE):
        page.reload()
    page.wait_for_timeout(1000)  # a tail begins with what is committed after it was asked for
    _log(shop, f"first {word}")
    rows = page.get_by_role("row").filter(has_text=word)
    expect(rows).to_have_count(1, timeout=_PATIENCE)
    rows.first.click()
    expect(page.get_by_role("complementary", name="Record")).to_be_visible()
    _log(shop, f"second {word}")
    expect(page.get_by_text(re.compile("paused", re.IGNORECASE)).first).to_be_visible(timeout=_PATIENCE)
    page.keyboard.press("Escape")
    expect(rows.filter(has_text="second")).to_have_count(1, timeout=_PATIENCE)


def test_an_export_has_the_whole_answer_and_a_manifest_that_the_command_checks(
    seen: Tab, shop: Shop, tmp_path: Path
) -> None:
    page = seen.page
    _visit(page, shop, "actor:bob")
    found = _count(page)
    page.get_by_role("button", name="Export …").click()
    file, manifest = tmp_path / "lognotary-export.ndjson", tmp_path / "lognotary-export.ndjson.manifest"
    with page.expect_download(timeout=_PATIENCE) as download:
        page.get_by_role("link", name=re.compile("^Download lognotary-export")).click()
    download.value.save_as(file)
    with page.expect_download(timeout=_PATIENCE) as download:
        page.get_by_role("dialog").get_by_text(re.compile("manifest", re.IGNORECASE)).get_by_role("link").or_(
            page.get_by_role("dialog").get_by_role("link", name=re.compile("manifest", re.IGNORECASE))
        ).first.click()
    download.value.save_as(manifest)
    assert len(file.read_text().splitlines()) == found
    checked = run_lognotary("check", str(file), str(manifest), "--public-key", str(shop.server.public_key))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    seen.observed.console_errors.clear()  # until an export is complete, its manifest is not there


def test_a_sender_cannot_hide_events_by_the_name_of_records_of_who_looked(seen: Tab, shop: Shop) -> None:
    page, actor = seen.page, f"hider-{time.time_ns()}"
    _audit(shop, actor, scope="lognotary.access", event="lognotary.access")
    _visit(page, shop, f"actor:{actor}")
    assert _count(page) == 1
    page.get_by_role("button", name="Export …").click()
    export = page.get_by_role("link", name=re.compile("^Download")).get_attribute("href")
    assert actor in httpx.get(shop.url(str(export)), headers={"Host": "localhost"}).text
    page.goto(shop.url(f"/actor/{actor}"))
    page.get_by_role("button", name="without who looked").click()
    expect(page.get_by_text(re.compile("1 event")).first).to_be_visible(timeout=_PATIENCE)


def test_hostile_records_are_text_in_rows_and_panel(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop, 'service:"<b>hostile</b>"')
    assert _count(page) == 9
    expect(page.get_by_text("<script>document.title='owned'</script>").first).to_be_visible()
    assert page.locator("main script, main img, main b").count() == 0
    for _ in range(9):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Record")).to_be_visible(timeout=_PATIENCE)
    assert page.locator("main script, main img, main b").count() == 0
    assert "owned" not in page.title()


@pytest.fixture
def changed(storage_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A server in whose storage the actor of leaf 3 was changed behind its back, once for each engine."""
    day = shop_day(time.time_ns(), logs=5, events=20, traces=0)
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02)
    with server:
        send_all(server.otlp_http, day.requests)
        logs = httpx.get(f"{server.http}/api/v1/logs", headers={"Host": "localhost"}).json()["logs"]
        audit = next(log["logId"] for log in logs if log["stream"] == "audit")
    change_actor(server, audit, 3, "mallory")
    with server:
        yield Shop(server, Day((), ""))


def test_a_row_that_was_changed_behind_the_servers_back_is_named(seen: Tab, changed: Shop) -> None:
    page = seen.page
    _visit(page, changed, "actor:mallory")
    row = page.get_by_role("row").filter(has_text="mallory")
    expect(row).to_contain_text("RECORD_CHANGED", timeout=_PATIENCE)  # the browser's own finding
    _visit(page, changed, "evidence:tampered")
    expect(row).to_have_count(1, timeout=_PATIENCE)


def _log(shop: Shop, text: str) -> None:
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": text}}
    send_all(shop.server.otlp_http, [("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})])


def _audit(shop: Shop, actor: str, *, scope: str = "", event: str = "") -> None:
    texts = {"audit.actor.id": actor, "audit.action": "user.delete", "audit.outcome": "success"}
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]
    record = {"timeUnixNano": str(time.time_ns()), "eventName": event, "attributes": attributes}
    scoped = {"scope": {"name": scope}, "logRecords": [record]}
    send_all(shop.server.otlp_http, [("/v1/logs", {"resourceLogs": [{"scopeLogs": [scoped]}]})])
