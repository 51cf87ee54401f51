import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EvidenceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVIDENCE_STATE_UNSPECIFIED: _ClassVar[EvidenceState]
    VERIFIED: _ClassVar[EvidenceState]
    SIGNED: _ClassVar[EvidenceState]
    UNSIGNED: _ClassVar[EvidenceState]
    TAMPERED: _ClassVar[EvidenceState]

class FindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_KIND_UNSPECIFIED: _ClassVar[FindingKind]
    RECORD_CHANGED: _ClassVar[FindingKind]
    RECORD_MISSING: _ClassVar[FindingKind]
    RECORD_INSERTED: _ClassVar[FindingKind]
    RECORD_REORDERED: _ClassVar[FindingKind]
    RECORD_DUPLICATED: _ClassVar[FindingKind]
    RECORDS_UNSIGNED: _ClassVar[FindingKind]
    BATCH_MISSING: _ClassVar[FindingKind]
    BATCH_ALTERED: _ClassVar[FindingKind]
    BATCH_FOREIGN_SIGNED: _ClassVar[FindingKind]
    BATCH_DUPLICATED: _ClassVar[FindingKind]
    LOG_FORKED: _ClassVar[FindingKind]
    LOG_TRUNCATED: _ClassVar[FindingKind]
    TILE_ALTERED: _ClassVar[FindingKind]
EVIDENCE_STATE_UNSPECIFIED: EvidenceState
VERIFIED: EvidenceState
SIGNED: EvidenceState
UNSIGNED: EvidenceState
TAMPERED: EvidenceState
FINDING_KIND_UNSPECIFIED: FindingKind
RECORD_CHANGED: FindingKind
RECORD_MISSING: FindingKind
RECORD_INSERTED: FindingKind
RECORD_REORDERED: FindingKind
RECORD_DUPLICATED: FindingKind
RECORDS_UNSIGNED: FindingKind
BATCH_MISSING: FindingKind
BATCH_ALTERED: FindingKind
BATCH_FOREIGN_SIGNED: FindingKind
BATCH_DUPLICATED: FindingKind
LOG_FORKED: FindingKind
LOG_TRUNCATED: FindingKind
TILE_ALTERED: FindingKind

class Evidence(_message.Message):
    __slots__ = ("state", "reason", "log_id", "origin", "batch_id", "leaf_index", "tree_size", "record_hash")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    RECORD_HASH_FIELD_NUMBER: _ClassVar[int]
    state: EvidenceState
    reason: str
    log_id: str
    origin: str
    batch_id: str
    leaf_index: int
    tree_size: int
    record_hash: str
    def __init__(self, state: _Optional[_Union[EvidenceState, str]] = ..., reason: _Optional[str] = ..., log_id: _Optional[str] = ..., origin: _Optional[str] = ..., batch_id: _Optional[str] = ..., leaf_index: _Optional[int] = ..., tree_size: _Optional[int] = ..., record_hash: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("kind", "message", "log_id", "origin", "batch_id", "sequence", "leaf_index", "record", "record_count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: FindingKind
    message: str
    log_id: str
    origin: str
    batch_id: str
    sequence: int
    leaf_index: int
    record: str
    record_count: int
    def __init__(self, kind: _Optional[_Union[FindingKind, str]] = ..., message: _Optional[str] = ..., log_id: _Optional[str] = ..., origin: _Optional[str] = ..., batch_id: _Optional[str] = ..., sequence: _Optional[int] = ..., leaf_index: _Optional[int] = ..., record: _Optional[str] = ..., record_count: _Optional[int] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("since", "until", "public_keys", "checkpoints")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    public_keys: _containers.RepeatedScalarFieldContainer[str]
    checkpoints: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., public_keys: _Optional[_Iterable[str]] = ..., checkpoints: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyProgress(_message.Message):
    __slots__ = ("origin", "batches", "records", "total_records")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    origin: str
    batches: int
    records: int
    total_records: int
    def __init__(self, origin: _Optional[str] = ..., batches: _Optional[int] = ..., records: _Optional[int] = ..., total_records: _Optional[int] = ...) -> None: ...

class VerifySummary(_message.Message):
    __slots__ = ("logs", "batches", "records", "findings")
    LOGS_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    logs: int
    batches: int
    records: int
    findings: int
    def __init__(self, logs: _Optional[int] = ..., batches: _Optional[int] = ..., records: _Optional[int] = ..., findings: _Optional[int] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("progress", "finding", "summary")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    progress: VerifyProgress
    finding: Finding
    summary: VerifySummary
    def __init__(self, progress: _Optional[_Union[VerifyProgress, _Mapping]] = ..., finding: _Optional[_Union[Finding, _Mapping]] = ..., summary: _Optional[_Union[VerifySummary, _Mapping]] = ...) -> None: ...
