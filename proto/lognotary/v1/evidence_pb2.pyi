import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from lognotary.v1 import receipts_pb2 as _receipts_pb2
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
    STATEMENT_ALTERED: _ClassVar[FindingKind]
    STATEMENT_MISSING: _ClassVar[FindingKind]
    STATEMENT_DUPLICATED: _ClassVar[FindingKind]
    STATEMENT_FOREIGN_SIGNED: _ClassVar[FindingKind]
    SIGNED_BY_COMPROMISED_KEY: _ClassVar[FindingKind]
    TABLE_ALTERED: _ClassVar[FindingKind]
    LOG_MISSING: _ClassVar[FindingKind]
    LOG_FOREIGN_SIGNED: _ClassVar[FindingKind]
    ANSWER_INCOMPLETE: _ClassVar[FindingKind]
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
STATEMENT_ALTERED: FindingKind
STATEMENT_MISSING: FindingKind
STATEMENT_DUPLICATED: FindingKind
STATEMENT_FOREIGN_SIGNED: FindingKind
SIGNED_BY_COMPROMISED_KEY: FindingKind
TABLE_ALTERED: FindingKind
LOG_MISSING: FindingKind
LOG_FOREIGN_SIGNED: FindingKind
ANSWER_INCOMPLETE: FindingKind

