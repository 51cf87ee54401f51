"""The order in which the values of repeated keys were sent, from what is stored."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from server.codec.decode_parts import attributes_of, details_json, order_details, repeated_of
from server.notary.sent_order import SentOrder

PAIRS = [(b"a", b"1"), (b"k", b"x"), (b"k", b"y"), (b"k", b"z")]
STORED = {b"a": [b"1"], b"k": [b"x", b"y", b"z"]}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=2) | st.sampled_from(["a", "b", "é", "\U00010000"])
positions = st.lists(st.integers(-2, 4) | st.booleans() | st.sampled_from([0.0, 1.0, None, "0"]), max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | positions,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(["log_order", "k", "a"]), parts),
)


def values(details: bytes, *path: str) -> dict[bytes, list[bytes]]:
    return {key: list(sent) for key, sent in SentOrder(details).values(PAIRS, *(path or ("log_order",))).items()}


def test_values_have_the_order_in_which_they_were_sent() -> None:
    assert values(b'{"log":{"k":"int"},"log_order":{"k":[2,0,1]}}') == {b"a": [b"1"], b"k": [b"z", b"x", b"y"]}
    nested = b'{"events":{"0":{},"1":{"attributes_order":{"k":[1,0,2]}}}}'
    assert values(nested, "events", "1", "attributes_order")[b"k"] == [b"y", b"x", b"z"]
    assert values(nested, "events", "0", "attributes_order") == STORED


@pytest.mark.parametrize(
    "details",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b"9" * 5_000,
        b"[]",
        b'{"log_order":',
        b'{"log_order":[0,1]}',
        b'{"scope_order":{"k":[2,1,0]}}',
        b'{"log_order":{"other":[2,1,0]}}',
        b'{"log_order":{"k":"210"}}',
        b'{"log_order":{"k":{"0":2}}}',
        b'{"log_order":{"k":[1,0]}}',
        b'{"log_order":{"k":[3,2,1,0]}}',
        b'{"log_order":{"k":[1,1,0]}}',
        b'{"log_order":{"k":[-1,1,0]}}',
        b'{"log_order":{"k":[2,true,false]}}',
        b'{"log_order":{"k":[2,1.0,0]}}',
        b'{"log_order":{"k":[2,"1",0]}}',
        b'{"log_order":{"k":[2,[1],null]}}',
        b'{"log_order":{"\\ud800":[2,1,0]}}',
    ],
)
def test_what_is_no_order_of_all_values_stands_for_the_stored_order(details: bytes) -> None:
    assert values(details) == STORED


def test_keys_that_are_not_utf_8_have_an_order_too() -> None:
    sent = SentOrder('{"log_order":{"\ufffd":[1,0]}}'.encode()).values([(b"\xff", b"1"), (b"\xff", b"2")], "log_order")
    assert sent == {b"\xff": [b"2", b"1"]}


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_whatever_is_sent_comes_back_in_order(sent: list[tuple[str, str]]) -> None:
    attributes = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in sent]
    pairs, _ = attributes_of(attributes)
    details = details_json(order_details(b"log_order", repeated_of(attributes)))
    expected = defaultdict(list)
    for key, value in sent:
        expected[key.encode()].append(value.encode())

    found = SentOrder(details).values(list(pairs), "log_order")

    assert {key: list(several) for key, several in found.items()} == expected


@given(anything, st.booleans())
def test_no_details_hide_or_add_a_value(details: object, within: bool) -> None:
    written = json.dumps({"log_order": {"k": details}} if within else details)
    assert {key: sorted(several) for key, several in values(written.encode()).items()} == STORED
