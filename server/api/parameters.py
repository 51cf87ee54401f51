"""Requests of the HTTP API, with errors in words that name the parameter and its valid values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from server.access_log.calls import note_request
from server.api.errors import InvalidArgumentError
from server.errors.suggestions import did_you_mean, not_one_of

__all__ = ["parse_body", "parse_parameters"]

_MessageT = TypeVar("_MessageT", bound=Message)
_WORDS = {"true": True, "false": False}
_WELL_KNOWN = "google.protobuf"
_STEP = re.compile(r"^~(?=~*\.{1,2}$)")
_TIME = "a time in RFC 3339, such as 2026-01-31T12:00:00Z"


def parse_parameters(query: Iterable[tuple[str, str]], path: Mapping[str, str], message: _MessageT) -> _MessageT:
    """Fill a request from query parameters and from the path.

    Clients take the segments ``.`` and ``..`` for steps in a path, also percent-encoded ones (WHATWG URL, section
    4.4). So a tilde in front keeps an ID of this form: ``~..`` stands for ``..``, and ``~~..`` for ``~..``.

    Raises:
        InvalidArgumentError: a parameter is unknown, given twice, or has a value of the wrong form.
    """
    named = ((name, _STEP.sub("", value)) for name, value in path.items())
    return _noted(_filled(message, "parameter", (*named, *query)))


def parse_body(values: Any, message: _MessageT) -> _MessageT:
    """Fill a request from the JSON of a body.

    Raises:
        InvalidArgumentError: the body is not an object, has an unknown field, or a value of the wrong form.
    """
    if not isinstance(values, dict):  # ParseDict would accept an empty list as an empty object
        raise InvalidArgumentError(f"not a {message.DESCRIPTOR.name}: the body is not a JSON object")
    return _noted(_filled(message, "field", values.items()))


def _noted(message: _MessageT) -> _MessageT:
    note_request(message)
    return message


def _field(message: Message, name: str, what: str) -> Any:
    fields = message.DESCRIPTOR.fields
    for field in fields:
        if name in (field.name, field.json_name):
            return field
    names = [field.json_name for field in fields]
    meant = did_you_mean(name, names)
    listed = f"valid are {', '.join(names)}" if names else "there are none here"
    raise InvalidArgumentError(f"unknown {what} {name[:80]!r}{meant} ({listed})")


def _filled(message: _MessageT, what: str, values: Iterable[tuple[str, Any]]) -> _MessageT:
    given: set[str] = set()
    for name, value in values:
        field = _field(message, name, what)
        if field.json_name in given:
            raise InvalidArgumentError(f"the {what} {name} is given twice: give it once")
        given.add(field.json_name)
        if (choice := field.containing_oneof) and (other := message.WhichOneof(choice.name)):
            raise InvalidArgumentError(f"{other} and {name} are given: give one of them")
        is_word = what == "parameter" and field.type == field.TYPE_BOOL
        try:
            if what == "parameter" and field.is_repeated:
                value = value.split(",")
            if field.enum_type is not None:
                field.enum_type.values_by_name[value]  # ParseDict would take numbers, too
            if _is_object(field) and value is not None:
                _fill_object(message, field, value)
                continue
            ParseDict({field.json_name: _WORDS.get(value, value) if is_word else value}, message)
        except (ParseError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise InvalidArgumentError(f"{name}: {_explain(field, value)}") from error
    return message


def _is_object(field: Any) -> bool:
    """Return whether a field is one message with fields of its own."""
    kind = field.message_type
    return not (kind is None or field.is_repeated or kind.GetOptions().map_entry or kind.file.package == _WELL_KNOWN)


def _fill_object(message: Message, field: Any, value: Any) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{field.json_name} is not an object")
    inner = getattr(message, field.name)
    inner.SetInParent()
    try:
        _filled(inner, "field", value.items())
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{field.json_name}: {error}") from error


def _explain(field: Any, value: Any) -> str:
    if field.enum_type is not None:
        return not_one_of(str(value), [choice.name for choice in field.enum_type.values if choice.number])
    expected = _expected(field)
    if isinstance(value, (dict, list)):
        return f"must be {expected}"
    return f"{str(value)[:80]!r} is not {expected}"


def _expected(field: Any) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return f"an object, in which each value is {_expected(value)}"
    one = {
        FieldDescriptor.CPPTYPE_INT32: "a whole number",
        FieldDescriptor.CPPTYPE_INT64: "a whole number",
        FieldDescriptor.CPPTYPE_UINT32: "a whole number from 0 to 4294967295",
        FieldDescriptor.CPPTYPE_UINT64: "a whole number of at least 0",
        FieldDescriptor.CPPTYPE_BOOL: "true or false",
        FieldDescriptor.CPPTYPE_STRING: "a text",
    }.get(field.cpp_type) or (_TIME if field.message_type.file.package == _WELL_KNOWN else "an object")
    return f"a list, in which each item is {one}" if field.is_repeated else one
