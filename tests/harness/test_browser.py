import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error

from harness.browser import Tab, browser, tab
from harness.waiting import PATIENCE

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; require-trusted-types-for 'script'"
_PAGE = """<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title><h1>{title}</h1><script>{script}</script>"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def written(directory: Path, script: str) -> str:
    path = directory / "page.html"
    path.write_text(_PAGE.format(policy=_POLICY, title="page", script=script), encoding="utf-8")
    return path.as_uri()


def wait_for(opened: Tab, condition: Callable[[], bool]) -> None:
    """Wait until something was observed; observations arrive while Playwright is called."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, opened.observed
        opened.page.wait_for_timeout(10)


def test_a_page_without_mistakes_causes_no_complaints(chromium: Browser, tmp_path: Path) -> None:
    with tab(chromium) as opened:
        opened.page.goto(written(tmp_path, "document.title += '!'"))
        assert opened.page.title() == "page!"
        assert opened.observed.complaints() == []
        assert [each.split("/")[-1] for each in opened.observed.requests] == ["page.html"]


def test_violations_of_the_policy_are_observed(chromium: Browser, tmp_path: Path) -> None:
    with tab(chromium) as opened:
        opened.page.goto(written(tmp_path, "new Image().src = 'http://127.0.0.1:9/pixel'"))
        wait_for(opened, lambda: bool(opened.observed.violations))
        assert opened.observed.violations[0].startswith("img-src: http://127.0.0.1:9/pixel")


def test_markup_that_a_script_writes_is_a_violation(chromium: Browser, tmp_path: Path) -> None:
    with tab(chromium) as opened:
        opened.page.goto(written(tmp_path, "document.body.innerHTML = '<b>text</b>'"))
        wait_for(opened, lambda: bool(opened.observed.violations and opened.observed.exceptions))
        assert opened.observed.violations[0].startswith("require-trusted-types-for")
        assert "innerHTML" in "".join(opened.observed.exceptions)


def test_exceptions_and_errors_on_the_console_are_observed(chromium: Browser, tmp_path: Path) -> None:
    with tab(chromium) as opened:
        opened.page.goto(written(tmp_path, "console.error('one'); console.log('two'); throw new Error('three')"))
        wait_for(opened, lambda: bool(opened.observed.exceptions))
        assert opened.observed.console_errors == ["error: one"]
        assert ["three" in each for each in opened.observed.exceptions] == [True]


def test_requests_are_observed_that_get_no_answer(chromium: Browser) -> None:
    with tab(chromium) as opened:
        with pytest.raises(Error, match=r"ERR_UNSAFE_PORT|ERR_CONNECTION_REFUSED"):
            opened.page.goto("http://127.0.0.1:9/nothing")
        assert opened.observed.requests == ["GET http://127.0.0.1:9/nothing"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reader_prefers_a_colour_scheme(chromium: Browser, scheme: str) -> None:
    with tab(chromium, color_scheme="dark" if scheme == "dark" else "light", width=360) as opened:
        assert opened.page.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        assert opened.page.evaluate("innerWidth") == 360
