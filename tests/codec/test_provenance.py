"""The tenant and the sender of a request stand in the rows of its records, and so in what is hashed and signed."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.codec.choose import why_not_native
from server.codec.native_codec import NativeCodec
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.reference import ReferenceCodec
from server.codec.rows import Codec, Rows
from server.notary.canonical_columns import canonical_columns
from storage.native import WordColumn

CODECS = [ReferenceCodec, *([] if why_not_native() else [NativeCodec])]
SHOP = Provenance("acme", "token:shop")


def rows_of(codec: Codec, provenance: Provenance) -> list[Rows]:
    logs, traces = ExportLogsServiceRequest(), ExportTraceServiceRequest()
    for number in range(2):  # two resources, each with an operational record and an audit record
        for text in ("one", "two"):
            record = logs.resource_logs.add().scope_logs.add().log_records.add()
            record.body.string_value = f"{text} {number}"
        record.attributes.add(key="audit.action").value.string_value = "login"
    traces.resource_spans.add().scope_spans.add().spans.add(name="GET /")
    return [
        *codec.encode(logs.SerializeToString(), 10**18, (), provenance),
        *codec.encode_spans(traces.SerializeToString(), 10**18, provenance),
    ]


def words_of(rows: Rows, name: str) -> tuple[bytes, ...]:
    place = [column.name for column in canonical_columns(rows.stream)].index(name)
    column = rows.columns[place]
    assert isinstance(column, WordColumn)
    return column.dictionary


@pytest.mark.parametrize("kind", CODECS)
def test_the_rows_of_every_stream_name_tenant_and_sender(kind: type[ReferenceCodec]) -> None:
    for rows in rows_of(kind(()), SHOP):
        assert words_of(rows, "Tenant") == (b"acme",)
        assert words_of(rows, "Sender") == (b"token:shop",)


@pytest.mark.parametrize("kind", CODECS)
def test_leaf_hashes_depend_on_tenant_and_sender(kind: type[ReferenceCodec]) -> None:
    codec = kind(())
    others = (NO_PROVENANCE, Provenance("acme"), Provenance("", "token:shop"), Provenance("other", "token:shop"))
    for provenance in others:
        for rows, other in zip(rows_of(codec, SHOP), rows_of(codec, provenance), strict=True):
            assert rows.leaf_hashes != other.leaf_hashes


@pytest.mark.parametrize("kind", CODECS)
def test_a_codec_forgets_the_provenance_of_the_last_request(kind: type[ReferenceCodec]) -> None:
    codec = kind(())
    rows_of(codec, SHOP)
    assert rows_of(codec, NO_PROVENANCE) == rows_of(kind(()), NO_PROVENANCE)
