"""Rows of streams that are not signed have no leaf hashes, and are otherwise the same, with either codec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.codec.audit.built_in import built_in_rules
from server.codec.choose import build_codec, why_not_native
from server.codec.limits import ROW_LIMITS
from server.codec.rows import Rows
from server.notary.origin import Stream

from .building import NOW
from .strategies import requests, trace_requests

CODECS = ["reference", *([] if why_not_native() else ["native"])]
SIGNED = st.sets(st.sampled_from(Stream)).map(lambda streams: frozenset({Stream.AUDIT, *streams}))

pytestmark = pytest.mark.parametrize("name", CODECS)


def without_hashes(rows: Sequence[Rows], signed: frozenset[Stream]) -> list[Rows]:
    return [part if part.stream in signed else replace(part, leaf_hashes=b"") for part in rows]


@settings(deadline=None)
@given(requests(), SIGNED)
def test_only_log_records_of_signed_streams_are_hashed(
    name: str, request_: ExportLogsServiceRequest, signed: frozenset[Stream]
) -> None:
    encoded = request_.SerializeToString()
    some = build_codec(name, built_in_rules(), ROW_LIMITS, signed).encode(encoded, NOW)
    every = build_codec("reference", built_in_rules()).encode(encoded, NOW)
    assert some == without_hashes(every, signed)


@settings(deadline=None)
@given(trace_requests(), SIGNED)
def test_spans_are_hashed_only_if_they_are_signed(
    name: str, request_: ExportTraceServiceRequest, signed: frozenset[Stream]
) -> None:
    encoded = request_.SerializeToString()
    some = build_codec(name, (), ROW_LIMITS, signed).encode_spans(encoded, NOW)
    every = build_codec("reference", ()).encode_spans(encoded, NOW)
    assert some == without_hashes(every, signed)


def test_audit_records_are_hashed_whatever_is_asked_for(name: str) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(event_name="user.login")
    records[0].attributes.add(key="audit.action").value.string_value = "login"
    audit = [
        part
        for part in build_codec(name, built_in_rules(), ROW_LIMITS, ()).encode(request.SerializeToString(), NOW)
        if part.stream is Stream.AUDIT
    ]
    assert [len(part.leaf_hashes) for part in audit] == [32]
