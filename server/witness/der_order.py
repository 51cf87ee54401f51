"""Sorting of a timestamp's certificates into DER order.

DER requires the elements of a SET OF to be sorted (X.690, section 11.6), and the package that reads timestamps insists.
OpenSSL writes certificates unsorted, and so do authorities built on it. The certificates are not signed, and
their order means nothing, so they can be sorted before the timestamp is read.
"""

from __future__ import annotations

from server.notary.errors import MalformedError

__all__ = ["sort_certificates"]

_SEQUENCE = 0x30
_CONTEXT_0 = 0xA0  # [0], constructed

_Element = tuple[int, int, int]
"""Offsets of an element: its start, the start of its content, and the end of both."""


def sort_certificates(response: bytes) -> bytes:
    """Return a TimeStampResp (RFC 3161) with the certificates in its token sorted; nothing else is changed.

    Input without certificates is returned unchanged: the parser that reads it next reports what is wrong with it.
    """
    try:
        place = _certificates(response)
    except MalformedError:
        return response
    if not place:
        return response
    start, end = place[0][0], place[-1][2]
    return response[:start] + b"".join(sorted(response[at:until] for at, _, until in place)) + response[end:]


def _certificates(response: bytes) -> list[_Element]:
    """Find TimeStampResp.timeStampToken, ContentInfo.content, SignedData.certificates (RFC 5652, section 5.1)."""
    whole = _element(response, 0, len(response))
    token = _child(response, whole, 1, _SEQUENCE)
    content = _child(response, token, 1, _CONTEXT_0)
    signed_data = _child(response, content, 0, _SEQUENCE)
    _, start, end = _child(response, signed_data, 3, _CONTEXT_0)
    return _elements(response, start, end)


def _child(data: bytes, parent: _Element, number: int, tag: int) -> _Element:
    children = _elements(data, parent[1], parent[2])
    if len(children) <= number or data[children[number][0]] != tag:
        raise MalformedError("unexpected structure")
    return children[number]


def _elements(data: bytes, start: int, end: int) -> list[_Element]:
    found: list[_Element] = []
    while start < end:
        element = _element(data, start, end)
        found.append(element)
        start = element[2]
    return found


def _element(data: bytes, start: int, end: int) -> _Element:
    """Read an element's head: a tag of one byte, and a length of one byte or of up to four more."""
    content = start + 2
    if content > end:
        raise MalformedError("an element ends too early")
    length = data[start + 1]
    if length >= 0x80:
        size = length - 0x80
        if not 1 <= size <= 4:
            raise MalformedError("an element's length is missing or too large")
        length = int.from_bytes(data[content : content + size], "big")
        content += size
    if content + length > end:
        raise MalformedError("an element extends beyond its parent")
    return start, content, content + length
