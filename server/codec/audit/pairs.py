"""Texts of ``key=value`` pairs, as logfmt, auditd, sudo and Keycloak write them; ``texts`` says what counts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from server.codec.audit.json_scan import end_of_string

__all__ = ["first_pairs", "pairs"]

_PAIR = re.compile(rb"(?:\A|(?<=[\s,;(\[{|'\"]))([A-Za-z0-9_./@-]+)=")
_PAIR_END = re.compile(rb"[\s,;]")
_QUOTED = re.compile(rb'\\(["\\])')


def first_pairs(text: bytes) -> dict[bytes, bytes | None]:
    """Return the pairs of a text, of those with the same key the first."""
    values: dict[bytes, bytes | None] = {}
    for key, value in pairs(text):
        values.setdefault(key, value)
    return values


def pairs(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a ``key=value`` text."""
    at = 0
    while match := _PAIR.search(text, at):
        key, at = match[1], match.end()
        quote = text[at : at + 1]
        if quote == b'"':
            end = end_of_string(text, at)
            if end >= 0:
                yield key, _QUOTED.sub(rb"\1", text[at + 1 : end - 1])
                at = end
        elif quote == b"'":
            end = text.find(b"'", at + 1)
            if end >= 0 and b"=" not in text[at + 1 : end]:
                yield key, text[at + 1 : end]
                at = end + 1
        else:
            end = _end_of_pair(text, at)
            yield key, text[at:end].removesuffix(b"'")  # which ends the text in single quotes around the pairs
            at = end


def _end_of_pair(text: bytes, at: int) -> int:
    end = _PAIR_END.search(text, at)
    return end.start() if end else len(text)
