from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DiscloseRequest(_message.Message):
    __slots__ = ("commitments",)
    COMMITMENTS_FIELD_NUMBER: _ClassVar[int]
    commitments: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, commitments: _Optional[_Iterable[str]] = ...) -> None: ...

class DiscloseResponse(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[DisclosedValue]
    def __init__(self, values: _Optional[_Iterable[_Union[DisclosedValue, _Mapping]]] = ...) -> None: ...

class DisclosedValue(_message.Message):
    __slots__ = ("commitment", "salt", "value", "rule")
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    commitment: str
    salt: bytes
    value: bytes
    rule: str
    def __init__(self, commitment: _Optional[str] = ..., salt: _Optional[bytes] = ..., value: _Optional[bytes] = ..., rule: _Optional[str] = ...) -> None: ...

class EraseRequest(_message.Message):
    __slots__ = ("actor", "value", "reason", "requested_by")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    actor: str
    value: str
    reason: str
    requested_by: str
    def __init__(self, actor: _Optional[str] = ..., value: _Optional[str] = ..., reason: _Optional[str] = ..., requested_by: _Optional[str] = ...) -> None: ...

class EraseResponse(_message.Message):
    __slots__ = ("erased",)
    ERASED_FIELD_NUMBER: _ClassVar[int]
    erased: int
    def __init__(self, erased: _Optional[int] = ...) -> None: ...
