import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from lognotary.v1 import evidence_pb2 as _evidence_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SelfVerificationStatus(_message.Message):
    __slots__ = ("interval_seconds", "findings", "pass_started", "pass_finished", "passes", "records", "is_behind")
    class FindingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    PASS_STARTED_FIELD_NUMBER: _ClassVar[int]
    PASS_FINISHED_FIELD_NUMBER: _ClassVar[int]
    PASSES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    IS_BEHIND_FIELD_NUMBER: _ClassVar[int]
    interval_seconds: float
    findings: _containers.ScalarMap[str, int]
    pass_started: _timestamp_pb2.Timestamp
    pass_finished: _timestamp_pb2.Timestamp
    passes: int
    records: int
    is_behind: bool
    def __init__(self, interval_seconds: _Optional[float] = ..., findings: _Optional[_Mapping[str, int]] = ..., pass_started: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pass_finished: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., passes: _Optional[int] = ..., records: _Optional[int] = ..., is_behind: _Optional[bool] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "not_ready", "storage", "storage_version", "storage_problem", "logs", "self_verification", "unsigned_streams", "audit_rules_problem", "disk_encryption")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NOT_READY_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    STORAGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    STORAGE_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    SELF_VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    AUDIT_RULES_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    DISK_ENCRYPTION_FIELD_NUMBER: _ClassVar[int]
    version: str
    not_ready: str
    storage: str
    storage_version: str
    storage_problem: str
    logs: _containers.RepeatedCompositeFieldContainer[_evidence_pb2.Log]
    self_verification: SelfVerificationStatus
    unsigned_streams: _containers.RepeatedScalarFieldContainer[str]
    audit_rules_problem: str
    disk_encryption: str
    def __init__(self, version: _Optional[str] = ..., not_ready: _Optional[str] = ..., storage: _Optional[str] = ..., storage_version: _Optional[str] = ..., storage_problem: _Optional[str] = ..., logs: _Optional[_Iterable[_Union[_evidence_pb2.Log, _Mapping]]] = ..., self_verification: _Optional[_Union[SelfVerificationStatus, _Mapping]] = ..., unsigned_streams: _Optional[_Iterable[str]] = ..., audit_rules_problem: _Optional[str] = ..., disk_encryption: _Optional[str] = ...) -> None: ...

class GetSettingsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SettingValue(_message.Message):
    __slots__ = ("name", "value", "origin", "place")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    origin: str
    place: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ..., origin: _Optional[str] = ..., place: _Optional[str] = ...) -> None: ...

class GetSettingsResponse(_message.Message):
    __slots__ = ("file", "settings")
    FILE_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    file: str
    settings: _containers.RepeatedCompositeFieldContainer[SettingValue]
    def __init__(self, file: _Optional[str] = ..., settings: _Optional[_Iterable[_Union[SettingValue, _Mapping]]] = ...) -> None: ...

class ListTenantsRequest(_message.Message):
    __slots__ = ("since", "until", "page_size", "page_token")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TenantLimits(_message.Message):
    __slots__ = ("bytes_per_second", "records_per_second", "keys_per_hour")
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    RECORDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    KEYS_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    bytes_per_second: int
    records_per_second: int
    keys_per_hour: int
    def __init__(self, bytes_per_second: _Optional[int] = ..., records_per_second: _Optional[int] = ..., keys_per_hour: _Optional[int] = ...) -> None: ...

class StoredRecords(_message.Message):
    __slots__ = ("stream", "records", "first_received", "last_received", "estimated_bytes", "estimated_uncompressed_bytes")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    LAST_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_BYTES_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_UNCOMPRESSED_BYTES_FIELD_NUMBER: _ClassVar[int]
    stream: str
    records: int
    first_received: _timestamp_pb2.Timestamp
    last_received: _timestamp_pb2.Timestamp
    estimated_bytes: int
    estimated_uncompressed_bytes: int
    def __init__(self, stream: _Optional[str] = ..., records: _Optional[int] = ..., first_received: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_received: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., estimated_bytes: _Optional[int] = ..., estimated_uncompressed_bytes: _Optional[int] = ...) -> None: ...

class Tenant(_message.Message):
    __slots__ = ("name", "taken_records", "taken_bytes", "refused_requests", "stored", "logs", "entries", "limits")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAKEN_RECORDS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_BYTES_FIELD_NUMBER: _ClassVar[int]
    REFUSED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    name: str
    taken_records: int
    taken_bytes: int
    refused_requests: int
    stored: _containers.RepeatedCompositeFieldContainer[StoredRecords]
    logs: int
    entries: int
    limits: TenantLimits
    def __init__(self, name: _Optional[str] = ..., taken_records: _Optional[int] = ..., taken_bytes: _Optional[int] = ..., refused_requests: _Optional[int] = ..., stored: _Optional[_Iterable[_Union[StoredRecords, _Mapping]]] = ..., logs: _Optional[int] = ..., entries: _Optional[int] = ..., limits: _Optional[_Union[TenantLimits, _Mapping]] = ...) -> None: ...

class ListTenantsResponse(_message.Message):
    __slots__ = ("tenants", "next_page_token", "counted_since")
    TENANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COUNTED_SINCE_FIELD_NUMBER: _ClassVar[int]
    tenants: _containers.RepeatedCompositeFieldContainer[Tenant]
    next_page_token: str
    counted_since: _timestamp_pb2.Timestamp
    def __init__(self, tenants: _Optional[_Iterable[_Union[Tenant, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., counted_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
