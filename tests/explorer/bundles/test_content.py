"""Contents of a bundle, as its page shows them in Chromium."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.bundles import MemoryLog, encode_record
from harness.explorer import require_bundle_page
from harness.timestamp_authority import TimestampAuthority
from server.explorer.bundle_page import bundle_page
from server.notary.commitment import commitment_mark
from server.notary.disclosure import OpenedValue
from server.notary.origin import Stream
from tests.checked_bundles import BUNDLE, FIRST, LOG, NOTE, OLD_BUNDLE, STRANGER
from tests.explorer.bundles.opened import HOSTILE, MINE, PROVED, REFUTED, UNPINNED, log_of, opened, opened_file

OPENED = OpenedValue("key.custom", bytes(32), b"alice")


def test_all_fields_are_shown_with_their_types(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.verdict(UNPINNED)
        assert page.field("ActorId") == "alice"
        assert page.field("Body") == "role.grant: пользователь 5 ✓"
        assert page.field("Timestamp") == "2026-01-01T00:00:00.000000005Z"
        assert page.field("LogAttributes raw") == base64.b64encode(b"\xff\xfe").decode()
        text = page.tab.page.inner_text("#app")
        columns = json.loads(BUNDLE["record.json"]).keys() - {"Origin", "LeafIndex", "CanonicalVersion", "Entry"}
        assert [name for name in columns if name not in text] == []
        assert "bytes, in base64" in text


def test_records_of_version_1_are_shown(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, OLD_BUNDLE, tmp_path) as page:
        page.give(MINE)
        page.verdict(PROVED)
        assert page.field("TargetId") == "user-5"


def test_hostile_content_is_text(chromium: Browser, tmp_path: Path) -> None:
    raw = HOSTILE.encode()
    log = log_of(Body=raw, ActorId=raw, ServiceName=raw, Action=raw)
    log = MemoryLog([encode_record(Stream.AUDIT, {"Body": raw, "ActorId": raw, "LogAttributes": [(raw, raw)]})])
    with opened(chromium, log.bundle(0, log.checkpoint(1, FIRST)), tmp_path) as page:
        page.give(str(FIRST.verifier_key(log.origin)))
        page.verdict(PROVED)
        shown = page.field("Body")
        assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in shown
        for escaped in ("U+202E", "U+2066", "U+001B", "U+0000", "U+200B"):
            assert escaped in shown
        assert not {"\u202e", "\u2066", "\x1b", "\u200b"} & set(page.tab.page.content())
        assert page.tab.page.locator("#app").locator("img, script, a, iframe").count() == 0


@pytest.mark.parametrize("character", ["x", "\u202e"])
def test_a_large_record_is_shown_in_parts(chromium: Browser, character: str, tmp_path: Path) -> None:
    size = 1_500_000 // len(character.encode())
    log = log_of(Body=(character * size).encode(), ActorId=b"alice")
    with opened(
        chromium, log.bundle(0, log.checkpoint(1, FIRST), keys=FIRST.verifier_keys(log.origin)), tmp_path
    ) as page:
        page.verdict(UNPINNED)
        page.give(str(FIRST.verifier_key(log.origin)))
        page.verdict(PROVED)
        assert f"… {size - 2000:,} more characters" in page.field("Body")
        page.tab.page.click("text=show more")
        page.tab.page.wait_for_selector(f"text={size - 22_000:,} more characters")
        page.give(str(STRANGER.verifier_key(log.origin)))
        page.verdict(REFUTED)
        assert page.steps()["record.json"] == "not checked"


def test_a_record_with_many_attributes_is_shown_in_parts(chromium: Browser, tmp_path: Path) -> None:
    pairs = sorted((f"k{number:04}".encode(), b"v") for number in range(2000))
    log = MemoryLog([encode_record(Stream.AUDIT, {"ActorId": b"alice", "LogAttributes": pairs})])
    with opened(chromium, log.bundle(0, log.checkpoint(1, FIRST)), tmp_path) as page:
        page.verdict(REFUTED)  # it names no key of its own
        assert page.tab.page.locator(".fields tbody tr").count() == 200
        page.tab.page.click("text=Show more of the 2001 fields")
        assert page.tab.page.locator(".fields tbody tr").count() == 1200


def test_open_values_are_shown_once_the_record_is_proved(chromium: Browser, tmp_path: Path) -> None:
    mark = commitment_mark(OPENED.rule, OPENED.digest)
    log = log_of(Body=mark, OtlpDetails=b'{"commitments":["%b"]}' % OPENED.digest.encode())
    files = log.bundle(0, log.checkpoint(1, FIRST), opened=[OPENED], keys=FIRST.verifier_keys(log.origin))
    with opened(chromium, files, tmp_path) as page:
        page.give(str(FIRST.verifier_key(log.origin)))
        page.verdict(PROVED)
        assert page.field(mark.decode()) == "alice"
        assert page.steps()["disclosures"] == "holds"


def test_the_command_names_the_file(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "it's a record.html"
    path.write_bytes(bundle_page(require_bundle_page(), BUNDLE))
    with opened_file(chromium, path) as page:
        page.verdict(UNPINNED)
        shown = page.tab.page.inner_text("section[aria-labelledby=limits-heading] .command code")
        assert shown == """lognotary check 'it'"'"'s a record.html' --public-key public-key.pem"""
        assert "Whoever made this file also wrote the script in it" in page.tab.page.inner_text("#app")


def test_files_of_the_bundle_are_saved_as_they_are(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, BUNDLE, tmp_path) as page:
        page.verdict(UNPINNED)
        with page.tab.page.expect_download() as downloading:
            page.tab.page.get_by_role("button", name="record.bin").click()
        assert downloading.value.suggested_filename == "record.bin"
        assert Path(downloading.value.path()).read_bytes() == BUNDLE["record.bin"]
        page.tab.observed.requests[:] = [each for each in page.tab.observed.requests if "blob:" not in each]


def test_a_timestamp_is_shown_with_its_time_if_it_is_of_the_checkpoint(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "authority").mkdir()
    authority = TimestampAuthority(tmp_path / "authority")

    def stamped(text: str) -> bytes:
        (tmp_path / "text").write_text(text, encoding="utf-8")
        query: list[str | Path] = [
            "openssl",
            "ts",
            "-query",
            "-data",
            tmp_path / "text",
            "-sha256",
            "-cert",
            "-out",
            tmp_path / "query",
        ]
        subprocess.run(query, check=True, capture_output=True, timeout=60)
        return authority.reply((tmp_path / "query").read_bytes())

    for text, words in (
        (NOTE.text, r"RFC 3161: made at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ for the hash of this checkpoint; this page"),
        (NOTE.text + "more\n", "RFC 3161: made for something else"),
    ):
        with opened(chromium, LOG.bundle(5, NOTE, timestamp=stamped(text)), tmp_path) as page:
            page.tab.page.wait_for_selector(".place >> text=of this checkpoint")
            assert re.search(words, page.tab.page.inner_text(".place"))
            assert "openssl ts -verify -data signed-text -in timestamp.tsr" in page.tab.page.inner_text("#app")
