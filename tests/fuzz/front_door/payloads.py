"""Bodies: OTLP logs requests in protobuf and in JSON, most of them no longer quite what they were."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from functools import cache

from tests.codec.wire import delimited, varint
from tests.fuzz.mutate import mutated
from tests.fuzz.target import corpus_files

__all__ = ["json_body", "protobuf_body", "protobuf_bomb", "valid_protobuf"]

# Bodies of each kind: to make one takes longer than to send it, and those who look for bodies that break a codec are
# differential.py and the targets in C++.
_POOL = 4096

_RECORD = {
    "timeUnixNano": "1544712660300000000",
    "observedTimeUnixNano": "1544712660300000000",
    "severityNumber": 10,
    "severityText": "Information",
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "flags": 1,
    "body": {"stringValue": "a line"},
    "attributes": [
        {"key": "bytes", "value": {"bytesValue": "AAEC"}},
        {"key": "bool", "value": {"boolValue": True}},
        {"key": "int", "value": {"intValue": "10"}},
        {"key": "double", "value": {"doubleValue": 637.704}},
        {"key": "array", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}},
    ],
}
_DOCUMENT = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "fuzzed"}}]},
            "scopeLogs": [{"scope": {"name": "fuzz", "version": "1"}, "logRecords": [_RECORD]}],
        }
    ]
}
# What a value in the document is replaced by: as it is written, so also what no library would write.
_LITERALS = (
    *("null", "true", "0", "-0", "-1", "1.5", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity", "{}"),
    *("[]", '""', '"x"', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\ufeff"', '"0x10"', '"1e3"', '"NaN"'),
    *('"-1"', "01", "18446744073709551615", "18446744073709551616", '"18446744073709551616"', "9" * 400),
    *("9" * 5000, "1." + "0" * 5000, "1e" + "9" * 20, '"' + "a" * 10000 + '"', '"' + "é" * 5000 + '"'),
    *("[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200, "[" * 100_000, '{"stringValue":"a","intValue":1}'),
    *('"5B8EFFF798038103D269B633813FC60C"', '"zz"', '"===="', "+1", ".5", "0x1f", "'x'", "undefined", "//", "/**/"),
    *('"\n"', '"\t"', '"\\x"', '"unterminated', "[1,]", '{"a":1,}', '{"a":1,"a":2}'),
)


@cache
def _corpus() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in corpus_files())


def valid_protobuf(chance: random.Random) -> bytes:
    """Return a small request that is valid."""
    attribute = delimited(1, b"service.name") + delimited(2, delimited(1, b"fuzzed"))
    record = delimited(5, delimited(1, b"line %d" % chance.getrandbits(16)))
    scope_logs = delimited(1, delimited(1, b"fuzz")) + delimited(2, record) * chance.choice((1, 1, 1, 2, 5))
    return delimited(1, delimited(1, delimited(1, attribute)) + delimited(2, scope_logs))


def protobuf_body(chance: random.Random) -> bytes:
    """Return a request in protobuf: valid, changed a little, or anything."""
    return _protobuf_body(chance.randrange(_POOL))


def json_body(chance: random.Random) -> bytes:
    """Return a request in JSON: valid, changed a little, or anything."""
    return _json_body(chance.randrange(_POOL))


@cache
def _protobuf_body(number: int) -> bytes:
    chance = random.Random(number)
    match chance.randrange(10):
        case 0 | 1:
            return valid_protobuf(chance)
        case 2:
            return chance.choice((b"", b"\0", b"\x0a", b"\xff" * 12, chance.randbytes(chance.choice((1, 7, 300)))))
        case _:
            corpus = _corpus()
            return mutated(chance.choice(corpus), corpus, chance)


@cache
def _json_body(number: int) -> bytes:
    chance = random.Random(number)
    text = json.dumps(_DOCUMENT)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        text = chance.choice(_JSON_CHANGES)(text, chance)
    body = text.encode("utf-8", "surrogatepass")
    match chance.randrange(24):
        case 0:
            return body[: chance.randint(0, len(body))]
        case 1:
            at = chance.randint(0, len(body))
            junk = chance.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\xe2\x80"))
            return body[:at] + junk + body[at:]
        case 2:
            return text.encode(chance.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-be")), "surrogatepass")
        case 3:
            return body + chance.choice((b"{}", b"]", b"\0", b" " * 5000, b"x", body))
        case 4:
            return chance.choice((b"", b"[", b"{", b"null", b"[]", b"{}", b'""', b"0", b"{" * 5000, b"[" * 50_000))
        case _:
            return body


def _replace_value(text: str, chance: random.Random) -> str:
    """Put something else in the place of a value, found by what stands before it."""
    places = [at for at, letter in enumerate(text) if letter == ":" or (letter == "[" and at)]
    if not places:
        return text
    start = chance.choice(places) + 1
    end = min((at for mark in ",}]" if (at := text.find(mark, start)) >= 0), default=len(text))
    return text[:start] + chance.choice(_LITERALS) + text[end:]


def _wrap_value(text: str, chance: random.Random) -> str:
    """Nest the body's value deeper."""
    depth = chance.choice((2, 30, 49, 50, 60, 99, 100, 101, 500, 3000))
    inner = '{"arrayValue":{"values":[' * depth + '{"stringValue":"x"}' + "]}}" * depth
    return text.replace('{"stringValue": "a line"}', inner, 1)


def _rename(text: str, chance: random.Random) -> str:
    names = ("resourceLogs", "scopeLogs", "logRecords", "attributes", "key", "value", "body", "traceId", "stringValue")
    return text.replace(
        f'"{chance.choice(names)}"',
        chance.choice(('"resource_logs"', '"log_records"', '"x"', '"body"', '"key"', '""', '"\\u0062ody"', "key")),
        chance.choice((1, 1, -1)),
    )


def _repeat(text: str, chance: random.Random) -> str:
    """Repeat a stretch, which may be a member, an element, or neither."""
    start = chance.randrange(len(text) + 1)
    part = text[start : start + chance.choice((1, 2, 10, 60))]
    return text[:start] + part * chance.choice((2, 2, 3, 50)) + text[start + len(part) :]


def _drop(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.choice((1, 1, 2, 10)) :]


_JSON_CHANGES: Sequence[Callable[[str, random.Random], str]] = (
    *(_replace_value, _replace_value, _replace_value, _wrap_value, _rename, _repeat, _drop),
)


def protobuf_bomb(chance: random.Random) -> bytes:
    """Return a request that takes many times its size in memory, or time, at a codec that is not careful."""
    match chance.randrange(6):
        case 0:  # resources without anything
            return delimited(1, b"") * 2_000_000
        case 1:  # records without anything
            return delimited(1, delimited(2, delimited(2, b"") * 50_000))
        case 2:  # more records than one batch can hold
            return delimited(1, delimited(2, delimited(2, b"") * 1_000_001))
        case 3:  # attributes without anything, more than are taken
            return delimited(1, delimited(2, delimited(2, delimited(6, b"") * (1 << 17))))
        case 4:  # a resource that each record repeats
            text = delimited(1, delimited(1, b"k") + delimited(2, delimited(1, b"v" * (1 << 20))))
            return delimited(1, delimited(1, text) + delimited(2, delimited(2, b"") * 10_000))
        case _:  # as deep as there are bytes
            value = b""
            for _ in range(chance.choice((90, 110, 2000))):
                value = delimited(5, delimited(1, value)) if len(value) < 1 << 20 else value
            return delimited(1, delimited(2, delimited(2, delimited(5, value)))) + varint(7)
