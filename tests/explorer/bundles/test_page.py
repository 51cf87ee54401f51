"""The page of a bundle in Chromium: keyboard, screen readers, paper, pages that were saved again, other browsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from harness.browser import tab
from harness.explorer import require_bundle_page
from harness.lacking import lacking
from server import check
from server.explorer.bundle_page import bundle_page
from tests.checked_bundles import BUNDLE, FIRST, LOG, STRANGER, WITNESSED
from tests.explorer.bundles.opened import HOSTILE, MINE, PROVED, REFUTED, UNPINNED, log_of, opened, opened_file


def test_the_keyboard_reaches_everything_in_order(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.verdict(UNPINNED)
        reached = []
        for _ in range(5):
            page.tab.page.keyboard.press("Tab")
            reached.append(
                page.tab.page.evaluate(
                    "document.activeElement.id || document.activeElement.type || document.activeElement.tagName"
                )
            )
        assert reached[:2] == ["key", "file"]
        page.tab.page.focus("#key")
        page.tab.page.keyboard.insert_text(MINE)
        page.verdict(PROVED)
        assert page.tab.page.evaluate("document.activeElement.id") == "key"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_is_cut_off(chromium: Browser, scheme: str, width: int, tmp_path: Path) -> None:
    axe = Path(__file__).parents[3] / "server/explorer/web/node_modules/axe-core/axe.min.js"
    if not axe.exists():
        lacking("axe-core is not installed: run npm ci in server/explorer/web")
    path = tmp_path / "record.html"
    path.write_bytes(bundle_page(require_bundle_page(), LOG.bundle(5, WITNESSED, timestamp=b"0")))
    with tab(chromium, color_scheme="dark" if scheme == "dark" else "light", width=width) as opened_tab:
        opened_tab.page.goto(path.as_uri())
        for given, kind in ((MINE, "proved"), ("nothing", "waiting"), ("", "refuted")):
            opened_tab.page.fill("#key", given)
            opened_tab.page.wait_for_selector(f".verdict-{kind}")
            opened_tab.page.wait_for_function("!document.querySelector('.verdict-word').innerText.includes('Being')")
            if kind == "proved":
                # Of the page's own policy, a test is no part.
                opened_tab.context.new_cdp_session(opened_tab.page).send(
                    "Runtime.evaluate", {"expression": axe.read_text(encoding="utf-8")}
                )
            found = opened_tab.page.evaluate(
                "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))"
            )
            assert found == []
            assert opened_tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_everything_is_unfolded_and_nothing_is_to_be_pressed(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.verdict(UNPINNED)
        page.tab.page.emulate_media(media="print", color_scheme="dark")
        page.tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.tab.page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 33, 29)"
        assert page.tab.page.locator("details:not([open])").count() == 0
        assert page.tab.page.locator("button:visible, textarea:visible").count() == 0
        assert page.tab.page.locator("text=No key was given when this page was printed").is_visible()


def test_a_page_that_the_browser_saved_again_is_still_a_bundle(chromium: Browser, tmp_path: Path) -> None:
    raw = HOSTILE.encode()
    log = log_of(Body=raw + b'<script type="application/json" id="bundle">{}</script>', ActorId=b"alice")
    mine = str(FIRST.verifier_key(log.origin))
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "record.html"
    with opened(chromium, log.bundle(0, log.checkpoint(1, FIRST)), tmp_path) as page:
        page.give(mine)
        page.verdict(PROVED)
        again.write_text(page.tab.page.content(), encoding="utf-8")
    assert check.check(check.read_bundle(again), [check.parse_key(mine)]).holds
    with opened_file(chromium, again) as page:
        page.verdict(REFUTED)  # a key that was given is not saved, and the bundle names none
        page.give(mine)
        page.verdict(PROVED)
        assert page.tab.page.locator(".verdict").count() == 1


def test_a_browser_without_ed25519_and_webcrypto_checks_with_the_library(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "record.html"
    path.write_bytes(bundle_page(require_bundle_page(), BUNDLE))
    for missing in (
        "SubtleCrypto.prototype.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'));",
        "Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined });",
    ):
        with tab(chromium) as opened_tab:
            opened_tab.context.add_init_script(missing)
            opened_tab.page.goto(path.as_uri())
            opened_tab.page.fill("#key", MINE)
            opened_tab.page.wait_for_selector(".verdict-proved")
            opened_tab.page.fill("#key", str(STRANGER.verifier_key(LOG.origin)))
            opened_tab.page.wait_for_selector(".verdict-refuted")
            assert opened_tab.observed.complaints() == []


def test_a_page_that_is_served_without_tls_checks_itself_too(chromium: Browser) -> None:
    page = bundle_page(require_bundle_page(), BUNDLE)

    def answer(route: Route) -> None:
        route.fulfill(body=page, content_type="text/html")

    with tab(chromium) as opened_tab:
        opened_tab.page.route("http://shop.example/record.html", answer)
        opened_tab.page.goto("http://shop.example/record.html")  # without TLS: no WebCrypto
        opened_tab.page.fill("#key", MINE)
        opened_tab.page.wait_for_selector(".verdict-proved")
        assert opened_tab.observed.complaints() == []
