from __future__ import annotations

import pytest

from server.notary.producer_signature import as_stored, producer_signature

DETAILS = b'{"time":"unset","producer":{"result":"failed","reason":"why","key":1},"rules":"00"}'


def test_the_texts_of_a_result_are_read() -> None:
    assert producer_signature(DETAILS) == {"result": "failed", "reason": "why"}
    assert as_stored("failed").encode() in DETAILS


@pytest.mark.parametrize(
    "details",
    [
        b"",
        b"{}",
        b'{"log":{"producer":{"result":"int"}}}',
        b'{"producer":{"result":"int"}}',
        b'{"producer":{"result":"failed"}',
        b'["producer":{"result":"failed"}]',
        b'["\\"producer\\":{\\"result\\":\\"failed\\"}"]',
        b'{"producer":{"result":["failed"]}}',
        b'\xff{"producer":{"result":"failed"}}',
    ],
)
def test_anything_else_is_no_result(details: bytes) -> None:
    assert producer_signature(details) == {}
