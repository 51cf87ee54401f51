"""Encoding records to rows, and joining rows of several requests."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import assume, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.audit.built_in import built_in_rules
from server.codec.encode import encode_records
from server.codec.reference import ReferenceCodec
from server.notary.canonical import (
    canonical_columns,
    encode_map,
    encode_string,
    encode_time,
    leaf_of,
)
from server.notary.merkle import split_hashes
from server.notary.origin import Stream
from storage.native import MapColumn, PlainColumn, WordColumn, encode_block, pack_numbers
from storage.schema import TableColumn
from tests.codec.strategies import requests

from .building import DAY, EMPTY_AUDIT, NOW, attributes, records, rows


def test_no_records_make_no_rows() -> None:
    assert encode_records(records(0), [], NOW) == []
    assert ReferenceCodec(built_in_rules()).encode(b"", NOW) == []


def test_the_records_of_both_streams_are_parted_audit_first() -> None:
    made = records(3, body=[b"a", b"b", b"c"], timestamp=[30, 10, 20])
    audit, operational = encode_records(made, [EMPTY_AUDIT, None, EMPTY_AUDIT], NOW)
    assert (audit.stream, audit.count, audit.min_timestamp, audit.max_timestamp) == (Stream.AUDIT, 2, 20, 30)
    assert (operational.stream, operational.count) == (Stream.OPERATIONAL, 1)
    assert (operational.min_timestamp, operational.max_timestamp, operational.ingested_at) == (10, 10, NOW + 1)
    body = [column.name for column in canonical_columns(Stream.AUDIT)].index("Body")
    assert audit.columns[body] == PlainColumn(b"\x01a\x01c")
    assert operational.columns[body] == PlainColumn(b"\x01b")


def test_rows_hold_the_columns_of_the_canonical_record_and_the_hashes_of_its_bytes() -> None:
    pairs = attributes(k="v")
    made = records(2, log_attributes=[pairs, ()], severity_text=[b"INFO", b"INFO"], timestamp=5, flags=2**32 - 1)
    (part,) = encode_records(made, [None, None], NOW)
    columns = dict(zip([c.name for c in canonical_columns(Stream.OPERATIONAL)], part.columns, strict=True))
    assert columns["SeverityText"] == WordColumn.of([b"INFO", b"INFO"])
    assert columns["LogAttributes"] == MapColumn(pack_numbers([1, 0]), WordColumn.of([b"k"]), b"\x01v")
    assert columns["IngestedAt"] == PlainColumn(encode_time(NOW) + encode_time(NOW + 1))
    empty = encode_string(b"")
    record = b"".join(
        [
            *(encode_time(-2), empty, empty, empty),
            *(empty, encode_map([]), empty, empty, empty, encode_map([])),
            *(encode_time(5), empty, empty, b"\0", encode_string(b"INFO"), b"\0", empty, encode_map(pairs), empty),
            *(encode_time(0), b"\xff\xff\xff\xff", bytes(4), empty, encode_time(NOW), empty),
        ]
    )
    assert split_hashes(part.leaf_hashes)[0] == leaf_of(record)


def test_times_of_receipt_keep_the_order_of_a_request_across_streams_but_not_into_the_next_day() -> None:
    last = (NOW // DAY + 1) * DAY - 1
    for received, expected in ((NOW, [NOW, NOW + 1, NOW + 2]), (last - 1, [last - 1, last, last])):
        audit, operational = encode_records(records(3), [None, EMPTY_AUDIT, None], received)
        index = [column.name for column in canonical_columns(Stream.AUDIT)].index("IngestedAt")
        assert audit.columns[index] == PlainColumn(encode_time(expected[1]))
        assert operational.columns[index] == PlainColumn(encode_time(expected[0]) + encode_time(expected[2]))
        assert (audit.first_ingested_at, audit.ingested_at) == (expected[1], expected[1])
        assert (operational.first_ingested_at, operational.ingested_at) == (expected[0], expected[2])


def test_the_day_is_that_of_receipt_in_utc() -> None:
    midnight = NOW // DAY * DAY
    assert rows(Stream.AUDIT, "a", ingested_at=midnight).day == midnight // DAY
    assert rows(Stream.AUDIT, "a", ingested_at=midnight - 1).day == midnight // DAY - 1


def test_rows_know_how_much_they_hold() -> None:
    small, large = rows(Stream.AUDIT, "a"), rows(Stream.AUDIT, "a" * 1000)
    assert large.size - small.size == 999 + 1  # and one byte more of length
    assert small.size > 32


@given(st.lists(requests(max_records=3), min_size=1, max_size=4))
def test_a_block_of_several_requests_is_that_of_one_with_all_records(parts: list[ExportLogsServiceRequest]) -> None:
    codec = ReferenceCodec(built_in_rules())
    together = ExportLogsServiceRequest()
    for part in parts:
        together.MergeFrom(part)
    whole = codec.encode(together.SerializeToString(), NOW)
    sizes = [sum(len(scope.log_records) for logs in part.resource_logs for scope in logs.scope_logs) for part in parts]
    received = [NOW + before for before in accumulate(sizes, initial=0)]
    encoded = [codec.encode(part.SerializeToString(), at) for part, at in zip(parts, received, strict=False)]
    assume(whole)
    for rows_of_all in whole:
        of_stream = [made for request in encoded for made in request if made.stream is rows_of_all.stream]
        assert b"".join(made.leaf_hashes for made in of_stream) == rows_of_all.leaf_hashes
        columns = zip(*(made.columns for made in of_stream), strict=True)
        header = [TableColumn(column.name, column.kind.value) for column in canonical_columns(rows_of_all.stream)]
        assert encode_block(header, list(columns), rows_of_all.count) == encode_block(
            header, [(column,) for column in rows_of_all.columns], rows_of_all.count
        )
