"""The search page, for tests that visit it."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Page, expect

from harness.shop_day import send_all
from tests.explorer.conftest import Shop

__all__ = ["PATIENCE", "count", "send_audit_event", "send_log", "state", "visit"]

PATIENCE = 30_000
"""Milliseconds; the machine may be busy."""


def visit(page: Page, shop: Shop, query: str = "", **more: str) -> None:
    """Open the search of a query, of the last day unless the parameters of the address in ``more`` say otherwise."""
    parameters = httpx.QueryParams({"since": "24h", **({"q": query} if query else {}), **more})
    page.goto(shop.url(f"/?{parameters}"))


def count(page: Page) -> int:
    """The number of records that the page says it has found, once the first of them is shown."""
    expect(page.get_by_role("table", name="Records").get_by_role("row").nth(1)).to_be_visible(timeout=PATIENCE)
    status = page.get_by_role("status").filter(has_text=re.compile(r"^[\d,]+ records?$"))
    expect(status).to_be_visible(timeout=PATIENCE)
    return int((status.text_content() or "").partition(" ")[0].replace(",", ""))


def state(page: Page) -> dict[str, list[str]]:
    """The parameters of the page's address."""
    return parse_qs(urlsplit(page.url).query)


def send_log(shop: Shop, text: str) -> None:
    """Send a log with a body, dated now."""
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": text}}
    send_all(shop.server.otlp_http, [("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})])


def send_audit_event(shop: Shop, actor: str, *, scope: str = "", event: str = "", happened: int | None = None) -> None:
    """Send an audit event: the actor deleted a user, now or at a time in nanoseconds since 1970."""
    texts = {"audit.actor.id": actor, "audit.action": "user.delete", "audit.outcome": "success"}
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]
    record = {"timeUnixNano": str(happened or time.time_ns()), "eventName": event, "attributes": attributes}
    scoped = {"scope": {"name": scope}, "logRecords": [record]}
    send_all(shop.server.otlp_http, [("/v1/logs", {"resourceLogs": [{"scopeLogs": [scoped]}]})])
