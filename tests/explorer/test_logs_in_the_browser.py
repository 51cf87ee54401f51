"""The pages of logs and of verification in Chromium, against real servers."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from playwright.sync_api import expect

from harness.audit_log import audit_log
from harness.browser import Tab
from harness.lognotary_server import run_lognotary
from tests.explorer.conftest import Shop


def test_all_logs_are_listed_with_their_signers_and_heartbeats(shop: Shop, seen: Tab) -> None:
    page = seen.page
    page.goto(shop.url("/logs"))
    row = page.locator(".logs tbody tr").filter(has_text="/operational/")
    signed_by = row.get_by_role("cell").nth(4)
    expect(signed_by).to_contain_text(re.compile("[0-9a-f]{16}"))
    expect(row).to_contain_text(re.compile(r"none yet|statement \d+"))  # the first heartbeat takes ten minutes
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


def test_the_command_below_a_verification_runs_with_the_files_that_the_page_saves(
    shop: Shop, seen: Tab, tmp_path: Path
) -> None:
    page = seen.page
    page.goto(shop.url("/trust"))
    page.get_by_label("Key from a file").set_input_files(shop.server.verifier_keys)
    expect(page.get_by_role("button", name="Unpin")).to_be_visible()
    expect(page.get_by_text("Last compared at")).to_be_visible(timeout=20_000)
    page.goto(shop.url("/verify"))
    command = page.locator(".command code", has_text="lognotary verify")
    expect(command).to_contain_text(re.compile("--checkpoint kept-1 .*--public-key key-1$"))
    for button in page.get_by_role("button", name=re.compile(r"^(kept|key)-\d+$")).all():
        with page.expect_download() as saved:
            button.click()
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
    # The key was pinned for the logs that it is named after, and leaves the browser for no others.
    kept, given = shop.server.verifier_keys.read_text(), (tmp_path / "key-1").read_text()
    assert set(given.split()) == set(kept.split())
    words = shlex.split(command.inner_text())
    done = run_lognotary(*words[1:], cwd=tmp_path, env={"LOGNOTARY_API": shop.server.api_grpc})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all records match what was signed" in done.stdout + done.stderr


def test_what_was_read_of_a_log_is_not_shown_under_the_name_of_another(shop: Shop, seen: Tab) -> None:
    page = seen.page
    first = str(audit_log(shop.server.http)["logId"])
    page.goto(shop.url(f"/logs/{first}"))
    expect(page.locator(".signed-note")).to_contain_text("/audit/")
    page.get_by_role("link", name="All logs").click()
    page.locator(".logs tbody tr").filter(has_text="/spans/").get_by_role("link", name="/spans/").click()
    expect(page.locator(".signed-note")).to_contain_text("/spans/")
    page.route("**/checkpoint", lambda _: None)  # not answered, so that only what was read before could be shown
    page.evaluate("history.go(-2)")
    expect(page.get_by_role("heading", level=1)).to_contain_text(first)
    expect(page.locator(".signed-note")).to_have_count(0)
