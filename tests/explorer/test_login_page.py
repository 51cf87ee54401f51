"""Readers who log in at a real OpenID provider in a real browser, and what the pages offer to their roles."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from harness.browser import keeping_pages, tab
from harness.free_port import free_port
from harness.keycloak import CLIENT_SECRET, PASSWORD, keycloak
from harness.lognotary_server import LognotaryServer
from harness.shop_day import send_all, shop_day
from server.notary.keys import VerifierKey

_PATIENCE = 120_000  # milliseconds; the provider is slow to start
_ROLES = """
[[roles]]
group = "log-auditors"
role = "auditor"

[[roles]]
claim = "preferred_username"
value = "eve"
role = "viewer"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    """A server whose readers log in at a provider: ada is an auditor, and eve a viewer."""
    directory: Path = tmp_path_factory.mktemp("login")
    with keycloak(directory) as provider:
        secret, settings = directory / "secret", directory / "lognotary.toml"
        secret.write_text(f"{CLIENT_SECRET}\n")
        secret.chmod(0o600)
        settings.write_text(
            f'oidc_issuer = "{provider.issuer}"\noidc_client_id = "lognotary"\n'
            f'oidc_client_secret_file = "{secret}"\noidc_cli_client_id = "lognotary-cli"\n{_ROLES}'
        )
        http = f"127.0.0.1:{free_port()}"  # the provider sends people back to it
        storage, data = f"chdb://{directory / 'chdb'}", directory / "data"
        with LognotaryServer(storage, data, http=http, config=str(settings)) as running:
            send_all(running.otlp_http, shop_day(time.time_ns(), logs=50, events=20, traces=2).requests)
            yield running


def _log_in(page: Page, name: str) -> None:
    page.get_by_role("link", name="Log in").click(timeout=_PATIENCE)
    page.locator("#username").fill(name, timeout=_PATIENCE)
    page.locator("#password").fill(PASSWORD)
    page.locator("[type=submit]").click()


def test_a_reader_logs_in_is_back_at_the_address_and_logs_out_at_the_provider_too(
    server: LognotaryServer, chromium: Browser
) -> None:
    with tab(chromium) as opened:
        page = opened.page
        wanted = f"{server.http}/actor/bob?q=outcome%3Afailure&x=1+2"
        page.goto(wanted)
        expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=_PATIENCE)
        _log_in(page, "ada")
        expect(page.get_by_role("heading", level=1)).to_contain_text("bob", timeout=_PATIENCE)
        assert page.url == wanted
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/realms/**", timeout=_PATIENCE)
        assert httpx.get(f"{server.http}/login/whoami", cookies=_cookies(page, server)).status_code == 401
        assert opened.observed.violations == []


def test_after_a_logout_the_browser_shows_no_records_that_it_keeps(server: LognotaryServer, chromium: Browser) -> None:
    with keeping_pages(chromium) as keeping, tab(keeping) as opened:
        page = opened.page
        page.add_init_script("addEventListener('pageshow', ({ persisted }) => { window.wasKept = persisted; });")
        page.goto(f"{server.http}/actor/bob")
        _log_in(page, "ada")
        expect(page.get_by_role("heading", level=1)).to_contain_text("bob", timeout=_PATIENCE)
        expect(page.get_by_role("table").first).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/realms/**", timeout=_PATIENCE)
        page.go_back(wait_until="commit")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=_PATIENCE)
        expect(page.get_by_role("table")).to_have_count(0)
        assert page.evaluate("window.wasKept")


def test_a_viewer_is_offered_only_what_the_role_permits(server: LognotaryServer, chromium: Browser) -> None:
    with tab(chromium) as opened:
        page = opened.page
        page.goto(f"{server.http}/?since=24h")
        _log_in(page, "eve")
        rows = page.get_by_role("table", name="Records").get_by_role("row")
        expect(rows.nth(1)).to_be_visible(timeout=_PATIENCE)
        pages = page.get_by_role("navigation", name="Pages")
        expect(pages.get_by_role("link", name="Search")).to_be_visible()
        expect(pages.get_by_role("link", name="Logs")).to_have_count(0)
        assert "audit" not in (page.get_by_role("table", name="Records").text_content() or "")
        page.goto(f"{server.http}/actor/bob")
        expect(page.get_by_role("heading", name="This page is for other roles")).to_be_visible(timeout=_PATIENCE)
        expect(page.get_by_role("main")).to_contain_text("It needs the role auditor; you have viewer")


def test_a_viewer_checks_a_log_record_against_its_batch_and_is_shown_no_audit_event(
    server: LognotaryServer, chromium: Browser
) -> None:
    with tab(chromium) as opened:
        page = opened.page
        _log_in_and_pin(page, server, "eve")
        path = _record_path(page, "operational")
        page.goto(f"{server.http}{path}")
        _expect_verdict(page, "Signed, but its history was not compared")
        expect(page.get_by_text("Only readers with the role auditor may see them")).to_be_visible()
        expect(page.get_by_role("link", name="Download bundle")).to_have_count(0)
        page.goto(f"{server.http}/r/{_log_ids(server)['audit']}/0")
        _expect_verdict(page, "No record at this leaf is shown to you")


def test_an_auditor_who_is_not_a_viewer_reads_an_audit_event_and_that_roles_hide_a_log_record(
    server: LognotaryServer, chromium: Browser
) -> None:
    with tab(chromium) as opened:
        page = opened.page
        _log_in_and_pin(page, server, "ada")
        page.goto(f"{server.http}{_record_path(page, 'audit')}")
        _expect_verdict(page, "Checked in this browser")
        expect(page.get_by_role("link", name="Download bundle")).to_be_visible()
        page.goto(f"{server.http}/r/{_log_ids(server)['operational']}/0")
        _expect_verdict(page, "Your roles do not permit you to read this record")


def _log_in_and_pin(page: Page, server: LognotaryServer, name: str) -> None:
    page.goto(f"{server.http}/trust")
    _log_in(page, name)
    page.get_by_label("Key from a file").set_input_files(server.public_key, timeout=_PATIENCE)
    expect(page.get_by_role("button", name="Unpin")).to_be_visible(timeout=_PATIENCE)


def _expect_verdict(page: Page, title: str) -> None:
    expect(page.get_by_label("Verdict").get_by_role("heading")).to_contain_text(title, timeout=_PATIENCE)


def _record_path(page: Page, stream: str) -> str:
    """The address of a record of a stream, as the reader of a page finds it."""
    answer = page.evaluate(
        "stream => fetch(`/api/v1/search?streams=${stream}&page_size=1`).then(it => it.json())", stream
    )
    (entry,) = answer["entries"]
    evidence = (entry.get("auditEvent") or entry["log"])["evidence"]
    return f"/r/{evidence['logId']}/{evidence['leafIndex']}"


def _log_ids(server: LognotaryServer) -> dict[str, str]:
    """IDs of logs by stream: a log's ID is computed from its name, which ends with the stream and the node."""
    names = [VerifierKey.parse(line).name for line in server.verifier_keys.read_text().split()]
    return {name.split("/")[-2]: sha256(name.encode()).hexdigest()[:16] for name in names}


def _cookies(page: Page, server: LognotaryServer) -> dict[str, str]:
    return {str(each["name"]): str(each["value"]) for each in page.context.cookies(server.http)}
