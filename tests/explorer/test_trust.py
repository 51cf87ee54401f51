"""The page of trust in a real browser: pinned keys, and every reader as a witness against the server."""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from harness.browser import Tab, tab
from harness.shop_day import send_all, shop_day
from server.notary.canonical import leaf_of
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.note import parse_note
from tests.explorer.conftest import Shop
from tests.explorer.trust_page import (
    PATIENCE,
    Log,
    banner,
    fingerprint_of,
    look_at_logs,
    pin,
    serve_logs,
    shown_logs,
    signer_of,
    wait_for_growth,
    with_other_checkpoint,
)


def test_a_key_is_pinned_by_the_fingerprint_that_came_through_another_channel(
    seen: Tab, shop: Shop, tmp_path: Path
) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    expect(page.get_by_text("No key is pinned.")).to_be_visible()
    page.get_by_label("Fingerprint: 16").fill("0123456789abcdef")
    page.get_by_role("button", name="Pin by fingerprint").click()
    expect(page.get_by_text("no key of this server has the fingerprint")).to_be_visible()
    right = fingerprint_of(shop.server)
    page.get_by_label("Name for the key").fill("the shop's")
    page.get_by_label("Fingerprint: 16").fill(f"{right[:8]} {right[8:]}".upper())
    page.get_by_role("button", name="Pin by fingerprint").click()
    row = page.get_by_role("row", name="the shop's")
    expect(row).to_contain_text(right)
    page.reload()
    expect(row).to_contain_text("by fingerprint")
    # Another browser takes it over from the QR code.
    row.get_by_role("button", name="QR code").click()
    code = tmp_path / "code.png"
    page.get_by_role("img", name="QR code").screenshot(path=code)
    row.get_by_role("button", name="Unpin").click()
    expect(row).to_have_count(0)
    page.get_by_label("Key from a picture of a QR code").set_input_files(code)
    expect(page.get_by_role("row", name=right)).to_contain_text("by QR code")
    page.get_by_role("row", name=right).get_by_role("button", name="Unpin").click()
    page.get_by_label("Key from a file").set_input_files(shop.server.public_key)
    expect(page.get_by_role("row", name=right)).to_contain_text("by file")


