"""The token of a server's own records, and the marks that come with it."""

from __future__ import annotations

import json

import pytest

from harness.otlp_load import log_record
from server.own_records.proof import TOKEN_KEY, has_token, new_token, own_marks
from server.own_records.sender import own_request
from storage.hold_records import OWN_MARK

TOKEN = "0123456789abcdef" * 4  # a fixed one, for the names of the tests


@pytest.mark.parametrize(
    ("metadata", "token", "expected"),
    [
        ([(TOKEN_KEY, TOKEN)], TOKEN, True),
        ([("user-agent", "x"), (TOKEN_KEY, "another"), (TOKEN_KEY, TOKEN)], TOKEN, True),
        ([(TOKEN_KEY, "fedcba9876543210" * 4)], TOKEN, False),
        ([(TOKEN_KEY, TOKEN[:-1])], TOKEN, False),
        ([(TOKEN_KEY, TOKEN.encode())], TOKEN, False),
        ([(TOKEN_KEY, "")], "", False),
        ([("user-agent", TOKEN)], TOKEN, False),
        ([], TOKEN, False),
        (None, TOKEN, False),
    ],
)
def test_only_the_token_itself_proves_that_records_are_the_servers_own(
    metadata: list[tuple[str, str | bytes]] | None, token: str, expected: bool
) -> None:
    assert has_token(metadata, token) is expected


def test_each_record_has_a_mark_with_the_part_that_it_comes_from() -> None:
    request = own_request("lognotary.disclosures", [log_record("one"), log_record("two")]).SerializeToString()
    assert [(number, json.loads(b"{%b}" % members)) for number, members in own_marks(request)] == [
        (number, {OWN_MARK: {"part": "lognotary.disclosures"}}) for number in (0, 1)
    ]


def test_every_server_has_a_token_of_its_own() -> None:
    assert len({new_token() for _ in range(3)}) == 3
