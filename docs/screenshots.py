"""Make the screenshots of the explorer in ``docs/explorer/``: ``python -m docs.screenshots [DIRECTORY]``.

A server of its own stores the day of a shop, with one record changed behind its back. Each page is shown in the light
and in the dark theme, by Debian's Chromium.
"""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Page

from harness.audit_log import audit_log
from harness.browser import browser, tab
from harness.lognotary_server import LognotaryServer
from harness.shop_day import Day, send_all, shop_day
from harness.tampering import change_actor

CHANGED = 20  # leaf of the record that is changed
DIRECTORY = Path(__file__).parent / "explorer"
THEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")


def main(arguments: Sequence[str]) -> None:
    """Make all screenshots, in a directory or in ``docs/explorer``."""
    directory = Path(arguments[0]) if arguments else DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    with tampered_shop() as (server, day), browser() as chromium:
        for theme in THEMES:
            with tab(chromium, color_scheme=theme, width=1280, height=860) as opened:
                pin_key(opened.page, server)
                for name, path in pages_of(server, day).items():
                    file = directory / f"{name}-{theme}.png"
                    take(opened.page, f"{server.http}{path}", file)
                    print(file)


@contextmanager
def tampered_shop() -> Iterator[tuple[LognotaryServer, Day]]:
    """Start a server with a day of a shop, of which one record was changed afterwards."""
    with TemporaryDirectory() as scratch:
        directory = Path(scratch)
        day = shop_day(time.time_ns())
        server = LognotaryServer(f"chdb://{directory / 'chdb'}", directory / "data", heartbeat=10)
        with server:
            send_all(server.otlp_http, day.requests)
            log = str(audit_log(server.http)["logId"])
        change_actor(server, log, CHANGED, "alice")
        with server:
            yield server, day


def pin_key(page: Page, server: LognotaryServer) -> None:
    """Pin the server's key, as a reader does who has its file."""
    page.goto(f"{server.http}/trust")
    page.get_by_label("Key from a file").set_input_files(server.public_key)
    page.get_by_role("button", name="Unpin").wait_for()


def take(page: Page, url: str, file: Path) -> None:
    """Take a screenshot of a page once it has everything that it asks for."""
    page.goto(url)
    page.wait_for_load_state("networkidle")
    if url.endswith("/verify"):
        page.get_by_role("button", name="Verify").click()
        page.locator(".judgement").wait_for()
        page.get_by_label("Verification", exact=True).scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # the browser checks records after they are shown
    page.screenshot(path=file)


def pages_of(server: LognotaryServer, day: Day) -> dict[str, str]:
    """Name -> path of each page, of a server with a day."""
    audit = audit_log(server.http)["logId"]
    return {
        "search": "/?since=6h",
        "search-tampered": "/?since=6h&q=evidence:tampered",
        "traces": "/traces?since=6h",
        "trace": f"/trace/{day.refund}",
        "actor": "/actor/bob",
        "target": "/target/1047",
        "record": f"/r/{audit}/12",
        "record-tampered": f"/r/{audit}/{CHANGED}",
        "logs": "/logs",
        "log": f"/logs/{audit}",
        "verify": "/verify",
        "trust": "/trust",
    }


if __name__ == "__main__":
    main(sys.argv[1:])
