from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from server.errors.base import LognotaryError
from server.explorer.bundle_page import ExplorerNotBuiltError, bundle_page, bundle_template

TEMPLATE = b"""<!doctype html><html><head><title>Evidence</title></head><body>
<script type="application/json" id="bundle">null</script><script>"use strict"</script></body></html>"""


class Scripts(HTMLParser):
    """The scripts of a page, as a browser finds them: their attributes and contents."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_open = tag == "script"
        if self._is_open:
            self.found.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._is_open:
            attributes, text = self.found[-1]
            self.found[-1] = (attributes, text + data)


def scripts(page: bytes) -> list[tuple[dict[str, str | None], str]]:
    parser = Scripts()
    parser.feed(page.decode())
    parser.close()
    return parser.found


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"record.bin": b""},
        {"record.bin": bytes(range(256)) * 9, "checkpoint": "— ✓\n".encode(), "key-changes/0001": b"\n"},
        {"record.json": b"</script><script>alert(1)</script><!-- <script>"},
        {"</script><script>": b"1", "<!--<script>": b"2", "&lt;\u2028\"'": b"3", "null": b"null"},
    ],
)
def test_a_page_has_the_files_and_no_other_script(files: dict[str, bytes]) -> None:
    page = bundle_page(TEMPLATE, files)
    bundle, script = scripts(page)
    assert bundle[0] == {"type": "application/json", "id": "bundle"}
    assert {name: base64.b64decode(content) for name, content in json.loads(bundle[1]).items()} == files
    assert script == ({}, '"use strict"')
    before, _, after = page.partition(bundle[1].encode())
    assert before + b"null" + after == TEMPLATE


def test_a_page_is_ascii_with_one_file_a_line_where_the_bundle_is() -> None:
    files = {"checkpoint": b"2" * 100, "ж": b"1"}
    [bundle, _] = scripts(bundle_page(TEMPLATE, files))
    assert bundle[1].isascii()
    assert [line.partition(":")[0] for line in bundle[1].splitlines()] == ["{", '"checkpoint"', '"\\u0436"', "}"]


def test_the_same_bundle_gives_the_same_bytes() -> None:
    files = {"record.bin": b"1", "checkpoint": b"2"}
    assert bundle_page(TEMPLATE, files) == bundle_page(TEMPLATE, dict(reversed(files.items())))


@pytest.mark.parametrize("template", [b"", TEMPLATE.replace(b"null", b"{}"), TEMPLATE + TEMPLATE])
def test_a_template_without_one_place_for_the_bundle_is_refused(template: bytes) -> None:
    with pytest.raises(ExplorerNotBuiltError, match="no place for a bundle: build the explorer again"):
        bundle_page(template, {})


def test_an_installation_without_the_page_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        ExplorerNotBuiltError, match="write a zip file, install Lognotary from a wheel, or build"
    ) as found:
        bundle_template(tmp_path)
    assert isinstance(found.value, LognotaryError)
    (tmp_path / "bundle.html").write_bytes(TEMPLATE)
    assert bundle_template(tmp_path) == TEMPLATE


def test_the_source_of_the_page_has_one_place_for_the_bundle_and_a_strict_policy() -> None:
    source = Path(__file__).parents[2] / "server" / "explorer" / "web" / "bundle" / "page.html"
    page = source.read_bytes()
    assert scripts(bundle_page(page, {"record.bin": b"1"}))[0][1] == '{\n"record.bin": "MQ=="\n}'
    [policy] = re.findall(rb'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith(b"default-src 'none'; script-src @script-digest@; style-src @styles-digest@;")
    assert b"unsafe" not in policy
