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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from server.codec.audit.bytes_as_text import text_of_bytes, text_of_hex
from server.codec.audit.json_scan import decoded, end_of_string, end_of_value, skip_space, unescape
from server.codec.audit.pairs import first_pairs
from server.codec.audit.paths import ALL, BYTES, HEX, Path, Segment, beginnings

__all__ = [
    "BYTE_ORDER_MARK",
    "JsonObject",
    "begins_with",
    "elements_of",
    "events_of",
    "find",
    "is_json",
    "members",
    "members_of",
    "objects_in",
    "plain",
    "read_object",
]

BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}".encode()
"""UTF-8 byte order mark, which may precede a text and is not part of it."""


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
        end = end_of_value(text, _beginning(text))
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
    at = skip_space(text, at + 1)
    if text[at : at + 1] == b"}":
        return found, at + 1
    while text[at : at + 1] == b'"':
        end = end_of_string(text, at)
        if end < 0:
            break
        key = unescape(text[at + 1 : end - 1])
        at = skip_space(text, end)
        if text[at : at + 1] != b":":
            break
        at = skip_space(text, at + 1)
        end = end_of_value(text, at)
        if end < 0:
            if _has_whole_object(text, at):
                found.append((key, text[at:]))
            break
        found.append((key, decoded(text[at:end])))
        at = skip_space(text, end)
        if text[at : at + 1] == b"}":
            return found, at + 1
        if text[at : at + 1] != b",":
            break
        at = skip_space(text, at + 1)
    return found, -1


def objects_in(text: bytes) -> Iterator[bytes]:
    """Yield the JSON objects in a text that is a list of them, or has several one after the other; the last may be cut.

    Among the latter may be lists of objects.
    """
    at = _beginning(text)
    while text[at : at + 1] in (b"{", b"["):
        end = end_of_value(text, at)
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
        at = skip_space(text, end)


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
        yield decoded(text[at:end]) or b""


def _is_list(text: bytes) -> bool:
    return begins_with(text, b"[")


def begins_with(text: bytes, characters: bytes) -> bool:
    """Return whether a text begins with one of some characters, or with white space before it."""
    return _stands_at(text, _beginning(text), characters)


def _stands_at(text: bytes, at: int, characters: bytes) -> bool:
    """Return whether one of some characters stands at a place, or behind white space there."""
    at = skip_space(text, at)
    return at < len(text) and text[at] in characters


def _is_list_of_scalars(text: bytes) -> bool:
    """Return whether a text is a list of scalars from its first to its last character."""
    behind = 1  # the bracket
    for at, end in _spans(text):
        if text[at : at + 1] in (b"[", b"{"):
            return False
        behind = end
    return text[skip_space(text, behind) :] == b"]"


def _spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the elements of a list begin and end, up to the place where the text is broken."""
    at = _beginning(text)
    if text[at : at + 1] != b"[":
        return
    at = skip_space(text, at + 1)
    while True:
        end = end_of_value(text, at)
        if end < 0:
            return
        yield at, end
        at = skip_space(text, end)
        if text[at : at + 1] != b",":
            return
        at = skip_space(text, at + 1)


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


def _beginning(text: bytes) -> int:
    """Return where a text begins behind a byte order mark and white space."""
    return skip_space(text, len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0)


def _has_whole_object(text: bytes, at: int) -> bool:
    """Return whether a list of objects, which does not end, begins at a place and has a whole object."""
    if text[at : at + 1] != b"[":
        return False
    at = skip_space(text, at + 1)
    return text[at : at + 1] == b"{" and end_of_value(text, at) >= 0
