"""The log of audit events among those of a server."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["audit_log"]


def audit_log(http: str) -> dict[str, Any]:
    """Return a server's log of the audit events that it received, which is not its own log of who looked.

    Args:
        http: URL of the server's HTTP API, without a path.

    Returns:
        The log as ``/api/v1/logs`` lists it.
    """
    answer = httpx.get(f"{http}/api/v1/logs", headers={"Host": "localhost"}).raise_for_status()
    logs: list[dict[str, Any]] = answer.json()["logs"]
    return next(log for log in logs if log["stream"] == "audit" and "/access/" not in log["origin"])
