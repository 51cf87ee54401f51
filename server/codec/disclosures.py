"""Disclosures: the values that records have commitments to, with their salts; stored apart from the records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from server.codec.audit.classify import AuditFields
from server.notary.commitment import commitment_of

__all__ = ["Disclosure", "with_actors"]

_MARK = re.compile(rb"\[redacted:[a-z_.]+:sha256:([0-9a-f]{64})\]")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A value that was replaced by a commitment to it.

    Attributes:
        rule: the rule of redaction.
        salt: random bytes, of this value alone.
        value: the value, as it was sent; of a value that is not a string, its text.
        actors: actors of the audit records that have the commitment, in the clear: their IDs and names.
    """

    rule: str
    salt: bytes
    value: bytes
    actors: tuple[bytes, ...] = ()

    @property
    def commitment(self) -> str:
        """The commitment to the value, in hexadecimal."""
        return commitment_of(self.salt, self.value)


def with_actors(
    disclosures: Sequence[Disclosure], owned: Sequence[range], audit: Sequence[AuditFields | None]
) -> tuple[Disclosure, ...]:
    """Return disclosures with the actors of the records that have them.

    Args:
        disclosures: the disclosures of a request.
        owned: for each record, the indexes of the disclosures that are its own, and not of its scope or resource.
        audit: the audit fields of each record, None for an operational record.
    """
    values = {disclosure.commitment.encode(): disclosure.value for disclosure in disclosures}
    actors: list[dict[bytes, None]] = [{} for _ in disclosures]
    for places, fields in zip(owned, audit, strict=True):
        if fields is not None:
            for place in places:
                actors[place].update(dict.fromkeys(_actors(fields, values)))
    return tuple(replace(each, actors=tuple(found)) for each, found in zip(disclosures, actors, strict=True))


def _actors(fields: AuditFields, values: dict[bytes, bytes]) -> Iterable[bytes]:
    """Return the actors of an audit record, with values in place of commitments."""
    for text in (fields.actor_id, fields.actor_name, fields.effective_actor_id):
        if clear := _MARK.sub(lambda mark: values.get(mark[1], mark[0]), text):
            yield clear
