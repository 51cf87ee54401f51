"""Parts of decoding that log records and spans have in common: the request, resources, scopes, attributes, ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from server.codec.limits import MalformedReason, check_members, malformed
from server.codec.records import Attributes, Repeated, Source
from server.codec.redaction import Redactor
from server.codec.signals import Signal
from server.codec.unread import find_unread, unread_error, with_present_numbers
from server.codec.values import as_string, json_text, member_types

__all__ = [
    "ALL_STRINGS",
    "MAX_TIME",
    "attributes_of",
    "details_json",
    "hex_id",
    "order_details",
    "parse",
    "reason_of",
    "repeated_of",
    "resource_of",
    "source_of",
    "with_detail",
]

MAX_TIME = 2**63 - 1
"""Nanoseconds since the epoch: DateTime64(9) is a signed 64-bit number of them."""

ALL_STRINGS = b"{}"
"""The types of attributes that are all strings."""

_Request = TypeVar("_Request", bound=Message)


def parse(kind: type[_Request], request: bytes, signal: Signal) -> _Request:
    """Return a request as a message without unknown fields.

    Args:
        kind: class of the message.
        request: the serialized request.
        signal: the signal whose requests these are.

    Raises:
        MalformedRequestError: the bytes are not such a request, or part of it would not be kept.
    """
    try:
        message = kind.FromString(request)
        if any_unknown := _discard_unknown(message):
            message = kind.FromString(with_present_numbers(request))
    except DecodeError as error:
        raise malformed(request, reason_of(error), signal) from error
    if any_unknown and (unread := find_unread(request, signal)):
        raise unread_error(unread, signal)
    return message


def reason_of(error: DecodeError) -> MalformedReason:
    """Return why protobuf cannot decode a message."""
    text = str(error)
    if "UTF-8" in text:
        return MalformedReason.NOT_UTF8
    return MalformedReason.TOO_DEEP if "epth" in text else MalformedReason.BROKEN


def resource_of(owner: ResourceLogs | ResourceSpans, redactor: Redactor) -> Source:
    """Return a redacted resource with its schema URL, as a source without scope.

    Raises:
        MalformedRequestError: a list of attributes is too long.
    """
    redacted, made = Counter[str](), len(redactor.disclosures)
    redactor.redact_attributes(owner.resource.attributes, redacted)
    attributes, types = attributes_of(owner.resource.attributes)
    return Source(
        service_name=_service_name(owner.resource),
        resource_schema_url=owner.schema_url.encode(),
        resource_attributes=attributes,
        resource_repeated=repeated_of(owner.resource.attributes),
        details=_resource_details(owner.resource, types),
        redacted=redacted,
        commitments=redactor.commitments(made),
    )


def source_of(resource: Source, owner: ScopeLogs | ScopeSpans, redactor: Redactor) -> Source:
    """Return a redacted scope with its schema URL, and the resource to which it belongs.

    Raises:
        MalformedRequestError: a list of attributes is too long.
    """
    redacted, made = Counter(resource.redacted), len(redactor.disclosures)
    redactor.redact_attributes(owner.scope.attributes, redacted)
    attributes, types = attributes_of(owner.scope.attributes)
    return replace(
        resource,
        scope_schema_url=owner.schema_url.encode(),
        scope_name=owner.scope.name.encode(),
        scope_version=owner.scope.version.encode(),
        scope_attributes=attributes,
        scope_repeated=repeated_of(owner.scope.attributes),
        details=_scope_details(owner.scope, types) + resource.details,
        redacted=redacted,
        commitments=resource.commitments + redactor.commitments(made),
    )


def attributes_of(attributes: Collection[KeyValue]) -> tuple[Attributes, bytes]:
    """Return the sorted attributes, and their types as the type of a key-value list.

    Raises:
        MalformedRequestError: the list is too long.
    """
    check_members(attributes)
    entries = sorted((attribute.key.encode(), *as_string(attribute.value)) for attribute in attributes)
    types = member_types([(key, kind) for key, _, kind in entries])
    return tuple([(key, text) for key, text, _ in entries]), types


def repeated_of(attributes: Collection[KeyValue]) -> Repeated:
    """Return the keys that are there more than once, each with its values in the order in which they were sent."""
    values: dict[str, list[AnyValue]] = {}
    for attribute in attributes:
        values.setdefault(attribute.key, []).append(attribute.value)
    return tuple(
        (key.encode(), tuple(as_string(value)[0] for value in values[key]))
        for key in sorted(values, key=str.encode)
        if len(values[key]) > 1
    )


def order_details(name: bytes, repeated: Repeated) -> list[bytes]:
    """Return the detail that tells the order in which the values of repeated keys were sent, if it is not their order.

    It has the positions of the values in their stored order, from 0. Equal values have one position each, in order.
    """
    orders = []
    for key, values in repeated:
        ranks = sorted(range(len(values)), key=values.__getitem__)
        if ranks == list(range(len(values))):
            continue
        places = {sent: stored for stored, sent in enumerate(ranks)}
        orders.append(json_text(key.decode()) + b":" + json_text([places[sent] for sent in range(len(values))]))
    return [b'"%b":{%b}' % (name, b",".join(orders))] if orders else []


def hex_id(raw: bytes, size: int) -> bytes:
    """Return a trace or span id in lower-case hex digits; empty if it is invalid: of another size, or all zero."""
    return raw.hex().encode() if len(raw) == size and any(raw) else b""


def details_json(members: Sequence[bytes]) -> bytes:
    """Return details as they are stored: a JSON object of members, or nothing."""
    return b"{" + b",".join(members) + b"}" if members else b""


def with_detail(details: bytes, member: bytes) -> bytes:
    """Return details with a further member at their end."""
    return details[:-1] + b"," + member + b"}" if details else b"{" + member + b"}"


def _discard_unknown(message: Message) -> bool:
    """Discard all fields that protobuf's classes do not know; return True if there were any."""
    # Comparing sizes is fast, and creates no object for each of the millions of unknown fields that a request can have.
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return message.ByteSize() != size


def _service_name(resource: Resource) -> bytes:
    for attribute in resource.attributes:
        if attribute.key == "service.name":
            return as_string(attribute.value)[0]
    return b""


def _scope_details(scope: InstrumentationScope, types: bytes) -> tuple[bytes, ...]:
    details = []
    if types != ALL_STRINGS:
        details.append(b'"scope":' + types)
    details += order_details(b"scope_order", repeated_of(scope.attributes))
    if scope.dropped_attributes_count:
        details.append(b'"scope_dropped":%d' % scope.dropped_attributes_count)
    return tuple(details)


def _resource_details(resource: Resource, types: bytes) -> tuple[bytes, ...]:
    details = []
    if types != ALL_STRINGS:
        details.append(b'"resource":' + types)
    details += order_details(b"resource_order", repeated_of(resource.attributes))
    if resource.dropped_attributes_count:
        details.append(b'"resource_dropped":%d' % resource.dropped_attributes_count)
    for entity in resource.entity_refs:
        check_members(entity.id_keys)
        check_members(entity.description_keys)
    if check_members(resource.entity_refs):
        details.append(
            b'"entity_refs":'
            + json_text(
                [
                    {
                        "schema_url": entity.schema_url,
                        "type": entity.type,
                        "id_keys": list(entity.id_keys),
                        "description_keys": list(entity.description_keys),
                    }
                    for entity in resource.entity_refs
                ]
            )
        )
    return tuple(details)
