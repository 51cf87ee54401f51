import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Receipt(_message.Message):
    __slots__ = ("record_id", "integrity_hash", "sink_time", "origin", "log_id", "leaf_index", "proof_url")
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    INTEGRITY_HASH_FIELD_NUMBER: _ClassVar[int]
    SINK_TIME_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    PROOF_URL_FIELD_NUMBER: _ClassVar[int]
    record_id: str
    integrity_hash: str
    sink_time: _timestamp_pb2.Timestamp
    origin: str
    log_id: str
    leaf_index: int
    proof_url: str
    def __init__(self, record_id: _Optional[str] = ..., integrity_hash: _Optional[str] = ..., sink_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., origin: _Optional[str] = ..., log_id: _Optional[str] = ..., leaf_index: _Optional[int] = ..., proof_url: _Optional[str] = ...) -> None: ...

class AuditExportResponse(_message.Message):
    __slots__ = ("receipts", "receipts_omitted")
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_OMITTED_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    receipts_omitted: bool
    def __init__(self, receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ..., receipts_omitted: _Optional[bool] = ...) -> None: ...

class GetReceiptRequest(_message.Message):
    __slots__ = ("record_id",)
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    record_id: str
    def __init__(self, record_id: _Optional[str] = ...) -> None: ...

class GetReceiptResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: Receipt
    def __init__(self, receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...
