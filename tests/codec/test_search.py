"""Tests of the search for bytes in requests."""

from __future__ import annotations

import operator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.codec.choose import build_search

pytest.importorskip("server.codec._native")


@given(st.text("agy.", max_size=120), st.text("agy.", min_size=1, max_size=5))
@example("a" * 31 + "gy", "gy")
@example("a" * 47 + "g", "gy")
@example("y" * 64, "gyg")
@example("", "g")
def test_both_codecs_find_the_same_bytes(text: str, wanted: str) -> None:
    found = build_search("native")(text.encode(), wanted.encode())

    assert found == operator.contains(text, wanted)


@pytest.mark.parametrize("place", range(70))
def test_bytes_are_found_at_every_place(place: int) -> None:
    text = b"." * place + b"audit.integrity." + b"." * (70 - place)

    assert build_search("native")(text, b"audit.integrity.")
    assert not build_search("native")(text, b"audit.integrity:")
