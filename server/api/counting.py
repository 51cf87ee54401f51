"""Counts of the correlation service: histograms, facets, and names of attributes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2, counts_pb2
from server.api.errors import InvalidArgumentError
from server.api.messages import from_nanos
from server.api.queries import check_streams, parse_query, parse_streams
from server.api.time_ranges import WithTimeRange, parse_time_range
from server.query.counted_fields import DEFAULT_FACETS, CountedField, counted_field, histogram_field
from server.query.facets import Among, facets, names_of_attributes
from server.query.fields import SHORT_NAMES
from server.query.histogram import MOST_BUCKETS, Histogram, HistogramWanted, TooManyStepsError, histogram
from server.query.limits import QueryLimits
from storage.conditions import ascii_lower
from storage.counting import Facet
from storage.engine import Engine

__all__ = ["count_facets", "count_histogram", "list_field_names"]

_LIMITS = QueryLimits()
_BUCKETS = 60
_GROUPS, _MOST_GROUPS = 10, 100
_FIELDS = 50
_VALUES, _MOST_VALUES = 10, 1000
_NAMES, _MOST_NAMES = 1000, 10_000
_ROWS = 20_000_000
_NAME_ROWS = 6_000_000  # each record is read once for each map: the latest two million are plenty


class _Counted(WithTimeRange, Protocol):
    """A request about the records of a query."""

    @property
    def query(self) -> str: ...
    @property
    def streams(self) -> Iterable[str]: ...


def count_histogram(
    engine: Engine, request: counts_pb2.HistogramRequest, limits: QueryLimits = _LIMITS
) -> counts_pb2.HistogramResponse:
    """Answer ``CorrelationService.Histogram``.

    Raises:
        InvalidArgumentError: the query, a stream, the range of time, the field, the step or a number cannot be used.
        QueryTooExpensiveError: a limit was reached, even for the latest part of the range.
        StorageError: storage cannot be read.
    """
    if request.buckets and request.step_seconds:
        raise InvalidArgumentError("buckets and step_seconds are given: give one of them")
    if request.buckets == 1 or request.buckets > MOST_BUCKETS:
        raise InvalidArgumentError(f"buckets: {request.buckets} is not a number from 2 to {MOST_BUCKETS}")
    among = _among(request)
    try:
        by = histogram_field(request.group_by) if request.group_by else None
    except ValueError as error:
        raise InvalidArgumentError(f"group_by: {error}") from error
    if by is not None:
        _check_field("group_by", by, among)
    wanted = HistogramWanted(
        among.query,
        among.streams,
        since=among.since,
        until=among.until,
        buckets=request.buckets or _BUCKETS,
        step=request.step_seconds * 10**9 or None,
        by=by,
        groups=_number("groups", request.groups or _GROUPS, _MOST_GROUPS),
    )
    try:
        return _histogram_message(histogram(engine, wanted, limits), grouped=by is not None)
    except TooManyStepsError as error:
        raise InvalidArgumentError(f"step_seconds: {error}") from error


def count_facets(
    engine: Engine, request: counts_pb2.FacetsRequest, limits: QueryLimits = _LIMITS
) -> counts_pb2.FacetsResponse:
    """Answer ``CorrelationService.Facets``.

    Raises:
        InvalidArgumentError: the query, a stream, the range of time, a field or the limit cannot be used.
        QueryTooExpensiveError: a limit was reached, even for the latest records.
        StorageError: storage cannot be read.
    """
    among = _among(request)
    fields = _fields(request, among)
    found = facets(
        engine,
        among,
        fields,
        _number("limit", request.limit or _VALUES, _MOST_VALUES),
        request.prefix,
        replace(limits, rows=min(request.max_rows or _ROWS, limits.rows)),
    )
    response = counts_pb2.FacetsResponse(
        record_count=found.records,
        is_partial=found.is_partial,
        since=_moment(found.since),
        until=_moment(among.until),
    )
    for field, facet in zip(fields, found.facets, strict=True):
        if not (request.omit_constant and _is_constant(facet)):
            response.facets.append(_facet_message(field, facet, request.prefix))
    return response


def list_field_names(
    engine: Engine, request: counts_pb2.FieldNamesRequest, limits: QueryLimits = _LIMITS
) -> counts_pb2.FieldNamesResponse:
    """Answer ``CorrelationService.FieldNames``.

    Raises:
        InvalidArgumentError: the query, a stream, the range of time or the limit cannot be used.
        QueryTooExpensiveError: a limit was reached, even for the latest records.
        StorageError: storage cannot be read.
    """
    among = _among(request)
    most = _number("limit", request.limit or _NAMES, _MOST_NAMES)
    found = names_of_attributes(engine, among, most, request.prefix, replace(limits, rows=min(_NAME_ROWS, limits.rows)))
    beginning = ascii_lower(request.prefix)
    return counts_pb2.FieldNamesResponse(
        attributes=[counts_pb2.AttributeName(name=f"{key.map}.{key.text}", count=key.records) for key in found.keys],
        other_attributes=found.different - len(found.keys),
        fields=[
            name
            for name, field in SHORT_NAMES.items()
            if name.startswith(beginning) and field.streams.intersection(among.streams)
        ],
        is_partial=found.is_partial,
        since=_moment(found.since),
        until=_moment(among.until),
    )


def _among(request: _Counted) -> Among:
    since, until = parse_time_range(request)
    streams = parse_streams(request.streams)
    query = parse_query(request.query, correlation_pb2.CHECK_RECORDS, streams)
    if query.evidence is not None:
        raise InvalidArgumentError(
            "query: a query about evidence cannot be counted, because evidence is checked as records are read"
        )
    return Among(query, streams, since, until)


def _fields(request: counts_pb2.FacetsRequest, among: Among) -> list[CountedField]:
    if len(request.fields) > _FIELDS:
        raise InvalidArgumentError(f"fields: {len(request.fields)} are more than the {_FIELDS} of a call")
    try:
        found = [counted_field(name) for name in dict.fromkeys(request.fields or DEFAULT_FACETS)]
    except ValueError as error:
        raise InvalidArgumentError(f"fields: {error}") from error
    if request.fields:
        for field in found:
            _check_field("fields", field, among)
        return found
    return [field for field in found if field.counted.streams.intersection(among.streams)]


def _check_field(parameter: str, field: CountedField, among: Among) -> None:
    check_streams(parameter, f"the field {field.name!r}", field.counted.streams, among.streams)


def _number(parameter: str, number: int, most: int) -> int:
    """Return a number of a request, which is refused, and not cut, if it is too large."""
    if number > most:
        raise InvalidArgumentError(f"{parameter}: {number} is more than {most:,}")
    return number


def _is_constant(facet: Facet) -> bool:
    return not facet.top or (len(facet.top) == 1 and not facet.others and not facet.missing)


def _facet_message(field: CountedField, facet: Facet, prefix: str) -> counts_pb2.Facet:
    return counts_pb2.Facet(
        field=field.name,
        values=[counts_pb2.FacetValue(value=value, count=count) for value, count in facet.top.items()],
        other_values=facet.others,
        other_count=facet.other_records,
        missing_count=0 if prefix else facet.missing,
    )


def _histogram_message(found: Histogram, *, grouped: bool) -> counts_pb2.HistogramResponse:
    response = counts_pb2.HistogramResponse(
        step_nanos=found.step,
        count=sum(sum(group.counts.values()) for group in found.groups),
        is_partial=found.is_partial,
        later_count=found.later,
        earlier_count=found.earlier,
    )
    if not found.edges:
        return response
    moments = [from_nanos(edge) for edge in found.edges]
    response.since.CopyFrom(moments[0])
    response.until.CopyFrom(moments[-1])
    for number, (start, end) in enumerate(pairwise(moments)):
        counts = [group.counts.get(number, 0) for group in found.groups]
        response.buckets.add(start=start, end=end, count=sum(counts), group_counts=counts if grouped else ())
    for group in found.groups if grouped else ():
        response.groups.add(value=group.text, is_other=group.is_other, count=sum(group.counts.values()))
    return response


def _moment(nanos: int | None) -> Timestamp | None:
    return None if nanos is None else from_nanos(nanos)
