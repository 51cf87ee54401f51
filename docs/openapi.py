"""The OpenAPI document of the HTTP API: built from the ``.proto`` files, their comments, and the table of paths.

Run ``python -m docs.openapi`` after changing either; ``server/api/openapi.json`` is what the server hands out. A test
fails if it is out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from docs.openapi_paths import BUNDLES, EXPORTS, IN_PATHS, NDJSON, OPERATIONS, OTHER_PATHS, Json, Operation
from docs.openapi_schemas import Schemas
from docs.proto_files import Protos, read_protos

__all__ = ["DOCUMENT", "build_document", "document_text"]

DOCUMENT = Path(__file__).resolve().parents[1] / "server" / "api" / "openapi.json"
"""The file that the server hands out."""

_EVERY = (400, 429, 500, 503)  # status codes of errors that any call may have
_WITH_BODY = (413,)  # of calls with a body
_ERRORS = {
    400: "A parameter, or the query, is wrong; the message says which, and what is valid.",
    403: "The caller may not make this call.",
    404: "The requested object is not stored.",
    409: "The state of things forbids the call; the message says what to do.",
    413: "The body is larger than 1 MiB.",
    422: "The query reached a limit of time, rows or memory; the message says which, and how to narrow it.",
    429: "Too many calls at the same time: try again.",
    500: "The stored data is not what was signed, or the server failed.",
    503: "Storage cannot be read now: try again.",
}
_ERROR = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "Name of the status code that the gRPC API has for this."},
        "message": {"type": "string", "description": "A sentence that says what is wrong, and what to do."},
    },
    "required": ["code", "message"],
}


def document_text() -> str:
    """Return the document as it is stored."""
    return json.dumps(build_document(), indent=1, ensure_ascii=False) + "\n"


def build_document() -> Json:
    """Return the document.

    Raises:
        KeyError: the table of paths has a call that is in no ``.proto`` file.
    """
    protos = read_protos()
    schemas = Schemas(protos)
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(protos, operation, schemas)
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
        "paths": paths | OTHER_PATHS,
        "components": {
            "schemas": {"Error": _ERROR, **schemas.referred()},
            "responses": {str(status): _error_response(status) for status in _ERRORS},
        },
    }


def _error_response(status: int) -> Json:
    response: Json = {
        "description": _ERRORS[status],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
        }
    return response


def _operation(protos: Protos, operation: Operation, schemas: Schemas) -> Json:
    call = protos.calls[operation.call]
    service, _, name = operation.call.partition(".")
    in_path = re.findall(r"\{(\w+)\}", operation.path)
    found: Json = {
        "operationId": name[:1].lower() + name[1:],
        "summary": protos.comments[operation.call],
        "tags": [service],
    }
    if operation.method == "post":
        if in_path:
            every = _parameters(protos, call.input_type, in_path, schemas)
            found["parameters"] = [each for each in every if each["in"] == "path"]
        found["requestBody"] = {"content": {"application/json": {"schema": schemas.reference(call.input_type)}}}
    else:
        found["parameters"] = [*_parameters(protos, call.input_type, in_path, schemas), *operation.more]
    is_file = operation.media in (EXPORTS, BUNDLES)
    if is_file:
        content: Json = {kind: {"schema": {"type": "string"}} for kind in operation.media}
    else:
        content = {kind: {"schema": schemas.reference(call.output_type)} for kind in operation.media}
    what = "One message on each line." if operation.media == (NDJSON,) else "The answer."
    ok: Json = {"description": "The file." if is_file else what, "content": content}
    if operation.media == EXPORTS:
        ok["headers"] = {
            "Lognotary-Manifest": {
                "description": "Path of the signed manifest, which is there once the download is complete.",
                "schema": {"type": "string"},
            }
        }
    errors = sorted({*_EVERY, *operation.errors, *(_WITH_BODY if operation.method == "post" else ())})
    found["responses"] = {
        "200": ok,
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in errors},
    }
    return found


def _parameters(protos: Protos, name: str, in_path: list[str], schemas: Schemas) -> Iterator[Json]:
    for each in protos.messages[name].field:
        is_list = each.label == FieldDescriptorProto.LABEL_REPEATED
        schema = schemas.of_field(each)
        found: Json = {
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
        comment = IN_PATHS.get(each.name) if each.name in in_path else None
        if comment := comment or protos.comments.get(f"{name}.{each.name}"):
            found["description"] = comment
        yield found


if __name__ == "__main__":
    DOCUMENT.write_text(document_text(), encoding="utf-8")
