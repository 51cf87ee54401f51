"""Encoding spans to rows, and joining rows of several requests."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import assume, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.notary.canonical import (
    canonical_columns,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint32,
    encode_uint64,
    leaf_of,
)
from server.notary.merkle import split_hashes
from server.notary.origin import Stream
from storage.native import ArrayColumn, MapColumn, PlainColumn, WordColumn, encode_block, pack_numbers
from storage.schema import TableColumn
from tests.codec.strategies import trace_requests

from .building import DAY, NOW
from .otlp_messages import attributes, string

CODEC = ReferenceCodec(built_in_rules())


def request_of(*spans: Span) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(spans=spans)
    return request.SerializeToString()


def test_no_spans_make_no_rows() -> None:
    assert CODEC.encode_spans(b"", NOW) == []
    assert CODEC.encode_spans(request_of(), NOW) == []


def test_rows_hold_the_columns_of_the_canonical_record_and_the_hashes_of_its_bytes() -> None:
    event = Span.Event(time_unix_nano=7, name="retry", attributes=attributes([("k", string("v"))]))
    link = Span.Link(trace_id=b"\x01" * 16, trace_state="a=b")
    request = request_of(
        Span(name="pay", kind=Span.SPAN_KIND_CLIENT, start_time_unix_nano=5, end_time_unix_nano=9, events=[event]),
        Span(start_time_unix_nano=3, end_time_unix_nano=3, links=[link, Span.Link()], flags=2**32 - 1),
    )
    (part,) = CODEC.encode_spans(request, NOW)
    assert (part.stream, part.count, part.min_timestamp, part.max_timestamp) == (Stream.SPANS, 2, 3, 5)
    assert (part.first_ingested_at, part.ingested_at) == (NOW, NOW + 1)
    columns = dict(zip([c.name for c in canonical_columns(Stream.SPANS)], part.columns, strict=True))
    assert columns["SpanName"] == WordColumn.of([b"pay", b""])
    assert columns["Duration"] == PlainColumn(encode_uint64(4) + encode_uint64(0))
    one, two = pack_numbers([1, 0]), pack_numbers([0, 2])
    assert columns["Events.Timestamp"] == ArrayColumn(one, PlainColumn(encode_time(7)))
    assert columns["Events.Name"] == ArrayColumn(one, WordColumn.of([b"retry"]))
    pairs = MapColumn(pack_numbers([1]), WordColumn.of([b"k"]), b"\x01v")
    assert columns["Events.Attributes"] == ArrayColumn(one, pairs)
    assert columns["Links.TraceState"] == ArrayColumn(two, PlainColumn(b"\x03a=b\x00"))
    assert columns["Links.Attributes"] == ArrayColumn(two, MapColumn(pack_numbers([0, 0]), WordColumn((), b""), b""))
    empty = encode_string(b"")
    record = b"".join(
        [
            *(encode_time(-2), empty, empty, empty),
            *(empty, encode_map([]), empty, empty, empty, encode_map([])),
            *(encode_time(5), empty, empty, empty, empty, encode_string(b"pay"), encode_string(b"Client")),
            *(encode_map([]), encode_uint64(4), encode_string(b"Unset"), empty),
            *(encode_array([encode_time(7)]), encode_array([encode_string(b"retry")])),
            encode_array([encode_map([(b"k", b"v")])]),
            *[encode_array([])] * 4,
            *[encode_uint32(0)] * 4,
            *(empty, encode_time(NOW), empty),
        ]
    )
    assert split_hashes(part.leaf_hashes)[0] == leaf_of(record)


def test_times_of_receipt_keep_the_order_of_a_request_but_not_into_the_next_day() -> None:
    last = (NOW // DAY + 1) * DAY - 1
    (part,) = CODEC.encode_spans(request_of(Span(), Span(), Span()), last - 1)
    index = [column.name for column in canonical_columns(Stream.SPANS)].index("IngestedAt")
    assert part.columns[index] == PlainColumn(encode_time(last - 1) + encode_time(last) * 2)


@given(st.lists(trace_requests(max_spans=3), min_size=1, max_size=4))
def test_a_block_of_several_requests_is_that_of_one_with_all_spans(parts: list[ExportTraceServiceRequest]) -> None:
    together = ExportTraceServiceRequest()
    for part in parts:
        together.MergeFrom(part)
    sizes = [sum(len(scope.spans) for spans in part.resource_spans for scope in spans.scope_spans) for part in parts]
    assume(any(sizes))
    (whole,) = CODEC.encode_spans(together.SerializeToString(), NOW)
    received = [NOW + before for before in accumulate(sizes, initial=0)]
    encoded = [
        made
        for part, at in zip(parts, received, strict=False)
        for made in CODEC.encode_spans(part.SerializeToString(), at)
    ]
    assert b"".join(made.leaf_hashes for made in encoded) == whole.leaf_hashes
    header = [TableColumn(column.name, column.kind.value) for column in canonical_columns(Stream.SPANS)]
    joined = encode_block(header, list(zip(*(made.columns for made in encoded), strict=True)), whole.count)
    assert joined == encode_block(header, [(column,) for column in whole.columns], whole.count)
