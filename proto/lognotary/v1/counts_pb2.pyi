import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HistogramRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "buckets", "step_seconds", "group_by", "groups")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    STEP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    buckets: int
    step_seconds: int
    group_by: str
    groups: int
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., buckets: _Optional[int] = ..., step_seconds: _Optional[int] = ..., group_by: _Optional[str] = ..., groups: _Optional[int] = ...) -> None: ...

class HistogramGroup(_message.Message):
    __slots__ = ("value", "is_other", "count")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    IS_OTHER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    value: str
    is_other: bool
    count: int
    def __init__(self, value: _Optional[str] = ..., is_other: _Optional[bool] = ..., count: _Optional[int] = ...) -> None: ...

class HistogramBucket(_message.Message):
    __slots__ = ("start", "end", "count", "group_counts")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNTS_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    count: int
    group_counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ..., group_counts: _Optional[_Iterable[int]] = ...) -> None: ...

class HistogramResponse(_message.Message):
    __slots__ = ("since", "until", "step_nanos", "groups", "buckets", "count", "is_partial", "later_count", "earlier_count")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    STEP_NANOS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    LATER_COUNT_FIELD_NUMBER: _ClassVar[int]
    EARLIER_COUNT_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    step_nanos: int
    groups: _containers.RepeatedCompositeFieldContainer[HistogramGroup]
    buckets: _containers.RepeatedCompositeFieldContainer[HistogramBucket]
    count: int
    is_partial: bool
    later_count: int
    earlier_count: int
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step_nanos: _Optional[int] = ..., groups: _Optional[_Iterable[_Union[HistogramGroup, _Mapping]]] = ..., buckets: _Optional[_Iterable[_Union[HistogramBucket, _Mapping]]] = ..., count: _Optional[int] = ..., is_partial: _Optional[bool] = ..., later_count: _Optional[int] = ..., earlier_count: _Optional[int] = ...) -> None: ...

class FacetsRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "fields", "limit", "prefix", "omit_constant", "max_rows")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    OMIT_CONSTANT_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    fields: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    prefix: str
    omit_constant: bool
    max_rows: int
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fields: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., prefix: _Optional[str] = ..., omit_constant: _Optional[bool] = ..., max_rows: _Optional[int] = ...) -> None: ...

class FacetValue(_message.Message):
    __slots__ = ("value", "count")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    value: str
    count: int
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Facet(_message.Message):
    __slots__ = ("field", "values", "other_values", "other_count", "missing_count")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    OTHER_VALUES_FIELD_NUMBER: _ClassVar[int]
    OTHER_COUNT_FIELD_NUMBER: _ClassVar[int]
    MISSING_COUNT_FIELD_NUMBER: _ClassVar[int]
    field: str
    values: _containers.RepeatedCompositeFieldContainer[FacetValue]
    other_values: int
    other_count: int
    missing_count: int
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[_Union[FacetValue, _Mapping]]] = ..., other_values: _Optional[int] = ..., other_count: _Optional[int] = ..., missing_count: _Optional[int] = ...) -> None: ...

class FacetsResponse(_message.Message):
    __slots__ = ("facets", "record_count", "is_partial", "since", "until")
    FACETS_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    facets: _containers.RepeatedCompositeFieldContainer[Facet]
    record_count: int
    is_partial: bool
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    def __init__(self, facets: _Optional[_Iterable[_Union[Facet, _Mapping]]] = ..., record_count: _Optional[int] = ..., is_partial: _Optional[bool] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FieldNamesRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "prefix", "limit")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    prefix: str
    limit: int
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., prefix: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class AttributeName(_message.Message):
    __slots__ = ("name", "count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    count: int
    def __init__(self, name: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class FieldNamesResponse(_message.Message):
    __slots__ = ("attributes", "other_attributes", "fields", "is_partial", "since", "until")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    OTHER_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.RepeatedCompositeFieldContainer[AttributeName]
    other_attributes: int
    fields: _containers.RepeatedScalarFieldContainer[str]
    is_partial: bool
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    def __init__(self, attributes: _Optional[_Iterable[_Union[AttributeName, _Mapping]]] = ..., other_attributes: _Optional[int] = ..., fields: _Optional[_Iterable[str]] = ..., is_partial: _Optional[bool] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
