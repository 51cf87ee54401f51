"""The place of an audit record in a chain of its producer, as the record's attributes say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

__all__ = ["FIRST_OF_CHAIN", "ProducerChain", "chain_of"]

FIRST_OF_CHAIN = sha256(b"").digest()
"""The previous hash of the first record of a producer's chain."""

_PREVIOUS = (
    "audit.prev.hash",
    "audit.prev_hash",
    "audit.previous.hash",
    "audit.previous_hash",
    "audit.sequence.prev.hash",
    "audit.sequence.prev_hash",
    "audit.sequence.previous.hash",
    "audit.sequence.previous_hash",
)
_IN_CHAIN = ("audit.sequence.", "audit.prev")
_NUMBER = "audit.sequence.number"
_STREAM = "audit.sequence.stream_id"
_HASH = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class ProducerChain:
    """Place of a record in a chain.

    Attributes:
        previous: hash of the record before it, empty if it cannot be read; None if the record gives none.
        number: number of the record; None if it gives none that can be read.
        stream: name of the producer's stream; empty if the record gives none.
    """

    previous: bytes | None
    number: int | None = None
    stream: str = ""

    @property
    def predecessor(self) -> bytes:
        """Hash of the record before it; empty if it is the first, or none can be read."""
        return b"" if self.previous in (None, FIRST_OF_CHAIN) else self.previous or b""


def chain_of(attributes: Mapping[str, AnyValue]) -> ProducerChain | None:
    """Return the place that attributes, by key, name; None if they name no chain."""
    if not any(key.startswith(_IN_CHAIN) for key in attributes):
        return None
    sent = next((attributes[key] for key in _PREVIOUS if key in attributes), None)
    stream = attributes[_STREAM].string_value if _STREAM in attributes else ""
    return ProducerChain(None if sent is None else _hash_of(sent), _number_of(attributes.get(_NUMBER)), stream)


def _hash_of(value: AnyValue) -> bytes:
    if value.HasField("bytes_value"):
        return value.bytes_value if len(value.bytes_value) == len(FIRST_OF_CHAIN) else b""
    found = _HASH.fullmatch(value.string_value)
    return bytes.fromhex(found[1]) if found else b""


def _number_of(value: AnyValue | None) -> int | None:
    if value is None:
        return None
    if value.HasField("int_value"):
        return value.int_value if value.int_value >= 0 else None
    return int(value.string_value) if _DIGITS.fullmatch(value.string_value) else None
