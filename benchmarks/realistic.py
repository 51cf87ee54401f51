"""Realistic load: requests whose records are all different, made faster than any backend takes them.

Skeletons, serialized once, are whole requests with slots of fixed width. A request is a copy of one of them whose
slots were filled anew: times, trace and span IDs, digits, hexadecimal digits, and numbers of Zipf's distribution for
users. ``benchmarks/README.md`` describes the contents. The same shape and number always give the same bytes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs

from benchmarks.realistic_records import DIGIT, HEX, SPAN_ID, TIME, TRACE_ID, ZIPF, Pod, build_record, pods

__all__ = ["Bytes", "Places", "RealisticRequests", "RealisticShape", "Slots", "runs"]

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_MOST_OF_A_TRACE = 200
_HEX_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_USERS = 100_000
_ZIPF_EXPONENT = 1.1


@dataclass(frozen=True, slots=True)
class RealisticShape:
    """Shape of realistic requests.

    Attributes:
        records: records in each request.
        skeletons: requests that are serialized; what differs between two requests of one skeleton are its slots.
        pods: resources in each request, at most.
        audit: share of audit records, 0 to 1.
        seed: seed of everything.
        start: time of the first record, in nanoseconds since the epoch; the usual one does not depend on the clock.
        step: nanoseconds between records; the usual ones are 25,000 records/s.
    """

    records: int = 8192
    skeletons: int = 8
    pods: int = 24
    audit: float = 0.1
    seed: int = 1
    start: int = 1_900_000_000 * 10**9
    step: int = 40_000


class RealisticRequests:
    """An endless sequence of requests, by number."""

    def __init__(self, shape: RealisticShape) -> None:
        """Serialize the skeletons, which takes about a second for each 20,000 records."""
        self.shape = shape
        draw = random.Random(shape.seed)  # noqa: S311 - repeatable, not secret
        known = pods(draw)
        self._skeletons = [_Skeleton.build(shape, known, draw) for _ in range(shape.skeletons)]

    def __getitem__(self, number: int) -> bytes:
        """Return a request, serialized; the same number gives the same bytes."""
        return self._fill(number)[0].tobytes()

    def identities(self, number: int) -> tuple[Bytes, Places]:
        """Return the trace ID of each record of a request, 16 bytes in a row, and its time, in the order of times."""
        filled, skeleton = self._fill(number)
        times: Places = filled[skeleton.times].view("<u8").astype(np.int64)[:, 0]
        return filled[skeleton.trace_ids], times

    def _fill(self, number: int) -> tuple[Bytes, _Skeleton]:
        draw = np.random.default_rng((self.shape.seed, number))
        skeleton = self._skeletons[number % len(self._skeletons)]
        filled = skeleton.data.copy()
        count = self.shape.records
        skeleton.slots.fill(filled, draw)
        filled[skeleton.span_ids] = draw.integers(0, 256, (count, 8), np.uint8)
        traces = _trace_of_each(draw, count)
        ids = draw.integers(0, 256, (int(traces.max()) + 1, 16), np.uint8)
        filled[skeleton.trace_ids] = ids[traces]
        step = self.shape.step
        times = self.shape.start + (number * count + np.arange(count)) * step + draw.integers(0, step, count)
        filled[skeleton.times] = times.astype("<u8").view(np.uint8).reshape(count, 8)
        filled[skeleton.observed] = (times + 50_000).astype("<u8").view(np.uint8).reshape(count, 8)
        return filled, skeleton


@dataclass(frozen=True, slots=True)
class Slots:
    """Places of the characters that are filled at random in each copy of a request."""

    digits: Places
    hex_digits: Places
    zipf: Places  # rows of 5 digits
    zipf_sums: npt.NDArray[np.float64]

    @classmethod
    def find(cls, data: bytes) -> Slots:
        """Find the slots of a serialized request."""
        ranks = 1.0 / np.arange(1, _USERS + 1) ** _ZIPF_EXPONENT
        return cls(
            _characters(data, DIGIT), _characters(data, HEX), runs(data, ZIPF, 5), np.cumsum(ranks) / ranks.sum()
        )

    def fill(self, data: Bytes, draw: np.random.Generator) -> None:
        """Fill them."""
        data[self.digits] = draw.integers(48, 58, len(self.digits), np.uint8)
        data[self.hex_digits] = _HEX_DIGITS[draw.integers(0, 16, len(self.hex_digits), np.uint8)]
        data[self.zipf] = _decimal(np.searchsorted(self.zipf_sums, draw.random(len(self.zipf))))


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """A serialized request, and the places of its slots: one row for each slot, except for single characters."""

    data: Bytes
    slots: Slots
    trace_ids: Places
    span_ids: Places
    times: Places
    observed: Places

    @classmethod
    def build(cls, shape: RealisticShape, known: Sequence[Pod], draw: random.Random) -> _Skeleton:
        """Serialize a request whose records are grouped by pod, as a Collector's batch processor sends them."""
        of_pod: dict[int, list[int]] = {}
        here = draw.choices(range(len(known)), [pod.weight for pod in known], k=shape.pods)
        for place in range(shape.records):
            of_pod.setdefault(draw.choice(here), []).append(place)
        request, order = ExportLogsServiceRequest(), []
        for pod, places in of_pod.items():
            # By place, not by lot: exactly the share asked for is audit, spread evenly.
            audit = [int((place + 1) * shape.audit) > int(place * shape.audit) for place in places]
            records = [build_record(draw, audit=kind) for kind in audit]
            scope = ScopeLogs(scope=known[pod].scope, log_records=records)
            request.resource_logs.append(ResourceLogs(resource=known[pod].resource, scope_logs=[scope]))
            order += places
        data = request.SerializeToString()
        by_place = np.argsort(np.array(order), kind="stable")  # row n: where the record of place n stands
        times = runs(data, TIME, 8)
        return cls(
            np.frombuffer(data, np.uint8),
            Slots.find(data),
            runs(data, TRACE_ID, 16)[by_place],
            runs(data, SPAN_ID, 8)[by_place],
            times[0::2][by_place],
            times[1::2][by_place],
        )


def _trace_of_each(draw: np.random.Generator, count: int) -> Places:
    """Return the number of the trace of each record: traces of 1 to 200 records, most of them short, intertwined."""
    lengths = np.minimum(draw.geometric(draw.choice([0.5, 0.15, 0.02], count, p=[0.6, 0.35, 0.05])), _MOST_OF_A_TRACE)
    traces = np.repeat(np.arange(count), lengths)[:count]
    # Records of a trace are near each other, with those of other traces in between.
    return traces[np.argsort(np.arange(count) + draw.exponential(100.0, count), kind="stable")]


def _decimal(numbers: Places) -> Bytes:
    """Return the 5 decimal digits of each number, as characters."""
    digits: Places = numbers[:, None] // np.array([10_000, 1_000, 100, 10, 1]) % 10
    return (digits + 48).astype(np.uint8)


def _characters(data: bytes, filler: bytes) -> Places:
    """Return the places of all characters in runs of a filler."""
    spans = [match.span() for match in re.finditer(re.escape(filler) + b"{3,}", data)]
    return np.concatenate([np.arange(*span) for span in spans] or [np.empty(0, np.int64)])


def runs(data: bytes, filler: bytes, width: int) -> Places:
    """Return the places of each run of a filler, one row of ``width`` for each run."""
    starts = [match.start() for match in re.finditer(re.escape(filler) * width, data)]
    return np.array(starts, np.int64)[:, None] + np.arange(width)
