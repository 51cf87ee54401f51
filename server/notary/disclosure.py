"""Disclosure of values to which a record has commitments: what is open in an evidence bundle, and what stays closed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.notary.commitment import commitment_of
from server.notary.errors import MalformedError

__all__ = ["DISCLOSURES", "Commitment", "OpenedValue", "disclosures_file", "find_commitments"]

DISCLOSURES = "disclosures.json"
"""Name of the file in a bundle."""

_FORMAT = "lognotary/disclosures/v1"
_MARK = re.compile(r"\[redacted:([a-z0-9_.]+):sha256:([0-9a-f]{64})\]")
# Bytes are stored as base64, which has at least so many characters if there is a commitment in it.
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{96,}={0,2}")


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment that a record has in place of a value, or a text of its sender that looks like one.

    Attributes:
        rule: the rule of redaction that has replaced the value.
        digest: the commitment, in hexadecimal.
        places: columns and attributes that have it, such as ``LogAttributes["password"]``.
        is_senders: True if the sender wrote it: the record does not list it among those that the server has made.
    """

    rule: str
    digest: str
    places: tuple[str, ...] = ()
    is_senders: bool = False


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


def find_commitments(readable: Mapping[str, Any]) -> list[Commitment]:
    """Return the commitments in a record, each once, in the order of the canonical record.

    Args:
        readable: the record as ``readable_record`` returns it.
    """
    listed = _listed(readable)
    places: dict[tuple[str, str], dict[str, None]] = {}
    for name, value in readable.items():
        for place, text in _texts(name, value):
            for mark in _marks_in(text):
                places.setdefault(mark, {})[place] = None
    return [
        Commitment(rule, digest, tuple(found), is_senders=digest not in listed)
        for (rule, digest), found in places.items()
    ]


def _listed(readable: Mapping[str, Any]) -> frozenset[str]:
    """Return the commitments that the server has made in a record; none if no server wrote its details."""
    try:
        return frozenset(json.loads(readable["OtlpDetails"] or "{}").get("commitments", ()))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return frozenset()


def _marks_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the rule and the digits of each mark in a text, or in base64 within it."""
    yield from _MARK.findall(text)
    for run in _BASE64.findall(text):
        if len(run) % 4 == 0:
            yield from _MARK.findall(base64.b64decode(run).decode("latin-1"))


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


def disclosures_file(commitments: Iterable[Commitment], opened: Sequence[OpenedValue]) -> bytes:
    """Return the content of ``disclosures.json`` in the bundle of a record.

    Args:
        commitments: the record's commitments.
        opened: the values that are open.

    Raises:
        MalformedError: the server has made no commitment to one of the values in the record.
    """
    known = {(each.rule, each.digest) for each in commitments if not each.is_senders}
    for value in opened:
        if (value.rule, value.digest) not in known:
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
