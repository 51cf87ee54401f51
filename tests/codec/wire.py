"""Protobuf's wire format by hand: what no library would write."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = [
    "LOGS_PLACES",
    "TRACES_PLACES",
    "delimited",
    "field",
    "group",
    "mutated",
    "overlong",
    "varint",
    "wire_messages",
]


def varint(value: int) -> bytes:
    """Encode a varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def overlong(value: int, size: int) -> bytes:
    """Encode a varint in more bytes than it needs."""
    short = varint(value)
    padded = bytes(byte | 0x80 for byte in short) + b"\x80" * (size - len(short))
    return padded[:-1] + bytes((padded[-1] & 0x7F,))


def field(number: int, wire_type: int, value: bytes) -> bytes:
    """Encode a field whose value is encoded already."""
    return varint(number << 3 | wire_type) + value


def delimited(number: int, content: bytes) -> bytes:
    """Encode a message, string or bytes field."""
    return field(number, 2, varint(len(content)) + content)


def group(number: int, content: bytes, end: int | None = None) -> bytes:
    """Encode a group; ``end`` is the number it ends with."""
    return field(number, 3, content) + field(number if end is None else end, 4, b"")


_varints = st.one_of(
    st.integers(0, 300).map(varint),
    st.integers(0, 2**64 - 1).map(varint),
    st.builds(overlong, st.integers(0, 2**31), st.integers(6, 11)),
    st.sampled_from([b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x7f", b"\xff" * 10, b"\x80"]),
)
_texts = st.one_of(
    st.sampled_from([b"", b"service.name", b"audit.action", b"event.name", b"log.type", b"audit", b"a", b"b"]),
    st.binary(max_size=10),
    st.sampled_from(
        [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xe2\x80", b"\x80", b"\xff"]
    ),
    st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


def _fields(contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    numbers = st.one_of(st.integers(1, 17), st.sampled_from([0, 1000, 2**29 - 1, 2**29]))
    return st.one_of(
        # Mostly what could be a message of OTLP: messages and texts under small numbers.
        st.builds(delimited, st.integers(1, 15), contents),
        st.builds(delimited, st.integers(1, 15), _texts),
        st.builds(delimited, numbers, contents),
        st.builds(field, numbers, st.just(0), _varints),
        st.builds(field, numbers, st.just(1), st.binary(min_size=8, max_size=8)),
        st.builds(field, numbers, st.just(5), st.binary(min_size=4, max_size=4)),
        st.builds(group, numbers, contents),
        st.builds(group, numbers, contents, numbers),
        st.builds(field, numbers, st.integers(0, 7), _varints),
        st.builds(
            lambda length: field(1, 2, varint(length)), st.sampled_from([2**31 - 1, 2**31, 2**32, 2**63, 2**64 - 1])
        ),
    )


def _message(contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(_fields(contents), max_size=5).map(b"".join)


_contents: st.SearchStrategy[bytes] = st.recursive(_texts, _message, max_leaves=20)

_Places = tuple[tuple[int, ...], ...]

# What both signals have in common.
_PLACES: _Places = (
    (),
    (1,),  # ResourceLogs
    (1, 1),  # its resource
    (1, 1, 1),  # an attribute of it
    (1, 1, 3),  # an entity reference
    (1, 2),  # ScopeLogs
    (1, 1000),  # under its old number
    (1, 1000, 2),
    (1, 2, 1),  # its scope
    (1, 2, 2),  # a record, or a span
)
LOGS_PLACES: _Places = (
    *_PLACES,
    (1, 2, 2, 5),  # its body
    (1, 2, 2, 5, 5),  # an array
    (1, 2, 2, 5, 6),  # a key-value list
    (1, 2, 2, 6),  # an attribute
    (1, 2, 2, 6, 2),  # its value
)
"""Numbers of the fields around a message, up to the request: so it is read, and not only read over."""

TRACES_PLACES: _Places = (
    *_PLACES,
    (1, 2, 2, 9),  # an attribute
    (1, 2, 2, 9, 2),  # its value
    (1, 2, 2, 11),  # an event
    (1, 2, 2, 11, 3),  # its attribute
    (1, 2, 2, 13),  # a link
    (1, 2, 2, 13, 4),  # its attribute
    (1, 2, 2, 15),  # the status
)
"""The same for spans."""


@st.composite
def wire_messages(draw: st.DrawFn, places: _Places = LOGS_PLACES) -> bytes:
    """Requests put together of fields that fit, mostly, and of fields that do not."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        content = draw(_message(_contents))
        for number in reversed(draw(st.sampled_from(places))):
            before, behind = draw(st.sampled_from([(b"", b""), (delimited(9, b"x"), b""), (b"", field(7, 0, b"\x05"))]))
            content = delimited(number, before + content + behind)
        parts.append(content)
    return b"".join(parts)


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """Messages with a few bytes changed, cut, doubled or put in."""
    data = bytearray(draw(messages))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["truncate", "flip", "set", "insert", "delete", "repeat"])):
            case "truncate":
                del data[at:]
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "set" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.one_of(st.binary(max_size=12), _varints))
            case "delete":
                del data[at : at + draw(st.integers(1, 8))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 60))]
    return bytes(data)
