import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "format", "columns")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    format: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., format: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ...) -> None: ...

class ExportProgress(_message.Message):
    __slots__ = ("records", "total_records")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: int
    total_records: int
    def __init__(self, records: _Optional[int] = ..., total_records: _Optional[int] = ...) -> None: ...

class ExportSummary(_message.Message):
    __slots__ = ("records", "size", "sha256", "tampered", "unsigned", "later", "manifest")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    TAMPERED_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_FIELD_NUMBER: _ClassVar[int]
    LATER_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    records: int
    size: int
    sha256: bytes
    tampered: int
    unsigned: int
    later: int
    manifest: str
    def __init__(self, records: _Optional[int] = ..., size: _Optional[int] = ..., sha256: _Optional[bytes] = ..., tampered: _Optional[int] = ..., unsigned: _Optional[int] = ..., later: _Optional[int] = ..., manifest: _Optional[str] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("content", "progress", "summary")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    progress: ExportProgress
    summary: ExportSummary
    def __init__(self, content: _Optional[bytes] = ..., progress: _Optional[_Union[ExportProgress, _Mapping]] = ..., summary: _Optional[_Union[ExportSummary, _Mapping]] = ...) -> None: ...
