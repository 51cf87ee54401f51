"""The compiled codec makes what the reference codec makes: of every logs request, and of bytes that are none."""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.lacking import lacking
from server.codec.choose import why_not_native
from server.codec.limits import RowLimits
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError

from .logs_wire import RULES, record, text_value
from .strategies import requests
from .wire import delimited, field, mutated, wire_messages

if why_not_native():
    lacking(f"the compiled codec is not installed: {why_not_native()}")

from tests.codec.parity import NOW, Parity
from tests.effort import effort

PARITY = Parity(Signal.LOGS, RULES)
REFERENCE, NATIVE = PARITY.reference, PARITY.native
outcome, assert_same = PARITY.outcome, PARITY.assert_same


@settings(deadline=None)
@given(requests())
def test_requests_become_the_same_rows(request: ExportLogsServiceRequest) -> None:
    assert isinstance(assert_same(request.SerializeToString()), list)


@settings(max_examples=effort(300), deadline=None)
@given(mutated(requests(max_records=3).map(ExportLogsServiceRequest.SerializeToString)))
def test_mutated_requests_become_the_same_rows_or_the_same_error(request: bytes) -> None:
    assert_same(request)


@settings(max_examples=effort(500), deadline=None)
@given(wire_messages())
def test_any_fields_become_the_same_rows_or_the_same_error(request: bytes) -> None:
    assert_same(request)


@settings(max_examples=effort(200), deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_become_the_same_rows_or_the_same_error(request: bytes) -> None:
    assert_same(request)


@settings(max_examples=effort(300), deadline=None)
@given(st.one_of(st.floats(), st.floats(width=32), st.decimals(-(10**9), 10**9, places=6).map(float)))
def test_doubles_are_written_alike(number: float) -> None:
    assert_same(record(delimited(5, field(4, 1, struct.pack("<d", number)))))


def test_doubles_at_the_edges_of_their_notations_are_written_alike() -> None:
    edges = [0.0, -0.0, 1e-6, 1e21, 1e-3, 1e9, 123456789.123456, 2.0**53, 2.0**67, 5e-324, 1.7976931348623157e308]
    for edge in edges:
        for number in (edge, -edge, *(struct.unpack("<d", struct.pack("<q", bits))[0] for bits in neighbours(edge))):
            assert_same(record(delimited(5, field(4, 1, struct.pack("<d", number)))))


def neighbours(number: float) -> tuple[int, int]:
    (bits,) = struct.unpack("<q", struct.pack("<d", abs(number)))
    return max(0, bits - 1), bits + 1


def test_records_of_many_layouts_and_streams_become_the_same_rows() -> None:
    # More layouts than are remembered, in an order in which each is forgotten and met again.
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    for number in range(400):
        keys = [f"k{(number * 7 + place) % 23}" for place in range(number % 13)]
        attributes = [KeyValue(key=key, value=AnyValue(int_value=number) if number % 3 else AnyValue()) for key in keys]
        if number % 5 == 0:
            attributes.append(KeyValue(key="audit.action", value=AnyValue(string_value=f"do {number % 7}")))
        if number % 11 == 0:
            attributes += attributes[:2]
        scope_logs.log_records.append(LogRecord(attributes=attributes, time_unix_nano=number % 2))
    rows = assert_same(request.SerializeToString())
    assert isinstance(rows, list)
    assert [part.count for part in rows] == [80, 320]


@pytest.mark.parametrize("attributes", [0, 1, 18, 19, 20, 21])
def test_records_of_one_layout_that_differ_in_a_type_or_a_time_become_the_same_rows(attributes: int) -> None:
    values = [AnyValue(string_value="x"), AnyValue(int_value=1), AnyValue(bool_value=True), AnyValue(bytes_value=b"x")]
    records = [
        LogRecord(
            time_unix_nano=time,
            body=body,
            attributes=[
                KeyValue(key=f"k{place}", value=value if place == changed else values[0]) for place in range(attributes)
            ],
        )
        for time in (0, 5)
        for body in (*values, AnyValue(), None)
        for changed in {0, 9, attributes - 1}
        for value in values
    ]
    content = b"".join(delimited(2, record.SerializeToString()) for record in records)
    assert_same(delimited(1, delimited(2, content)))


def test_more_than_a_hundred_attributes_become_the_same_row() -> None:
    attributes = [KeyValue(key=f"key {number * 31 % 200}", value=AnyValue(int_value=number)) for number in range(200)]
    assert_same(record(LogRecord(attributes=attributes).SerializeToString()))


@pytest.mark.parametrize("place", ["record", "resource", "scope", "list", "entities", "a scope without records"])
def test_a_list_of_attributes_that_is_too_long_is_refused_with_the_same_error(place: str) -> None:
    most = 1 << 16
    shapes: dict[str, Callable[[bytes], bytes]] = {
        "record": lambda many: record(many),
        "resource": lambda many: delimited(1, delimited(1, many) + delimited(2, delimited(2, b""))),
        "scope": lambda many: delimited(1, delimited(2, delimited(1, many) + delimited(2, b""))),
        "list": lambda many: record(delimited(5, delimited(6, many))),
        "a scope without records": lambda many: delimited(
            1, delimited(2, delimited(1, delimited(3, delimited(2, delimited(6, many)))))
        ),
        "entities": lambda many: delimited(1, delimited(1, many) + delimited(2, delimited(2, b""))),
    }
    around = shapes[place]
    number = {"record": 6, "scope": 3, "entities": 3}.get(place, 1)
    assert isinstance(assert_same(around(delimited(number, b"") * most)), list)
    refused = assert_same(around(delimited(number, b"") * (most + 1)))
    assert refused[0] is MalformedRequestError
    assert "65536 attributes" in str(refused[1])


def test_too_many_records_are_refused_with_the_same_error() -> None:
    refused = assert_same(delimited(1, delimited(2, delimited(2, b"") * 1_000_001)))
    assert refused[0] is MalformedRequestError


@pytest.mark.parametrize("others", [1, 2])
@pytest.mark.parametrize("behind", [b"", delimited(1, delimited(1, b"late")), delimited(3, b"url"), b"\x0a"])
def test_of_too_many_records_and_too_many_attributes_both_codecs_tell_the_same(others: int, behind: bytes) -> None:
    parity = Parity(Signal.LOGS, limits=RowLimits(records=2))
    records = delimited(2, delimited(6, b"") * ((1 << 16) + 1)) + delimited(2, b"") * others
    for scope in (records + behind, delimited(2, b"") + behind + records):
        assert isinstance(parity.assert_same(delimited(1, delimited(2, scope))), tuple)


def test_a_resource_that_is_repeated_too_often_is_refused_with_the_same_error() -> None:
    resource = delimited(1, delimited(1, delimited(1, b"k" * 3000)))
    fits = 268_435_456 // 3000
    assert isinstance(outcome(NATIVE, delimited(1, resource + delimited(2, delimited(2, b"") * 1000))), list)
    refused = assert_same(delimited(1, resource + delimited(2, delimited(2, b"") * (fits + 1))))
    assert refused[0] is MalformedRequestError


def test_one_codec_encodes_in_several_threads_at_the_same_time() -> None:
    sent = [
        record(delimited(6, delimited(1, b"k%d" % n) + delimited(2, text_value(b"v")))) * (1 + n) for n in range(40)
    ]
    expected = [REFERENCE.encode(request, NOW) for request in sent]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            assert list(threads.map(lambda request: NATIVE.encode(request, NOW), sent)) == expected
