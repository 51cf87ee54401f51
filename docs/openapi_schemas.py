"""JSON schemas of the messages and enumerations of the ``.proto`` files, by protobuf's JSON mapping."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from docs.openapi_paths import Json
from docs.proto_files import Protos

__all__ = ["Schemas"]

_TYPES: Mapping[int, Json] = {
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


class Schemas:
    """The schemas that a document refers to."""

    def __init__(self, protos: Protos) -> None:
        self._protos = protos
        self._referred: set[str] = set()  # full names

    def reference(self, name: str) -> Json:
        """Return a reference to the schema of a message or enumeration, which the document has then.

        Args:
            name: its full name, which begins with a dot.
        """
        self._referred.add(name)
        return {"$ref": f"#/components/schemas/{_short(name)}"}

    def of_field(self, each: FieldDescriptorProto) -> Json:
        """Return the schema of a field."""
        if (
            each.type == FieldDescriptorProto.TYPE_MESSAGE
            and self._protos.messages.get(each.type_name, DescriptorProto()).options.map_entry
        ):
            value = next(inner for inner in self._protos.messages[each.type_name].field if inner.name == "value")
            return {"type": "object", "additionalProperties": self.of_field(value)}
        if each.type_name == _TIMESTAMP:
            one: Json = {"type": "string", "format": "date-time"}
        elif each.type in (FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_ENUM):
            one = self.reference(each.type_name)
        else:
            one = dict(_TYPES[each.type])
        return {"type": "array", "items": one} if each.label == FieldDescriptorProto.LABEL_REPEATED else one

    def referred(self) -> Json:
        """Return the schemas that were referred to, and those that these refer to, by short names."""
        found: dict[str, Json] = {}
        while waiting := self._referred - found.keys():
            found.update({name: self._schema(name) for name in waiting})
        return {_short(name): found[name] for name in sorted(found)}

    def _schema(self, name: str) -> Json:
        described: Json = {"description": comment} if (comment := self._protos.comments.get(name)) else {}
        if enum := self._protos.enums.get(name):
            lines = [
                f"{each.name}: {text}"
                for each in enum.value
                if (text := self._protos.comments.get(f"{name}.{each.name}"))
            ]
            if lines:
                described["description"] = "\n".join([*described.values(), *lines])
            return {"type": "string", "enum": [each.name for each in enum.value], **described}
        message = self._protos.messages[name]
        properties: Json = {}
        for each in message.field:
            schema = self.of_field(each)
            if text := self._protos.comments.get(f"{name}.{each.name}"):
                schema = {**schema, "description": text}
            properties[each.json_name] = schema
        found: Json = {"type": "object", **described, "properties": properties}
        choices = [
            each.json_name for each in message.field if each.HasField("oneof_index") and not each.proto3_optional
        ]
        if name.endswith("Request"):
            found["additionalProperties"] = False
            found["properties"] = {key: _or_null(schema) for key, schema in properties.items()}
        else:
            found["required"] = [each.json_name for each in message.field if not _has_presence(each)]
        if choices and len(choices) == len(message.field):
            found["oneOf"] = [{"required": [choice]} for choice in choices]
        return found


def _or_null(schema: Json) -> Json:
    """Return the schema of a field that may be null in a request, which is as if it were not there."""
    if "type" not in schema:  # a reference to a message or an enumeration
        described = {name: schema[name] for name in ("description",) if name in schema}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **described}
    return {**schema, "type": [schema["type"], "null"]}


def _has_presence(each: FieldDescriptorProto) -> bool:
    if each.label == FieldDescriptorProto.LABEL_REPEATED:
        return False
    return each.HasField("oneof_index") or each.type == FieldDescriptorProto.TYPE_MESSAGE


def _short(name: str) -> str:
    return name.removeprefix(".lognotary.v1.")
