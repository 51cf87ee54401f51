"""Values within texts: JSON, as structured attributes and bodies are stored or as senders write it, and ``key=value``.

The scanner takes what senders write. It looks at the structure only: strings and brackets. Members before a place
where a text is broken, or cut off, are found; the member that is cut off is not, unless it is a list of objects: then
those before the cut are found. It is linear, and does not recurse into what it skips. The compiled codec has the same
scanner (``native/texts.cpp``).

- **JSON objects**: of members with the same key, the last counts.
- **several JSON objects** one after the other, with white space between them: each is an event of its own.
- **``key=value`` texts** (logfmt, auditd, sudo, Keycloak), which is every text that does not begin with ``{`` or ``[``:
  values end at white space, a comma or a semicolon, or are quoted. A value in single quotes that has an ``=``
  is read as further pairs, as auditd writes them. Of pairs with the same key the first counts: what a program appends
  to its own pairs may come from users.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from server.codec.audit.bytes_as_text import text_of_bytes, text_of_hex
from server.codec.audit.paths import ALL, BYTES, HEX, Path, Segment, beginnings

__all__ = [
    "BYTE_ORDER_MARK",
    "JsonObject",
    "begins_with",
    "elements_of",
    "events_of",
    "find",
    "first_pairs",
    "is_json",
    "members",
    "members_of",
    "objects_in",
    "pairs",
    "plain",
    "read_object",
]

BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}".encode()
"""What some programs write before a text; it is no part of the text."""

_SPACE = b" \t\r\n"
_BARE = re.compile(rb"(?:true|false|null|-?[0-9][-+.0-9eE]*)(?=[\s,\]}]|\Z)")
_BRACKET = re.compile(rb'["\[\]{}]')
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(.))", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_PAIR = re.compile(rb"(?:\A|(?<=[\s,;(\[{|'\"]))([A-Za-z0-9_./@-]+)=")
_PAIR_END = re.compile(rb"[\s,;]")
_QUOTED = re.compile(rb'\\(["\\])')
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()


def members_of(text: bytes, pairs_too: bool) -> Mapping[bytes, bytes | None]:
    """Return the members of a JSON object, or the pairs of any other text if pairs count too; None for null."""
    return first_pairs(text) if pairs_too and not is_json(text) else dict(members(text))


Read = Callable[[bytes, bool], Mapping[bytes, bytes | None]]
"""A function that returns what ``members_of`` does: it may remember that."""


def find(text: bytes, segments: Sequence[Segment], *, pairs_too: bool = False, read: Read = members_of) -> bytes | None:
    """Return the text of the value to which a path leads, None if there is none, or if it is null outside of a list.

    A list of scalars is returned as ``plain`` writes it.

    At each step the longest key that is there counts. A position also fits a value that is not a list: it is taken as
    a list of one element.

    Args:
        text: the text.
        segments: the path.
        pairs_too: True if the text itself may be a ``key=value`` text. Texts in it never are: users write them.
        read: how the members of texts are read, except for those of the elements to which ``[*]`` leads.
    """
    rest = tuple(segments)
    while rest:
        first = rest[0]
        if isinstance(first, bytes):
            found = _member(text, rest, read, pairs_too=pairs_too)
            if found is None:
                return None
            count, text = found
            rest = rest[count:]
            pairs_too = False
            continue
        rest = rest[1:]
        if first == HEX:
            text = text_of_hex(text)
            continue
        if not _is_list(text):
            continue
        if first == BYTES:
            text = text_of_bytes(list(elements_of(text))) or text
            continue
        if first == ALL:
            return _joined(find(element, rest) for element in elements_of(text)) or None
        chosen = _element_at(text, int(first))
        if chosen is None:
            return None
        text = chosen
    return plain(text)


def events_of(text: bytes, path: Path, *, read: Read = members_of) -> Iterator[bytes]:
    """Yield the elements of the list to which a path of keys leads; none if there is no list.

    If ``[*]`` and a key follow, the elements are objects, and what is yielded is the member with this key, or an empty
    text.
    """
    rest = path.segments
    while rest and rest[0] != ALL:
        found = _member(text, rest, read)
        if found is None:
            return
        count, text = found
        rest = rest[count:]
    key = rest[-1] if rest else None
    for element in elements_of(text):
        yield (dict(members(element)).get(key) or b"") if isinstance(key, bytes) else element


def plain(text: bytes) -> bytes:
    """Return a list of scalars as their texts with commas between them, and every other text unchanged."""
    if not text.startswith(b"["):
        return text
    return _joined(elements_of(text)) if _is_list_of_scalars(text) else text


def is_json(text: bytes) -> bool:
    """Return whether a text begins like a JSON object or list."""
    at = _beginning(text)
    return text[at : at + 1] in (b"{", b"[")


def first_pairs(text: bytes) -> dict[bytes, bytes | None]:
    """Return the pairs of a text, of those with the same key the first."""
    values: dict[bytes, bytes | None] = {}
    for key, value in pairs(text):
        values.setdefault(key, value)
    return values


class JsonObject(NamedTuple):
    """The JSON object with which a text begins.

    Attributes:
        members: its members up to the place where the text is broken; None for null. Of those with the same key, the
            last one.
        is_whole: False if the text is broken, or cut off, before the object ends.
        is_first_of_several: True if another JSON object or list follows it.
    """

    members: Mapping[bytes, bytes | None]
    is_whole: bool
    is_first_of_several: bool


def read_object(text: bytes) -> JsonObject:
    """Read the JSON object with which a text begins; without members if it begins with something else."""
    found, end = _read_members(text)
    is_whole = end >= 0
    if not is_whole and begins_with(text, b"{"):
        end = _end_of_value(text, _beginning(text))
    return JsonObject(dict(found), is_whole, end >= 0 and _stands_at(text, end, b"{["))


def members(text: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the keys and values of a JSON object; None for null."""
    return iter(_read_members(text)[0])


