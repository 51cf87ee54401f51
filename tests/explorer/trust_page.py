"""The page of trust as tests use it, and the server's logs as a hostile server would show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Locator, Page, Route, expect

from harness.lognotary_server import LognotaryServer
from harness.waiting import wait_for
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.keys import VerifierKey
from server.notary.signers import Ed25519Key, Signer
from server.notary.trust import fingerprint

__all__ = [
    "PATIENCE",
    "Log",
    "banner",
    "fingerprint_of",
    "look_at_logs",
    "pin",
    "serve_logs",
    "shown_logs",
    "signer_of",
    "wait_for_growth",
    "with_other_checkpoint",
]

PATIENCE = 20_000  # milliseconds; the machine may be busy

Log = dict[str, Any]
"""A log as the API shows it."""


def shown_logs(server: LognotaryServer) -> list[Log]:
    """Return the logs that a server shows."""
    found: list[Log] = httpx.get(f"{server.http}/api/v1/logs", headers={"Host": "localhost"}).json()["logs"]
    return found


def fingerprint_of(server: LognotaryServer) -> str:
    """Return the fingerprint of the key that a server offers."""
    return fingerprint(VerifierKey.parse(shown_logs(server)[0]["verifierKeys"][0]).public_key)


def signer_of(server: LognotaryServer) -> Signer:
    """Return the server's own signer, as somebody has it who took over the server."""
    key = load_pem_private_key((server.data_dir / "keys" / "signing-key.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return Signer(Ed25519Key(key))


def with_other_checkpoint(server: LognotaryServer, log: Log, size: int) -> Log:
    """Return a log with a checkpoint of this size that contradicts what the server has signed."""
    forged = Checkpoint(log["origin"], size, bytes(range(32)))
    return {**log, "treeSize": str(size), "checkpoint": str(sign_checkpoint(forged, signer_of(server)))}


def serve_logs(page: Page, change: Callable[[list[Log]], list[Any]]) -> None:
    """Change what the server says about its logs on the way to the page, as a hostile server does itself."""

    def answer(route: Route) -> None:
        said = route.fetch().json()
        route.fulfill(json={**said, "logs": change(said["logs"])})

    page.route("**/api/v1/logs", answer)


def look_at_logs(page: Page, server: LognotaryServer) -> None:
    """Open the page of trust, and have the browser compare the logs."""
    page.goto(f"{server.http}/trust")
    expect(page.get_by_text("Last compared at")).to_be_visible(timeout=PATIENCE)


def pin(page: Page, server: LognotaryServer, public_key: Path | None = None) -> None:
    """Open the page of trust, have the browser compare the logs, and pin a key: the server's, if no other is given."""
    look_at_logs(page, server)
    page.get_by_label("Key from a file").set_input_files(public_key or server.public_key)
    expect(page.get_by_role("button", name="Unpin")).to_be_visible(timeout=PATIENCE)


def banner(page: Page) -> Locator:
    """Return what every page says of findings."""
    return page.locator(".trust-banner")


def wait_for_growth(server: LognotaryServer, log: Log) -> Log:
    """Return the log once it is larger."""

    def now() -> Log:
        return next(other for other in shown_logs(server) if other["logId"] == log["logId"])

    wait_for(lambda: int(now()["treeSize"]) > int(log["treeSize"]), every=0.2)
    return now()
