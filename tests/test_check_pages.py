"""``check.py`` reads bundles from HTML files, also if programs have saved them again, and refuses other pages."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from server import check
from server.explorer.bundle_page import bundle_page
from tests.checked_bundles import BUNDLE, FIRST, LOG, READ, SECOND, STRANGER, failed, key
from tests.saved_again import crlf, marked, utf_16, utf_16_be, zipped

TEMPLATE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Evidence of a record</title></head>
<body><div id="app"></div><script type="application/json" id="bundle">null</script>
<script>document.getElementById("bundle").textContent; "—"</script>
</body>
</html>
""".encode()
BEGIN = b'<script type="application/json" id="bundle">'
PAGE = bundle_page(TEMPLATE, BUNDLE)


def read(page: bytes, directory: Path) -> dict[str, bytes]:
    (directory / "record.html").write_bytes(page)
    return check.read_bundle(directory / "record.html")


def with_bundle(text: str) -> bytes:
    """Return the page with another text in the element of the bundle."""
    return TEMPLATE.replace(b">null<", b">" + text.encode() + b"<")


def wrapped(page: bytes, width: int = 76) -> bytes:
    """Return a page as a program leaves it that allows lines of a width, and ends them with CRLF."""
    lines = [line[at : at + width] for line in page.split(b"\n") for at in range(0, max(len(line), 1), width)]
    return b"\r\n".join(lines)


def test_a_page_has_the_files_of_the_bundle(tmp_path: Path) -> None:
    files = read(PAGE, tmp_path)
    assert files == BUNDLE
    assert failed(check.check(files, [key(FIRST)])) == {}


def test_a_page_with_key_changes_is_read(tmp_path: Path) -> None:
    bundle = LOG.bundle(5, LOG.checkpoint(11, SECOND), key_changes=[LOG.key_change(6, 2, FIRST, SECOND)])
    assert failed(check.check(read(bundle_page(TEMPLATE, bundle), tmp_path), [key(FIRST)])) == {}


@pytest.mark.parametrize(
    "saved",
    [
        crlf,
        marked,
        utf_16,
        utf_16_be,
        wrapped,
        lambda page: b"\n\n" + page,
        lambda page: b"<!-- saved from url=(0014)about:internet -->\r\n" + crlf(page),
        lambda page: page.replace(b"doctype", b"DOCTYPE").replace(b"</script>", b"</SCRIPT >"),
        lambda page: page.replace(BEGIN, b'<SCRIPT id=bundle type="application/json">'),
        lambda page: page.replace(BEGIN, b"<script id='bundle'\n type='application/json' data-x=\"\">"),
        lambda page: page.replace(
            b'<div id="app">',
            '<div id="app"><p title=\'<script id="bundle">{}</script>\'>алиса — &lt;script id="bundle"<br />'.encode(),
        ),
        lambda page: page.replace(b"{\n", b"{").replace(b",\n", b", \t "),
        lambda page: page.rstrip() + b"\0" * 100,
        lambda page: page.replace(b"<body>", b"<body><!----><textarea id=key> </textarea><STYLE>a > b {}</STYLE\n>"),
        lambda page: page[: page.index(b"textContent")],
    ],
)
def test_a_page_that_programs_saved_again_is_read(saved: Callable[[bytes], bytes], tmp_path: Path) -> None:
    assert read(saved(PAGE), tmp_path) == BUNDLE


