"""Realistic spans of the traces to which the realistic records belong.

Like the records, they are copies of a few serialized requests with slots of fixed width. Four spans form one call: a
server's span and its children.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from benchmarks.realistic import Bytes, Places, RealisticRequests, RealisticShape, Slots, runs
from benchmarks.realistic_records import SPAN_ID, TIME, TRACE_ID, Pod, Value, build_attributes, call_attributes, pods

__all__ = ["RealisticSpans", "SpansOfRecords"]

_OF_A_CALL = 4  # spans
_SKELETONS = 8
_PARENT = b"\x1a"  # filler of a parent's ID, like the fillers of realistic_records
_CALLS_OF_A_POD = 40
_FAILED = 0.03  # share of calls
_MEAN_DURATION = 20e6  # nanoseconds


@dataclass(frozen=True, slots=True)
class SpansOfRecords:
    """Shape of the spans of realistic records.

    Attributes:
        of: shape of the records.
        spans: spans in each request, a multiple of 4.
    """

    of: RealisticShape
    spans: int = 936

    @property
    def records(self) -> int:
        """Spans in each request, under the name that other shapes have for it."""
        return self.spans


class RealisticSpans:
    """An endless sequence of requests, by number: number n has spans of the traces in the n-th request of records."""

    def __init__(self, shape: SpansOfRecords) -> None:
        """Serialize the requests to copy, which takes a second."""
        self._records = RealisticRequests(shape.of)
        self._calls = shape.spans // _OF_A_CALL
        draw = random.Random(shape.of.seed)  # noqa: S311 - repeatable, not secret
        known = pods(draw)
        self._skeletons = [_Skeleton(self._calls, known, draw) for _ in range(_SKELETONS)]

    def __getitem__(self, number: int) -> bytes:
        """Return a request, serialized; the same number gives the same bytes."""
        draw = np.random.default_rng((self._records.shape.seed, number, 1))
        skeleton = self._skeletons[number % _SKELETONS]
        filled, calls = skeleton.data.copy(), self._calls
        trace_ids, times = self._records.identities(number)
        places = draw.choice(len(times), calls, replace=calls > len(times))
        skeleton.slots.fill(filled, draw)
        span_ids = draw.integers(0, 256, (calls * _OF_A_CALL, 8), np.uint8)
        filled[skeleton.span_ids] = span_ids
        filled[skeleton.parents] = np.repeat(span_ids[::_OF_A_CALL], _OF_A_CALL - 1, axis=0)
        filled[skeleton.trace_ids] = np.repeat(trace_ids[places], _OF_A_CALL, axis=0)
        lasting = 1 + draw.exponential(_MEAN_DURATION, calls).astype(np.int64)
        within = np.sort(draw.random((calls * _OF_A_CALL, 2)), axis=1)
        within[::_OF_A_CALL] = (0.0, 1.0)
        started, whole = np.repeat(times[places], _OF_A_CALL)[:, None], np.repeat(lasting, _OF_A_CALL)[:, None]
        both = started + (within * whole).astype(np.int64)
        filled[skeleton.times] = both.reshape(-1, 1).astype("<u8").view(np.uint8)
        return filled.tobytes()


class _Skeleton:
    """A serialized request, and the places of its slots: one row for each slot."""

    def __init__(self, calls: int, known: list[Pod], draw: random.Random) -> None:
        request = ExportTraceServiceRequest()
        here = draw.choices(known, [pod.weight for pod in known], k=-(-calls // _CALLS_OF_A_POD))
        for place, pod in enumerate(here):
            own = min(_CALLS_OF_A_POD, calls - place * _CALLS_OF_A_POD)
            spans = [span for _ in range(own) for span in _call(draw)]
            request.resource_spans.append(
                ResourceSpans(resource=pod.resource, scope_spans=[ScopeSpans(scope=pod.scope, spans=spans)])
            )
        data = request.SerializeToString()
        self.data: Bytes = np.frombuffer(data, np.uint8)
        self.slots = Slots.find(data)
        self.trace_ids: Places = runs(data, TRACE_ID, 16)
        self.span_ids: Places = runs(data, SPAN_ID, 8)
        self.parents: Places = runs(data, _PARENT, 8)
        self.times: Places = runs(data, TIME, 8)


def _call(draw: random.Random) -> list[Span]:
    attributes = call_attributes(draw)
    method, route = attributes["http.request.method"], attributes["http.route"]
    spans = [_span(f"{method} {route}", Span.SPAN_KIND_SERVER, attributes, b"")]
    for name, kind in draw.choices(_CALLED, k=_OF_A_CALL - 1):
        spans.append(_span(name, kind, {"server.address": f"backend-{draw.randrange(6)}.internal"}, _PARENT * 8))
    if draw.random() < _FAILED:
        for span in (spans[0], spans[-1]):
            span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="the connection was closed"))
    return spans


def _span(name: str, kind: Span.SpanKind.ValueType, attributes: Mapping[str, Value], parent: bytes) -> Span:
    time = int.from_bytes(TIME * 8, "little")
    return Span(
        trace_id=TRACE_ID * 16,
        span_id=SPAN_ID * 8,
        parent_span_id=parent,
        name=name,
        kind=kind,
        flags=1,
        start_time_unix_nano=time,
        end_time_unix_nano=time,
        attributes=build_attributes(attributes),
    )


_CALLED = (
    ("SELECT orders", Span.SPAN_KIND_CLIENT),
    ("GET /stock", Span.SPAN_KIND_CLIENT),
    ("publish order.updated", Span.SPAN_KIND_PRODUCER),
    ("render", Span.SPAN_KIND_INTERNAL),
)
