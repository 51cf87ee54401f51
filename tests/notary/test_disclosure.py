"""Commitments in records, and the file of the values that are open in a bundle."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest

from harness.bundles import encode_record
from server.notary.bundle import readable_record
from server.notary.canonical import Value
from server.notary.commitment import commitment_mark
from server.notary.disclosure import Commitment, OpenedValue, disclosures_file, find_commitments
from server.notary.errors import MalformedError
from server.notary.origin import Stream

NAME = OpenedValue("key.custom", bytes(32), b"alice")
PASSWORD = OpenedValue("key.password", b"\1" * 32, b"hunter2\xff")


def mark(value: OpenedValue) -> bytes:
    return commitment_mark(value.rule, value.digest)


def listed(*values: OpenedValue) -> bytes:
    return json.dumps({"commitments": [value.digest for value in values]}).encode()


def found(stream: Stream, **values: Value) -> list[Commitment]:
    """Return the commitments in a record, in which the server has made those to the name and the password."""
    record = encode_record(stream, {"OtlpDetails": listed(NAME, PASSWORD), **values})
    return find_commitments(readable_record(record, f"shop/{stream.value}/a", 0))


def test_commitments_are_found_once_with_all_their_places() -> None:
    assert found(
        Stream.AUDIT,
        Body=b"password=%b by %b" % (mark(PASSWORD), mark(NAME)),
        LogAttributes=[(b"a", mark(NAME)), (b"b", b"[redacted:card]"), (b"\xff", mark(NAME))],
        ResourceAttributes=[(b'user "x"', mark(NAME))],
        ActorId=mark(NAME),
    ) == [
        Commitment(
            "key.custom",
            NAME.digest,
            (
                'ResourceAttributes["user \\"x\\""]',
                "Body",
                'LogAttributes["a"]',
                'LogAttributes[{"base64": "/w=="}]',
                "ActorId",
            ),
        ),
        Commitment("key.password", PASSWORD.digest, ("Body",)),
    ]


@pytest.mark.parametrize(
    "details",
    [
        *(b"", b"{}", b'{"commitments":[]}', listed(PASSWORD), b"{", b"\xff", b"[]", b"[" * 100_000),
        *(b'{"commitments":7}', b'{"commitments":[[]]}', b'{"log":' + listed(NAME) + b"}"),
    ],
)
def test_a_commitment_that_a_record_does_not_list_is_its_senders(details: bytes) -> None:
    [commitment] = found(Stream.AUDIT, Body=mark(NAME), OtlpDetails=details, Redactions=b'{"key.custom":9}')
    assert commitment == Commitment(NAME.rule, NAME.digest, ("Body",), is_senders=True)


@pytest.mark.parametrize("padding", [b"", b" ", b"  "])
def test_commitments_are_found_in_bytes(padding: bytes) -> None:
    encoded = b64encode(padding + mark(NAME) + b" ")
    values: dict[str, Value] = {"Body": encoded, "LogAttributes": [(b"a", b'{"k":["' + encoded + b'"]}')]}
    assert found(Stream.AUDIT, **values) == [Commitment(NAME.rule, NAME.digest, ("Body", 'LogAttributes["a"]'))]
    no_base64 = b64encode(mark(NAME)).rstrip(b"=")
    assert found(Stream.AUDIT, Body=no_base64[: len(no_base64) // 4 * 4] + b"A") == []


def test_commitments_are_found_in_the_attributes_of_events_of_spans() -> None:
    values: dict[str, Value] = {
        "Events.Timestamp": [1, 1],
        "Events.Name": [b"", mark(NAME)],
        "Events.Attributes": [[(b"k", mark(NAME))], [(b"k", b""), (b"k", mark(NAME))]],
    }
    places = "Events.Name[1]", 'Events.Attributes[0]["k"]', 'Events.Attributes[1]["k"]'
    assert found(Stream.SPANS, **values) == [Commitment(NAME.rule, NAME.digest, places)]


def test_a_commitment_in_a_text_that_is_not_utf_8_is_found() -> None:
    assert found(Stream.AUDIT, Body=b"\xff" + mark(NAME)) == [Commitment(NAME.rule, NAME.digest, ('Body["base64"]',))]


def test_a_record_without_commitments_has_none() -> None:
    assert found(Stream.OPERATIONAL, Body=b"[redacted:card] [redacted:key.password:sha256:12]") == []


def test_the_file_has_everything_that_is_needed_to_compute_the_commitments() -> None:
    made = [Commitment(value.rule, value.digest) for value in (PASSWORD, NAME)]
    content = json.loads(disclosures_file(made, [PASSWORD]))
    assert content == {
        "format": "lognotary/disclosures/v1",
        "disclosures": [
            {
                "commitment": PASSWORD.digest,
                "rule": "key.password",
                "salt": b64encode(PASSWORD.salt).decode(),
                "value": b64encode(PASSWORD.value).decode(),
            }
        ],
    }
    assert b64decode(content["disclosures"][0]["value"]) == b"hunter2\xff"


@pytest.mark.parametrize(
    "value", [PASSWORD, OpenedValue("card", NAME.salt, NAME.value), OpenedValue(NAME.rule, NAME.salt, b"bob")]
)
def test_a_value_to_which_the_record_has_no_commitment_is_refused(value: OpenedValue) -> None:
    senders = Commitment(PASSWORD.rule, PASSWORD.digest, is_senders=True)
    with pytest.raises(MalformedError, match="the record has no commitment"):
        disclosures_file([Commitment(NAME.rule, NAME.digest), senders], [value])