@pytest.mark.parametrize("inside", [lambda page: zipped({"mail/record.html": page}), lambda page: page])
def test_a_page_in_a_zip_file_or_in_a_folder_is_read(inside: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "one" / "evidence").write_bytes(inside(PAGE))
    assert check.read_bundle(tmp_path / "one") == BUNDLE
    assert check.read_bundle(tmp_path / "one" / "evidence") == BUNDLE


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (TEMPLATE, "the page that 'lognotary prove' puts bundles in"),
        (b"<!doctype html><title>Another page</title>", "it is another page, or a program has removed the scripts"),
        (b"<html><body><p>{}</p>", "no bundle in it"),
        (PAGE.replace(BEGIN, BEGIN.replace(b' id="bundle"', b' data-id="bundle"')), "no bundle in it"),
        (PAGE.replace(BEGIN, BEGIN.replace(b"bundle", b"bundle2")), "no bundle in it"),
        (PAGE.replace(b"</body>", BEGIN + b"{}</script></body>"), "several bundles"),
        (PAGE[: PAGE.index(b"record.json") + 100], "cut off or damaged"),
        (PAGE.replace(b"\n}</script>", b"\n}<p>"), "cut off or damaged"),
        (PAGE.replace(b"\n}</script>", b"</script>"), "the bundle in the HTML file cannot be read"),
        (PAGE.replace(b'"record.bin": "', b'"record.bin": "&amp;'), "is damaged"),
        (with_bundle('{"record.bin": "AAAA", "record.bin": "AAAB"}'), "a name occurs twice"),
        (with_bundle('{"record.bin": "ж"}'), "is damaged"),
        (with_bundle('{"record.bin": "\\u0436"}'), "is damaged"),
        (with_bundle('{"record.bin": ["AAAA"]}'), "is not an object of texts in base64"),
        (with_bundle('["record.bin"]'), "is not a JSON object"),
        (with_bundle("[" * 100_000), "cannot be read"),
        (b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\n\r\n" + PAGE, "save the attachment, or the page as HTML"),
    ],
)
def test_another_page_is_refused_with_a_reason(page: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(check.RefusedError, match=why):
        read(page, tmp_path)


def before(html: bytes) -> bytes:
    """Return the page with something in front of the element with the bundle."""
    return PAGE.replace(BEGIN, html + BEGIN)


OTHER = BEGIN + b'{"record.bin": "AAAA"}</script>'
ODD = BEGIN.replace(b"bundle", b"&#98;undle")


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (before(b'<pre hidden id="bundle">{}</pre>'), "an element 'pre' may have the ID of the bundle"),
        (before(b"<PRE ID=BUNDLE>{}</PRE>"), "an element 'pre' may have the ID"),
        (before(b"<p id='&#x62;undle'>{}</p>"), "an element 'p' may have the ID"),
        (PAGE.replace(b"</body>", b"<table><div id=bundle></div></table></body>"), "an element 'div' may have the ID"),
        (before(ODD + b"{}</script>"), "an element 'script' may have the ID"),
        (PAGE.replace(BEGIN, b"<!-- " + BEGIN).replace(b"</body>", b"-->" + ODD + b"</script>"), "plain comment"),
        (before(b"<!-- > --!> " + OTHER + b" -->"), "neither a plain tag nor a plain comment"),
        (before(b"<![CDATA[" + OTHER + b"]]>"), "neither a plain tag nor a plain comment"),
        (before(b"<?xml " + OTHER + b"?>"), "neither a plain tag nor a plain comment"),
        (before(b"</ " + OTHER), "neither a plain tag nor a plain comment"),
        (before(b'<p title="a"x>'), "neither a plain tag nor a plain comment"),
        (before(b"<p ="), "neither a plain tag nor a plain comment"),
        (before(b"<template>"), "has an element 'template'"),
        (before(b"<SVG><style>"), "has an element 'svg'"),
        (before(b"<select><title>"), "has an element 'select'"),
        (before(b"<plaintext>"), "has an element 'plaintext'"),
        (before(b"<title>" + OTHER + b"</title>"), "the element 'title' has a comment or a script"),
        (before(b"<noscript>" + OTHER + b"</noscript>"), "the element 'noscript' has a comment or a script"),
        (before(b"<textarea>" + OTHER + b"</textarea>"), "the element 'textarea' has a comment or a script"),
        (before(b"<style><!--</style>"), "the element 'style' has a comment or a script"),
        (before(b"<script><!-- <script></script>"), "the element 'script' has a comment or a script"),
        (before(b"\x1b$B"), "the control character ESC"),
        (PAGE.decode().encode("utf-16-le"), "zero bytes"),
    ],
)
def test_a_page_in_which_a_browser_might_find_another_bundle_is_refused(page: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(check.RefusedError, match=why):
        read(page, tmp_path)


def test_of_several_attributes_for_an_id_the_first_counts(tmp_path: Path) -> None:
    assert read(before(b"<p id=a id=bundle>"), tmp_path) == BUNDLE
    with pytest.raises(check.RefusedError, match="no bundle in it"):
        read(PAGE.replace(BEGIN, BEGIN.replace(b" id=", b" id id=")), tmp_path)


def test_a_long_page_of_odd_tags_is_refused_at_once(tmp_path: Path) -> None:
    for odd in (b"<p" + b" a" * 2_000_000, b"<p" + b" " * 4_000_000, b"<!--" + b"-" * 4_000_000):
        with pytest.raises(check.RefusedError, match="neither a plain tag"):
            read(before(odd), tmp_path)


@pytest.mark.parametrize("inside", [lambda page: page, lambda page: zipped({"mail/record.html": page})])
def test_the_report_says_that_the_page_was_not_looked_at_and_which_record_is_proved(
    inside: Callable[[bytes], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "record").write_bytes(inside(PAGE))
    unseen = "the page around the evidence, its text and its script"
    mine, foreign = (str(signer.verifier_key(LOG.origin)) for signer in (FIRST, STRANGER))
    assert check.main([str(tmp_path / "record"), "--public-key", mine]) == 0
    assert f"not checked: {unseen}; rely on the record below, {LOG.origin}#5\n" in capsys.readouterr().out
    assert check.main([str(tmp_path / "record"), "--public-key", foreign, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["not_checked"][0] == unseen


def test_a_page_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_MOST_HTML", len(PAGE) - 1)
    with pytest.raises(check.RefusedError, match="the HTML file is larger than"):
        read(PAGE, tmp_path)


def test_files_in_a_page_have_the_limits_of_files_in_a_zip_file(tmp_path: Path) -> None:
    with pytest.raises(check.RefusedError, match="checkpoint is larger than"):
        read(bundle_page(TEMPLATE, {**BUNDLE, "checkpoint": bytes((1 << 20) + 1)}), tmp_path)
    many = {f"key-changes/{number:04}": b"" for number in range(1, 1002)}
    with pytest.raises(check.RefusedError, match="1000"):
        read(bundle_page(TEMPLATE, {**BUNDLE, **many}), tmp_path)


def test_names_in_a_page_are_only_names(tmp_path: Path) -> None:
    files = read(bundle_page(TEMPLATE, {f"../{name}": content for name, content in BUNDLE.items()}), tmp_path)
    assert files.keys().isdisjoint(READ)
    assert [path.name for path in tmp_path.iterdir()] == ["record.html"]


@pytest.mark.parametrize("name", sorted(READ))
def test_a_byte_that_is_changed_in_a_page_is_noticed(name: str, tmp_path: Path) -> None:
    content = BUNDLE[name]
    for at in (0, len(content) // 2, len(content) - 1):
        changed = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
        files = read(bundle_page(TEMPLATE, {**BUNDLE, name: changed}), tmp_path)
        assert not check.check(files, [key(FIRST)]).holds


def test_what_the_page_shows_is_not_believed(tmp_path: Path) -> None:
    shown = html.escape(json.dumps({"record.bin": base64.b64encode(LOG.records[4]).decode()}))
    page = PAGE.replace(b'<div id="app">', f'<div id="app"><pre>{shown}</pre>'.encode())
    proved = check.check(read(page, tmp_path), [key(FIRST)]).proved
    assert proved is not None
    assert proved["TargetId"] == "user-5"