def _read_members(text: bytes) -> tuple[list[tuple[bytes, bytes | None]], int]:
    """Return the members of a JSON object, and where it ends; -1 if it is broken, or there is none."""
    found: list[tuple[bytes, bytes | None]] = []
    at = _beginning(text)
    if text[at : at + 1] != b"{":
        return found, -1
    at = _skip_space(text, at + 1)
    if text[at : at + 1] == b"}":
        return found, at + 1
    while text[at : at + 1] == b'"':
        end = _end_of_string(text, at)
        if end < 0:
            break
        key = _unescape(text[at + 1 : end - 1])
        at = _skip_space(text, end)
        if text[at : at + 1] != b":":
            break
        at = _skip_space(text, at + 1)
        end = _end_of_value(text, at)
        if end < 0:
            if _has_whole_object(text, at):
                found.append((key, text[at:]))
            break
        found.append((key, _decoded(text[at:end])))
        at = _skip_space(text, end)
        if text[at : at + 1] == b"}":
            return found, at + 1
        if text[at : at + 1] != b",":
            break
        at = _skip_space(text, at + 1)
    return found, -1


def objects_in(text: bytes) -> Iterator[bytes]:
    """Yield the JSON objects in a text that is a list of them, or has several one after the other; the last may be cut.

    Among the latter may be lists of objects.
    """
    at = _beginning(text)
    while text[at : at + 1] in (b"{", b"["):
        end = _end_of_value(text, at)
        if text[at : at + 1] == b"{":
            yield text[at:end] if end >= 0 else text[at:]
        else:
            elements = elements_of(text[at:end] if end >= 0 else text[at:])
            first = next(elements, b"")
            if not begins_with(first, b"{"):
                return
            yield first
            yield from (element for element in elements if begins_with(element, b"{"))
        if end < 0:
            return
        at = _skip_space(text, end)


