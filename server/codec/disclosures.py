"""Disclosures: the values that records have commitments to, with their salts; stored apart from the records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import count

from server.notary.commitment import commitment_of

__all__ = ["Disclosure", "salts_of", "with_actors"]

_MARK = re.compile(rb"\[redacted:[a-z_.]+:sha256:([0-9a-f]{64})\]")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A value that was replaced by a commitment to it.

    Attributes:
        rule: the rule of redaction.
        salt: random bytes, of this value alone.
        value: the value, as it was sent; of a value that is not a string, its text.
        actors: actors of the audit records that have the commitment, in the clear: their IDs and names.
        commitment: the commitment to the value, in hexadecimal.
    """

    rule: str
    salt: bytes
    value: bytes
    actors: tuple[bytes, ...] = ()
    commitment: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "commitment", commitment_of(self.salt, self.value))  # computed once


def salts_of(seed: bytes) -> Callable[[], bytes]:
    """Return a function that returns one salt after another: SHA-256 of a seed and a number.

    The seed is random, used for one request, and kept nowhere, so nobody can tell a salt from others.
    """
    numbers = count()
    return lambda: sha256(seed + next(numbers).to_bytes(8, "little")).digest()


def with_actors(
    disclosures: Sequence[Disclosure], records: Iterable[tuple[Iterable[bytes], Iterable[bytes]]]
) -> tuple[Disclosure, ...]:
    """Return disclosures with the actors of the records that have them.

    Args:
        disclosures: the disclosures of a request.
        records: for each audit record, the commitments that are its own (not its scope's or resource's), in
            hexadecimal, and the texts that name its actors, which may have commitments.
    """
    values = {disclosure.commitment.encode(): disclosure.value for disclosure in disclosures}
    actors: dict[bytes, dict[bytes, None]] = {commitment: {} for commitment in values}
    for commitments, texts in records:
        clear = [_MARK.sub(lambda mark: values.get(mark[1], mark[0]), text) for text in texts if text]
        for commitment in commitments:
            actors[commitment].update(dict.fromkeys(clear))
    return tuple(replace(each, actors=tuple(actors[each.commitment.encode()])) for each in disclosures)
