"""The page of all logs with something on it: a gap, holds, rules of retention, tenants, and a recorded finding."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Locator, Page, expect

from harness.audit_log import audit_log
from harness.browser import Tab
from harness.free_port import free_port
from harness.lognotary_server import LognotaryServer
from harness.shop_day import send_all, shop_day
from harness.tampering import change_actor
from harness.waiting import wait_for
from server.notary.checkpoint import Checkpoint
from server.notary.signers import Ed25519Key, Signer
from server.notary.statement import Statement, StatementKind, sign_statement
from storage.clickhouse import connect
from storage.migrate import migrate
from storage.statements import insert_statements
from storage.url import parse_storage_url

CHANGED = 3  # leaf of the record that is changed
OUTAGE = 2 * 3600 + 300  # seconds for which no server signed
RULES = """
[[retention]]
stream = "audit"
category = "data"
days = 2557
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    """A server that was down for two hours, has two holds, and found a record that somebody changed."""
    directory: Path = tmp_path_factory.mktemp("state")
    settings = directory / "lognotary.toml"
    settings.write_text(RULES)
    storage, data = f"chdb://{directory / 'chdb'}", directory / "data"

    def node(http: str = "127.0.0.1:0", self_verify: str = "off") -> LognotaryServer:
        return LognotaryServer(
            storage, data, batch_age=0.02, config=str(settings), writer="node-1", http=http, self_verify=self_verify
        )

    with LognotaryServer(f"chdb://{directory / 'other'}", data, writer="other") as running:
        pass  # its keys are there, and nothing is in the storage
    rmtree(data / "journal")
    _sign_before(running, storage, time.time_ns() // 10**9 - OUTAGE)
    with node() as running:
        send_all(running.otlp_http, shop_day(time.time_ns(), logs=20, events=30, traces=1).requests)
        for case in ("case-1", "case-2"):
            added = running.cli("hold", "add", case, "--actor", "alice", "--reason", f"the lawsuit {case}")
            assert added.returncode == 0, added.stderr
        assert running.cli("hold", "release", "case-1", "--reason", "settled").returncode == 0
        log = str(audit_log(running.http)["logId"])
    change_actor(running, log, CHANGED, "mallory")
    with node(http=f"127.0.0.1:{free_port()}", self_verify=f"{1 / 3600}h") as running:
        wait_for(lambda: 'findings{kind="RECORD_CHANGED"} 1' in _metrics(running))
        wait_for(lambda: "unrecorded_findings 0" in _metrics(running))
        yield running


def _metrics(server: LognotaryServer) -> str:
    return httpx.get(f"{server.http}/metrics").text


def _sign_before(server: LognotaryServer, storage: str, end: int) -> None:
    """Store heartbeats of the server's audit log, ten minutes apart until a time in seconds since 1970."""
    key = load_pem_private_key((server.data_dir / "keys" / "signing-key.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    empty = Checkpoint("lognotary/audit/node-1", 0, sha256(b"").digest())
    rows = [
        sign_statement(Statement(empty, number, end - 600 * (4 - number), StatementKind.HEARTBEAT), [signer])
        for signer in [Signer(Ed25519Key(key))]
        for number in range(1, 5)
    ]
    with closing(connect(parse_storage_url(storage))) as engine:
        migrate(engine)
        insert_statements(engine, rows)


def _part(page: Page, title: str) -> Locator:
    """The part of the page with a heading."""
    return page.locator("section.part").filter(has=page.get_by_role("heading", name=title, exact=True))


def test_a_period_without_statements_is_a_gap_of_the_log(server: LognotaryServer, seen: Tab) -> None:
    page = seen.page
    page.goto(f"{server.http}/logs")
    row = _part(page, "Gaps").locator("tbody tr").filter(has_text="/audit/")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(re.compile(r"2 h \d+ min"))
    expect(row).to_contain_text(re.compile(r"\d+ more entr(y|ies) at the next statement|nothing was received"))
    expect(row.locator(".bad")).to_have_count(0)
    row.get_by_role("link").click()
    expect(_part(page, "Gaps").locator("tbody tr")).to_contain_text(re.compile(r"2 h \d+ min"))


def test_a_log_whose_next_heartbeat_is_late_is_marked(server: LognotaryServer, seen: Tab) -> None:
    page = seen.page
    page.goto(f"{server.http}/logs")
    row = page.locator(".logs tbody tr").filter(has_text="/audit/")
    expect(row.locator(".old")).to_contain_text(re.compile(r"2 h \d+ min( \d+ s)? ago \(the next one is late\)"))
    expect(row.locator(".old")).to_contain_text("statement 4")


def test_holds_in_force_come_before_those_that_were_released(server: LognotaryServer, seen: Tab) -> None:
    page = seen.page
    page.goto(f"{server.http}/logs")
    rows = _part(page, "Legal holds").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("case-2")
    expect(rows.nth(0)).to_contain_text("actor alice")
    expect(rows.nth(0)).to_contain_text("in force")
    expect(rows.nth(1)).to_contain_text("settled")
    rows.nth(1).get_by_role("link", name="case-1").click()
    found = page.get_by_role("table", name="Records")
    expect(found).to_contain_text("hold.add")
    expect(found).to_contain_text("hold.release")


def test_rules_of_retention_stand_before_the_default_of_their_stream(server: LognotaryServer, seen: Tab) -> None:
    page = seen.page
    page.goto(f"{server.http}/logs")
    rows = _part(page, "Retention").locator("tbody tr").filter(has_text="audit")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("category data")
    expect(rows.nth(0)).to_contain_text("2,557 days")
    expect(rows.nth(1)).to_contain_text("no rule: the default")


def test_the_usage_of_a_tenant_is_what_is_stored(server: LognotaryServer, seen: Tab) -> None:
    page = seen.page
    (tenant,) = httpx.get(f"{server.http}/api/v1/tenants").json()["tenants"]
    page.goto(f"{server.http}/logs")
    row = _part(page, "Tenants").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("the default tenant")
    expect(row.locator("td").first).to_have_text(str(tenant["logs"]))
    expect(row).to_contain_text(re.compile(r"operational \d+"))


def test_a_finding_of_self_verification_leads_to_the_record_that_was_changed(
    server: LognotaryServer, seen: Tab
) -> None:
    page = seen.page
    page.goto(f"{server.http}/logs")
    state = _part(page, "Server")
    expect(state).to_contain_text("1 finding (RECORD_CHANGED 1)")
    expect(state).to_contain_text(re.compile(r"\d+ pass(es)? completed, [\d,]+ records verified since the start"))
    row = _part(page, "Findings of self-verification").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("RECORD_CHANGED")
    row.get_by_role("link", name=f"record {CHANGED}").click()
    expect(page).to_have_url(f"{server.http}/r/{audit_log(server.http)['logId']}/{CHANGED}")
    expect(page.get_by_label("Verdict")).to_contain_text("RECORD_CHANGED")
