"""Entries of real answers, checked by the code of the page: true ones are checked, and any change is found."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.shop_day import send_all
from harness.waiting import wait_for
from server.notary.keys import VerifierKey
from server.notary.trust import fingerprint
from tests.checked_bundles import FIRST
from tests.explorer.browser_programs import answers_of
from tests.explorer.conftest import Shop

_NOT_COMPARED = {"evidence", "logId", "traceLinks"}
_STRANGER = str(FIRST.verifier_key("lognotary/audit/x"))


def _asked(shop: Shop, path: str, **fields: str) -> dict[str, Any]:
    params = {"includeProofs": "true", **fields}
    answer = httpx.get(shop.url(path), params=params, headers={"Host": "localhost"}, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def entries(shop: Shop) -> list[dict[str, Any]]:
    trace = _asked(shop, f"/api/v1/traces/{shop.day.refund}")["entries"]
    found = _asked(shop, "/api/v1/search", pageSize="150")["entries"]
    hostile = _asked(shop, "/api/v1/search", query='service:"<b>hostile</b>"', pageSize="20")["entries"]
    assert {kind for entry in trace for kind in ("span", "log", "auditEvent") if entry.get(kind)} > {
        "span",
        "auditEvent",
    }
    return [*trace, *found, *hostile]


@pytest.fixture(scope="module")
def keys(shop: Shop) -> list[str]:
    """The verifier keys of all logs."""
    logs = httpx.get(shop.url("/api/v1/logs"), headers={"Host": "localhost"}).json()["logs"]
    return [key for log in logs for key in log["verifierKeys"]]


def _verdicts(entries: list[dict[str, Any]], *keys: str) -> list[dict[str, str]]:
    questions = [{"entry": entry, "keys": keys, "changes": []} for entry in entries]
    return answers_of("trust/answers.ts", questions)


def test_every_entry_is_checked_with_the_keys_of_the_logs(entries: list[dict[str, Any]], keys: list[str]) -> None:
    verdicts = _verdicts(entries, *keys)
    assert len(verdicts) > 150
    expected = {"kind": "checked", "key": fingerprint(VerifierKey.parse(keys[0]).public_key)}
    assert [verdict for verdict in verdicts if verdict != expected] == []


def test_the_key_of_one_log_vouches_for_no_other_log(entries: list[dict[str, Any]], keys: list[str]) -> None:
    key = next(key for key in keys if VerifierKey.parse(key).name.split("/")[1] == "audit")
    kinds = Counter[tuple[bool, str]]()
    for entry, verdict in zip(entries, _verdicts(entries, key), strict=True):
        kinds[bool(entry.get("auditEvent")), verdict["kind"]] += 1
    assert set(kinds) == {(True, "checked"), (False, "refuted")}


def test_without_a_pinned_key_nothing_is_checked_and_with_another_one_all_is_refuted(
    entries: list[dict[str, Any]],
) -> None:
    assert Counter(verdict["kind"] for verdict in _verdicts(entries[:30])) == {"unpinned": 30}
    others = _verdicts(entries[:30], _STRANGER)
    assert Counter((verdict["kind"], verdict.get("finding")) for verdict in others) == {
        ("refuted", "BATCH_FOREIGN_SIGNED"): 30
    }


def test_every_change_of_what_is_shown_is_found(entries: list[dict[str, Any]], keys: list[str]) -> None:
    changed, names = list[dict[str, Any]](), list[str]()
    for kind in ("auditEvent", "log", "span"):
        for entry in [entry for entry in entries if entry.get(kind)][:4]:
            for name, other in _changes(entry[kind]):
                changed.append({**entry, kind: other})
                names.append(f"{kind} {name}")
            for moved in ("1999-12-31T23:59:59Z", _a_nanosecond_later(entry["timestamp"]), None):
                changed.append({**entry, "timestamp": moved})
                names.append(f"time of the entry of {kind}: {moved}")
    assert len(set(names)) > 70
    verdicts = _verdicts(changed, *keys)
    missed = [(name, verdict) for name, verdict in zip(names, verdicts, strict=True) if verdict["kind"] != "refuted"]
    assert missed == []
    assert {verdict["finding"] for verdict in verdicts} == {"RECORD_CHANGED"}


def test_every_change_of_the_proof_is_found(entries: list[dict[str, Any]], keys: list[str]) -> None:
    one, other = (next(entry for entry in entries if entry.get(kind)) for kind in ("auditEvent", "log"))
    true, foreign = one["auditEvent"]["evidence"], other["log"]["evidence"]
    evidences = [
        *({**true, name: foreign[name]} for name in ("canonicalRecord", "inclusionPath", "checkpoint", "logId")),
        *({**true, name: foreign[name]} for name in ("origin", "recordHash")),
        {**true, "leafIndex": str(int(true["leafIndex"]) + 1)},
        {**true, "leafIndex": "x"},
        {**true, "leafIndex": f"0{true['leafIndex']}"},
        {**true, "treeSize": str(int(true["treeSize"]) + 1)},
        {**true, "state": "TAMPERED", "recordHash": foreign["recordHash"]},
        {**true, "inclusionPath": true["inclusionPath"][:-1]},
        {**true, "inclusionPath": [*true["inclusionPath"], true["inclusionPath"][0]]},
        {**true, "inclusionPath": ["x", *true["inclusionPath"][1:]]},
        {**true, "canonicalRecord": true["canonicalRecord"][:-4]},
        {**true, "checkpoint": true["checkpoint"][:-8] + "AAAAAA=\n"},
        {**true, "checkpoint": true["checkpoint"].partition("\n\n")[0]},
    ]
    changed = [{**one, "auditEvent": {**one["auditEvent"], "evidence": evidence}} for evidence in evidences]
    verdicts = _verdicts(changed, *keys)
    assert Counter(verdict["kind"] for verdict in verdicts) == {"refuted": len(evidences)}, verdicts


def test_a_span_that_was_sent_without_a_time_happened_at_its_receipt(shop: Shop, keys: list[str]) -> None:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "timeless"}}]}
    spans = [{"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "when?"}]
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    send_all(shop.server.otlp_http, [("/v1/traces", body)])
    entry = _committed(shop, "service:timeless")
    at_zero = {**entry, "timestamp": "1970-01-01T00:00:00Z"}
    assert entry["span"]["timestamp"] == at_zero["timestamp"] != entry["timestamp"]
    assert [verdict["kind"] for verdict in _verdicts([entry, at_zero], *keys)] == ["checked", "refuted"]


def _committed(shop: Shop, query: str) -> dict[str, Any]:
    """Return the first span that a query finds, once it has a proof."""
    found: list[dict[str, Any]] = []

    def is_proved() -> bool:
        entries = _asked(shop, "/api/v1/search", query=query, streams="spans")["entries"]
        found.extend(entry for entry in entries if entry["span"]["evidence"]["checkpoint"])
        return bool(found)

    wait_for(is_proved)
    return found[0]


def test_an_entry_without_a_proof_is_not_called_checked(entries: list[dict[str, Any]], keys: list[str]) -> None:
    one = copy.deepcopy(next(entry for entry in entries if entry.get("auditEvent")))
    one["auditEvent"]["evidence"] |= {"canonicalRecord": "", "inclusionPath": [], "checkpoint": ""}
    assert [verdict["kind"] for verdict in _verdicts([one], *keys)] == ["unproved"]


def test_a_copy_of_a_record_which_the_server_calls_tampered_is_not_called_checked(
    entries: list[dict[str, Any]], keys: list[str]
) -> None:
    one = copy.deepcopy(next(entry for entry in entries if entry.get("auditEvent")))
    one["auditEvent"]["evidence"] |= {"state": "TAMPERED", "reason": "a copy"}
    assert _verdicts([one], *keys) == [{"kind": "unproved", "reason": "a copy"}]


def _a_nanosecond_later(text: str) -> str:
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return f"{seconds}.{(int(fraction.ljust(9, '0')) + 1) % 10**9:09}Z"


def _changes(message: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the message with each of its fields changed."""
    for name, value in message.items():
        if name in _NOT_COMPARED:
            continue
        for what, other in _others(value):
            yield f"{name}{what}", {**message, name: other}


def _others(value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case bool():
            pass
        case int():
            yield "", value + 1
        case str() if value.endswith("Z") and value[:2] == "20":
            yield " fraction", value[:-1] + "1Z" if "." in value else value[:-1] + ".000000001Z"
            yield " missing", None
            yield " in another form", f"{value[:-1]}+00:00"
        case str():
            yield "", "1" if value == "0" else f"{value}1"
            yield " as a list", [value]
        case dict():
            for name, member in value.items():
                for what, other in _others(member):
                    yield f".{name}{what}", {**value, name: other}
            if all(isinstance(member, str) for member in value.values()) and "recordId" not in value:
                yield " added", {**value, "x": ""}
        case list():
            for at, member in enumerate(value):
                for what, other in _others(member):
                    yield f"[]{what}", [*value[:at], other, *value[at + 1 :]]
            yield " shorter" if value else " longer", value[:-1] if value else [{}]
        case _:
            pass
