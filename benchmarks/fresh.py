"""The records of ``shape`` with fresh trace IDs, span IDs and times; their contents repeat.

Earlier figures were measured with them, so they stay comparable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from benchmarks.shape import Shape, build_requests

__all__ = ["FreshRequests", "FreshShape"]

_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.int64]

_START = 1_900_000_000 * 10**9  # a fixed time: the bytes must not depend on the clock
_STEP = 40_000  # nanoseconds between records: 25,000 records/s
_OF_A_TRACE = 8


@dataclass(frozen=True, slots=True)
class FreshShape:
    """Shape of requests.

    Attributes:
        records: records in each request.
        audit: share of audit records, 0 to 1.
        seed: seed of everything.
    """

    records: int = 8192
    audit: float = 0.1
    seed: int = 1


class FreshRequests:
    """An endless sequence of requests, by number."""

    def __init__(self, shape: FreshShape) -> None:
        """Serialize the requests whose contents are repeated."""
        self.shape = shape
        fixed = Shape(records=shape.records, audit=shape.audit, seed=shape.seed)
        self._skeletons = [_Skeleton.of(request) for request in build_requests(fixed)]

    def __getitem__(self, number: int) -> bytes:
        """Return a request, serialized; the same number gives the same bytes."""
        draw = np.random.default_rng((self.shape.seed, number))
        skeleton = self._skeletons[number % len(self._skeletons)]
        filled, count = skeleton.data.copy(), self.shape.records
        ids = draw.integers(0, 256, (count // _OF_A_TRACE + 1, 16), np.uint8)
        filled[skeleton.trace_ids] = ids[np.arange(count) // _OF_A_TRACE]
        filled[skeleton.span_ids] = draw.integers(0, 256, (count, 8), np.uint8)
        times = _START + (number * count + np.arange(count)) * _STEP
        filled[skeleton.times] = times.astype("<u8").view(np.uint8).reshape(count, 8)
        filled[skeleton.observed] = (times + 50_000).astype("<u8").view(np.uint8).reshape(count, 8)
        return filled.tobytes()


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """A serialized request, and the bytes that are filled anew: a row for each record, by time."""

    data: _Bytes
    trace_ids: _Places
    span_ids: _Places
    times: _Places
    observed: _Places

    @classmethod
    def of(cls, request: bytes) -> _Skeleton:
        parsed = ExportLogsServiceRequest.FromString(request)
        records = [
            record for resource in parsed.resource_logs for scope in resource.scope_logs for record in scope.log_records
        ]
        records.sort(key=lambda record: record.time_unix_nano)
        spots = np.array([_spots(request, record) for record in records], np.int64)
        trace_ids, span_ids, times, observed = spots.T
        return cls(
            np.frombuffer(request, np.uint8),
            _rows(trace_ids, 16),
            _rows(span_ids, 8),
            _rows(times, 8),
            _rows(observed, 8),
        )


def _spots(request: bytes, record: LogRecord) -> tuple[int, ...]:
    """Return where the trace ID, span ID and both times of a record begin; no two records are equal."""
    own = record.SerializeToString()
    begin = request.index(own)
    times = (record.time_unix_nano, record.observed_time_unix_nano)
    values = (record.trace_id, record.span_id, *(time.to_bytes(8, "little") for time in times))
    return tuple(begin + own.index(value) for value in values)


def _rows(starts: _Places, width: int) -> _Places:
    return starts[:, None] + np.arange(width)