def pairs(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a ``key=value`` text."""
    at = 0
    while match := _PAIR.search(text, at):
        key, at = match[1], match.end()
        quote = text[at : at + 1]
        if quote == b'"':
            end = _end_of_string(text, at)
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


def _member(
    text: bytes, segments: tuple[Segment, ...], read: Read, *, pairs_too: bool = False
) -> tuple[int, bytes] | None:
    """Return the longest key that is there, as its number of segments, and its value."""
    values = read(text, pairs_too)
    for count, key in beginnings(segments):
        if key in values:
            found = values[key]
            return None if found is None else (count, found)
    return None


def elements_of(text: bytes) -> Iterator[bytes]:
    """Yield the elements of a list, null as an empty text; none if the text is not a list."""
    for at, end in _spans(text):
        yield _decoded(text[at:end]) or b""


def _is_list(text: bytes) -> bool:
    return begins_with(text, b"[")


def begins_with(text: bytes, characters: bytes) -> bool:
    """Return whether a text begins with one of some characters, or with white space before it."""
    return _stands_at(text, _beginning(text), characters)


def _stands_at(text: bytes, at: int, characters: bytes) -> bool:
    """Return whether one of some characters stands at a place, or behind white space there."""
    at = _skip_space(text, at)
    return at < len(text) and text[at] in characters


def _is_list_of_scalars(text: bytes) -> bool:
    """Return whether a text is a list of scalars from its first to its last character."""
    behind = 1  # the bracket
    for at, end in _spans(text):
        if text[at : at + 1] in (b"[", b"{"):
            return False
        behind = end
    return text[_skip_space(text, behind) :] == b"]"


def _spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the elements of a list begin and end, up to the place where the text is broken."""
    at = _beginning(text)
    if text[at : at + 1] != b"[":
        return
    at = _skip_space(text, at + 1)
    while True:
        end = _end_of_value(text, at)
        if end < 0:
            return
        yield at, end
        at = _skip_space(text, end)
        if text[at : at + 1] != b",":
            return
        at = _skip_space(text, at + 1)


def _element_at(text: bytes, position: int) -> bytes | None:
    """Return an element of a list, None if it has none there; -1 is the last."""
    last: bytes | None = None
    for number, element in enumerate(elements_of(text)):
        if number == position:
            return element
        last = element
    return last if position < 0 else None


def _joined(texts: Iterable[bytes | None]) -> bytes:
    """Return texts with commas between them, without those that are empty."""
    joined = bytearray()
    for text in texts:
        if text:
            joined += b"," + text if joined else text
    return bytes(joined)


def _end_of_pair(text: bytes, at: int) -> int:
    end = _PAIR_END.search(text, at)
    return end.start() if end else len(text)


def _beginning(text: bytes) -> int:
    """Return where a text begins behind a byte order mark and white space."""
    return _skip_space(text, len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0)


def _skip_space(text: bytes, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _has_whole_object(text: bytes, at: int) -> bool:
    """Return whether a list of objects, which does not end, begins at a place and has a whole object."""
    if text[at : at + 1] != b"[":
        return False
    at = _skip_space(text, at + 1)
    return text[at : at + 1] == b"{" and _end_of_value(text, at) >= 0


def _end_of_string(text: bytes, at: int) -> int:
    """Return where the string that begins at a quote ends, behind its closing quote; -1 if it does not end."""
    at += 1
    quote = text.find(b'"', at)
    while quote >= 0:
        backslash = text.find(b"\\", at, quote)
        if backslash < 0:
            return quote + 1
        at = backslash + 2
        if at > quote:
            quote = text.find(b'"', at)
    return -1


def _end_of_value(text: bytes, at: int) -> int:
    """Return where a JSON value ends, -1 if it does not end or there is none."""
    first = text[at : at + 1]
    if first == b'"':
        return _end_of_string(text, at)
    if first not in (b"{", b"["):
        bare = _BARE.match(text, at)
        return bare.end() if bare else -1
    depth = 0
    while match := _BRACKET.search(text, at):
        at = match.end()
        if match[0] == b'"':
            at = _end_of_string(text, at - 1)
            if at < 0:
                return -1
        else:
            depth += 1 if match[0] in (b"{", b"[") else -1
            if depth == 0:
                return at
    return -1


def _decoded(value: bytes) -> bytes | None:
    """Return the text of a JSON value: of a string its content, None for null, all else as it is written."""
    if value == b"null":
        return None
    return _unescape(value[1:-1]) if value.startswith(b'"') else value


def _unescape(text: bytes) -> bytes:
    return _ESCAPE.sub(_unescaped, text) if b"\\" in text else text


def _unescaped(match: re.Match[bytes]) -> bytes:
    high, low, other = match.groups()
    if other is not None:
        return _ESCAPED.get(other, other)
    code = int(high, 16)
    if low is None:
        return _REPLACEMENT if 0xD800 <= code < 0xE000 else chr(code).encode()
    if 0xD800 <= code < 0xDC00:
        return chr(0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00).encode()
    # The second escape is the second half of a pair, but the first one is not the first half.
    return (_REPLACEMENT if 0xDC00 <= code < 0xE000 else chr(code).encode()) + _REPLACEMENT
