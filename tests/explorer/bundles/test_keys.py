"""Verdicts of the page of a bundle in Chromium, before and after a key is given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.checked_bundles import BUNDLE, FIRST, LOG, PQ_WITNESS, SECOND, STRANGER, WITNESS, WITNESSED
from tests.explorer.bundles.opened import MINE, PROVED, REFUTED, UNPINNED, WAITING, opened


def test_before_a_key_is_given_nothing_is_proved(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        assert "Not proved yet: nobody has checked who signed this" in page.verdict(UNPINNED)
        steps = page.steps()
        assert steps["signature"] == "needs a key"
        assert steps["inclusion"] == steps["files"] == steps["record.json"] == "holds"
        assert steps["witnesses"] == "not checked"
        assert "not proved" in page.tab.page.inner_text("#record-heading")


@pytest.mark.parametrize("given", [MINE, FIRST.public_pem().decode(), f"# the key\r\n\r\n  {MINE}  \r\n"])
def test_the_key_of_the_owner_proves_the_record(chromium: Browser, given: str, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.give(given)
        assert "The record below is entry 5 of the log shop/audit/a" in page.verdict(PROVED)
        assert page.steps()["signature"] == "holds"
        assert page.tab.page.inner_text("#record-heading") == "The record, proved"
        page.give("")
        page.verdict(UNPINNED)


def test_another_key_refutes_it(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.give(str(STRANGER.verifier_key(LOG.origin)))
        verdict = page.verdict(REFUTED)
        assert "signature: the Ed25519 key that was given did not sign the checkpoint" in verdict
        assert "Do not rely on this record" in verdict


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("hello", "not a key"),
        (MINE[:-4], "is not base64|the key ID|another size"),
        (
            str(FIRST.verifier_key("shop/audit/b")),
            "a key of the log shop/audit/b, and the bundle is of shop/audit/a",
        ),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "this is a private key"),
    ],
)
def test_what_is_no_key_of_the_log_is_refused_beside_the_field(
    chromium: Browser, given: str, why: str, tmp_path: Path
) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.give(given)
        page.tab.page.wait_for_selector("#key-problem:not(:empty)")
        assert re.search(why, page.tab.page.inner_text("#key-problem"))
        assert "cannot be used" in page.verdict(WAITING)
        page.give(MINE)
        page.verdict(PROVED)
        assert page.tab.page.inner_text("#key-problem") == ""


def test_keys_are_chosen_or_dropped_as_files(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "public-key.pem").write_bytes(FIRST.public_pem())
    with opened(chromium, LOG.bundle(5, WITNESSED, keys=FIRST.verifier_keys(LOG.origin)), tmp_path) as page:
        page.tab.page.set_input_files("input[type=file]", tmp_path / "public-key.pem")
        page.verdict(PROVED)
        assert page.steps()["witnesses"] == "not checked"
        dropped = page.tab.page.evaluate_handle(
            "text => { const all = new DataTransfer(); all.items.add(new File([text], 'w.txt')); return all; }",
            str(WITNESS.verifier_key),
        )
        page.tab.page.dispatch_event("body", "drop", {"dataTransfer": dropped})
        page.tab.page.locator(".given-keys li").nth(1).wait_for()
        assert "and as the witness cosigned it" in page.verdict(PROVED)
        assert page.steps()["witnesses"] == "holds"


def test_a_witness_that_did_not_cosign_refutes_it(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.give(MINE, str(WITNESS.verifier_key))
        assert f"witnesses: it is not cosigned by {WITNESS.name}+" in page.verdict(REFUTED)


def test_a_signature_that_the_page_cannot_check_never_proves(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, LOG.bundle(5, WITNESSED, keys=FIRST.verifier_keys(LOG.origin)), tmp_path) as page:
        page.give(MINE, str(PQ_WITNESS.verifier_key))
        assert "use 'lognotary check'" in page.verdict(REFUTED)


def test_key_changes_lead_from_the_key_that_was_given(chromium: Browser, tmp_path: Path) -> None:
    change = LOG.key_change(6, 2, FIRST, SECOND)
    files = LOG.bundle(5, LOG.checkpoint(11, SECOND), key_changes=[change], keys=SECOND.verifier_keys(LOG.origin))
    with opened(chromium, files, tmp_path) as page:
        page.verdict(UNPINNED)
        assert page.steps()["key changes"] == "needs a key"
        page.give(MINE)
        page.verdict(PROVED)
        page.give(str(STRANGER.verifier_key(LOG.origin)))
        assert "key changes: " in page.verdict(REFUTED)
