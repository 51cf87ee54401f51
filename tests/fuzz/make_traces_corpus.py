"""Writes the traces requests that fuzzing starts from.

    .venv/bin/python -m tests.fuzz.make_traces_corpus SEEDS

As ``make_corpus`` does it for logs requests, to tests/fuzz/corpus_traces. What both signals have in common, the wire
format, values, resources and scopes, is left to the corpus of logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.codec.signals import Signal
from tests.codec.strategies import trace_requests
from tests.codec.wire import delimited, field, group, overlong, varint
from tests.fuzz.logs_requests import attribute, double, fixed64, text
from tests.fuzz.make_corpus import write
from tests.fuzz.target import CORPORA

_START = 1_800_000_000 * 10**9


def span(content: bytes) -> bytes:
    """Return a request with one span."""
    return delimited(1, delimited(2, delimited(2, content)))


def spans(contents: Iterable[bytes]) -> bytes:
    """Return a request with many spans."""
    return delimited(1, delimited(2, b"".join(delimited(2, content) for content in contents)))


def event(name: bytes, *attributes: tuple[bytes, bytes], time: int = _START + 1) -> bytes:
    """Return an event as a field of a span."""
    return delimited(11, fixed64(1, time) + delimited(2, name) + b"".join(attribute(*each, 3) for each in attributes))


def link(content: bytes = b"", *attributes: tuple[bytes, bytes]) -> bytes:
    """Return a link as a field of a span."""
    ids = delimited(1, bytes(range(16))) + delimited(2, bytes(range(8)))
    return delimited(13, ids + content + b"".join(attribute(*each, 4) for each in attributes))


def status(message: bytes, code: int) -> bytes:
    """Return a status as a field of a span."""
    return delimited(15, delimited(2, message) + field(3, 0, varint(code)))


def tagged(key: bytes, value: bytes) -> bytes:
    """Return an attribute as a field of a span."""
    return attribute(key, value, 9)


NAME = delimited(5, b"GET")
INT = field(3, 0, b"\x2a")
LIST = delimited(5, delimited(1, text(b"a")))
WHOLE = delimited(
    1,
    delimited(1, attribute(b"service.name", text(b"svc"), 1) + attribute(b"a", INT, 1) + field(2, 0, b"\x01"))
    + delimited(
        2,
        delimited(1, delimited(1, b"scope") + attribute(b"b", text(b"v"), 3) + field(4, 0, b"\x02"))
        + delimited(
            2,
            delimited(1, bytes(range(16)))
            + delimited(2, bytes(range(8)))
            + delimited(3, b"vendor=1")
            + delimited(4, bytes(range(8, 16)))
            + NAME
            + field(6, 0, b"\x02")
            + fixed64(7, _START)
            + fixed64(8, _START + 5)
            + tagged(b"http.status", INT)
            + tagged(b"a", text(b"x1"))
            + field(10, 0, b"\x03")
            + event(b"exception", (b"k", text(b"v")), (b"n", INT))
            + field(12, 0, b"\x04")
            + link(delimited(3, b"x=y") + field(5, 0, b"\x01") + field(6, 5, b"\x01\0\0\0"), (b"k", text(b"v")))
            + field(14, 0, b"\x05")
            + status(b"failed", 2)
            + field(16, 5, b"\x01\x01\0\0"),
        )
        + delimited(3, b"https://schema/s"),
    )
    + delimited(3, b"https://schema/r"),
)


def awkward() -> Iterator[tuple[str, bytes]]:
    """Yield requests that are seldom sent, and bytes that are none, each with its name."""
    yield "empty", b""
    yield "whole", WHOLE
    yield "whole-twice", WHOLE * 2
    for size in range(1, len(WHOLE), 41):
        yield f"truncated-{size:03}", WHOLE[:size]
    yield (
        "empty-elements",
        span(delimited(11, b"") * 3 + delimited(13, b"") * 2 + delimited(15, b"") + tagged(b"", b"")),
    )
    yield from _awkward_wire()
    yield from _awkward_unread()
    yield from _awkward_elements()
    yield from _awkward_fields()
    yield from _long()


def _awkward_wire() -> Iterator[tuple[str, bytes]]:
    for number, name in {11: "event", 13: "link", 15: "status"}.items():
        yield f"{name}-that-is-cut", span(field(number, 2, b"\x05") + b"\x0a\x01")
        yield f"{name}-with-a-group", span(delimited(number, group(9, delimited(1, b"x"))))
        yield f"{name}-with-a-group-that-does-not-end", span(delimited(number, field(9, 3, b"")))
        yield f"{name}-with-unknown-fields", span(delimited(number, delimited(9, b"\xff") + field(10, 5, b"1234")))
        yield (
            f"{name}-with-other-wire-types",
            span(
                b"".join(
                    delimited(number, field(n, 0, b"\x01") + field(n, 1, b"8" * 8) + field(n, 5, b"4444"))
                    for n in range(1, 7)
                )
            ),
        )
        yield f"{name}-with-an-overlong-varint", span(delimited(number, field(3, 0, overlong(1, 10))))
        yield f"{name}-not-utf8", span(delimited(number, delimited(2, b"\xff") + delimited(3, b"\xff")))
    for arrays in (46, 47, 48):
        value = INT
        for _ in range(arrays):
            value = delimited(5, delimited(1, value))
        yield f"deep-attribute-{arrays}", span(tagged(b"k", value))
        yield f"deep-event-{arrays}", span(event(b"", (b"k", value)))
        yield f"deep-link-{arrays}", span(link(b"", (b"k", value)))
    yield "utf8-broken-name", span(delimited(5, b"\xff"))
    yield "utf8-broken-trace-state", span(delimited(3, b"\xed\xa0\x80"))


def _awkward_unread() -> Iterator[tuple[str, bytes]]:
    library = delimited(1000, delimited(1, delimited(1, b"lib")) + delimited(2, NAME))
    yield "old-scope-spans", delimited(1, library + delimited(1, b"")) + span(NAME)
    yield "old-scope-spans-beside-present", delimited(1, library + delimited(2, delimited(2, NAME)))
    yield "old-scope-spans-but-broken", delimited(1, library + delimited(1000, delimited(2, delimited(5, b"\xff"))))
    yield "unread-in-request", delimited(2, delimited(2, NAME))
    yield "unread-in-resource", span(NAME) + delimited(1, delimited(1, b"") + delimited(4, NAME))
    yield "unread-in-scope", delimited(1, delimited(2, delimited(1, b"") + group(2, NAME)))
    yield "unread-in-span", span(field(17, 0, b"\x01"))
    yield "unread-log-record", span(fixed64(1, _START) + delimited(5, text(b"body")))
    yield "unread-metric", span(delimited(1, b"metric") + delimited(7, field(2, 0, b"\x02")))
    yield "scope-behind-its-spans", delimited(1, delimited(2, delimited(2, NAME) + delimited(1, delimited(1, b"s"))))
    yield "resource-behind-its-spans", delimited(1, delimited(2, delimited(2, NAME)) + delimited(1, field(2, 0, b"\1")))


def _awkward_elements() -> Iterator[tuple[str, bytes]]:
    keys = [(b"b", INT), (b"a", text(b"2")), (b"b", text(b"3")), (b"", b""), (b"a", text(b"1")), (b"\xc3\xa9", LIST)]
    yield "keys-twice", span(b"".join(tagged(*each) for each in keys) + event(b"", *keys) + link(b"", *keys))
    values = (text(b"s"), INT, double(0.5), field(2, 0, b"\x01"), b"", LIST)
    yield (
        "layouts",  # more than are remembered, each met again; all types under each key
        spans(
            b"".join(tagged(b"k%d" % ((n * 7 + i) % 5), values[(n + i) % 6]) for i in range(n % 11))
            + b"".join(event(b"e%d" % i, (b"k%d" % (n % 9), values[(n + i) % 6])) for i in range(n % 3))
            + b"".join(link(b"", (b"k%d" % (n % 10), values[(n * i) % 6])) for i in range(n % 4))
            for n in range(26)
        ),
    )
    times = (0, 1, 2**63 - 1, 2**63, 2**64 - 1)
    yield "event-times", span(b"".join(event(b"", time=time) for time in times))
    ids = (b"", b"\x01" * 8, bytes(8), b"\x02" * 16, bytes(16), b"\xab" * 17)
    yield "link-ids", span(b"".join(delimited(13, delimited(1, a) + delimited(2, b)) for a in ids for b in ids))
    yield (
        "details-of-some",
        span(
            event(b"a")
            + event(b"b", (b"k", INT))
            + delimited(11, field(4, 0, varint(2**32 - 1)))
            + event(b"c", time=2**63)
            + link()
            + link(field(6, 5, b"\xff" * 4))
            + link(field(5, 0, b"\x07"), (b"k", LIST))
        ),
    )
    yield "elements-between-others", span(event(b"a") + link() + NAME + event(b"b") + link() + event(b"c"))
    yield "events-300", span(event(b"") * 150 + delimited(11, b"") * 150)
    yield "spans-501", spans([b""] * 501)
    yield "attributes-129", span(b"".join(tagged(b"%d" % (i * 31 % 200), b"") for i in range(129)))
    yield (
        "event-attribute-in-parts",
        span(delimited(11, delimited(3, delimited(2, LIST) + delimited(1, b"k") + delimited(2, LIST)))),
    )


def _awkward_fields() -> Iterator[tuple[str, bytes]]:
    ids = [(b"\xab" * size, b"\x01" * size) for size in (0, 1, 7, 8, 9, 15, 16, 17, 32)]
    ids += [(bytes(16), bytes(8)), (bytes(15) + b"\x01", bytes(7) + b"\x01")]
    yield "ids", spans(delimited(1, a) + delimited(2, b) + delimited(4, b[::-1]) for a, b in ids)
    times = (0, 1, 5, 2**63 - 1, 2**63, 2**64 - 1)
    yield "times", spans(fixed64(7, start) + fixed64(8, end) for start in times for end in times)
    numbers = (*range(8), 255, 256, 2**31 - 1, 2**31, 2**32 + 1, 2**64 - 1)
    yield "kinds", spans(field(6, 0, varint(number)) for number in numbers)
    yield "statuses", spans(status(b"", number) for number in numbers)
    yield "status-in-parts", span(status(b"first", 2) + delimited(15, delimited(2, b"second")) + delimited(15, b""))
    counts = b"".join(field(number, 0, varint(2**32 - 1)) for number in (10, 12, 14))
    yield "counts", span(counts + field(16, 5, b"\xff" * 4))
    yield "counts-beyond-32-bits", span(b"".join(field(n, 0, varint(2**35 + 1)) for n in (6, 10, 12, 14)))
    yield "fields-twice", span(NAME + delimited(5, b"") + delimited(1, b"x") + delimited(1, b"") + fixed64(7, 9) * 2)
    yield (
        "fields-reversed",
        span(
            field(16, 5, b"1234")
            + status(b"m", 1)
            + link()
            + event(b"e")
            + tagged(b"k", b"")
            + fixed64(8, 4)
            + fixed64(7, 5)
            + NAME
            + delimited(3, b"a=b")
        ),
    )


def _long() -> Iterator[tuple[str, bytes]]:
    # Alone in a request each is longer than what a buffer for the span happens to have to spare.
    long = b"long" * 200
    for name, content in {
        "name": delimited(5, long),
        "trace-state": delimited(3, long),
        "status": status(long, 2),
        "key": tagged(long, b""),
        "value": tagged(b"k", text(long)),
        "details": delimited(1, long),
        "event-name": event(long),
        "event-key": event(b"", (long, b"")),
        "event-value": event(b"", (b"k", text(long))),
        "events": event(b"e") * 100,
        "link-trace-state": link(delimited(3, long)),
        "link-value": link(b"", (b"k", text(long))),
        "links": link() * 60,
    }.items():
        yield f"long-{name}", span(content)


def main() -> None:
    """Write the inputs."""
    examples = trace_requests(max_spans=3).map(ExportTraceServiceRequest.SerializeToString)
    write(CORPORA[Signal.TRACES], awkward(), examples, "python -m tests.fuzz.make_traces_corpus", __doc__)


if __name__ == "__main__":
    main()