def test_a_log_that_grows_has_to_be_proved_to_continue_what_was_seen(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    log = next(log for log in shown_logs(shop.server) if log["stream"] == "operational")
    row = page.get_by_role("row", name=log["origin"])
    expect(row).to_contain_text(f"{int(log['treeSize']):,}")
    send_all(shop.server.otlp_http, shop_day(time.time_ns(), logs=30, events=0, traces=0, seed=time.time_ns()).requests)
    grown = wait_for_growth(shop.server, log)
    page.reload()
    expect(row).to_contain_text(f"{int(grown['treeSize']):,}")
    expect(row).to_contain_text("has only grown")
    assert any(f"first={log['treeSize']}&second=" in asked for asked in seen.observed.requests)
    expect(banner(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("kind", "more"), [("LOG_FORKED", 0), ("LOG_FORKED", 1), ("LOG_TRUNCATED", -1), ("LOG_MISSING", None)]
)
def test_a_forged_history_is_refused_with_both_signed_notes_as_evidence(
    seen: Tab, shop: Shop, kind: str, more: int | None
) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    true = shown_logs(shop.server)[0]

    def forged(logs: list[Log]) -> list[Log]:
        others = [log for log in logs if log["logId"] != true["logId"]]
        if more is None:
            return others
        return [with_other_checkpoint(shop.server, true, int(true["treeSize"]) + more), *others]

    serve_logs(page, forged)
    # The server has no proof to a tree that there is not: a hostile one sends some hashes.
    path = [true["checkpoint"].split("\n")[2]]
    page.route("**/consistency-proof*", lambda route: route.fulfill(json={"path": path}))
    page.reload()
    expect(banner(page)).to_contain_text(kind, timeout=PATIENCE)
    expect(banner(page)).to_contain_text(true["origin"])
    page.unroute_all(behavior="ignoreErrors")
    page.goto(shop.url("/"))
    expect(banner(page)).to_contain_text(kind)
    banner(page).get_by_role("link").click()
    finding = page.locator(".trust-finding-open")
    expect(finding).to_contain_text(f"--checkpoint {true['logId']}-before.checkpoint")
    assert _saved(page, "Save the checkpoint seen before") == true["checkpoint"]
    if more is not None:
        other = _saved(page, "Save the checkpoint that contradicts it")
        assert Checkpoint.parse(parse_note(other).text).root == bytes(range(32))
    # What was seen is not replaced by the forged checkpoint.
    row = page.get_by_role("row", name=true["origin"])
    expect(row).to_contain_text(f"{int(true['treeSize']):,}")
    finding.get_by_role("button", name="Acknowledge").click()
    expect(banner(page)).to_have_count(0)
    expect(page.get_by_text("Acknowledged at")).to_be_visible()


def test_times_of_comparisons_are_in_the_zone_that_the_reader_chose(chromium: Browser, shop: Shop) -> None:
    with tab(chromium, timezone_id="Asia/Tokyo") as opened:
        page = opened.page
        look_at_logs(page, shop.server)
        compared = page.locator("#checkpoints").get_by_text("Last compared at")
        expect(compared).to_contain_text("UTC+09:00")
        in_tokyo = datetime.fromisoformat(compared.locator("time").inner_text())
        page.get_by_label("Time zone").select_option("UTC")
        expect(compared).to_contain_text("UTC")
        in_utc = datetime.fromisoformat(compared.locator("time").inner_text())
        assert in_tokyo - in_utc == timedelta(hours=9)


def test_marks_are_as_high_as_their_words_whatever_is_said_of_them(seen: Tab, shop: Shop) -> None:
    look_at_logs(seen.page, shop.server)
    marks = seen.page.locator(".trust-marks .state")
    expect(marks).not_to_have_count(0)
    assert marks.evaluate_all("marks => new Set(marks.map((mark) => mark.offsetHeight)).size") == 1


def _saved(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_a_checkpoint_that_the_reader_kept_is_compared(seen: Tab, shop: Shop, tmp_path: Path) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    log = shown_logs(shop.server)[0]
    mine = tmp_path / "mine.checkpoint"
    mine.write_text(log["checkpoint"], encoding="utf-8")
    file = page.get_by_label(re.compile("A checkpoint that you"))
    file.set_input_files(mine)
    expect(page.get_by_text("of your checkpoint, as proved here")).to_be_visible()
    mine.write_text(with_other_checkpoint(shop.server, log, int(log["treeSize"]))["checkpoint"], encoding="utf-8")
    file.set_input_files(mine)
    expect(page.get_by_text("LOG_FORKED")).to_be_visible()
    mine.write_text(json.dumps(log), encoding="utf-8")
    file.set_input_files(mine)
    expect(page.get_by_text("the file is not a signed note")).to_be_visible()


def test_records_are_checked_with_the_pinned_key_and_a_changed_one_is_named(seen: Tab, shop: Shop) -> None:
    page = seen.page
    look_at_logs(page, shop.server)
    page.get_by_label("Key from a file").set_input_files(shop.server.public_key)
    expect(page.get_by_role("row", name=fingerprint_of(shop.server))).to_be_visible()

    def changed(route: Route) -> None:
        said = route.fetch().json()
        for event in [entry["auditEvent"] for entry in said["entries"] if entry.get("auditEvent")][:1]:
            event["audit"]["actorId"] = event["audit"]["actorName"] = "mallory"
        route.fulfill(json=said)

    page.goto(shop.url("/?q=service:accounts"))
    expect(page.locator(".state-checked").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".state-tampered")).to_have_count(0)
    page.route("**/api/v1/search?*", changed)
    page.reload()
    refuted = page.locator(".state-tampered", has_text="RECORD_CHANGED").first
    expect(refuted).to_be_visible(timeout=PATIENCE)
    expect(refuted).to_have_attribute("title", re.compile("what is shown is not what was signed"))
    # Unpinned, nothing is called checked any more.
    page.unroute_all(behavior="ignoreErrors")
    page.goto(shop.url("/trust"))
    page.get_by_role("button", name="Unpin").click()
    expect(page.get_by_role("row", name=fingerprint_of(shop.server))).to_have_count(0)  # the browser has forgotten it
    page.goto(shop.url("/?q=service:accounts"))
    expect(page.locator(".state-unpinned").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".state-checked")).to_have_count(0)


# As a browser does whose disk is full: the transaction ends without its values.
_FULL_DISK = """
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (...given) {
  const request = put.apply(this, given);
  if (this.name === "findings") this.transaction.abort();
  return request;
};
"""


@pytest.mark.parametrize("disk", ["with space", "full"])
def test_a_forged_history_of_records_is_refused_and_named_on_every_page(seen: Tab, shop: Shop, disk: str) -> None:
    page = seen.page
    pin(page, shop.server)
    if disk == "full":
        page.add_init_script(_FULL_DISK)

    def forged(route: Route) -> None:
        said = route.fetch().json()
        for entry in [entry for entry in said["entries"] if entry.get("auditEvent")][:1]:
            evidence = entry["auditEvent"]["evidence"]
            leaf = leaf_of(base64.b64decode(evidence["canonicalRecord"]))
            note = str(sign_checkpoint(Checkpoint(evidence["origin"], 1, leaf), signer_of(shop.server)))
            evidence |= {"leafIndex": "0", "treeSize": "1", "inclusionPath": [], "checkpoint": note}
        route.fulfill(json=said)

    page.route("**/api/v1/search?*", forged)
    page.goto(shop.url("/?q=service:accounts"))
    expect(page.locator(".state-tampered", has_text="LOG_FORKED").first).to_be_visible(timeout=PATIENCE)
    expect(banner(page)).to_contain_text("LOG_FORKED")
    expect(page.locator(".state-checked").first).to_be_visible(timeout=PATIENCE)
    page.unroute_all(behavior="ignoreErrors")
    if disk == "full":
        expect(banner(page)).to_contain_text("will lose it when this page is closed")
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Logs").click()
        expect(page.get_by_role("heading", name="Logs", exact=True)).to_be_visible()
    else:
        page.goto(shop.url("/logs"))
    expect(banner(page)).to_contain_text("LOG_FORKED")


def test_a_reader_who_clears_what_the_browser_keeps_sees_nothing_checked_by_a_key_that_is_gone(
    seen: Tab, shop: Shop
) -> None:
    page = seen.page
    pin(page, shop.server)
    page.goto(shop.url("/?q=service:accounts"))
    expect(page.locator(".state-checked").first).to_be_visible(timeout=PATIENCE)
    cleared = {"origin": shop.url("").rstrip("/"), "storageTypes": "indexeddb"}
    page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", cleared)
    expect(page.locator(".state-unpinned").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".state-checked")).to_have_count(0, timeout=PATIENCE)
    # The page goes on keeping what it is given.
    page.get_by_role("link", name=re.compile("[Tt]rust")).first.click()
    page.get_by_label("Key from a file").set_input_files(shop.server.public_key)
    expect(page.get_by_role("row", name=fingerprint_of(shop.server))).to_be_visible()


def test_a_reader_without_a_role_still_reads_what_the_marks_mean(seen: Tab, shop: Shop) -> None:
    page = seen.page

    def nobody(route: Route) -> None:
        said = route.fetch().json()
        route.fulfill(json={**said, "name": "eve", "roles": []})

    page.route("**/login/whoami", nobody)
    page.goto(shop.url("/trust"))
    expect(page.get_by_role("heading", name="What the marks mean")).to_be_visible()
    page.get_by_role("link", name="Lognotary").click()
    expect(page.get_by_role("heading", name="You have no role here")).to_be_visible()


def test_an_address_with_the_name_of_a_section_leads_there(seen: Tab, shop: Shop) -> None:
    page = seen.page
    limits = page.get_by_role("heading", name="What this does not prove")
    page.goto(shop.url("/trust"))
    expect(limits).to_be_visible()
    expect(limits).not_to_be_in_viewport()
    page.goto(shop.url("/traces"))
    page.goto(shop.url("/trust#limits"))
    expect(limits).to_be_in_viewport()
    page.get_by_role("link", name="Traces").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Traces")
    page.go_back()
    expect(limits).to_be_in_viewport()
