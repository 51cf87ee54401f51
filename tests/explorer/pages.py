"""The pages of the explorer, for tests that visit all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.audit_log import audit_log
from harness.shop_day import Day

__all__ = ["PAGES"]


def _record(http: str, leaf: int) -> str:
    return f"/r/{audit_log(http)['logId']}/{leaf}"


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
    "record": lambda http, _: _record(http, 3),
    "no such record": lambda http, _: _record(http, 99_999_999),
    "logs": lambda _, __: "/logs",
    "log": lambda http, _: f"/logs/{audit_log(http)['logId']}",
    "verify": lambda _, __: "/verify",
    "trust": lambda _, __: "/trust",
}
"""Name of each page -> function of the server's URL and its day, which returns the path."""
