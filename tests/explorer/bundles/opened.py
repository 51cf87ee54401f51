"""Bundles as pages that are open in Chromium, from ``file://``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from harness.browser import Tab, tab
from harness.bundles import MemoryLog, encode_record
from harness.explorer import require_bundle_page
from server.explorer.bundle_page import bundle_page
from server.notary.origin import Stream
from tests.checked_bundles import FIRST, LOG

__all__ = [
    "HOSTILE",
    "MINE",
    "PROVED",
    "REFUTED",
    "UNPINNED",
    "WAITING",
    "OpenedBundle",
    "log_of",
    "opened",
    "opened_file",
]

PROVED, UNPINNED, REFUTED, WAITING = "proved", "unpinned", "refuted", "waiting"
"""Kinds of verdicts."""

MINE = str(FIRST.verifier_key(LOG.origin))
"""The key that signed ``tests.checked_bundles.BUNDLE``."""

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)><a href='javascript:alert(3)'>x</a></script><!--"
    "\u202egnp.exe\u2066\u2069\x1b[2J\x00\u200b&lt;b&gt; javascript:alert(4)"
)
"""A text that would do harm as HTML, and has characters that are not seen."""


def log_of(**values: bytes) -> MemoryLog:
    """A log with one audit record."""
    return MemoryLog([encode_record(Stream.AUDIT, {"Timestamp": 1_767_225_600_000_000_000, **values})])


@dataclass(frozen=True)
class OpenedBundle:
    """A page of a bundle."""

    tab: Tab

    def give(self, *keys: str) -> None:
        """Paste keys in place of those before."""
        self.tab.page.fill("#key", "\n".join(keys))

    def verdict(self, kind: str) -> str:
        """Wait until the verdict is of a kind, and return it."""
        self.tab.page.wait_for_selector(f".verdict-{kind}")
        return self.tab.page.inner_text(".verdict")

    def steps(self) -> dict[str, str]:
        """Return the verdict of each step, as it is read out, by its name."""
        rows = self.tab.page.query_selector_all(".steps tbody tr")
        cells = [[cell.inner_text() for cell in row.query_selector_all("th, td")] for row in rows]
        return {name: verdict.partition(" ")[2] for name, verdict, _ in cells}

    def field(self, name: str) -> str:
        """Return the value of a field, as it is shown."""
        return (
            self.tab.page.locator(".fields tbody tr", has=self.tab.page.get_by_role("rowheader", name=name, exact=True))
            .locator("td")
            .last.inner_text()
        )


@contextmanager
def opened_file(chromium: Browser, path: Path) -> Iterator[OpenedBundle]:
    """Open a file; at the end, require that it made no request, and that there were no complaints."""
    with tab(chromium) as opened_tab:
        opened_tab.page.goto(path.as_uri())
        yield OpenedBundle(opened_tab)
        assert opened_tab.observed.complaints() == []
        assert opened_tab.observed.requests == [f"GET {path.as_uri()}"]


@contextmanager
def opened(chromium: Browser, files: Mapping[str, bytes], directory: Path) -> Iterator[OpenedBundle]:
    """Write a bundle as a page, and open it, as ``opened_file``."""
    path = directory / "record.html"
    path.write_bytes(bundle_page(require_bundle_page(), files))
    with opened_file(chromium, path) as bundle:
        yield bundle
