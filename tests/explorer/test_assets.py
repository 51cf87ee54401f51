"""Files of the explorer are read once, and served as they were built."""

from __future__ import annotations

import gzip
from pathlib import Path

from server.explorer.assets import read_built, why_not_built
from tests.explorer.built import SCRIPT, build


def test_an_explorer_that_was_built_is_read_with_its_assets(tmp_path: Path) -> None:
    built = read_built(build(tmp_path))
    assert built is not None
    assert built.assets.keys() == {SCRIPT, "icon.svg"}
    script = built.assets[SCRIPT]
    assert script.media_type == "text/javascript; charset=utf-8"
    assert gzip.decompress(script.compressed) == script.content
    assert built.assets["icon.svg"].media_type == "image/svg+xml"
    assert built.page.media_type == "text/html; charset=utf-8"
    assert why_not_built(tmp_path) == ""


def test_the_tag_of_a_file_changes_with_its_content_alone(tmp_path: Path) -> None:
    first, second, third = (read_built(build(tmp_path / name)) for name in ("1", "2", "3"))
    (tmp_path / "3" / "index.html").write_text("another")
    third = read_built(tmp_path / "3")
    assert first and second and third  # noqa: PT018 - one of them is as bad as the other
    assert first.page.etag == second.page.etag != third.page.etag
    assert first.page.etag.startswith('W/"')  # the tag is the same for the compressed content


def test_an_explorer_that_was_not_built_says_why(tmp_path: Path) -> None:
    missing = tmp_path / "static"
    assert read_built(missing) is None
    assert why_not_built(missing) == "nothing built it yet"
    missing.mkdir()
    (missing / "not-built.txt").write_text("Node.js 20.19 or newer with npm is missing\n")
    assert read_built(missing) is None
    assert why_not_built(missing) == "Node.js 20.19 or newer with npm is missing"
