import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HoldScope(_message.Message):
    __slots__ = ("stream", "since", "until", "service", "actor", "trace_id", "category")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    stream: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    service: str
    actor: str
    trace_id: str
    category: str
    def __init__(self, stream: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., service: _Optional[str] = ..., actor: _Optional[str] = ..., trace_id: _Optional[str] = ..., category: _Optional[str] = ...) -> None: ...

class PolicyAct(_message.Message):
    __slots__ = ("reason", "actor", "caller", "time")
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    reason: str
    actor: str
    caller: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, reason: _Optional[str] = ..., actor: _Optional[str] = ..., caller: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("name", "scope", "added", "released")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    name: str
    scope: HoldScope
    added: PolicyAct
    released: PolicyAct
    def __init__(self, name: _Optional[str] = ..., scope: _Optional[_Union[HoldScope, _Mapping]] = ..., added: _Optional[_Union[PolicyAct, _Mapping]] = ..., released: _Optional[_Union[PolicyAct, _Mapping]] = ...) -> None: ...

class AddHoldRequest(_message.Message):
    __slots__ = ("name", "scope", "reason", "actor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    scope: HoldScope
    reason: str
    actor: str
    def __init__(self, name: _Optional[str] = ..., scope: _Optional[_Union[HoldScope, _Mapping]] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class AddHoldResponse(_message.Message):
    __slots__ = ("hold", "records", "disclosed_values", "hidden_actors")
    HOLD_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    DISCLOSED_VALUES_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_ACTORS_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    records: int
    disclosed_values: int
    hidden_actors: int
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ..., records: _Optional[int] = ..., disclosed_values: _Optional[int] = ..., hidden_actors: _Optional[int] = ...) -> None: ...

class ListHoldsRequest(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: _Optional[bool] = ...) -> None: ...

class ListHoldsResponse(_message.Message):
    __slots__ = ("holds",)
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    holds: _containers.RepeatedCompositeFieldContainer[Hold]
    def __init__(self, holds: _Optional[_Iterable[_Union[Hold, _Mapping]]] = ...) -> None: ...

class ReleaseHoldRequest(_message.Message):
    __slots__ = ("name", "reason", "actor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    actor: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class ReleaseHoldResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ...) -> None: ...

class GetRetentionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RetentionRule(_message.Message):
    __slots__ = ("category", "service", "attribute", "days")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    category: str
    service: str
    attribute: str
    days: int
    def __init__(self, category: _Optional[str] = ..., service: _Optional[str] = ..., attribute: _Optional[str] = ..., days: _Optional[int] = ...) -> None: ...

class StreamRetention(_message.Message):
    __slots__ = ("stream", "days", "rules", "shortest_days")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    SHORTEST_DAYS_FIELD_NUMBER: _ClassVar[int]
    stream: str
    days: int
    rules: _containers.RepeatedCompositeFieldContainer[RetentionRule]
    shortest_days: int
    def __init__(self, stream: _Optional[str] = ..., days: _Optional[int] = ..., rules: _Optional[_Iterable[_Union[RetentionRule, _Mapping]]] = ..., shortest_days: _Optional[int] = ...) -> None: ...

class GetRetentionResponse(_message.Message):
    __slots__ = ("streams", "holds")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[StreamRetention]
    holds: int
    def __init__(self, streams: _Optional[_Iterable[_Union[StreamRetention, _Mapping]]] = ..., holds: _Optional[int] = ...) -> None: ...

class DropTenantRequest(_message.Message):
    __slots__ = ("tenant", "reason", "actor")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    reason: str
    actor: str
    def __init__(self, tenant: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class DroppedLog(_message.Message):
    __slots__ = ("origin", "entries")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    origin: str
    entries: int
    def __init__(self, origin: _Optional[str] = ..., entries: _Optional[int] = ...) -> None: ...

class DropTenantResponse(_message.Message):
    __slots__ = ("tenant", "audit_records", "operational_records", "spans", "disclosed_values", "audit_record_ids", "logs", "kept_logs")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    AUDIT_RECORDS_FIELD_NUMBER: _ClassVar[int]
    OPERATIONAL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    DISCLOSED_VALUES_FIELD_NUMBER: _ClassVar[int]
    AUDIT_RECORD_IDS_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    KEPT_LOGS_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    audit_records: int
    operational_records: int
    spans: int
    disclosed_values: int
    audit_record_ids: int
    logs: _containers.RepeatedCompositeFieldContainer[DroppedLog]
    kept_logs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, tenant: _Optional[str] = ..., audit_records: _Optional[int] = ..., operational_records: _Optional[int] = ..., spans: _Optional[int] = ..., disclosed_values: _Optional[int] = ..., audit_record_ids: _Optional[int] = ..., logs: _Optional[_Iterable[_Union[DroppedLog, _Mapping]]] = ..., kept_logs: _Optional[_Iterable[str]] = ...) -> None: ...
