"""Bundles that were changed or forged, as the page of a bundle names them in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.bundles import MemoryLog, encode_record
from harness.explorer import require_bundle_page
from server import check
from server.explorer.bundle_page import bundle_page
from server.notary.origin import Stream
from tests.checked_bundles import BUNDLE, FIRST, LOG, STRANGER, key
from tests.explorer.bundles.opened import MINE, REFUTED, UNPINNED, opened, opened_file


def changed(name: str, at: int) -> dict[str, bytes]:
    """Return the bundle with another bit in a file."""
    content = BUNDLE[name]
    at %= len(content)
    return {**BUNDLE, name: content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]}


@pytest.mark.parametrize(
    ("name", "at", "step"),
    [
        ("record.bin", 40, "inclusion"),
        ("record.json", 300, "record.json"),
        ("record.tlog-proof", 40, "inclusion"),
        ("checkpoint", 30, "checkpoint"),
        ("checkpoint", -10, "signature"),
    ],
)
def test_a_changed_byte_is_named_with_and_without_a_key(
    chromium: Browser, name: str, at: int, step: str, tmp_path: Path
) -> None:
    files = changed(name, at)
    expected = {each.name for each in check.check(files, [key(FIRST)]).steps if not each.holds}
    assert step in expected or "files" in expected
    with opened(chromium, files, tmp_path) as page:
        assert "this file is damaged or forged" in page.verdict(REFUTED)
        page.give(MINE)
        page.tab.page.wait_for_selector(".given-keys li")
        verdict = page.verdict(REFUTED)
        assert {each for each, says in page.steps().items() if says == "does not hold"} == expected
        assert all(f"{each}: " in verdict for each in expected)


def test_a_forged_log_is_refuted_by_the_key_of_the_owner(chromium: Browser, tmp_path: Path) -> None:
    forged = MemoryLog([encode_record(Stream.AUDIT, {"ActorId": b"mallory"})], LOG.name)
    note = forged.checkpoint(1, STRANGER)
    with opened(chromium, forged.bundle(0, note, keys=STRANGER.verifier_keys(LOG.origin)), tmp_path) as page:
        page.verdict(UNPINNED)  # it fits together: anybody can do that
        page.give(MINE)
        page.verdict(REFUTED)


def test_a_page_without_a_bundle_says_so(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(require_bundle_page())
    with opened_file(chromium, tmp_path / "page.html") as page:
        assert "this page has no bundle in it" in page.verdict(REFUTED)


@pytest.mark.parametrize("missing", sorted(BUNDLE.keys() - {"README.txt", "verifier-keys.txt"}))
def test_a_missing_file_is_named(chromium: Browser, missing: str, tmp_path: Path) -> None:
    files = {name: content for name, content in BUNDLE.items() if name != missing}
    with opened(chromium, files, tmp_path) as page:
        assert f"files: missing: {missing}" in page.verdict(REFUTED)


@pytest.mark.parametrize(
    "html",
    [
        '<pre hidden id="bundle">{}</pre>',
        "<p id=BUNDLE>{}</p>",
        '<table><script type="application/json" id="&#98;undle">{}</script></table>',
        "<svg><script id='bundle'></script></svg>",
    ],
)
@pytest.mark.parametrize("is_before", [True, False])
def test_a_page_with_a_second_bundle_is_refused_by_itself_as_by_the_command(
    chromium: Browser, html: str, is_before: bool, tmp_path: Path
) -> None:
    page = bundle_page(require_bundle_page(), BUNDLE).decode()
    place = '<div id="app">' if is_before else "</body>"
    (tmp_path / "page.html").write_text(page.replace(place, html + place), encoding="utf-8")
    with pytest.raises(check.RefusedError, match="ambiguous"):
        check.read_bundle(tmp_path / "page.html")
    with opened_file(chromium, tmp_path / "page.html") as opened_page:
        if is_before:
            assert "this page is ambiguous" in opened_page.verdict(REFUTED)
        else:  # it was not there yet when the script ran
            opened_page.verdict(UNPINNED)
