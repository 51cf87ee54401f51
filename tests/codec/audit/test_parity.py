"""The compiled codec classifies as the reference codec does, whatever the records and the rules are."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from server.codec.audit.addresses import address_of
from server.codec.audit.built_in import built_in_rules
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import FIELD_NAMES
from server.codec.signals import Signal
from tests.codec.parity import NOW, Parity
from tests.codec.strategies import any_values, requests

_KEYS = ("a", "b", "a.b", "a.b.c", "b[0]", "items", "event.name", "k", "é")
_TEXTS = (
    *("x", "-", "403", "LOGIN", "user.create", "Failed", "10.0.0.1:80, 10.0.0.2", "[::1]:5", "null", "a=b"),
    *(
        "68c3C8",
        "686",
        "6x",
        "[104,105]",
        "[104.0,195.0,168.0,195.0,226,130]",
        "[237,160,128,104]",
        '\ufeff{"a":"x"}',
        "[104,256]",
    ),
    *('{"a":{"b":"x"}}', '["x","y"]', '[{"a":1}]', "{'a'", "success", "grantRole", "deploy", "AUTH", "é" * 5000),
)
_PATHS = (
    "a",
    "b",
    "a.b",
    "a.b.c",
    "a[0]",
    "a[-1].b",
    "a[*]",
    "a[*].b",
    "a[*].b[0]",
    "a[*][*]",
    "a[*].a[*].b",
    "[*].a",
    "b[0]",
    "[0]",
    "[0].a",
    "items",
    "items[1]",
    "é",
    "b[bytes]",
    "a[*].b[bytes]",
    "a[hex]",
)

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 600) | st.sampled_from(_TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def _broken(draw: st.DrawFn) -> str:
    text = json.dumps(draw(_json), ensure_ascii=draw(st.booleans()))
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(["", '"', "\\", "{", "]", ",", "\\u00", "\ud7ff"])) + text[at:]


_pairs = st.lists(
    st.tuples(st.sampled_from(_KEYS), st.sampled_from(["=", '="', "='", "= ", ":"]), st.sampled_from(_TEXTS)),
    max_size=5,
).map(lambda pairs: " ".join(key + middle + text + middle[1:] for key, middle, text in pairs))

_several = st.lists(
    st.tuples(_json.map(json.dumps) | _broken(), st.sampled_from(["", " ", "\n", "\r\n\t", ",", "x"])), max_size=3
).map(lambda parts: "".join(text + space for text, space in parts))
_texts = st.one_of(_json.map(json.dumps), _broken(), _several, _pairs, st.sampled_from(_TEXTS))
_values = st.one_of(
    _texts.map(lambda text: AnyValue(string_value=text)),
    _texts.map(lambda text: AnyValue(bytes_value=text.encode())),
    st.binary(max_size=4).map(lambda data: AnyValue(bytes_value=data)),
    any_values,
)
_attributes = st.lists(st.builds(KeyValue, key=st.sampled_from(_KEYS), value=_values), max_size=5)


@st.composite
def _requests(draw: st.DrawFn) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    for _ in range(draw(st.integers(1, 2))):
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.extend(draw(_attributes))
        scope_logs = resource_logs.scope_logs.add()
        scope_logs.scope.attributes.extend(draw(_attributes))
        scope_logs.scope.name = draw(st.sampled_from(["", "a", "x"]))
        for _ in range(draw(st.integers(0, 3))):
            record = LogRecord(
                time_unix_nano=draw(st.sampled_from([0, 1, NOW])),
                observed_time_unix_nano=draw(st.sampled_from([0, 2])),
                severity_number=SeverityNumber.ValueType(draw(st.integers(0, 3))),
                severity_text=draw(st.sampled_from(["", "x"])),
                event_name=draw(st.sampled_from(["", "x", "LOGIN"])),
                body=draw(_values),
                attributes=draw(_attributes),
            )
            scope_logs.log_records.append(record)
    return request


_patterns: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["*", "x", "x*", "*x", "*x*", "LOGIN", "", "é*"]),
    st.fixed_dictionaries({"min": st.integers(-5, 3), "max": st.integers(3, 600)}),
    st.sampled_from([{"regex": "^x"}, {"regex": "(?i)log(in|out)"}, {"regex": "[^a]$"}]),
    st.sampled_from([{"contains": "a"}, {"contains": ["a", "x"], "regex": "^.x"}, {"contains": "1", "max": 500}]),
)
_tests = st.one_of(_patterns, st.lists(_patterns, min_size=1, max_size=2))
_path_tests = st.dictionaries(st.sampled_from(_PATHS), _tests, min_size=1, max_size=2)
_matches = st.one_of(
    st.just({"severity_min": 1}),
    st.fixed_dictionaries(
        {},
        optional={
            "event_name": _tests,
            "scope": _tests,
            "service": _tests,
            "severity_min": st.integers(0, 3),
            "severity_text": _tests,
            "attributes": _path_tests,
            "resource": _path_tests,
            "scope_attributes": _path_tests,
            "body": st.one_of(_path_tests, _tests),
            "pairs": _path_tests,
        },
    ),
)
_sources = st.one_of(
    st.tuples(st.sampled_from(["log:", "resource:", "scope:", "body:", "pairs:"]), st.sampled_from(_PATHS)).map(
        "".join
    ),
    st.sampled_from(
        [
            *("body", "event_name", "scope_name", "service_name", "severity_text", "=", "=success", "=admin"),
            *("regex:r", "regex:r.a.b", "regex:s", "${log:a}/${body:b}", "x ${regex:s}", "${pairs:a}"),
        ]
    ),
)
_stored = st.dictionaries(st.sampled_from(["x", "*", "*a*", "400..599", "..0", "login*"]), st.just(""), min_size=1)
_results = {"outcome": "failure", "category": "system", "actor_type": "service"}
_fixed = {"outcome": "=success", "category": "=admin"}


@st.composite
def _rule(draw: st.DrawFn) -> dict[str, Any] | None:
    matches = [match for match in draw(st.lists(_matches, min_size=1, max_size=2)) if _is_one(match)]
    if not matches:
        return None
    values = draw(st.sets(st.sampled_from(FIELD_NAMES), max_size=3))

    def is_usable(name: str, source: str) -> bool:
        if name not in _results or not source.startswith("="):
            return True
        return name not in values and source == _fixed.get(name)

    rule: dict[str, Any] = {
        "name": draw(st.sampled_from(["first", "second"])),
        "match": matches,
        "extract": [
            {"from": draw(st.sampled_from(["body", "log:a", "scope_name"])), "regex": "(?P<r>[{].*[}])|(?P<s>x+)"},
            {"from": "log:b", "regex": "(?P<s>[a-z]+)"},
        ],
        "fields": {
            name: [source for source in draw(st.lists(_sources, max_size=3)) if is_usable(name, source)]
            for name in draw(st.sets(st.sampled_from(FIELD_NAMES), max_size=15))
        },
        "values": {name: dict.fromkeys(draw(_stored), _results.get(name, "stored")) for name in sorted(values)},
        "generic_fields": draw(st.booleans()),
    }
    if unless := [match for match in draw(st.lists(_matches, max_size=1)) if _is_one(match)]:
        rule["unless"] = unless
    if draw(st.booleans()):
        rule["absent"] = draw(st.lists(st.sampled_from(["x", "403"]), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        rule["split"] = draw(st.sampled_from(["body", "body:items", "body:a.b", "body:items[*].a", "body:a[*].b"]))
    return rule


def _is_one(match: dict[str, Any]) -> bool:
    return any(test != "" for name, test in match.items() if name != "severity_min") or match.get("severity_min", 0) > 0


@given(st.lists(_rule(), max_size=3), _requests())
def test_both_codecs_classify_alike(rules: list[dict[str, Any] | None], request: ExportLogsServiceRequest) -> None:
    parity = Parity(Signal.LOGS, parse_rules([rule for rule in rules if rule is not None]))
    parity.assert_same(request.SerializeToString())


@given(st.one_of(_requests(), requests()))
def test_both_codecs_classify_alike_by_the_built_in_rules(request: ExportLogsServiceRequest) -> None:
    Parity(Signal.LOGS, built_in_rules()).assert_same(request.SerializeToString())


@given(
    st.text(st.sampled_from("0159afB:.,[] x"), max_size=40)
    | st.lists(st.sampled_from(["0", "1", "00ab", "F", "", ":", "::ffff", "10.0.0.5", "unknown,"]), max_size=9).map(
        ":".join
    )
    | st.ip_addresses(v=6).map(lambda address: address.exploded.upper())
)
def test_both_codecs_store_the_same_address(text: str) -> None:
    rules = parse_rules(
        [{"name": "r", "match": {"body": "*"}, "fields": {"source_id": "body"}, "generic_fields": False}]
    )
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = text
    Parity(Signal.LOGS, rules).assert_same(request.SerializeToString())
    assert len(address_of(text.encode())) <= len(text)
