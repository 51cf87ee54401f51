"""All pages of the explorer: WCAG 2.2 AA by axe-core, narrow windows, weight, and complaints of the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.browser import Tab, tab
from harness.lacking import lacking
from tests.explorer.conftest import Shop
from tests.explorer.pages import PAGES

WEB = Path(__file__).parents[2] / "server" / "explorer" / "web"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SCRIPT_BYTES = """
performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)
"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which runs beside the page's own scripts."""
    file = WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        lacking(f"there is no {file}: npm ci in {WEB}")
    return file.read_text(encoding="utf-8")


def findings_of(page: Page, axe: str) -> list[str]:
    """Every element that axe-core objects to, with its rule."""
    page.evaluate(axe)
    report: dict[str, Any] = page.evaluate("(options) => axe.run(document, options)", RULES)
    return [f"{rule['id']}: {node['html'][:200]}" for rule in report["violations"] for node in rule["nodes"]]


def visit(opened: Tab, shop: Shop, name: str) -> None:
    opened.page.goto(shop.url(PAGES[name](shop.server.http, shop.day)))
    expect(opened.page.get_by_role("heading", level=1)).to_be_visible()
    opened.page.wait_for_load_state("networkidle")


def _open(*clicks: str) -> Callable[[Page], None]:
    """Return what clicks the elements of selectors, one after the other."""

    def act(page: Page) -> None:
        for each in clicks:
            page.locator(each).first.click()

    return act


def _verify(page: Page) -> None:
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".judgement")).to_be_visible(timeout=60_000)


def _lose_all_logs(page: Page) -> None:
    """Show a server that has no logs any more to a browser that has seen some."""
    expect(page.locator("#checkpoints tbody tr").first).to_be_visible(timeout=30_000)
    page.route("**/api/v1/logs", lambda route: route.fulfill(json={"logs": [], "unsignedStreams": []}))
    page.reload()
    expect(page.get_by_role("alert").filter(has_text="LOG_MISSING").first).to_be_visible(timeout=30_000)


OPENED: Mapping[str, tuple[str, Callable[[Page], None], str]] = {
    "record beside the list": ("/", _open("[data-row='0']"), ".record-panel"),
    "neighbours": ("/", _open("[data-row='0']", "text=Before and after"), ".record-panel table"),
    "syntax": ("/", _open("button:has-text('Syntax')"), "dialog[open]"),
    "export": ("/", _open("button:has-text('Export')"), "dialog[open]"),
    "columns": ("/", _open("button:has-text('Columns')"), ".menu-panel"),
    "keys": ("/", _open("button:has-text('Keys')"), "dialog[open]"),
    "completion": ("/", lambda page: page.locator("input[role=combobox]").press_sequentially("sev"), "[role=option]"),
    "live tail": ("/?live=1", lambda _: None, ".live-mark"),
    "entry of a trace": ("trace", _open(".waterfall-row"), ".trace-panel"),
    "run of verify": ("/verify", _verify, ".judgement"),
    "finding banner": ("/trust", _lose_all_logs, ".trust-banner"),
}
"""Name of each state that a reader opens -> path or name of a page, what opens it, and what is then there."""


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OPENED)
def test_axe_finds_nothing_in_what_a_reader_opens(
    chromium: Browser, shop: Shop, axe: str, name: str, theme: Literal["light", "dark"]
) -> None:
    path, act, there = OPENED[name]
    with tab(chromium, color_scheme=theme) as opened:
        page = opened.page
        page.goto(shop.url(path if path.startswith("/") else PAGES[path](shop.server.http, shop.day)))
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        act(page)
        expect(page.locator(there).first).to_be_visible()
        assert findings_of(page, axe) == []


# An engine makes no difference to what these pages look like.
@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_page(
    chromium: Browser, shop: Shop, axe: str, name: str, theme: Literal["light", "dark"]
) -> None:
    with tab(chromium, color_scheme=theme) as opened:
        visit(opened, shop, name)
        assert findings_of(opened.page, axe) == []


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
def test_keys_of_one_character_can_be_turned_off_and_stay_off(chromium: Browser, shop: Shop) -> None:
    with tab(chromium) as opened:
        page = opened.page
        visit(opened, shop, "trace")
        dialog, button = page.get_by_role("dialog", name="Keys"), page.get_by_role("button", name="Keys")
        text = page.get_by_placeholder("text in entries")
        page.keyboard.press("/")
        expect(text).to_be_focused()
        button.click()
        dialog.get_by_role("checkbox", name="Keys of one character work").uncheck()
        expect(dialog.locator("kbd", has_text="/")).to_have_count(0)
        expect(dialog.locator("kbd", has_text="Esc")).to_be_visible()
        page.keyboard.press("Escape")
        page.reload()
        expect(text).to_be_visible()
        expect(page.get_by_role("button", name="next error")).to_be_visible()
        expect(page.locator("button kbd").first).to_be_hidden()
        for key in ("/", "?", "e", "+"):
            page.keyboard.press(key)
        expect(text).not_to_be_focused()
        expect(dialog).to_have_count(0)
        assert page.url.endswith(shop.day.refund), page.url  # no entry was chosen, and nothing zoomed
        button.click()
        dialog.get_by_role("checkbox", name="Keys of one character work").check()
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(dialog).to_be_visible()


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_narrow_window_loads_little_script_and_the_browser_complains_of_nothing(
    chromium: Browser, shop: Shop, name: str
) -> None:
    with tab(chromium, width=360, height=740) as opened:
        visit(opened, shop, name)
        width = opened.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"the page is {width} pixels wide"
        assert 0 < opened.page.evaluate(SCRIPT_BYTES) < 120_000  # compressed
        # The browser itself names each answer with an error, which some pages ask for on purpose.
        complaints = [each for each in opened.observed.complaints() if "Failed to load resource" not in each]
        assert complaints == []
