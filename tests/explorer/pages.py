"""The pages of the explorer, for tests that visit all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx

from harness.shop_day import Day

__all__ = ["PAGES", "first_audit_log"]


def first_audit_log(http: str) -> str:
    """The ID of the server's log of audit events."""
    logs = httpx.get(f"{http}/api/v1/logs", headers={"Host": "localhost"}).json()["logs"]
    return next(str(log["logId"]) for log in logs if log["stream"] == "audit")


_Path = Callable[[str, Day], str]

PAGES: Mapping[str, _Path] = {
    "search": lambda _, __: "/",
    "search for errors": lambda _, __: "/?q=severity:>=error",
    "hostile records": lambda _, __: "/?q=service:%22%3Cb%3Ehostile%3C/b%3E%22",
    "nothing found": lambda _, __: "/?q=thereisnosuchword",
    "traces": lambda _, __: "/traces",
    "trace": lambda _, day: f"/trace/{day.refund}",
    "no such trace": lambda _, __: f"/trace/{'ab' * 16}",
    "actor": lambda _, __: "/actor/bob",
    "nobody": lambda _, __: "/actor/nobody%20at%20all",
    "target": lambda _, __: "/target/1047",
    "record": lambda http, _: f"/r/{first_audit_log(http)}/3",
    "no such record": lambda http, _: f"/r/{first_audit_log(http)}/99999999",
    "logs": lambda _, __: "/logs",
    "log": lambda http, _: f"/logs/{first_audit_log(http)}",
    "verify": lambda _, __: "/verify",
    "trust": lambda _, __: "/trust",
}
"""Name of each page -> function of the server's URL and its day, which returns the path."""
