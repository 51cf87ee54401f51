"""All pages of the explorer: WCAG 2.2 AA by axe-core, narrow windows, weight, and complaints of the browser."""

from __future__ import annotations

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
