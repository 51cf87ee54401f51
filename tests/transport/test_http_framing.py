"""Requests that another server may read in another way, above what the parser refuses."""

from __future__ import annotations

import pytest

from server.transport.http_framing import why_ambiguous

HOST = (b"host", b"a")
CODING = b"transfer-encoding"


@pytest.mark.parametrize(
    ("version", "target", "headers"),
    [
        ("1.1", b"/", [HOST]),
        ("1.0", b"/", []),
        ("1.0", b"/", [HOST]),
        ("1.1", b"http://b/?x=y", [(b"host", b"otel_collector.example:4318")]),
        ("1.1", b"/", [(b"host", b" [::1]:80 ")]),
        ("1.1", b"/", [(b"host", b"")]),
        ("1.1", b"/", [HOST, (CODING, b" Chunked\t"), (b"transfer_encoding", b"x"), (b"te", b"gzip")]),
    ],
)
def test_what_has_one_meaning_is_not_refused(version: str, target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    assert why_ambiguous(version, target, headers) == ""


@pytest.mark.parametrize(
    ("version", "target", "headers", "why"),
    [
        ("0.9", b"/", [HOST], "version"),
        ("2.0", b"/", [HOST], "version"),
        ("1.2", b"/", [HOST], "version"),
        ("1.1", b"/a#b", [HOST], "fragment"),
        ("1.1", b"/", [], "exactly one Host"),
        ("1.1", b"/", [HOST, HOST], "exactly one Host"),
        ("1.0", b"/", [HOST, (b"host", b"b")], "exactly one Host"),
        *(
            ("1.1", b"/", [(b"host", value)], "must be a host")
            for value in (b"a b", b"a/b", b"a@b", b"a\xff", b"a\tb", b"<a>")
        ),
        *(
            ("1.1", b"/", [HOST, (CODING, value)], "Transfer-Encoding")
            for value in (b"gzip, chunked", b"identity", b"", b"chunked, chunked", b"xchunked", b"chunked;a=b")
        ),
        ("1.1", b"/", [HOST, (CODING, b"chunked"), (CODING, b"chunked")], "Transfer-Encoding"),
        ("1.0", b"/", [HOST, (CODING, b"chunked")], "Transfer-Encoding"),
    ],
)
def test_what_has_two_meanings_is_refused_with_the_reason(
    version: str, target: bytes, headers: list[tuple[bytes, bytes]], why: str
) -> None:
    assert why in why_ambiguous(version, target, headers)
