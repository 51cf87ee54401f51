"""Disclosure of values to which a record has commitments: what is open in an evidence bundle, and what stays closed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.notary.commitment import commitment_mark, commitment_of
from server.notary.errors import MalformedError

__all__ = ["DISCLOSURES", "Commitment", "OpenedValue", "disclosures_file", "find_commitments"]

DISCLOSURES = "disclosures.json"
"""Name of the file in a bundle."""

_FORMAT = "lognotary/disclosures/v1"
_MARK = re.compile(rb"\[redacted:([a-z0-9_.]+):sha256:([0-9a-f]{64})\]")


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment that a record has in place of a value.

    Attributes:
        rule: the rule of redaction that has replaced the value.
        digest: the commitment, in hexadecimal.
        places: columns and attributes that have it, such as ``LogAttributes["password"]``.
    """

    rule: str
    digest: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedValue:
    """A value that is disclosed.

    Attributes:
        rule: the rule of redaction that has replaced it.
        salt: 32 bytes.
        value: the value.
    """

    rule: str
    salt: bytes
    value: bytes

    @property
    def digest(self) -> str:
        """The commitment to the value, in hexadecimal."""
        return commitment_of(self.salt, self.value)


def find_commitments(record: bytes, readable: Mapping[str, Any]) -> list[Commitment]:
    """Return the commitments in a record, each once, in the order of the canonical record.

    Args:
        record: the canonical record.
        readable: the same as ``readable_record`` returns it.
    """
    texts = [(place, text.encode()) for name, value in readable.items() for place, text in _texts(name, value)]
    found = {}
    for rule, digest in dict.fromkeys(match.groups() for match in _MARK.finditer(record)):
        mark = commitment_mark(rule.decode(), digest.decode())
        places = dict.fromkeys(place for place, text in texts if mark in text)
        found[mark] = Commitment(rule.decode(), digest.decode(), tuple(places))
    return list(found.values())


def _texts(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts in a value, with their places. A map is an object, or a list of pairs."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(f"{place}[{_quoted(key)}]", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            if isinstance(each, list) and not isinstance(each[0], list):
                yield from _texts(f"{place}[{_quoted(each[0])}]", each[1])
            else:
                yield from _texts(f"{place}[{number}]", each)


def _quoted(key: Any) -> str:
    return json.dumps(key, ensure_ascii=False)


def disclosures_file(record: bytes, opened: Sequence[OpenedValue]) -> bytes:
    """Return the content of ``disclosures.json`` in the bundle of a record.

    Raises:
        MalformedError: the record does not have a commitment to one of the values.
    """
    for value in opened:
        if commitment_mark(value.rule, value.digest) not in record:
            raise MalformedError(f"the record has no commitment {value.digest} by the rule {value.rule}")
    return (json.dumps({"format": _FORMAT, "disclosures": list(_entries(opened))}, indent=2) + "\n").encode()


def _entries(opened: Iterable[OpenedValue]) -> Iterator[dict[str, str]]:
    for value in opened:
        yield {
            "commitment": value.digest,
            "rule": value.rule,
            "salt": base64.b64encode(value.salt).decode(),
            "value": base64.b64encode(value.value).decode(),
        }
