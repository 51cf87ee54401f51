"""Sets of characters in regular expressions: ranges of code points, and their UTF-8 bytes.

Sources: RE2's syntax, https://github.com/google/re2/wiki/Syntax, for the named classes, which are ASCII; Unicode's
simple case folding, https://www.unicode.org/reports/tr44/#CaseFolding.txt; for ``byte_sequences``, Ken Thompson's
method as described in Russ Cox, "Regular Expression Matching in the Wild", https://swtch.com/~rsc/regexp/regexp3.html.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

__all__ = [
    "ANY",
    "LAST",
    "PERL_CLASSES",
    "POSIX_CLASSES",
    "ByteSequence",
    "Ranges",
    "byte_sequences",
    "folded",
    "merged",
    "negated",
]

Ranges = tuple[tuple[int, int], ...]
"""First and last code points, sorted and apart from each other."""

ByteSequence = tuple[tuple[int, int], ...]
"""First and last value of each byte of some characters in UTF-8."""

LAST = 0x10FFFF
ANY: Ranges = ((0, LAST),)

_CASED_END = 0x20000  # all letters with case are in the first two planes of Unicode
_CONTINUATION = (0x80, 0xBF)
_NON_ASCII: tuple[ByteSequence, ...] = (
    ((0xC2, 0xDF), _CONTINUATION),
    ((0xE0, 0xEF), _CONTINUATION, _CONTINUATION),
    ((0xF0, 0xF4), _CONTINUATION, _CONTINUATION, _CONTINUATION),
)
"""All characters that are not ASCII. As in RE2, some bytes that are not UTF-8 fit too, which makes programs shorter."""


def _ascii(*ranges: str) -> Ranges:
    return tuple((ord(text[0]), ord(text[-1])) for text in ranges)


PERL_CLASSES: Mapping[str, Ranges] = {
    "d": _ascii("09"),
    "s": _ascii("\t\n", "\f\r", " "),
    "w": _ascii("09", "AZ", "_", "az"),
}
POSIX_CLASSES: Mapping[str, Ranges] = {
    "alnum": _ascii("09", "AZ", "az"),
    "alpha": _ascii("AZ", "az"),
    "ascii": _ascii("\0\x7f"),
    "blank": _ascii("\t", " "),
    "cntrl": _ascii("\0\x1f", "\x7f"),
    "digit": _ascii("09"),
    "graph": _ascii("!~"),
    "lower": _ascii("az"),
    "print": _ascii(" ~"),
    "punct": _ascii("!/", ":@", "[`", "{~"),
    "space": _ascii("\t\r", " "),
    "upper": _ascii("AZ"),
    "word": _ascii("09", "AZ", "_", "az"),
    "xdigit": _ascii("09", "AF", "af"),
}


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the union of ranges."""
    union: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if union and low <= union[-1][1] + 1:
            union[-1] = (union[-1][0], max(union[-1][1], high))
        else:
            union.append((low, high))
    return tuple(union)


def negated(ranges: Ranges) -> Ranges:
    """Return all code points that are not in the ranges."""
    starts = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), LAST]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start <= end)


def folded(ranges: Ranges) -> Ranges:
    """Return the ranges with all characters that differ only in case from a character in the ranges."""
    variants = _variants()
    added: list[tuple[int, int]] = []
    for low, high in ranges:
        within = (
            range(low, high + 1) if high - low < len(variants) else filter(range(low, high + 1).__contains__, variants)
        )
        added.extend((other, other) for point in within for other in variants.get(point, ()))
    return merged((*ranges, *added))


@cache
def _variants() -> Mapping[int, tuple[int, ...]]:
    """Return the code points with the same case folding, for each code point that shares its own with others."""
    by_folding: defaultdict[str, list[int]] = defaultdict(list)
    for point in range(_CASED_END):
        by_folding[_simple_folding(chr(point))].append(point)
    return {point: tuple(group) for group in by_folding.values() if len(group) > 1 for point in group}


def _simple_folding(character: str) -> str:
    # Python has the full case folding, in which a character may become several. Of these, the simple folding, which
    # is always one character, is the lower case.
    return next((one for one in (character.casefold(), character.lower()) if len(one) == 1), character)


def byte_sequences(ranges: Ranges) -> Iterator[ByteSequence]:
    """Return the UTF-8 of the characters in the ranges.

    Returns:
        Sequences in order. The ranges of first bytes of two sequences are the same or apart, and so on for the
        following bytes of sequences with the same beginning.
    """
    for low, high in ranges:
        if low <= 0x80 and high == LAST:
            if low < 0x80:
                yield ((low, 0x7F),)
            yield from _NON_ASCII
        else:
            yield from _split(low, high)


def _split(low: int, high: int) -> Iterator[ByteSequence]:
    for last in (0x7F, 0x7FF, 0xFFFF):  # the last code points in one, two and three bytes
        if low <= last < high:
            yield from _split(low, last)
            yield from _split(last + 1, high)
            return
    for continuations in range(1, 4 if high > 0x7F else 1):
        # All but the first byte of a sequence must be the same in the whole range, or be any continuation byte.
        bits = (1 << 6 * continuations) - 1
        if low | bits < high:
            cut = low | bits if low & bits else (high & ~bits) - 1 if high & bits != bits else high
            if cut < high:
                yield from _split(low, cut)
                yield from _split(cut + 1, high)
                return
    yield tuple(zip(_utf8(low), _utf8(high), strict=True))


def _utf8(point: int) -> bytes:
    return chr(point).encode("utf-8", "surrogatepass")
