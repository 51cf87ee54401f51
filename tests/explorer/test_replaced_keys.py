"""Keys of logs that were replaced, in a real browser: whoever stole one gets nothing believed that came later."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Page, Route, expect

from harness.audit_log import audit_log
from harness.browser import Tab
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.shop_day import send_all, shop_day
from harness.waiting import wait_for
from server.notary.canonical import leaf_of
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.merkle import CompactRange, split_hashes
from server.notary.note import parse_note
from server.notary.proofs import consistency_path, inclusion_path
from server.notary.signers import Ed25519Key, Signer
from server.notary.statement import Statement, StatementKind, key_change_words, sign_statement
from tests.explorer.trust_page import banner, pin, serve_logs

_PATIENCE = 20_000  # milliseconds; the machine may be busy


@dataclass(frozen=True, slots=True)
class _Rotated:
    """A server whose key can be replaced, and the key that it began with."""

    server: LognotaryServer
    public_key: Path
    thief: Signer

    def get(self, path: str, **parameters: str) -> Any:
        """Return an answer of the API."""
        answer = httpx.get(f"{self.server.http}{path}", params=parameters, headers={"Host": "localhost"})
        return answer.raise_for_status().json()

    def log(self) -> dict[str, Any]:
        """Return the log of audit events as the server shows it."""
        return audit_log(self.server.http)

    def leaves(self, log: dict[str, Any]) -> list[bytes]:
        """Return the hashes of the leaves of a log with fewer than 256 entries."""
        url = f"{self.server.http}/tlog/{log['logId']}/tile/0/000.p/{log['treeSize']}"
        return split_hashes(httpx.get(url, headers={"Host": "localhost"}).raise_for_status().content)

    def send(self, events: int) -> None:
        """Send audit events."""
        send_all(self.server.otlp_http, shop_day(time.time_ns(), logs=0, events=events, traces=0).requests)

    def rotate(self) -> None:
        """Replace the server's key, and have it sign more."""
        before = parse_note(self.log()["checkpoint"]).signatures[0].key_id
        assert run_lognotary("keys", "rotate", "--data-dir", str(self.server.data_dir)).returncode == 0
        self.server.wait_for_log("signing key changed to")
        self.send(5)
        wait_for(lambda: before not in [each.key_id for each in parse_note(self.log()["checkpoint"]).signatures])


