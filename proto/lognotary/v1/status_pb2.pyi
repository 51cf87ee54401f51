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
