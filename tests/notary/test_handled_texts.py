"""Text files that programs saved again have the same text, and ``check.py`` reads the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import check
from server.notary.handled_texts import as_written

WAYS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be with a mark")


def saved(text: str, way: str, *, crlf: bool) -> bytes:
    text = text.replace("\n", "\r\n") if crlf else text
    return b"\xfe\xff" + text.encode("utf-16-be") if way == WAYS[3] else text.encode(way)


@pytest.mark.parametrize("way", WAYS)
@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff", exclude_categories=["Cs"]))),
    crlf=st.booleans(),
)
def test_a_text_is_the_same_however_it_was_saved(way: str, lines: list[str], crlf: bool) -> None:
    text = "".join(f"{line}\n" for line in lines)
    assert as_written(saved(text, way, crlf=crlf)) == text


@pytest.mark.parametrize("text", ["a\r\nb\n", "a\rb\n", "a\r", "\r", "a\n\r\n"])
def test_ends_of_lines_that_differ_stay_as_they_are(text: str) -> None:
    assert as_written(text.encode()) == text


@pytest.mark.parametrize("content", [b"\xff", b"\xff\xfe\x00", b"\xff\xfe\x00\xd8", b"a\xc3"])
def test_what_is_not_text_is_refused(content: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        as_written(content)


@pytest.mark.parametrize("way", WAYS)
@given(
    # As they are written: they begin with ASCII, and no line ends with a blank.
    lines=st.lists(
        st.text(st.characters(exclude_characters="\0\r\n\ufeff", exclude_categories=["Cs"])).map(
            lambda line: line.rstrip(" \t")
        )
    ),
    crlf=st.booleans(),
)
def test_the_checker_of_bundles_reads_the_same(way: str, lines: list[str], crlf: bool) -> None:
    text = "".join(f"{line}\n" for line in ["log.example/audit", *lines, "end"])
    content = saved(text, way, crlf=crlf)
    assert check._as_written(content)[0].decode() == as_written(content) == text
