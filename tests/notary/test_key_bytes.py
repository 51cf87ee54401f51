"""Symmetric keys in the content of files, and their IDs."""

from __future__ import annotations

import base64

import pytest

from server.notary.key_bytes import KEY_BYTES, decode_key, key_id

_KEY = bytes(range(200, 200 + KEY_BYTES))


@pytest.mark.parametrize(
    "content",
    [
        _KEY,
        _KEY.hex().encode(),
        _KEY.hex().upper().encode() + b"\n",
        base64.b64encode(_KEY),
        b" " + base64.b64encode(_KEY) + b"\r\n",
    ],
)
def test_a_key_is_read_as_it_is_and_as_text(content: bytes) -> None:
    assert decode_key(content) == _KEY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        _KEY[:-1],
        _KEY + b"\n",
        _KEY.hex()[:-2].encode(),
        base64.b64encode(_KEY[:-1]),
        b"this is no base64, and no key!",
        "Schlüssel".encode(),
    ],
)
def test_content_that_is_no_key_of_32_bytes_is_not_taken_for_one(content: bytes) -> None:
    assert decode_key(content) is None


def test_the_id_of_a_key_depends_on_the_key_and_the_purpose() -> None:
    assert len(key_id(_KEY, "journal")) == 8
    assert key_id(_KEY, "journal") == key_id(_KEY, "journal")
    assert len({key_id(_KEY, "journal"), key_id(_KEY, "disk"), key_id(bytes(KEY_BYTES), "journal")}) == 3
