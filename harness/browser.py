"""A real browser for tests of pages: Debian's Chromium, driven by Playwright, and its complaints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.lacking import lacking

# Playwright is imported where it is used: a machine without it skips only the tests that need a browser.
try:
    from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
except ImportError:  # pragma: no cover
    lacking("Playwright is not installed: pip install 'playwright>=1.65,<2'")

__all__ = ["CHROMIUM", "Observed", "Tab", "browser", "keeping_pages", "tab"]

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Runs before any script of the page, and outside of its Content-Security-Policy.
_LISTEN = """
addEventListener("securitypolicyviolation", (event) => {
  const { effectiveDirective, blockedURI, sourceFile, lineNumber, sample } = event;
  reportViolation(`${effectiveDirective}: ${blockedURI} at ${sourceFile}:${lineNumber} ${sample}`);
}, true);
"""


@dataclass(slots=True)
class Observed:
    """Observations of a page since it was opened, in order.

    Attributes:
        requests: method and URL of each request, those for ``data:`` and ``blob:`` URLs too.
        console_errors: messages of ``console.error``, of the browser's own errors, and of warnings.
        exceptions: exceptions that no script caught.
        violations: violations of the Content-Security-Policy: directive, what was blocked, place.
    """

    requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """Return everything that a page without mistakes does not cause; requests are not among it."""
        return [*self.violations, *self.exceptions, *self.console_errors]


@dataclass(frozen=True, slots=True)
class Tab:
    """A page in a browser profile of its own, and what was observed of it."""

    page: Page
    context: BrowserContext
    observed: Observed


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium, headless; skip (in CI: fail) without it.

    Playwright's synchronous interface keeps an event loop running in this thread, so the asynchronous tests of a module
    cannot run while this is open: a fixture that yields it has at most the scope of a module without such tests.
    """
    if not CHROMIUM.exists():
        lacking(f"{CHROMIUM} is not installed (Debian package chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        try:
            yield started
        finally:
            started.close()


@contextmanager
def keeping_pages(like: Browser) -> Iterator[Browser]:
    """Start another Chromium, which keeps pages that are left, and shows them again after Back, as people's do."""
    started = like.browser_type.launch(
        executable_path=str(CHROMIUM), args=list(_FLAGS), ignore_default_args=["--disable-back-forward-cache"]
    )
    try:
        yield started
    finally:
        started.close()


@contextmanager
def tab(
    within: Browser,
    *,
    color_scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    height: int = 900,
    **more: Any,
) -> Iterator[Tab]:
    """Open an empty page in a fresh profile, and observe it from its first request on.

    On pages without ``unsafe-eval`` in their policy, ``evaluate`` works and ``wait_for_function`` does not: wait for
    selectors there.

    Args:
        within: the browser.
        color_scheme: the colour scheme that the reader prefers.
        width: width of the window, in CSS pixels.
        height: height of the window, in CSS pixels.
        more: other options of ``Browser.new_context``, such as ``extra_http_headers``.
    """
    context = within.new_context(color_scheme=color_scheme, viewport={"width": width, "height": height}, **more)
    observed = Observed()
    context.expose_function("reportViolation", lambda violation: observed.violations.append(violation))
    context.add_init_script(_LISTEN)
    context.on("request", lambda request: observed.requests.append(f"{request.method} {request.url}"))
    context.on("weberror", lambda error: observed.exceptions.append(str(error.error)))
    context.on(
        "console",
        lambda message: (
            observed.console_errors.append(f"{message.type}: {message.text}")
            if message.type in ("error", "warning", "assert")
            else None
        ),
    )
    try:
        yield Tab(context.new_page(), context, observed)
    finally:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")  # answers that a test changes may still be on their way
        context.close()
