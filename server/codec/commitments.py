"""The commitments that the server has made in a row, which the row lists in its ``OtlpDetails``.

A sender can write a text that looks like a commitment, such as a copy of one in another record. Only a codec writes
``OtlpDetails``: a commitment that a row does not list there was written by its sender.

A record that was made of an event in a list of events has the commitments of its resource, scope and attributes, and
of the body those that are in the event.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

__all__ = ["LISTED_SIZE", "NO_COMMITMENTS", "Commitments", "commitments_of_events"]

LISTED_SIZE = 67
"""Bytes of ``OtlpDetails`` for each commitment in the list: 64 digits, two quotation marks and a comma."""

_COMMITMENT = re.compile(rb":sha256:([0-9a-f]{64})")
# Nested bytes are stored as base64; a commitment and what is before it has 72 bytes, so 96 characters.
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{96,}={0,2}")


@dataclass(frozen=True, slots=True)
class Commitments:
    """The commitments that the server has made in one record or span, in the order in which it made them.

    Attributes:
        shared: hexadecimal digits of each commitment in the resource and the scope.
        body: hexadecimal digits of each commitment in the body.
        others: hexadecimal digits of each commitment in anything else.
    """

    shared: tuple[bytes, ...] = ()
    body: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()

    @property
    def own(self) -> tuple[bytes, ...]:
        """The commitments that are not in the resource or the scope."""
        return self.body + self.others

    @property
    def details(self) -> tuple[bytes, ...]:
        """The member of ``OtlpDetails`` that lists the commitments; nothing if there are none."""
        listed = b",".join(b'"%b"' % digits for digits in self.shared + self.own)
        return (b'"commitments":[%b]' % listed,) if listed else ()

    @property
    def repeated(self) -> int:
        """Bytes that the list of each event's record repeats."""
        return LISTED_SIZE * (len(self.shared) + len(self.others))


NO_COMMITMENTS = Commitments()
"""No commitments."""


def commitments_of_events(commitments: Commitments) -> Callable[[bytes], Commitments]:
    """Return a function that returns the commitments of an event, given its text and the commitments of its list."""
    places = {digits: place for place, digits in enumerate(commitments.body)}

    def of_event(text: bytes) -> Commitments:
        if not places:
            return commitments
        found = sorted({places[digits] for digits in _digits_in(text) if digits in places})
        return replace(commitments, body=tuple(commitments.body[place] for place in found))

    return of_event


def _digits_in(text: bytes) -> Iterator[bytes]:
    """Yield the digits of what looks like a commitment in a text, or in base64 within it."""
    yield from _COMMITMENT.findall(text)
    for run in _BASE64.findall(text):
        if len(run) % 4 == 0:
            yield from _COMMITMENT.findall(b64decode(run))