class Evidence(_message.Message):
    __slots__ = ("state", "reason", "log_id", "origin", "batch_id", "leaf_index", "tree_size", "record_hash", "is_expected", "canonical_record", "inclusion_path", "checkpoint")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    RECORD_HASH_FIELD_NUMBER: _ClassVar[int]
    IS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_RECORD_FIELD_NUMBER: _ClassVar[int]
    INCLUSION_PATH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    state: EvidenceState
    reason: str
    log_id: str
    origin: str
    batch_id: str
    leaf_index: int
    tree_size: int
    record_hash: str
    is_expected: bool
    canonical_record: bytes
    inclusion_path: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: str
    def __init__(self, state: _Optional[_Union[EvidenceState, str]] = ..., reason: _Optional[str] = ..., log_id: _Optional[str] = ..., origin: _Optional[str] = ..., batch_id: _Optional[str] = ..., leaf_index: _Optional[int] = ..., tree_size: _Optional[int] = ..., record_hash: _Optional[str] = ..., is_expected: _Optional[bool] = ..., canonical_record: _Optional[bytes] = ..., inclusion_path: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[str] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("reason", "time", "signed_by")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SIGNED_BY_FIELD_NUMBER: _ClassVar[int]
    reason: str
    time: _timestamp_pb2.Timestamp
    signed_by: str
    def __init__(self, reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., signed_by: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("kind", "message", "log_id", "origin", "batch_id", "sequence", "leaf_index", "record", "record_count", "id", "stored_hash", "acknowledgement")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    STORED_HASH_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    kind: FindingKind
    message: str
    log_id: str
    origin: str
    batch_id: str
    sequence: int
    leaf_index: int
    record: str
    record_count: int
    id: str
    stored_hash: str
    acknowledgement: Acknowledgement
    def __init__(self, kind: _Optional[_Union[FindingKind, str]] = ..., message: _Optional[str] = ..., log_id: _Optional[str] = ..., origin: _Optional[str] = ..., batch_id: _Optional[str] = ..., sequence: _Optional[int] = ..., leaf_index: _Optional[int] = ..., record: _Optional[str] = ..., record_count: _Optional[int] = ..., id: _Optional[str] = ..., stored_hash: _Optional[str] = ..., acknowledgement: _Optional[_Union[Acknowledgement, _Mapping]] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("since", "until", "public_keys", "checkpoints", "resume", "compromised_keys", "logs", "acknowledgements", "acknowledgement_keys", "lookups", "all_audit_lookups", "unsigned_streams")
    class CompromisedKeysEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _timestamp_pb2.Timestamp
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    COMPROMISED_KEYS_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENTS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_KEYS_FIELD_NUMBER: _ClassVar[int]
    LOOKUPS_FIELD_NUMBER: _ClassVar[int]
    ALL_AUDIT_LOOKUPS_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    public_keys: _containers.RepeatedScalarFieldContainer[str]
    checkpoints: _containers.RepeatedScalarFieldContainer[str]
    resume: _containers.RepeatedScalarFieldContainer[str]
    compromised_keys: _containers.MessageMap[str, _timestamp_pb2.Timestamp]
    logs: _containers.RepeatedScalarFieldContainer[str]
    acknowledgements: _containers.RepeatedScalarFieldContainer[str]
    acknowledgement_keys: _containers.RepeatedScalarFieldContainer[str]
    lookups: int
    all_audit_lookups: bool
    unsigned_streams: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., public_keys: _Optional[_Iterable[str]] = ..., checkpoints: _Optional[_Iterable[str]] = ..., resume: _Optional[_Iterable[str]] = ..., compromised_keys: _Optional[_Mapping[str, _timestamp_pb2.Timestamp]] = ..., logs: _Optional[_Iterable[str]] = ..., acknowledgements: _Optional[_Iterable[str]] = ..., acknowledgement_keys: _Optional[_Iterable[str]] = ..., lookups: _Optional[int] = ..., all_audit_lookups: _Optional[bool] = ..., unsigned_streams: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyProgress(_message.Message):
    __slots__ = ("origin", "batches", "records", "total_records", "checkpoint")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    origin: str
    batches: int
    records: int
    total_records: int
    checkpoint: str
    def __init__(self, origin: _Optional[str] = ..., batches: _Optional[int] = ..., records: _Optional[int] = ..., total_records: _Optional[int] = ..., checkpoint: _Optional[str] = ...) -> None: ...

class VerifyExpired(_message.Message):
    __slots__ = ("origin", "day", "batches", "records", "dropped_at")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_AT_FIELD_NUMBER: _ClassVar[int]
    origin: str
    day: str
    batches: int
    records: int
    dropped_at: _timestamp_pb2.Timestamp
    def __init__(self, origin: _Optional[str] = ..., day: _Optional[str] = ..., batches: _Optional[int] = ..., records: _Optional[int] = ..., dropped_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VerifySummary(_message.Message):
    __slots__ = ("logs", "batches", "records", "findings", "statements", "expired_records", "nothing_verified", "acknowledged", "entries", "resumed_entries", "mismatched_records", "unread_logs", "skipped_checks", "logs_without_checkpoint", "unsigned_streams", "lookups")
    LOGS_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    NOTHING_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    RESUMED_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MISMATCHED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    UNREAD_LOGS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_CHECKS_FIELD_NUMBER: _ClassVar[int]
    LOGS_WITHOUT_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    LOOKUPS_FIELD_NUMBER: _ClassVar[int]
    logs: int
    batches: int
    records: int
    findings: int
    statements: int
    expired_records: int
    nothing_verified: bool
    acknowledged: int
    entries: _containers.RepeatedCompositeFieldContainer[VerifiedEntries]
    resumed_entries: int
    mismatched_records: int
    unread_logs: _containers.RepeatedScalarFieldContainer[str]
    skipped_checks: _containers.RepeatedCompositeFieldContainer[SkippedCheck]
    logs_without_checkpoint: _containers.RepeatedScalarFieldContainer[str]
    unsigned_streams: _containers.RepeatedScalarFieldContainer[str]
    lookups: int
    def __init__(self, logs: _Optional[int] = ..., batches: _Optional[int] = ..., records: _Optional[int] = ..., findings: _Optional[int] = ..., statements: _Optional[int] = ..., expired_records: _Optional[int] = ..., nothing_verified: _Optional[bool] = ..., acknowledged: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[VerifiedEntries, _Mapping]]] = ..., resumed_entries: _Optional[int] = ..., mismatched_records: _Optional[int] = ..., unread_logs: _Optional[_Iterable[str]] = ..., skipped_checks: _Optional[_Iterable[_Union[SkippedCheck, _Mapping]]] = ..., logs_without_checkpoint: _Optional[_Iterable[str]] = ..., unsigned_streams: _Optional[_Iterable[str]] = ..., lookups: _Optional[int] = ...) -> None: ...

class VerifiedEntries(_message.Message):
    __slots__ = ("origin", "first_leaf", "end_leaf")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    FIRST_LEAF_FIELD_NUMBER: _ClassVar[int]
    END_LEAF_FIELD_NUMBER: _ClassVar[int]
    origin: str
    first_leaf: int
    end_leaf: int
    def __init__(self, origin: _Optional[str] = ..., first_leaf: _Optional[int] = ..., end_leaf: _Optional[int] = ...) -> None: ...

class SkippedCheck(_message.Message):
    __slots__ = ("check", "grant", "reason")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    GRANT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    check: str
    grant: str
    reason: str
    def __init__(self, check: _Optional[str] = ..., grant: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("progress", "finding", "summary", "expired")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    progress: VerifyProgress
    finding: Finding
    summary: VerifySummary
    expired: VerifyExpired
    def __init__(self, progress: _Optional[_Union[VerifyProgress, _Mapping]] = ..., finding: _Optional[_Union[Finding, _Mapping]] = ..., summary: _Optional[_Union[VerifySummary, _Mapping]] = ..., expired: _Optional[_Union[VerifyExpired, _Mapping]] = ...) -> None: ...

class Log(_message.Message):
    __slots__ = ("origin", "log_id", "stream", "tree_size", "sequence", "ingested_at", "checkpoint", "verifier_keys", "problem")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INGESTED_AT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_KEYS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    origin: str
    log_id: str
    stream: str
    tree_size: int
    sequence: int
    ingested_at: _timestamp_pb2.Timestamp
    checkpoint: str
    verifier_keys: _containers.RepeatedScalarFieldContainer[str]
    problem: str
    def __init__(self, origin: _Optional[str] = ..., log_id: _Optional[str] = ..., stream: _Optional[str] = ..., tree_size: _Optional[int] = ..., sequence: _Optional[int] = ..., ingested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checkpoint: _Optional[str] = ..., verifier_keys: _Optional[_Iterable[str]] = ..., problem: _Optional[str] = ...) -> None: ...

class ListLogsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListLogsResponse(_message.Message):
    __slots__ = ("logs", "unsigned_streams")
    LOGS_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    logs: _containers.RepeatedCompositeFieldContainer[Log]
    unsigned_streams: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, logs: _Optional[_Iterable[_Union[Log, _Mapping]]] = ..., unsigned_streams: _Optional[_Iterable[str]] = ...) -> None: ...

class GetCheckpointRequest(_message.Message):
    __slots__ = ("log", "tree_size")
    LOG_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    log: str
    tree_size: int
    def __init__(self, log: _Optional[str] = ..., tree_size: _Optional[int] = ...) -> None: ...

class GetCheckpointResponse(_message.Message):
    __slots__ = ("checkpoint", "origin", "log_id", "tree_size", "root_hash", "sequence", "ingested_at", "verifier_keys", "last_statement", "timestamp")
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INGESTED_AT_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_KEYS_FIELD_NUMBER: _ClassVar[int]
    LAST_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    checkpoint: str
    origin: str
    log_id: str
    tree_size: int
    root_hash: bytes
    sequence: int
    ingested_at: _timestamp_pb2.Timestamp
    verifier_keys: _containers.RepeatedScalarFieldContainer[str]
    last_statement: str
    timestamp: bytes
    def __init__(self, checkpoint: _Optional[str] = ..., origin: _Optional[str] = ..., log_id: _Optional[str] = ..., tree_size: _Optional[int] = ..., root_hash: _Optional[bytes] = ..., sequence: _Optional[int] = ..., ingested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verifier_keys: _Optional[_Iterable[str]] = ..., last_statement: _Optional[str] = ..., timestamp: _Optional[bytes] = ...) -> None: ...

class GetInclusionProofRequest(_message.Message):
    __slots__ = ("log", "leaf_index", "tree_size", "include_record", "for_evidence")
    LOG_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RECORD_FIELD_NUMBER: _ClassVar[int]
    FOR_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    log: str
    leaf_index: int
    tree_size: int
    include_record: bool
    for_evidence: bool
    def __init__(self, log: _Optional[str] = ..., leaf_index: _Optional[int] = ..., tree_size: _Optional[int] = ..., include_record: _Optional[bool] = ..., for_evidence: _Optional[bool] = ...) -> None: ...

class GetInclusionProofResponse(_message.Message):
    __slots__ = ("origin", "log_id", "leaf_index", "tree_size", "leaf_hash", "path", "checkpoint", "verifier_keys", "tlog_proof", "record", "evidence", "key_changes", "timestamp")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    LEAF_HASH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_KEYS_FIELD_NUMBER: _ClassVar[int]
    TLOG_PROOF_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    KEY_CHANGES_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    origin: str
    log_id: str
    leaf_index: int
    tree_size: int
    leaf_hash: bytes
    path: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: str
    verifier_keys: _containers.RepeatedScalarFieldContainer[str]
    tlog_proof: str
    record: bytes
    evidence: Evidence
    key_changes: _containers.RepeatedScalarFieldContainer[str]
    timestamp: bytes
    def __init__(self, origin: _Optional[str] = ..., log_id: _Optional[str] = ..., leaf_index: _Optional[int] = ..., tree_size: _Optional[int] = ..., leaf_hash: _Optional[bytes] = ..., path: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[str] = ..., verifier_keys: _Optional[_Iterable[str]] = ..., tlog_proof: _Optional[str] = ..., record: _Optional[bytes] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., key_changes: _Optional[_Iterable[str]] = ..., timestamp: _Optional[bytes] = ...) -> None: ...

class GetBundleRequest(_message.Message):
    __slots__ = ("log", "leaf_index", "format")
    LOG_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    log: str
    leaf_index: int
    format: str
    def __init__(self, log: _Optional[str] = ..., leaf_index: _Optional[int] = ..., format: _Optional[str] = ...) -> None: ...

class GetBundleResponse(_message.Message):
    __slots__ = ("file_name", "media_type", "content")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    media_type: str
    content: bytes
    def __init__(self, file_name: _Optional[str] = ..., media_type: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class GetConsistencyProofRequest(_message.Message):
    __slots__ = ("log", "first", "second")
    LOG_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    log: str
    first: int
    second: int
    def __init__(self, log: _Optional[str] = ..., first: _Optional[int] = ..., second: _Optional[int] = ...) -> None: ...

class GetConsistencyProofResponse(_message.Message):
    __slots__ = ("origin", "log_id", "first", "second", "path", "first_root", "second_root", "first_checkpoint", "second_checkpoint")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROOT_FIELD_NUMBER: _ClassVar[int]
    SECOND_ROOT_FIELD_NUMBER: _ClassVar[int]
    FIRST_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    SECOND_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    origin: str
    log_id: str
    first: int
    second: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    first_root: bytes
    second_root: bytes
    first_checkpoint: str
    second_checkpoint: str
    def __init__(self, origin: _Optional[str] = ..., log_id: _Optional[str] = ..., first: _Optional[int] = ..., second: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ..., first_root: _Optional[bytes] = ..., second_root: _Optional[bytes] = ..., first_checkpoint: _Optional[str] = ..., second_checkpoint: _Optional[str] = ...) -> None: ...

class ListStatementsRequest(_message.Message):
    __slots__ = ("log", "kinds", "since", "until", "page_size", "page_token")
    LOG_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    log: str
    kinds: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, log: _Optional[str] = ..., kinds: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("number", "kind", "tree_size", "signed_at", "note", "data", "problem")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    number: int
    kind: str
    tree_size: int
    signed_at: _timestamp_pb2.Timestamp
    note: str
    data: bytes
    problem: str
    def __init__(self, number: _Optional[int] = ..., kind: _Optional[str] = ..., tree_size: _Optional[int] = ..., signed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., note: _Optional[str] = ..., data: _Optional[bytes] = ..., problem: _Optional[str] = ...) -> None: ...

class ListStatementsResponse(_message.Message):
    __slots__ = ("origin", "log_id", "statements", "next_page_token")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    origin: str
    log_id: str
    statements: _containers.RepeatedCompositeFieldContainer[Statement]
    next_page_token: str
    def __init__(self, origin: _Optional[str] = ..., log_id: _Optional[str] = ..., statements: _Optional[_Iterable[_Union[Statement, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListGapsRequest(_message.Message):
    __slots__ = ("since", "until", "min_seconds", "limit", "log")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    MIN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    min_seconds: int
    limit: int
    log: str
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., min_seconds: _Optional[int] = ..., limit: _Optional[int] = ..., log: _Optional[str] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("origin", "log_id", "since", "until", "last_statement", "last_tree_size", "next_statement", "next_tree_size", "missing_statements", "usual_seconds", "problem")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LAST_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    LAST_TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    NEXT_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    NEXT_TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    MISSING_STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    USUAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    origin: str
    log_id: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    last_statement: int
    last_tree_size: int
    next_statement: int
    next_tree_size: int
    missing_statements: int
    usual_seconds: int
    problem: str
    def __init__(self, origin: _Optional[str] = ..., log_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_statement: _Optional[int] = ..., last_tree_size: _Optional[int] = ..., next_statement: _Optional[int] = ..., next_tree_size: _Optional[int] = ..., missing_statements: _Optional[int] = ..., usual_seconds: _Optional[int] = ..., problem: _Optional[str] = ...) -> None: ...

class ListGapsResponse(_message.Message):
    __slots__ = ("gaps", "truncated")
    GAPS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    truncated: bool
    def __init__(self, gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...
