"""The controls of the search in a real browser: columns, order, exports, neighbours, marks, and the live tail."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from harness.browser import Tab
from harness.lognotary_server import run_lognotary
from tests.explorer.conftest import Shop
from tests.explorer.search_page import PATIENCE, count, send_log, state, visit

_MARKS = "Gaps, findings, changes of keys and starts"


def _rows(page: Page) -> list[str]:
    """The times of the rows in the page, as they were stored."""
    times = page.get_by_role("table", name="Records").locator("tbody tr.row time")
    return list(times.evaluate_all("(times) => times.map((time) => time.dateTime)"))


def _asked(shop: Shop, path: str, **fields: str) -> Any:
    answer = httpx.get(f"{shop.server.http}/api/v1/{path}", params=fields, headers={"Host": "localhost"}, timeout=60)
    return answer.raise_for_status().json()


def test_the_head_of_the_times_turns_the_order_around(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    count(page)
    latest = _rows(page)
    assert latest == sorted(latest, reverse=True)
    page.get_by_role("columnheader", name="Time").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Time")).to_have_attribute("aria-sort", "ascending")
    assert state(page)["sort"] == ["oldest"]
    first = _asked(shop, "search", query="actor:bob", oldest_first="true", page_size="1")["entries"][0]["timestamp"]
    expect(page.locator("tr[aria-rowindex='2'] time")).to_have_attribute("datetime", first, timeout=PATIENCE)
    oldest = _rows(page)
    assert oldest == sorted(oldest)
    page.go_back()
    expect(page.locator("tr[aria-rowindex='2'] time")).to_have_attribute("datetime", latest[0], timeout=PATIENCE)


def test_columns_are_added_by_name_moved_and_removed(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "http.method:GET", columns="time,message")
    count(page)
    headers = page.get_by_role("table", name="Records").get_by_role("columnheader")
    page.get_by_role("button", name="Columns").click()
    menu = page.get_by_role("region", name="Columns")
    menu.get_by_label("Field or attribute").fill("http.method")
    menu.get_by_role("button", name="Add", exact=True).click()
    expect(headers).to_contain_text(["Evidence", "Time", "Message", "http.method"])
    cells = page.get_by_role("table", name="Records").locator("tbody tr.row td:last-child")
    assert set(cells.all_text_contents()) == {"GET"}
    menu.get_by_role("button", name="http.method further left").click()
    expect(headers).to_contain_text(["Evidence", "Time", "http.method", "Message"])
    menu.get_by_role("button", name="remove message").click()
    menu.get_by_role("button", name="+ service").click()
    expect(headers).to_contain_text(["Evidence", "Time", "http.method", "Service"])
    assert state(page)["columns"] == ["time,http.method,service"]
    page.reload()
    expect(headers).to_contain_text(["Evidence", "Time", "http.method", "Service"], timeout=PATIENCE)
    page.get_by_role("button", name="Columns").click()
    menu.get_by_role("button", name="Default columns").click()
    expect(headers).to_contain_text(["Evidence", "Time", "Stream", "Service", "Severity", "Message"])
    assert "columns" not in state(page)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_exports_for_tables_have_the_whole_answer_and_a_manifest_that_the_command_checks(
    file_format: str, seen: Tab, shop: Shop, tmp_path: Path
) -> None:
    page = seen.page
    visit(page, shop, "actor:bob")
    found = count(page)
    page.get_by_role("button", name="Export …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Format").select_option(file_format)
    file = tmp_path / f"lognotary-export.{file_format}"
    manifest = tmp_path / f"{file.name}.manifest"
    with page.expect_download(timeout=PATIENCE) as download:
        dialog.get_by_role("link", name=f"Download {file.name}", exact=True).click()
    assert download.value.suggested_filename == file.name
    download.value.save_as(file)
    expect(dialog.get_by_text(f"The file is complete: {found:,} record")).to_be_visible(timeout=PATIENCE)
    with page.expect_download(timeout=PATIENCE) as download:
        dialog.get_by_role("link", name=f"Download {manifest.name}").click()
    download.value.save_as(manifest)
    if file_format == "csv":
        with file.open(newline="", encoding="utf-8") as text:
            assert {row["ActorId"] for row in csv.DictReader(text)} == {"bob"}
    checked = run_lognotary("check", str(file), str(manifest), "--public-key", str(shop.server.public_key))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    seen.observed.console_errors.clear()  # until an export is complete, its manifest is not there


def test_the_records_around_one_are_shown_by_leaf_and_by_time(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob", streams="audit")
    count(page)
    page.get_by_role("table", name="Records").locator("tbody tr.row").nth(3).click()
    panel = page.get_by_role("complementary", name="Record")
    panel.get_by_role("link", name="Before and after").click()
    table = panel.get_by_role("table")
    itself = table.locator("tr[aria-current=true]")
    expect(itself).to_be_visible(timeout=PATIENCE)
    log, leaf = state(page)["open"][0].split("#")[:2]
    asked = _asked(shop, "neighbours", log=log, leaf_index=leaf, by="leaf", before="15", after="15")
    leaves = [int(text) for text in table.locator("tbody th").all_text_contents()]
    assert leaves == list(range(leaves[0], leaves[-1] + 1))
    assert len(leaves) == len(asked["before"]) + 1 + len(asked["after"])
    assert itself.locator("th").text_content() == leaf
    panel.get_by_role("link", name="time", exact=True).click()
    expect(table.get_by_role("columnheader", name="Time")).to_be_visible(timeout=PATIENCE)
    times = table.locator("tbody th").all_text_contents()
    assert times == sorted(times)
    assert len(times) > 1
    assert state(page)["near"] == ["time"]
    page.reload()
    expect(itself).to_be_visible(timeout=PATIENCE)
    assert table.locator("tbody th").all_text_contents() == times
    before = itself.locator("xpath=preceding-sibling::tr[1]").get_by_role("link").first
    before.click()
    expect(itself.locator("th")).to_have_text(times[times.index(str(itself.locator("th").text_content()))])
    assert state(page)["open"][0].split("#")[1] != leaf or state(page)["open"][0].split("#")[0] != log


def test_marks_that_cannot_be_read_are_named(seen: Tab, shop: Shop) -> None:
    page = seen.page
    answer = {"code": "INTERNAL", "message": "the disk is on fire"}
    page.route("**/api/v1/gaps?*", lambda route: route.fulfill(status=500, json=answer))
    visit(page, shop)
    said = page.get_by_role("note").filter(has_text="Gaps could not be read: the disk is on fire")
    expect(said).to_be_visible(timeout=PATIENCE)
    page.unroute_all()
    page.get_by_role("combobox", name="Query").press("Enter")
    expect(said).to_have_count(0, timeout=PATIENCE)
    page.wait_for_load_state("networkidle")
    seen.observed.console_errors.clear()  # the browser names the answer with the error


def test_a_gap_is_marked_above_the_histogram_and_is_zoomed_into(seen: Tab, shop: Shop) -> None:
    page = seen.page
    since, until = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago)) for ago in (7200, 3600))

    def with_gap(route: Route) -> None:
        # Gaps are at least a minute long, so this one is not the server's.
        said = route.fetch().json()
        said["gaps"].append({"origin": "shop", "logId": "ab" * 8, "since": since, "until": until})
        route.fulfill(json=said)

    page.route("**/api/v1/gaps?*", with_gap)
    visit(page, shop)
    marks = page.get_by_role("region", name=_MARKS)
    marks.get_by_role("button", name="nobody signed a statement of shop").click(timeout=PATIENCE)
    listed = marks.get_by_role("list").last.get_by_role("listitem")
    expect(listed).to_contain_text("nobody signed a statement of shop")
    listed.get_by_role("button", name="zoom in").click()
    assert state(page)["since"][0] < since < until < state(page)["until"][0]


def test_the_tail_says_within_which_time_a_record_was_signed(seen: Tab, shop: Shop) -> None:
    page = seen.page
    word = f"w{time.time_ns()}"
    visit(page, shop, word, live="1")
    expect(page.get_by_role("status").filter(has_text="Following")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("columnheader", name="Signed within")).to_be_visible()
    send_log(shop, word)
    row = page.get_by_role("table", name="Records").locator("tbody tr.row").filter(has_text=word)
    expect(row.locator("td").nth(1)).to_have_text(re.compile(r"^[\d.]+ (ms|s)$"), timeout=PATIENCE)


def test_the_line_of_loaded_rows_follows_a_key_that_another_tab_pins(seen: Tab, shop: Shop) -> None:
    page = seen.page
    visit(page, shop, "actor:bob", streams="audit")
    found = count(page)
    line = page.locator(".state-counts")
    expect(line).to_contain_text(f"{found:,} key not pinned", timeout=PATIENCE)
    expect(line).not_to_contain_text("being checked")
    other = seen.context.new_page()
    other.goto(shop.url("/trust"))
    other.get_by_label("Key from a file").set_input_files(shop.server.public_key)
    expect(other.get_by_role("row").filter(has=other.get_by_role("button", name="Unpin"))).to_be_visible()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new FocusEvent('focus'))")  # without a window, no tab loses the focus
    expect(line).not_to_contain_text("key not pinned", timeout=PATIENCE)
    expect(line).to_contain_text(re.compile(f"{found:,} (checked|history not compared)"), timeout=PATIENCE)
    other.close()
