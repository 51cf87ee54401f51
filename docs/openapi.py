"""The OpenAPI document of the HTTP API: built from the ``.proto`` files, their comments, and the table of paths.

Run ``python docs/openapi.py`` after changing either; ``server/api/openapi.json`` is what the server hands out. A test
fails if it is out of date.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from grpc_tools import protoc

__all__ = ["DOCUMENT", "OPERATIONS", "Operation", "build_document", "document_text"]

_ROOT = Path(__file__).resolve().parents[1]
_PROTOS = _ROOT / "proto" / "lognotary" / "v1"
DOCUMENT = _ROOT / "server" / "api" / "openapi.json"
"""The file that the server hands out."""

_Json = dict[str, Any]
_NDJSON = "application/x-ndjson"
_EXPORTS = ("application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")


@dataclass(frozen=True, slots=True)
class Operation:
    """A call over HTTP.

    Attributes:
        path: its path, with the fields of the request that it has in braces.
        call: service and name of the call over gRPC.
        method: the HTTP method.
        errors: status codes of errors, beside those of every call.
        media: media types of the answer.
    """

    path: str
    call: str
    method: str = "get"
    errors: tuple[int, ...] = ()
    media: tuple[str, ...] = ("application/json",)


_EVERY = (400, 429, 500, 503)  # status codes of errors that any call may have
_QUERY = (422,)

OPERATIONS = (
    Operation("/api/v1/search", "CorrelationService.Search", errors=_QUERY),
    Operation("/api/v1/audit-events", "CorrelationService.SearchAuditEvents", errors=_QUERY),
    Operation("/api/v1/traces", "CorrelationService.FindTraces", errors=_QUERY),
    Operation("/api/v1/traces/{trace_id}", "CorrelationService.GetTrace", errors=(404, *_QUERY)),
    Operation("/api/v1/actors/{actor_id}", "CorrelationService.ActorTimeline", errors=(404, *_QUERY)),
    Operation("/api/v1/targets/{target_id}", "CorrelationService.TargetHistory", errors=(404, *_QUERY)),
    Operation("/api/v1/neighbours", "CorrelationService.Neighbours", errors=(404, *_QUERY)),
    Operation("/api/v1/histogram", "CorrelationService.Histogram", errors=_QUERY),
    Operation("/api/v1/facets", "CorrelationService.Facets", errors=_QUERY),
    Operation("/api/v1/field-names", "CorrelationService.FieldNames", errors=_QUERY),
    Operation("/api/v1/export", "CorrelationService.Export", errors=_QUERY, media=_EXPORTS),
    Operation("/api/v1/complete-search", "CorrelationService.CompleteSearch", "post", errors=_QUERY, media=(_NDJSON,)),
    Operation("/api/v1/tail", "CorrelationService.Tail", errors=_QUERY, media=(_NDJSON,)),
    Operation("/api/v1/logs", "EvidenceService.ListLogs"),
    Operation("/api/v1/logs/{log}/checkpoint", "EvidenceService.GetCheckpoint", errors=(404,)),
    Operation("/api/v1/logs/{log}/inclusion-proof", "EvidenceService.GetInclusionProof", errors=(404,)),
    Operation("/api/v1/logs/{log}/consistency-proof", "EvidenceService.GetConsistencyProof", errors=(404,)),
    Operation("/api/v1/verify", "EvidenceService.Verify", "post", media=(_NDJSON,)),
    Operation("/api/v1/status", "StatusService.GetStatus"),
)
"""The calls of the gRPC API that are served over HTTP."""

_ERRORS = {
    400: "A parameter, or the query, is wrong; the message says which, and what is valid.",
    404: "What was asked for is not stored.",
    422: "The query reached a limit of time, rows or memory; the message says which, and how to narrow it.",
    429: "Too many calls at the same time: try again.",
    500: "What is stored is not what was signed, or the server failed.",
    503: "Storage cannot be read now: try again.",
}
_TYPES: Mapping[int, _Json] = {
    FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    FieldDescriptorProto.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptorProto.TYPE_DOUBLE: {"type": "number"},
    FieldDescriptorProto.TYPE_INT32: {"type": "integer", "minimum": -(1 << 31), "maximum": (1 << 31) - 1},
    FieldDescriptorProto.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1},
    # JSON's numbers have too few digits for many readers, so protobuf's mapping writes these as texts.
    FieldDescriptorProto.TYPE_INT64: {"type": "string", "pattern": "^-?[0-9]{1,19}$"},
    FieldDescriptorProto.TYPE_UINT64: {"type": "string", "pattern": "^[0-9]{1,20}$"},
}
_TIMESTAMP = ".google.protobuf.Timestamp"


@dataclass(frozen=True, slots=True)
class _Protos:
    """The contents of the ``.proto`` files, by full names that begin with a dot."""

    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    enums: dict[str, EnumDescriptorProto] = field(default_factory=dict)
    calls: dict[str, MethodDescriptorProto] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def document_text() -> str:
    """Return the document as it is stored."""
    return json.dumps(build_document(), indent=1, ensure_ascii=False) + "\n"


def build_document() -> _Json:
    """Return the document.

    Raises:
        KeyError: the table of paths has a call that no ``.proto`` file has.
    """
    protos = _read_protos()
    used: dict[str, _Json] = {}
    paths: _Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(protos, operation, used)
    paths |= _OTHER_PATHS
    waiting = list(used)
    while waiting:
        name = waiting.pop()
        if not used[name]:
            before = set(used)
            used[name].update(_schema(protos, name, used))
            waiting += [each for each in used if each not in before]
    schemas = {_short(name): used[name] for name in sorted(used)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lognotary",
            "version": "1",
            "summary": "Audit records, logs and spans with evidence that anyone can check.",
            "description": "The calls of the gRPC API as JSON, by protobuf's JSON mapping: numbers of 64 bits are "
            "texts, times are RFC 3339 with up to nine digits after the point. Unknown parameters are refused.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **schemas},
            "responses": {str(status): _error_response(status) for status in _ERRORS},
        },
    }


_ERROR = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "Name of the status code that the gRPC API has for this."},
        "message": {"type": "string", "description": "A sentence that says what is wrong, and what to do."},
    },
    "required": ["code", "message"],
}


def _error_response(status: int) -> _Json:
    response: _Json = {
        "description": _ERRORS[status],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
        }
    return response


def _operation(protos: _Protos, operation: Operation, used: dict[str, _Json]) -> _Json:
    call = protos.calls[operation.call]
    service, _, name = operation.call.partition(".")
    in_path = re.findall(r"\{(\w+)\}", operation.path)
    request = protos.messages[call.input_type]
    found: _Json = {
        "operationId": name[:1].lower() + name[1:],
        "summary": protos.comments[operation.call],
        "tags": [service],
    }
    if operation.method == "post":
        used.setdefault(call.input_type, {})
        found["requestBody"] = {"content": {"application/json": {"schema": _reference(call.input_type)}}}
    else:
        found["parameters"] = list(_parameters(protos, call.input_type, request, in_path, used))
    used.setdefault(call.output_type, {})
    if operation.media == _EXPORTS:
        content: _Json = {kind: {"schema": {"type": "string"}} for kind in operation.media}
        del used[call.output_type]
    else:
        content = {kind: {"schema": _reference(call.output_type)} for kind in operation.media}
    what = "One message on each line." if operation.media == (_NDJSON,) else "The answer."
    ok: _Json = {"description": "The file." if operation.media == _EXPORTS else what, "content": content}
    if operation.media == _EXPORTS:
        ok["headers"] = {
            "Lognotary-Manifest": {
                "description": "Path of the signed manifest, which is there once the download is complete.",
                "schema": {"type": "string"},
            }
        }
    errors = sorted({*_EVERY, *operation.errors})
    found["responses"] = {
        "200": ok,
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in errors},
    }
    return found


def _parameters(
    protos: _Protos, name: str, request: DescriptorProto, in_path: list[str], used: dict[str, _Json]
) -> Iterator[_Json]:
    for each in request.field:
        is_list = each.label == FieldDescriptorProto.LABEL_REPEATED
        schema = _field_schema(protos, each, used)
        found: _Json = {
            "name": each.name if each.name in in_path else each.json_name,
            "in": "path" if each.name in in_path else "query",
            "schema": schema,
        }
        if each.name in in_path:
            found["required"] = True
            schema["minLength"] = 1
        if is_list:
            found |= {"style": "form", "explode": False}
            schema["items"] |= {"pattern": "^[^,]*$"} if schema["items"] == {"type": "string"} else {}
        if comment := protos.comments.get(f"{name}.{each.name}"):
            found["description"] = comment
        yield found


def _schema(protos: _Protos, name: str, used: dict[str, _Json]) -> _Json:
    described: _Json = {"description": comment} if (comment := protos.comments.get(name)) else {}
    if enum := protos.enums.get(name):
        lines = [f"{each.name}: {text}" for each in enum.value if (text := protos.comments.get(f"{name}.{each.name}"))]
        if lines:
            described["description"] = "\n".join([*described.values(), *lines])
        return {"type": "string", "enum": [each.name for each in enum.value], **described}
    message = protos.messages[name]
    properties: _Json = {}
    for each in message.field:
        schema = _field_schema(protos, each, used)
        if text := protos.comments.get(f"{name}.{each.name}"):
            schema = {**schema, "description": text}
        properties[each.json_name] = schema
    found: _Json = {"type": "object", **described, "properties": properties}
    choices = [each.json_name for each in message.field if each.HasField("oneof_index") and not each.proto3_optional]
    if name.endswith("Request"):
        found["additionalProperties"] = False
        found["properties"] = {key: _or_null(schema) for key, schema in properties.items()}
    else:
        found["required"] = [each.json_name for each in message.field if not _has_presence(each)]
    if choices and len(choices) == len(message.field):
        found["oneOf"] = [{"required": [choice]} for choice in choices]
    return found


def _or_null(schema: _Json) -> _Json:
    """Return the schema of a field that may be null in a request, which is as if it were not there."""
    if "type" not in schema:  # a reference to a message or an enumeration
        described = {name: schema[name] for name in ("description",) if name in schema}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **described}
    return {**schema, "type": [schema["type"], "null"]}


def _has_presence(each: FieldDescriptorProto) -> bool:
    if each.label == FieldDescriptorProto.LABEL_REPEATED:
        return False
    return each.HasField("oneof_index") or each.type == FieldDescriptorProto.TYPE_MESSAGE


def _field_schema(protos: _Protos, each: FieldDescriptorProto, used: dict[str, _Json]) -> _Json:
    if (
        each.type == FieldDescriptorProto.TYPE_MESSAGE
        and protos.messages.get(each.type_name, DescriptorProto()).options.map_entry
    ):
        value = next(inner for inner in protos.messages[each.type_name].field if inner.name == "value")
        return {"type": "object", "additionalProperties": _field_schema(protos, value, used)}
    if each.type_name == _TIMESTAMP:
        one: _Json = {"type": "string", "format": "date-time"}
    elif each.type in (FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_ENUM):
        used.setdefault(each.type_name, {})
        one = _reference(each.type_name)
    else:
        one = dict(_TYPES[each.type])
    return {"type": "array", "items": one} if each.label == FieldDescriptorProto.LABEL_REPEATED else one


def _reference(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{_short(name)}"}


def _short(name: str) -> str:
    return name.removeprefix(".lognotary.v1.")


def _read_protos() -> _Protos:
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "set"
        include = Path(grpc_tools.__file__).parent / "_proto"
        files = sorted(str(file.relative_to(_ROOT / "proto")) for file in _PROTOS.glob("*.proto"))
        flags = [f"-I{_ROOT / 'proto'}", f"-I{include}", "--include_source_info", f"--descriptor_set_out={target}"]
        if status := protoc.main(["protoc", *flags, *files]):
            raise RuntimeError(f"protoc ended with status {status}")
        read = FileDescriptorSet.FromString(target.read_bytes())
    found = _Protos()
    for file in read.file:
        _add_file(found, file)
    return found


def _add_file(found: _Protos, file: FileDescriptorProto) -> None:
    comments = {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}

    def note(name: str, *path: int) -> None:
        if text := comments.get(path):
            found.comments[name] = text

    for number, message in enumerate(file.message_type):
        name = f".{file.package}.{message.name}"
        found.messages[name] = message
        found.messages.update({f"{name}.{nested.name}": nested for nested in message.nested_type})
        note(name, 4, number)
        for place, each in enumerate(message.field):
            note(f"{name}.{each.name}", 4, number, 2, place)
    for number, enum in enumerate(file.enum_type):
        name = f".{file.package}.{enum.name}"
        found.enums[name] = enum
        note(name, 5, number)
        for place, value in enumerate(enum.value):
            note(f"{name}.{value.name}", 5, number, 2, place)
    for number, service in enumerate(file.service):
        for place, call in enumerate(service.method):
            name = f"{service.name}.{call.name}"
            found.calls[name] = call
            note(name, 6, number, 2, place)


def _text(description: str, kind: str = "text/plain") -> _Json:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def _get(name: str, summary: str, responses: _Json, parameters: list[_Json] | None = None) -> _Json:
    found: _Json = {"operationId": name, "summary": summary, "responses": responses}
    return {"get": {**found, "parameters": parameters} if parameters else found}


def _in_path(name: str, description: str, **schema: str) -> _Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_OF_A_TILE = {"404": {"$ref": "#/components/responses/404"}, "503": {"$ref": "#/components/responses/503"}}
_LOG_ID = _in_path("log_id", "First 16 hexadecimal digits of SHA-256(origin).", pattern="^[0-9a-f]{16}$")
_OTHER_PATHS: _Json = {
    "/api/v1/export-manifests/{name}": _get(
        "getExportManifest",
        "Returns the signed manifest of a download.",
        {"200": _text("The manifest, a signed note."), "404": {"$ref": "#/components/responses/404"}},
        [_in_path("name", "Last part of the header Lognotary-Manifest of the download.", pattern="^.+$")],
    ),
    "/api/openapi.json": _get(
        "getOpenApi",
        "Returns this document.",
        {"200": {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}},
    ),
    "/tlog/{log_id}/checkpoint": _get(
        "getLatestCheckpoint",
        "Returns the latest checkpoint of a log (C2SP tlog-checkpoint).",
        {"200": _text("A signed note."), "500": {"$ref": "#/components/responses/500"}, **_OF_A_TILE},
        [_LOG_ID],
    ),
    "/tlog/{log_id}/tile/{level}/{index}": _get(
        "getTile",
        "Returns hashes of the tree, or entries, of a log (C2SP tlog-tiles).",
        {
            "200": {
                "description": "Hashes of 32 bytes each, at most 256.",
                "content": {"application/octet-stream": {"schema": {"type": "string"}}},
            },
            "500": {"$ref": "#/components/responses/500"},
            **_OF_A_TILE,
        },
        [
            _LOG_ID,
            _in_path(
                "level", "Level of the tile, 'entries' for entries.", pattern="^([0-9]|[1-5][0-9]|6[0-3]|entries)$"
            ),
            _in_path("index", "Number of the tile in groups of three digits; '.p/' and its width for a partial tile."),
        ],
    ),
    "/trace/{trace_id}": _get(
        "openTrace",
        "Leads from links of other tools to a trace.",
        {
            "307": {
                "description": "Where the trace is.",
                "headers": {"Location": {"description": "Its address.", "schema": {"type": "string"}}},
            },
            "400": {"$ref": "#/components/responses/400"},
        },
        [_in_path("trace_id", "A trace ID, in any of the forms in which tools write it.", pattern="^.+$")],
    ),
    "/healthz": _get("getHealth", "Tells that the process works.", {"200": _text("It works.")}),
    "/readyz": _get(
        "getReadiness",
        "Tells whether records can be acknowledged.",
        {"200": _text("They can."), "503": _text("They cannot; the text says why.")},
    ),
    "/metrics": _get(
        "getMetrics",
        "Returns the server's metrics in Prometheus' text format.",
        {"200": _text("The metrics.", "text/plain")},
    ),
}


if __name__ == "__main__":
    DOCUMENT.write_text(document_text(), encoding="utf-8")
