import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from lognotary.v1 import counts_pb2 as _counts_pb2
from lognotary.v1 import evidence_pb2 as _evidence_pb2
from lognotary.v1 import export_pb2 as _export_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EvidenceCheck(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVIDENCE_CHECK_UNSPECIFIED: _ClassVar[EvidenceCheck]
    CHECK_RECORDS: _ClassVar[EvidenceCheck]
    CHECK_SIGNATURES: _ClassVar[EvidenceCheck]

class MissedReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISSED_REASON_UNSPECIFIED: _ClassVar[MissedReason]
    TOO_SLOW: _ClassVar[MissedReason]
    NOT_STORED: _ClassVar[MissedReason]
EVIDENCE_CHECK_UNSPECIFIED: EvidenceCheck
CHECK_RECORDS: EvidenceCheck
CHECK_SIGNATURES: EvidenceCheck
MISSED_REASON_UNSPECIFIED: MissedReason
TOO_SLOW: MissedReason
NOT_STORED: MissedReason

class AuditEvent(_message.Message):
    __slots__ = ("record_id", "actor_id", "actor_type", "action", "target_id", "target_type", "source_id", "source_type", "outcome", "category", "rule", "actor_name", "effective_actor_id", "session_id", "source_host", "description")
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_HOST_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    record_id: str
    actor_id: str
    actor_type: str
    action: str
    target_id: str
    target_type: str
    source_id: str
    source_type: str
    outcome: str
    category: str
    rule: str
    actor_name: str
    effective_actor_id: str
    session_id: str
    source_host: str
    description: str
    def __init__(self, record_id: _Optional[str] = ..., actor_id: _Optional[str] = ..., actor_type: _Optional[str] = ..., action: _Optional[str] = ..., target_id: _Optional[str] = ..., target_type: _Optional[str] = ..., source_id: _Optional[str] = ..., source_type: _Optional[str] = ..., outcome: _Optional[str] = ..., category: _Optional[str] = ..., rule: _Optional[str] = ..., actor_name: _Optional[str] = ..., effective_actor_id: _Optional[str] = ..., session_id: _Optional[str] = ..., source_host: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class RepeatedAttribute(_message.Message):
    __slots__ = ("place", "key", "values")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    place: str
    key: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, place: _Optional[str] = ..., key: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class ProducerSignature(_message.Message):
    __slots__ = ("result", "reason", "key", "algorithm", "form")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    result: str
    reason: str
    key: str
    algorithm: str
    form: str
    def __init__(self, result: _Optional[str] = ..., reason: _Optional[str] = ..., key: _Optional[str] = ..., algorithm: _Optional[str] = ..., form: _Optional[str] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("timestamp", "observed_timestamp", "ingested_at", "trace_id", "span_id", "flags", "severity_text", "severity_number", "service_name", "body", "event_name", "scope_name", "scope_version", "resource_attributes", "scope_attributes", "log_attributes", "otlp_details", "dropped_attributes_count", "resource_schema_url", "scope_schema_url", "audit", "evidence", "repeated_attributes", "producer_signature")
    class ResourceAttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ScopeAttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class LogAttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    INGESTED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_TEXT_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    LOG_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    OTLP_DETAILS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_ATTRIBUTES_COUNT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_SCHEMA_URL_FIELD_NUMBER: _ClassVar[int]
    SCOPE_SCHEMA_URL_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    observed_timestamp: _timestamp_pb2.Timestamp
    ingested_at: _timestamp_pb2.Timestamp
    trace_id: str
    span_id: str
    flags: int
    severity_text: str
    severity_number: int
    service_name: str
    body: str
    event_name: str
    scope_name: str
    scope_version: str
    resource_attributes: _containers.ScalarMap[str, str]
    scope_attributes: _containers.ScalarMap[str, str]
    log_attributes: _containers.ScalarMap[str, str]
    otlp_details: str
    dropped_attributes_count: int
    resource_schema_url: str
    scope_schema_url: str
    audit: AuditEvent
    evidence: _evidence_pb2.Evidence
    repeated_attributes: _containers.RepeatedCompositeFieldContainer[RepeatedAttribute]
    producer_signature: ProducerSignature
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., observed_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., flags: _Optional[int] = ..., severity_text: _Optional[str] = ..., severity_number: _Optional[int] = ..., service_name: _Optional[str] = ..., body: _Optional[str] = ..., event_name: _Optional[str] = ..., scope_name: _Optional[str] = ..., scope_version: _Optional[str] = ..., resource_attributes: _Optional[_Mapping[str, str]] = ..., scope_attributes: _Optional[_Mapping[str, str]] = ..., log_attributes: _Optional[_Mapping[str, str]] = ..., otlp_details: _Optional[str] = ..., dropped_attributes_count: _Optional[int] = ..., resource_schema_url: _Optional[str] = ..., scope_schema_url: _Optional[str] = ..., audit: _Optional[_Union[AuditEvent, _Mapping]] = ..., evidence: _Optional[_Union[_evidence_pb2.Evidence, _Mapping]] = ..., repeated_attributes: _Optional[_Iterable[_Union[RepeatedAttribute, _Mapping]]] = ..., producer_signature: _Optional[_Union[ProducerSignature, _Mapping]] = ...) -> None: ...

class SpanEvent(_message.Message):
    __slots__ = ("timestamp", "name", "attributes", "repeated_attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    REPEATED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    name: str
    attributes: _containers.ScalarMap[str, str]
    repeated_attributes: _containers.RepeatedCompositeFieldContainer[RepeatedAttribute]
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., name: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., repeated_attributes: _Optional[_Iterable[_Union[RepeatedAttribute, _Mapping]]] = ...) -> None: ...

class SpanLink(_message.Message):
    __slots__ = ("trace_id", "span_id", "trace_state", "attributes", "repeated_attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_STATE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    REPEATED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    span_id: str
    trace_state: str
    attributes: _containers.ScalarMap[str, str]
    repeated_attributes: _containers.RepeatedCompositeFieldContainer[RepeatedAttribute]
    def __init__(self, trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., trace_state: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., repeated_attributes: _Optional[_Iterable[_Union[RepeatedAttribute, _Mapping]]] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("timestamp", "duration_nanos", "span_id", "parent_span_id", "name", "kind", "service_name", "status_code", "status_message", "attributes", "trace_id", "trace_state", "flags", "ingested_at", "scope_name", "scope_version", "resource_attributes", "scope_attributes", "resource_schema_url", "scope_schema_url", "events", "links", "dropped_attributes_count", "dropped_events_count", "dropped_links_count", "otlp_details", "evidence", "repeated_attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ResourceAttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ScopeAttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    DURATION_NANOS_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_STATE_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    INGESTED_AT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_SCHEMA_URL_FIELD_NUMBER: _ClassVar[int]
    SCOPE_SCHEMA_URL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_ATTRIBUTES_COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_EVENTS_COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_LINKS_COUNT_FIELD_NUMBER: _ClassVar[int]
    OTLP_DETAILS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    duration_nanos: int
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    service_name: str
    status_code: str
    status_message: str
    attributes: _containers.ScalarMap[str, str]
    trace_id: str
    trace_state: str
    flags: int
    ingested_at: _timestamp_pb2.Timestamp
    scope_name: str
    scope_version: str
    resource_attributes: _containers.ScalarMap[str, str]
    scope_attributes: _containers.ScalarMap[str, str]
    resource_schema_url: str
    scope_schema_url: str
    events: _containers.RepeatedCompositeFieldContainer[SpanEvent]
    links: _containers.RepeatedCompositeFieldContainer[SpanLink]
    dropped_attributes_count: int
    dropped_events_count: int
    dropped_links_count: int
    otlp_details: str
    evidence: _evidence_pb2.Evidence
    repeated_attributes: _containers.RepeatedCompositeFieldContainer[RepeatedAttribute]
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_nanos: _Optional[int] = ..., span_id: _Optional[str] = ..., parent_span_id: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., service_name: _Optional[str] = ..., status_code: _Optional[str] = ..., status_message: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., trace_id: _Optional[str] = ..., trace_state: _Optional[str] = ..., flags: _Optional[int] = ..., ingested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scope_name: _Optional[str] = ..., scope_version: _Optional[str] = ..., resource_attributes: _Optional[_Mapping[str, str]] = ..., scope_attributes: _Optional[_Mapping[str, str]] = ..., resource_schema_url: _Optional[str] = ..., scope_schema_url: _Optional[str] = ..., events: _Optional[_Iterable[_Union[SpanEvent, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[SpanLink, _Mapping]]] = ..., dropped_attributes_count: _Optional[int] = ..., dropped_events_count: _Optional[int] = ..., dropped_links_count: _Optional[int] = ..., otlp_details: _Optional[str] = ..., evidence: _Optional[_Union[_evidence_pb2.Evidence, _Mapping]] = ..., repeated_attributes: _Optional[_Iterable[_Union[RepeatedAttribute, _Mapping]]] = ...) -> None: ...

class TimelineEntry(_message.Message):
    __slots__ = ("timestamp", "audit_event", "log", "span")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    AUDIT_EVENT_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    audit_event: Record
    log: Record
    span: Span
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., audit_event: _Optional[_Union[Record, _Mapping]] = ..., log: _Optional[_Union[Record, _Mapping]] = ..., span: _Optional[_Union[Span, _Mapping]] = ...) -> None: ...

class GetTraceRequest(_message.Message):
    __slots__ = ("trace_id", "check", "limit", "page_token", "since", "until", "include_proofs")
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    check: EvidenceCheck
    limit: int
    page_token: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    include_proofs: bool
    def __init__(self, trace_id: _Optional[str] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class TraceOverview(_message.Message):
    __slots__ = ("first", "last", "duration_nanos", "services", "actors", "error_count", "missing_span_ids", "evidence", "implausible_time_count")
    class EvidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    DURATION_NANOS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ACTORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    MISSING_SPAN_IDS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    IMPLAUSIBLE_TIME_COUNT_FIELD_NUMBER: _ClassVar[int]
    first: _timestamp_pb2.Timestamp
    last: _timestamp_pb2.Timestamp
    duration_nanos: int
    services: _containers.RepeatedScalarFieldContainer[str]
    actors: _containers.RepeatedScalarFieldContainer[str]
    error_count: int
    missing_span_ids: _containers.RepeatedScalarFieldContainer[str]
    evidence: _containers.ScalarMap[str, int]
    implausible_time_count: int
    def __init__(self, first: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_nanos: _Optional[int] = ..., services: _Optional[_Iterable[str]] = ..., actors: _Optional[_Iterable[str]] = ..., error_count: _Optional[int] = ..., missing_span_ids: _Optional[_Iterable[str]] = ..., evidence: _Optional[_Mapping[str, int]] = ..., implausible_time_count: _Optional[int] = ...) -> None: ...

class TraceLink(_message.Message):
    __slots__ = ("name", "url")
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class GetTraceResponse(_message.Message):
    __slots__ = ("trace_id", "entries", "truncated", "unproved_omitted", "next_page_token", "audit_event_count", "log_count", "span_count", "overview", "links")
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AUDIT_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOG_COUNT_FIELD_NUMBER: _ClassVar[int]
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    truncated: bool
    unproved_omitted: bool
    next_page_token: str
    audit_event_count: int
    log_count: int
    span_count: int
    overview: TraceOverview
    links: _containers.RepeatedCompositeFieldContainer[TraceLink]
    def __init__(self, trace_id: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., truncated: _Optional[bool] = ..., unproved_omitted: _Optional[bool] = ..., next_page_token: _Optional[str] = ..., audit_event_count: _Optional[int] = ..., log_count: _Optional[int] = ..., span_count: _Optional[int] = ..., overview: _Optional[_Union[TraceOverview, _Mapping]] = ..., links: _Optional[_Iterable[_Union[TraceLink, _Mapping]]] = ...) -> None: ...

class SearchAuditEventsRequest(_message.Message):
    __slots__ = ("since", "until", "actor_id", "action", "target_id", "target_type", "source_id", "outcome", "category", "service_name", "trace_id", "text", "check", "page_size", "page_token", "query", "effective_actor_id", "rule", "signature", "include_access", "include_proofs")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ACCESS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    actor_id: str
    action: str
    target_id: str
    target_type: str
    source_id: str
    outcome: str
    category: str
    service_name: str
    trace_id: str
    text: str
    check: EvidenceCheck
    page_size: int
    page_token: str
    query: str
    effective_actor_id: str
    rule: str
    signature: str
    include_access: bool
    include_proofs: bool
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor_id: _Optional[str] = ..., action: _Optional[str] = ..., target_id: _Optional[str] = ..., target_type: _Optional[str] = ..., source_id: _Optional[str] = ..., outcome: _Optional[str] = ..., category: _Optional[str] = ..., service_name: _Optional[str] = ..., trace_id: _Optional[str] = ..., text: _Optional[str] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., query: _Optional[str] = ..., effective_actor_id: _Optional[str] = ..., rule: _Optional[str] = ..., signature: _Optional[str] = ..., include_access: _Optional[bool] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class SearchAuditEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "unproved_omitted", "until", "later_count")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LATER_COUNT_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Record]
    next_page_token: str
    unproved_omitted: bool
    until: _timestamp_pb2.Timestamp
    later_count: int
    def __init__(self, events: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., unproved_omitted: _Optional[bool] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., later_count: _Optional[int] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "oldest_first", "check", "page_size", "page_token", "count_up_to", "include_proofs")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COUNT_UP_TO_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    oldest_first: bool
    check: EvidenceCheck
    page_size: int
    page_token: str
    count_up_to: int
    include_proofs: bool
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., oldest_first: _Optional[bool] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., count_up_to: _Optional[int] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("entries", "next_page_token", "unproved_omitted", "count", "count_is_lower_bound", "until", "later_count")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNT_IS_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LATER_COUNT_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    next_page_token: str
    unproved_omitted: bool
    count: int
    count_is_lower_bound: bool
    until: _timestamp_pb2.Timestamp
    later_count: int
    def __init__(self, entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., unproved_omitted: _Optional[bool] = ..., count: _Optional[int] = ..., count_is_lower_bound: _Optional[bool] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., later_count: _Optional[int] = ...) -> None: ...

class FindTracesRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "with_errors", "min_duration_nanos", "check", "page_size", "page_token")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    WITH_ERRORS_FIELD_NUMBER: _ClassVar[int]
    MIN_DURATION_NANOS_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    with_errors: bool
    min_duration_nanos: int
    check: EvidenceCheck
    page_size: int
    page_token: str
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., with_errors: _Optional[bool] = ..., min_duration_nanos: _Optional[int] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TraceSummary(_message.Message):
    __slots__ = ("trace_id", "first", "last", "duration_nanos", "services", "actors", "audit_event_count", "log_count", "span_count", "error_count", "match", "implausible_time_count")
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    DURATION_NANOS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ACTORS_FIELD_NUMBER: _ClassVar[int]
    AUDIT_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOG_COUNT_FIELD_NUMBER: _ClassVar[int]
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    IMPLAUSIBLE_TIME_COUNT_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    first: _timestamp_pb2.Timestamp
    last: _timestamp_pb2.Timestamp
    duration_nanos: int
    services: _containers.RepeatedScalarFieldContainer[str]
    actors: _containers.RepeatedScalarFieldContainer[str]
    audit_event_count: int
    log_count: int
    span_count: int
    error_count: int
    match: TimelineEntry
    implausible_time_count: int
    def __init__(self, trace_id: _Optional[str] = ..., first: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_nanos: _Optional[int] = ..., services: _Optional[_Iterable[str]] = ..., actors: _Optional[_Iterable[str]] = ..., audit_event_count: _Optional[int] = ..., log_count: _Optional[int] = ..., span_count: _Optional[int] = ..., error_count: _Optional[int] = ..., match: _Optional[_Union[TimelineEntry, _Mapping]] = ..., implausible_time_count: _Optional[int] = ...) -> None: ...

class FindTracesResponse(_message.Message):
    __slots__ = ("traces", "next_page_token", "unproved_omitted", "until", "later_count")
    TRACES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LATER_COUNT_FIELD_NUMBER: _ClassVar[int]
    traces: _containers.RepeatedCompositeFieldContainer[TraceSummary]
    next_page_token: str
    unproved_omitted: bool
    until: _timestamp_pb2.Timestamp
    later_count: int
    def __init__(self, traces: _Optional[_Iterable[_Union[TraceSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., unproved_omitted: _Optional[bool] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., later_count: _Optional[int] = ...) -> None: ...

class NeighboursRequest(_message.Message):
    __slots__ = ("log", "leaf_index", "record_id", "by", "before", "after", "query", "streams", "check", "include_proofs")
    LOG_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    log: str
    leaf_index: int
    record_id: str
    by: str
    before: int
    after: int
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    check: EvidenceCheck
    include_proofs: bool
    def __init__(self, log: _Optional[str] = ..., leaf_index: _Optional[int] = ..., record_id: _Optional[str] = ..., by: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class NeighboursResponse(_message.Message):
    __slots__ = ("record", "before", "after", "more_before", "more_after", "unproved_omitted", "by", "value", "missing_leaves")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    MORE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    MORE_AFTER_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MISSING_LEAVES_FIELD_NUMBER: _ClassVar[int]
    record: TimelineEntry
    before: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    after: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    more_before: bool
    more_after: bool
    unproved_omitted: bool
    by: str
    value: str
    missing_leaves: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, record: _Optional[_Union[TimelineEntry, _Mapping]] = ..., before: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., after: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., more_before: _Optional[bool] = ..., more_after: _Optional[bool] = ..., unproved_omitted: _Optional[bool] = ..., by: _Optional[str] = ..., value: _Optional[str] = ..., missing_leaves: _Optional[_Iterable[int]] = ...) -> None: ...

class ValueSummary(_message.Message):
    __slots__ = ("value", "count", "first_seen", "last_seen")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    value: str
    count: int
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FieldSummary(_message.Message):
    __slots__ = ("field", "value_count", "values")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_COUNT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    field: str
    value_count: int
    values: _containers.RepeatedCompositeFieldContainer[ValueSummary]
    def __init__(self, field: _Optional[str] = ..., value_count: _Optional[int] = ..., values: _Optional[_Iterable[_Union[ValueSummary, _Mapping]]] = ...) -> None: ...

class AuditOverview(_message.Message):
    __slots__ = ("event_count", "first_seen", "last_seen", "fields", "implausible_time_count")
    EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    IMPLAUSIBLE_TIME_COUNT_FIELD_NUMBER: _ClassVar[int]
    event_count: int
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    fields: _containers.RepeatedCompositeFieldContainer[FieldSummary]
    implausible_time_count: int
    def __init__(self, event_count: _Optional[int] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fields: _Optional[_Iterable[_Union[FieldSummary, _Mapping]]] = ..., implausible_time_count: _Optional[int] = ...) -> None: ...

class ActorTimelineRequest(_message.Message):
    __slots__ = ("actor_id", "since", "until", "query", "oldest_first", "check", "page_size", "page_token", "include_proofs")
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    actor_id: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    query: str
    oldest_first: bool
    check: EvidenceCheck
    page_size: int
    page_token: str
    include_proofs: bool
    def __init__(self, actor_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., query: _Optional[str] = ..., oldest_first: _Optional[bool] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class ActorTimelineResponse(_message.Message):
    __slots__ = ("actor_id", "overview", "entries", "next_page_token", "unproved_omitted", "actors_of_this_name", "until", "later_count")
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    ACTORS_OF_THIS_NAME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LATER_COUNT_FIELD_NUMBER: _ClassVar[int]
    actor_id: str
    overview: AuditOverview
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    next_page_token: str
    unproved_omitted: bool
    actors_of_this_name: _containers.RepeatedScalarFieldContainer[str]
    until: _timestamp_pb2.Timestamp
    later_count: int
    def __init__(self, actor_id: _Optional[str] = ..., overview: _Optional[_Union[AuditOverview, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., unproved_omitted: _Optional[bool] = ..., actors_of_this_name: _Optional[_Iterable[str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., later_count: _Optional[int] = ...) -> None: ...

class TargetHistoryRequest(_message.Message):
    __slots__ = ("target_id", "since", "until", "query", "oldest_first", "check", "page_size", "page_token", "include_proofs")
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    target_id: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    query: str
    oldest_first: bool
    check: EvidenceCheck
    page_size: int
    page_token: str
    include_proofs: bool
    def __init__(self, target_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., query: _Optional[str] = ..., oldest_first: _Optional[bool] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class TargetHistoryResponse(_message.Message):
    __slots__ = ("target_id", "overview", "entries", "next_page_token", "unproved_omitted", "until", "later_count")
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNPROVED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LATER_COUNT_FIELD_NUMBER: _ClassVar[int]
    target_id: str
    overview: AuditOverview
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    next_page_token: str
    unproved_omitted: bool
    until: _timestamp_pb2.Timestamp
    later_count: int
    def __init__(self, target_id: _Optional[str] = ..., overview: _Optional[_Union[AuditOverview, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., unproved_omitted: _Optional[bool] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., later_count: _Optional[int] = ...) -> None: ...

class CompleteSearchRequest(_message.Message):
    __slots__ = ("query", "streams", "since", "until", "received_since", "received_until", "checkpoints", "limit")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_SINCE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    received_since: _timestamp_pb2.Timestamp
    received_until: _timestamp_pb2.Timestamp
    checkpoints: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checkpoints: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ...) -> None: ...

class CompleteLog(_message.Message):
    __slots__ = ("origin", "log_id", "first_leaf", "end_leaf", "checkpoint")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_LEAF_FIELD_NUMBER: _ClassVar[int]
    END_LEAF_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    origin: str
    log_id: str
    first_leaf: int
    end_leaf: int
    checkpoint: str
    def __init__(self, origin: _Optional[str] = ..., log_id: _Optional[str] = ..., first_leaf: _Optional[int] = ..., end_leaf: _Optional[int] = ..., checkpoint: _Optional[str] = ...) -> None: ...

class CompleteExtent(_message.Message):
    __slots__ = ("logs", "leaves", "unsigned_streams")
    LOGS_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    logs: _containers.RepeatedCompositeFieldContainer[CompleteLog]
    leaves: int
    unsigned_streams: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, logs: _Optional[_Iterable[_Union[CompleteLog, _Mapping]]] = ..., leaves: _Optional[int] = ..., unsigned_streams: _Optional[_Iterable[str]] = ...) -> None: ...

class CompleteRecords(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ...) -> None: ...

class CompleteProgress(_message.Message):
    __slots__ = ("leaves", "total_leaves", "matched")
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LEAVES_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    leaves: int
    total_leaves: int
    matched: int
    def __init__(self, leaves: _Optional[int] = ..., total_leaves: _Optional[int] = ..., matched: _Optional[int] = ...) -> None: ...

class CompleteSummary(_message.Message):
    __slots__ = ("complete", "logs", "leaves", "matched", "given", "expired", "findings", "unsigned_streams")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    logs: _containers.RepeatedCompositeFieldContainer[CompleteLog]
    leaves: int
    matched: int
    given: int
    expired: int
    findings: int
    unsigned_streams: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, complete: _Optional[bool] = ..., logs: _Optional[_Iterable[_Union[CompleteLog, _Mapping]]] = ..., leaves: _Optional[int] = ..., matched: _Optional[int] = ..., given: _Optional[int] = ..., expired: _Optional[int] = ..., findings: _Optional[int] = ..., unsigned_streams: _Optional[_Iterable[str]] = ...) -> None: ...

class CompleteSearchResponse(_message.Message):
    __slots__ = ("extent", "records", "progress", "finding", "summary")
    EXTENT_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    extent: CompleteExtent
    records: CompleteRecords
    progress: CompleteProgress
    finding: _evidence_pb2.Finding
    summary: CompleteSummary
    def __init__(self, extent: _Optional[_Union[CompleteExtent, _Mapping]] = ..., records: _Optional[_Union[CompleteRecords, _Mapping]] = ..., progress: _Optional[_Union[CompleteProgress, _Mapping]] = ..., finding: _Optional[_Union[_evidence_pb2.Finding, _Mapping]] = ..., summary: _Optional[_Union[CompleteSummary, _Mapping]] = ...) -> None: ...

class MissedLeaves(_message.Message):
    __slots__ = ("origin", "first_leaf", "end_leaf", "reason")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    FIRST_LEAF_FIELD_NUMBER: _ClassVar[int]
    END_LEAF_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    origin: str
    first_leaf: int
    end_leaf: int
    reason: MissedReason
    def __init__(self, origin: _Optional[str] = ..., first_leaf: _Optional[int] = ..., end_leaf: _Optional[int] = ..., reason: _Optional[_Union[MissedReason, str]] = ...) -> None: ...

class TailRequest(_message.Message):
    __slots__ = ("query", "streams", "cursor", "check", "most_behind", "include_proofs")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    MOST_BEHIND_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROOFS_FIELD_NUMBER: _ClassVar[int]
    query: str
    streams: _containers.RepeatedScalarFieldContainer[str]
    cursor: str
    check: EvidenceCheck
    most_behind: int
    include_proofs: bool
    def __init__(self, query: _Optional[str] = ..., streams: _Optional[_Iterable[str]] = ..., cursor: _Optional[str] = ..., check: _Optional[_Union[EvidenceCheck, str]] = ..., most_behind: _Optional[int] = ..., include_proofs: _Optional[bool] = ...) -> None: ...

class TailResponse(_message.Message):
    __slots__ = ("entries", "missed", "missed_records", "cursor", "behind")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    MISSED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    missed: _containers.RepeatedCompositeFieldContainer[MissedLeaves]
    missed_records: int
    cursor: str
    behind: int
    def __init__(self, entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., missed: _Optional[_Iterable[_Union[MissedLeaves, _Mapping]]] = ..., missed_records: _Optional[int] = ..., cursor: _Optional[str] = ..., behind: _Optional[int] = ...) -> None: ...