@pytest.fixture
def rotated(tmp_path: Path) -> Iterator[_Rotated]:
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02) as server:
        public = tmp_path / "first.pem"
        shutil.copy(server.public_key, public)
        key = load_pem_private_key((server.data_dir / "keys" / "signing-key.pem").read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        made = _Rotated(server, public, Signer(Ed25519Key(key)))
        made.send(20)
        yield made


class _Forgery:
    """A log that goes on with a forged record, or begins with it, signed with the stolen key, and all proofs of it."""

    def __init__(self, rotated: _Rotated, new_log: str = "") -> None:
        self.log = rotated.log()
        before = rotated.leaves(self.log)
        if new_log:
            log_id = hashlib.sha256(new_log.encode()).hexdigest()[:16]
            self.log, before = {**self.log, "origin": new_log, "logId": log_id, "treeSize": "0"}, []
        self.size = int(self.log["treeSize"])
        found = rotated.get("/api/v1/search", streams="audit", include_proofs="true", query="-scope:lognotary.access")
        self.entry = found["entries"][0]
        event = self.entry["auditEvent"]
        actor = event["audit"]["actorId"]
        other = "m" * len(actor)
        record = base64.b64decode(event["evidence"]["canonicalRecord"]).replace(actor.encode(), other.encode())
        self.entry = json.loads(json.dumps(self.entry).replace(actor, other))
        self.leaves = [*before, leaf_of(record)]
        self._thief = rotated.thief
        self.head = Checkpoint(self.log["origin"], self.size + 1, self._root(0, self.size + 1))
        self.note = str(sign_checkpoint(self.head, self._thief))
        self.evidence = self.entry["auditEvent"]["evidence"]
        self.evidence |= {
            "origin": self.log["origin"],
            "logId": self.log["logId"],
            "leafIndex": str(self.size),
            "treeSize": str(self.size + 1),
            "recordHash": hashlib.sha256(record).hexdigest(),
            "canonicalRecord": base64.b64encode(record).decode(),
            "inclusionPath": _texts(inclusion_path(self.size, self.size + 1, self._node)),
            "checkpoint": self.note,
        }

    def become_another_key(self) -> str:
        """Sign with a new key, and return the key change that leads to it from the stolen one."""
        new = Signer.generate()
        empty = Checkpoint(self.head.origin, 0, hashlib.sha256(b"").digest())
        words = key_change_words(*(signer.verifier_keys(self.head.origin) for signer in (new, self._thief)))
        change = Statement(empty, 1, int(time.time()), StatementKind.KEYS, words)
        self.note = str(sign_checkpoint(self.head, new))
        self.evidence["checkpoint"] = self.note
        return sign_statement(change, [self._thief, new]).note

    def _root(self, start: int, end: int) -> bytes:
        return CompactRange().extend(b"".join(self.leaves[start:end]))[0].root()

    def _node(self, level: int, number: int) -> bytes:
        return self._root(number << level, (number + 1) << level)

    def serve(self, page: Page, *, changes: list[str]) -> None:
        """Show it in place of the log, with these key changes."""

        def search(route: Route) -> None:
            route.fulfill(json={"entries": [self.entry]})

        def inclusion(route: Route) -> None:
            if self.log["logId"] not in route.request.url:
                return route.continue_()
            proof = {
                "origin": self.log["origin"],
                "logId": self.log["logId"],
                "leafIndex": str(self.size),
                "treeSize": str(self.size + 1),
                "leafHash": base64.b64encode(self.leaves[-1]).decode(),
                "path": self.evidence["inclusionPath"],
                "checkpoint": self.note,
                "verifierKeys": [],
                "tlogProof": "",
                "record": self.evidence["canonicalRecord"],
                "evidence": self.evidence,
                "keyChanges": changes,
                "timestamp": "",
            }
            return route.fulfill(json=proof)

        def consistency(route: Route) -> None:
            if self.log["logId"] not in route.request.url:
                return route.continue_()
            asked = parse_qs(urlsplit(route.request.url).query)
            first, second = int(asked["first"][0]), int(asked["second"][0])
            return route.fulfill(json={"path": _texts(consistency_path(first, second, self._node))})

        page.route("**/api/v1/search?*", search)
        page.route("**/inclusion-proof*", inclusion)
        page.route("**/consistency-proof*", consistency)


def _texts(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]


def _look(page: Page, rotated: _Rotated) -> None:
    """Have the browser compare the logs."""
    page.goto(f"{rotated.server.http}/trust")
    row = page.get_by_role("row", name=rotated.log()["origin"])
    expect(row).to_contain_text(rotated.log()["treeSize"], timeout=_PATIENCE)
    expect(page.get_by_text("Last compared at")).to_be_visible(timeout=_PATIENCE)


def _see_rotation(page: Page, rotated: _Rotated) -> None:
    """Pin the first key, and have the browser see that it was replaced."""
    pin(page, rotated.server, rotated.public_key)
    rotated.rotate()
    _look(page, rotated)


@pytest.mark.parametrize("says", ["no key change", "another key change"])
def test_a_stolen_key_signs_nothing_later_than_its_change_that_this_browser_has_seen(
    seen: Tab, rotated: _Rotated, says: str
) -> None:
    page = seen.page
    pin(page, rotated.server, rotated.public_key)
    _look(page, rotated)
    rotated.rotate()
    _look(page, rotated)
    # The pinned key still vouches for what its successor signs.
    page.goto(f"{rotated.server.http}/?q=-scope:lognotary.access&streams=audit")
    expect(page.locator("table .state-checked").first).to_be_visible(timeout=_PATIENCE)
    forgery = _Forgery(rotated)
    true = rotated.get(f"/api/v1/logs/{forgery.log['logId']}/inclusion-proof", leaf_index="0", for_evidence="true")
    assert len(true["keyChanges"]) == 1
    other = parse_note(true["keyChanges"][0]).text.replace(" after ", f" {forgery.log['verifierKeys'][0]} after ")
    unsigned = true["keyChanges"][0].replace(parse_note(true["keyChanges"][0]).text, other)
    forgery.serve(page, changes=[] if says == "no key change" else [unsigned])
    page.reload()
    refuted = page.locator("table .state-tampered", has_text="BATCH_FOREIGN_SIGNED").first
    expect(refuted).to_be_visible(timeout=_PATIENCE)
    expect(page.locator("table .state-checked")).to_have_count(0)
    page.goto(f"{rotated.server.http}/r/{forgery.log['logId']}/{forgery.size}")
    expect(page.get_by_label("Verdict").get_by_role("heading")).to_contain_text(
        "BATCH_FOREIGN_SIGNED", timeout=_PATIENCE
    )
    if says == "no key change":
        # It is a finding, with the forged checkpoint as evidence, and the browser still keeps the true one.
        expect(page.locator(".trust-banner")).to_contain_text("a key that was not in force then")
    page.unroute_all(behavior="ignoreErrors")
    page.goto(f"{rotated.server.http}/trust")
    row = page.get_by_role("row", name=forgery.log["origin"])
    expect(row).to_contain_text(str(forgery.size), timeout=_PATIENCE)
    assert str(forgery.size + 1) not in row.inner_text().split()
    # The true server does not have all that the page of the forged record asks for.
    assert all("404 (Not Found)" in error for error in seen.observed.console_errors)
    seen.observed.console_errors.clear()


def test_a_replaced_key_is_not_believed_again_because_the_reader_acknowledges_that_its_log_was_gone(
    seen: Tab, rotated: _Rotated
) -> None:
    page = seen.page
    _see_rotation(page, rotated)
    forgery = _Forgery(rotated)
    serve_logs(page, lambda logs: [log for log in logs if log["logId"] != forgery.log["logId"]])
    page.reload()
    expect(banner(page)).to_contain_text("LOG_MISSING", timeout=2 * _PATIENCE)
    page.get_by_role("button", name="Acknowledge: accept the log as it is now").click()
    expect(page.get_by_text("Acknowledged at")).to_be_visible()
    expect(banner(page)).to_have_count(0)
    expect(page.locator("#checkpoints").get_by_text(forgery.log["origin"])).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")
    forgery.serve(page, changes=[])
    page.goto(f"{rotated.server.http}/?q=-scope:lognotary.access&streams=audit")
    refuted = page.locator("table .state-tampered", has_text="BATCH_FOREIGN_SIGNED").first
    expect(refuted).to_be_visible(timeout=_PATIENCE)
    expect(page.locator("table .state-checked")).to_have_count(0)


@pytest.mark.parametrize("says", ["no key change", "a key change of the thief's own"])
def test_a_replaced_key_makes_no_record_of_a_log_checked_that_this_browser_has_not_seen(
    seen: Tab, rotated: _Rotated, says: str
) -> None:
    page = seen.page
    _see_rotation(page, rotated)
    forgery = _Forgery(rotated, "lognotary/audit/another")
    changes = [] if says == "no key change" else [forgery.become_another_key()]
    shown = {**forgery.log, "treeSize": "1", "checkpoint": forgery.note}
    serve_logs(page, lambda logs: [*logs, shown])
    forgery.serve(page, changes=changes)
    page.goto(f"{rotated.server.http}/?q=-scope:lognotary.access&streams=audit")
    doubted = page.get_by_role("table", name="Records").locator(".state-uncompared").first
    expect(doubted).to_be_visible(timeout=_PATIENCE)
    expect(doubted).to_have_attribute("title", re.compile("its key was replaced in the log lognotary/"))
    page.goto(f"{rotated.server.http}/r/{forgery.log['logId']}/0")
    verdict = page.get_by_label("Verdict").get_by_role("heading")
    expect(verdict).to_contain_text("Signed, but its history was not compared", timeout=_PATIENCE)
    assert all("404 (Not Found)" in error for error in seen.observed.console_errors)
    seen.observed.console_errors.clear()


def test_a_finding_about_a_key_is_put_away_without_believing_the_key(seen: Tab, rotated: _Rotated) -> None:
    page = seen.page
    _see_rotation(page, rotated)
    forgery = _Forgery(rotated)
    forgery.serve(page, changes=[])
    page.goto(f"{rotated.server.http}/?q=-scope:lognotary.access&streams=audit")
    expect(banner(page)).to_contain_text("a key that was not in force then", timeout=_PATIENCE)
    page.goto(f"{rotated.server.http}/trust")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(banner(page)).to_have_count(0)
    expect(page.get_by_role("row", name=forgery.log["origin"])).to_contain_text(str(forgery.size))
    # The same evidence is no news.
    page.goto(f"{rotated.server.http}/?q=-scope:lognotary.access&streams=audit")
    expect(page.locator("table .state-tampered").first).to_be_visible(timeout=_PATIENCE)
    expect(page.locator("table .state-checked")).to_have_count(0)
    expect(banner(page)).to_have_count(0)
    # Whoever forgets the log begins anew with what the server shows then.
    page.unroute_all(behavior="ignoreErrors")
    page.goto(f"{rotated.server.http}/trust")
    page.get_by_text("The log has begun again with other keys").click()
    page.get_by_role("button", name="Forget the log and the changes of its keys").click()
    page.goto(f"{rotated.server.http}/?q=-scope:lognotary.access&streams=audit")
    expect(page.locator("table .state-checked").first).to_be_visible(timeout=_PATIENCE)
    expect(banner(page)).to_have_count(0)
