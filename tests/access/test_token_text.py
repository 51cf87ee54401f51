"""The text of tokens."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from server.access.token_text import LENGTH, PREFIX, digest_of, id_of, is_token, new_token

RANDOM = st.binary(min_size=32, max_size=32)


@given(RANDOM)
def test_every_token_has_the_same_form_and_length(random: bytes) -> None:
    token = new_token(lambda size: random[:size])
    assert len(token) == LENGTH
    assert re.fullmatch(r"lgn_[0-9A-Za-z]{49}", token)
    assert is_token(token)


@given(RANDOM, RANDOM)
def test_tokens_of_different_random_bytes_differ(one: bytes, other: bytes) -> None:
    assert (new_token(lambda _: one) == new_token(lambda _: other)) is (one == other)


@given(RANDOM, st.integers(len(PREFIX), LENGTH - 1), st.sampled_from("0aZ_é \n"))
def test_a_typing_error_is_noticed(random: bytes, place: int, typed: str) -> None:
    token = new_token(lambda _: random)
    changed = token[:place] + typed + token[place + 1 :]
    assert is_token(changed) is (changed == token)


@given(st.text(max_size=80))
def test_no_other_text_is_a_token(text: str) -> None:
    assert not is_token(text)


@given(st.text(max_size=80))
def test_every_text_has_a_digest(text: str) -> None:
    assert len(digest_of(text)) == 32


def test_new_tokens_are_random() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def test_a_token_is_found_by_the_beginning_of_its_digest() -> None:
    token = new_token()
    assert digest_of(token).hex().startswith(id_of(digest_of(token)))
    assert re.fullmatch("[0-9a-f]{12}", id_of(digest_of(token)))
