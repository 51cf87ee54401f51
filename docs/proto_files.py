"""The contents of the ``.proto`` files of the API, with their comments."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from grpc_tools import protoc

__all__ = ["Protos", "read_protos"]

_ROOT = Path(__file__).resolve().parents[1] / "proto"
_FILES = _ROOT / "lognotary" / "v1"


@dataclass(frozen=True, slots=True)
class Protos:
    """The contents of the ``.proto`` files.

    Attributes:
        messages: messages, by full names that begin with a dot.
        enums: enumerations, by full names that begin with a dot.
        calls: calls, by service and name: ``EvidenceService.ListLogs``.
        comments: comments before messages, fields, enumerations, their values and calls, by the names of these.
    """

    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    enums: dict[str, EnumDescriptorProto] = field(default_factory=dict)
    calls: dict[str, MethodDescriptorProto] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def read_protos() -> Protos:
    """Return the contents of the ``.proto`` files.

    Raises:
        RuntimeError: protoc cannot compile the files.
    """
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "set"
        include = Path(grpc_tools.__file__).parent / "_proto"
        files = sorted(str(file.relative_to(_ROOT)) for file in _FILES.glob("*.proto"))
        flags = [f"-I{_ROOT}", f"-I{include}", "--include_source_info", f"--descriptor_set_out={target}"]
        if status := protoc.main(["protoc", *flags, *files]):
            raise RuntimeError(f"protoc ended with status {status}")
        read = FileDescriptorSet.FromString(target.read_bytes())
    found = Protos()
    for file in read.file:
        _add_file(found, file)
    return found


def _add_file(found: Protos, file: FileDescriptorProto) -> None:
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
