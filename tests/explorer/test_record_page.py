"""The page of a record in a real browser: its verdict, its proof drawn, and what it says if there is no record."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from harness.audit_log import audit_log
from harness.browser import Tab, tab
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.shop_day import send_all, shop_day
from harness.small_http import serving
from harness.tampering import change_actor
from harness.timestamp_authority import TimestampAuthority
from harness.waiting import wait_for
from harness.witness import SmallWitness
from server.notary.keys import VerifierKey
from storage.clickhouse import connect
from storage.url import parse_storage_url
from tests.explorer.conftest import ENGINES, Shop, storage_on
from tests.explorer.trust_page import pin

_PATIENCE = 20_000  # milliseconds; the machine may be busy
_CHANGE = {"change.before": '{"limit":100,"gone":1}', "change.after": '{"limit":250,"by":"alice"}'}


def _get(server: LognotaryServer, path: str, **parameters: str) -> dict[str, Any]:
    answer = httpx.get(f"{server.http}{path}", params=parameters, headers={"Host": "localhost"})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def _visit(page: Page, server: LognotaryServer, leaf: int | str) -> None:
    page.goto(f"{server.http}/r/{audit_log(server.http)['logId']}/{leaf}")


def _expect_verdict(page: Page, title: str) -> None:
    verdict = page.get_by_label("Verdict").get_by_role("heading")
    expect(verdict).to_contain_text(title, timeout=_PATIENCE)


def _audit_event(attributes: dict[str, str]) -> tuple[str, dict[str, Any]]:
    own = {"audit.actor.id": "alice", "audit.action": "config.change", "audit.record.id": "r-1", **attributes}
    record = {
        "timeUnixNano": str(time.time_ns()),
        "body": {"stringValue": "limits"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in own.items()],
    }
    return "/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


@pytest.fixture(params=ENGINES, scope="module")
def altered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    """A server in whose storage leaf 1 was changed, leaf 2 was deleted, and leaf 3 has a second row."""
    directory: Path = tmp_path_factory.mktemp("altered")
    with (
        storage_on(request, directory) as storage,
        LognotaryServer(storage, directory / "data", batch_age=0.02) as server,
    ):
        send_all(server.otlp_http, shop_day(time.time_ns(), logs=0, events=20, traces=0).requests)
        log_id = str(audit_log(server.http)["logId"])
        server.stop()
        change_actor(server, log_id, 1, "mallory")
        engine = connect(parse_storage_url(server.storage_url))
        try:
            row = f"FROM audit_logs WHERE LogId = '{log_id}' AND LeafIndex"
            engine.execute(f"INSERT INTO audit_logs SELECT * REPLACE ('mallory' AS ActorId) {row} = 3")
            engine.execute(f"DELETE {row} = 2")
        finally:
            engine.close()
        server.start()
        yield server


def test_a_record_is_checked_against_the_pinned_key_and_its_path_drawn_up_to_the_signed_root(
    seen: Tab, shop: Shop
) -> None:
    page = seen.page
    _visit(page, shop.server, 3)
    _expect_verdict(page, "its key is not pinned")
    expect(page.get_by_role("link", name="Pin the key")).to_have_attribute("href", "/trust")
    pin(page, shop.server)
    _visit(page, shop.server, 3)
    _expect_verdict(page, "Checked in this browser")
    size = int(audit_log(shop.server.http)["treeSize"])
    path = page.get_by_label("Merkle path")
    expect(path.get_by_text("computed here, and equal to the signed root")).to_be_visible()
    assert path.locator(".tree-pair").count() == len(f"{size - 1:b}")
    expect(page.get_by_text("valid, by a key that you pinned")).to_be_visible()


def test_the_keys_h_and_l_step_through_the_log_and_the_address_keeps_the_place(seen: Tab, shop: Shop) -> None:
    page = seen.page
    _visit(page, shop.server, 4)
    _expect_verdict(page, "its key is not pinned")
    page.keyboard.press("ArrowRight")  # scrolls, or moves a caret
    page.keyboard.press("l")
    expect(page).to_have_url(page.url.rsplit("/", 1)[0] + "/5")
    _expect_verdict(page, "its key is not pinned")
    page.keyboard.press("h")
    expect(page).to_have_url(page.url.rsplit("/", 1)[0] + "/4")
    page.go_back()
    page.reload()
    expect(page).to_have_url(page.url.rsplit("/", 1)[0] + "/5")
    _expect_verdict(page, "its key is not pinned")


def test_hostile_records_are_shown_as_text(seen: Tab, shop: Shop) -> None:
    found = _get(shop.server, "/api/v1/search", query='service:"<b>hostile</b>"')["entries"]
    assert found
    for entry in found:
        evidence = (entry.get("log") or entry["auditEvent"])["evidence"]
        seen.page.goto(shop.url(f"/r/{evidence['logId']}/{evidence['leafIndex']}"))
        _expect_verdict(seen.page, "its key is not pinned")
        assert seen.page.locator("main script, main img, main b").count() == 0
    assert "owned" not in seen.page.title()


def test_what_a_record_has_before_and_after_is_compared_by_path(seen: Tab, shop: Shop) -> None:
    send_all(shop.server.otlp_http, [_audit_event(_CHANGE)])
    page = seen.page
    _visit(page, shop.server, int(audit_log(shop.server.http)["treeSize"]) - 1)
    rows = page.locator(".comparison tbody tr")
    expect(rows).to_have_count(3, timeout=_PATIENCE)
    expect(rows).to_contain_text(["limit→ changed100250", "gone\u2212 removed1", "by+ addedwas not therealice"])


def test_the_bundle_of_the_page_is_accepted_by_the_command(seen: Tab, shop: Shop, tmp_path: Path) -> None:
    page = seen.page
    _visit(page, shop.server, 3)
    _expect_verdict(page, "its key is not pinned")
    for name in ("Download bundle", "Bundle as zip"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        checked = run_lognotary("check", str(file), "--public-key", str(shop.server.public_key), "--json")
        assert json.loads(checked.stdout)["proved"]["LeafIndex"] == 3


def test_a_server_that_shows_something_else_than_its_log_has_is_refuted(seen: Tab, shop: Shop) -> None:
    def lie(route: Route) -> None:
        said = route.fetch().json()
        for entry in said["entries"]:
            entry["auditEvent"]["audit"]["actorId"] = "mallory"
        route.fulfill(json=said)

    pin(seen.page, shop.server)
    seen.page.route("**/api/v1/search*", lie)
    _visit(seen.page, shop.server, 3)
    _expect_verdict(seen.page, "RECORD_CHANGED")
    expect(seen.page.get_by_label("Verdict")).to_contain_text("actorId")


@pytest.mark.parametrize("kind", ["log", "span"])
@pytest.mark.parametrize("keeps_hash", [True, False])
def test_an_audit_event_that_is_sent_as_something_without_an_actor_is_refuted(
    seen: Tab, shop: Shop, kind: str, keeps_hash: bool
) -> None:
    def lie(route: Route) -> None:
        said = route.fetch().json()
        for entry in said["entries"]:
            event = entry.pop("auditEvent")
            del event["audit"]
            if not keeps_hash:
                event["evidence"]["recordHash"] = "0" * 64
            # A span with the members that both have, such as the attributes of the resource.
            span = {"attributes": {}, "events": [], "links": [], "durationNanos": "0", "statusCode": "", "name": "x"}
            entry[kind] = event if kind == "log" else {**event, **span}
        route.fulfill(json=said)

    pin(seen.page, shop.server)
    seen.page.route("**/api/v1/search*", lie)
    _visit(seen.page, shop.server, 3)
    _expect_verdict(seen.page, "RECORD_CHANGED")


def test_a_row_whose_record_is_not_sent_is_not_proved_by_its_leaf(chromium: Browser, shop: Shop) -> None:
    def leave_out(route: Route) -> None:
        if "include_record" in route.request.url:
            route.fulfill(status=404, json={"code": "NOT_FOUND", "message": "there is no such record"})
        else:
            route.continue_()

    with tab(chromium) as opened:
        pin(opened.page, shop.server)
        opened.page.route("**/inclusion-proof*", leave_out)
        _visit(opened.page, shop.server, 3)
        _expect_verdict(opened.page, "did not send the record that was hashed")


def test_the_name_of_the_log_is_the_one_that_its_checkpoint_has(seen: Tab, shop: Shop) -> None:
    def rename(route: Route) -> None:
        said = route.fetch().json()
        route.fulfill(json={**said, "origin": "prod/audit/main"})

    seen.page.route("**/inclusion-proof*", rename)
    _visit(seen.page, shop.server, 3)
    _expect_verdict(seen.page, "the proof does not hold")
    expect(seen.page.locator(".record-place")).to_contain_text(audit_log(shop.server.http)["origin"])


def test_a_check_that_the_browser_cannot_make_ends_with_the_reason(chromium: Browser, shop: Shop) -> None:
    with tab(chromium) as opened:
        opened.page.add_init_script(
            "IDBObjectStore.prototype.getAll = () => { throw new DOMException('the disk is gone', 'UnknownError'); };"
        )
        _visit(opened.page, shop.server, 3)
        _expect_verdict(opened.page, "It could not be checked here")
        expect(opened.page.get_by_label("Verdict")).to_contain_text("the disk is gone")
        assert opened.observed.exceptions == []


@pytest.mark.parametrize(
    ("log", "leaf", "title"),
    [("audit", "99999999", "The log has no leaf 99999999"), ("0" * 16, "1", "no log with this ID")],
)
def test_a_place_where_no_record_is_says_why(chromium: Browser, shop: Shop, log: str, leaf: str, title: str) -> None:
    with tab(chromium) as opened:
        log_id = audit_log(shop.server.http)["logId"] if log == "audit" else log
        opened.page.goto(shop.url(f"/r/{log_id}/{leaf}"))
        _expect_verdict(opened.page, title)


def test_the_name_of_a_log_in_place_of_its_id_leads_to_the_record(seen: Tab, shop: Shop) -> None:
    log = audit_log(shop.server.http)
    seen.page.goto(shop.url(f"/r/{log['origin']}/3"))
    expect(seen.page).to_have_url(shop.url(f"/r/{log['logId']}/3"), timeout=_PATIENCE)


def test_a_record_that_was_changed_in_storage_is_named_and_has_no_bundle(seen: Tab, altered: LognotaryServer) -> None:
    _visit(seen.page, altered, 1)
    _expect_verdict(seen.page, "RECORD_CHANGED")
    expect(seen.page.get_by_text("not the leaf in the log")).to_be_visible()
    expect(seen.page.get_by_text("the record was changed")).to_be_visible()
    expect(seen.page.get_by_text("lognotary prove")).to_have_count(0)
    expect(seen.page.get_by_role("link", name="Download bundle")).to_have_count(0)


def test_a_record_that_was_deleted_is_not_a_checked_record_but_its_leaf_is_proved(
    chromium: Browser, altered: LognotaryServer
) -> None:
    with tab(chromium) as opened:
        pin(opened.page, altered)
        _visit(opened.page, altered, 2)
        _expect_verdict(opened.page, "its leaf is proved")
        expect(opened.page.get_by_text("equal to the signed root")).to_be_visible()


def test_all_rows_that_claim_a_leaf_are_shown_with_their_states(seen: Tab, altered: LognotaryServer) -> None:
    _visit(seen.page, altered, 3)
    expect(seen.page.get_by_role("heading", name="2 rows claim this leaf")).to_be_visible(timeout=_PATIENCE)
    _expect_verdict(seen.page, "its key is not pinned")
    seen.page.get_by_role("row", name="tampered").get_by_role("button", name="show").click()
    _expect_verdict(seen.page, "not the record that was signed at this leaf")


def test_without_a_proof_no_row_that_claims_a_leaf_is_called_another_record(
    chromium: Browser, altered: LognotaryServer
) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=403, json={"code": "PERMISSION_DENIED", "message": "it takes the role auditor"})

    def without_proofs(route: Route) -> None:
        said = route.fetch().json()
        for entry in said["entries"]:
            entry["auditEvent"]["evidence"].update(canonicalRecord="", inclusionPath=[], checkpoint="")
        route.fulfill(json=said)

    with tab(chromium) as opened:
        page = opened.page
        page.route("**/inclusion-proof*", refuse)
        page.route("**/api/v1/search*", without_proofs)
        _visit(page, altered, 3)
        _expect_verdict(page, "The server sent no proof")
        for row in (1, 2):
            page.locator(".claims tbody tr").nth(row - 1).get_by_role("button").click()
            expect(page.get_by_role("row").nth(row).get_by_role("button", pressed=True)).to_be_visible()
            _expect_verdict(page, "The server sent no proof")
            expect(page.get_by_text("The proof below")).to_have_count(0)


@pytest.fixture(params=ENGINES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with storage_on(request, tmp_path) as url:
        yield url


def test_who_else_vouches_for_a_checkpoint_is_shown_with_what_this_browser_could_check(
    seen: Tab, storage: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with LognotaryServer(storage, data, batch_age=0.02) as server:
        send_all(server.otlp_http, [_audit_event(_CHANGE)])
    assert run_lognotary("keys", "rotate", "--data-dir", str(data)).returncode == 0
    with LognotaryServer(storage, data, batch_age=0.02, ml_dsa="true") as server:
        server.wait_for_log("signing key changed to")
    keys = map(VerifierKey.parse, server.verifier_keys.read_text().split())
    witness = SmallWitness(tmp_path / "witness", {key.name: [key] for key in keys})
    (tmp_path / "tsa").mkdir()
    authority = TimestampAuthority(tmp_path / "tsa")
    with serving(witness.respond) as witness_url, serving(authority.respond) as authority_url:
        flags: dict[str, Any] = {
            "batch_age": 0.02,
            "ml_dsa": "true",
            "witnesses": f"{witness.verifier_key} {witness_url}",
            "witness_interval": 0.1,
            "timestamp_authority": authority_url,
            "timestamp_roots": str(authority.roots),
            "timestamp_interval": 0.1,
        }
        with LognotaryServer(storage, data, **flags) as server:
            send_all(server.otlp_http, [_audit_event({"audit.record.id": "r-2"})])
            path = f"/api/v1/logs/{audit_log(server.http)['logId']}/inclusion-proof"

            def is_vouched_for() -> bool:
                proof = _get(server, path, leaf_index="0", for_evidence="true")
                return bool(proof["timestamp"]) and witness.verifier_key.name in proof["checkpoint"]

            wait_for(is_vouched_for)
            pin(seen.page, server)
            _visit(seen.page, server, 0)
            _expect_verdict(seen.page, "Checked in this browser")
            proof = seen.page.locator(".proof")
            expect(proof.get_by_role("row", name=witness.verifier_key.name)).to_contain_text("not checked")
            expect(proof.get_by_text("ML-DSA-44 needs 'lognotary check'")).to_be_visible()
            expect(proof.get_by_text("made for this checkpoint: the hashes are equal")).to_be_visible()
            expect(proof.get_by_role("listitem").filter(has_text="entry, from")).not_to_have_count(0)
