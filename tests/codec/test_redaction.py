"""Secrets in values are replaced before anything else is done with records and spans."""

from __future__ import annotations

import hmac
import json
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import classify
from server.codec.decode import decode
from server.codec.decode_spans import decode_spans
from server.codec.records import RecordColumns
from server.codec.redaction import Redactor
from server.codec.redaction_rules import NO_REDACTION, RULES, Mode, Redaction
from server.codec.reference import ReferenceCodec
from server.notary.origin import Stream

from .building import NOW
from .otlp_messages import array, attributes, boolean, double, integer, kvlist, raw, string
from .strategies import requests

REMOVE = Redactor(Redaction())
KEY = bytes(range(32))
MARK = "[redacted:key.password]"


def logs(
    *records: LogRecord, resource: Resource | None = None, scope: InstrumentationScope | None = None
) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    request.resource_logs.add(resource=resource).scope_logs.add(scope=scope, log_records=records)
    return request


def redacted(record: LogRecord, redactor: Redactor = REMOVE) -> RecordColumns:
    return decode(logs(record).SerializeToString(), redactor=redactor)


def stored(key: str, value: AnyValue, redactor: Redactor = REMOVE) -> tuple[str, Any]:
    """Return the text and the type of an attribute as they are stored."""
    columns = redacted(LogRecord(attributes=attributes([(key, value)])), redactor)
    [(_, text)] = columns.log_attributes[0]
    return text.decode(), json.loads(columns.otlp_details[0]).get("log", {}).get(key, "string")


@pytest.mark.parametrize(
    "value",
    [string("x"), string("12"), integer(12), double(0.5), raw(b"x"), array(string("x")), kvlist(("a", string("x")))],
)
def test_the_whole_value_of_a_secret_key_becomes_a_string(value: AnyValue) -> None:
    assert stored("db.password", value) == (MARK, "string")


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (string(""), "", "string"),
        (string("None"), "None", "string"),
        (string("***"), "***", "string"),
        (string(MARK), MARK, "string"),
        (string("[hmac:card:0123456789abcdef]"), "[hmac:card:0123456789abcdef]", "string"),
        (boolean(True), "true", "bool"),
        (AnyValue(), "", "empty"),
        (array(), "[]", []),
    ],
)
def test_what_says_that_there_is_no_secret_is_kept(value: AnyValue, text: str, kind: object) -> None:
    assert stored("db.password", value) == (text, kind)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (integer(12), "12"),
        (double(1.5), "1.5"),
        (string("12"), "12"),
        (kvlist(("used", integer(5))), '{"used":5}'),
        (string("abc"), "[redacted:key.token]"),
        (array(string("abc")), "[redacted:key.token]"),
    ],
)
def test_tokens_are_counted_or_listed(value: AnyValue, text: str) -> None:
    assert stored("gen_ai.usage.tokens", value)[0] == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (string("login password=x ok"), f"login password={MARK} ok"),
        (integer(4111111111111111), "[redacted:card]"),
        (double(4111111111111111.0), "[redacted:card]"),
        (integer(4111111111111112), "4111111111111112"),
        (integer(-4111111111111111), "-4111111111111111"),
        (raw(b"password=x"), "cGFzc3dvcmQ9W3JlZGFjdGVkOmtleS5wYXNzd29yZF0="),
        (
            array(string("a"), string("password=x"), integer(4111111111111111)),
            f'["a","password={MARK}","[redacted:card]"]',
        ),
        (
            kvlist(("b", kvlist(("apiKey", array(integer(1))), ("c", integer(1)))), ("a", array(string("token=x1")))),
            '{"a":["token=[redacted:key.token]"],"b":{"apiKey":"[redacted:key.api_key]","c":1}}',
        ),
    ],
)
def test_secrets_are_found_within_other_values(value: AnyValue, text: str) -> None:
    assert stored("a", value)[0] == text
    assert redacted(LogRecord(body=value)).body == [text.encode()]


def test_types_are_those_of_what_is_stored() -> None:
    value = kvlist(("password", integer(1)), ("n", integer(1)), ("l", array(integer(1), integer(4111111111111111))))
    assert stored("a", value)[1] == {"l": ["int", "string"], "n": "int"}
    columns = redacted(LogRecord(time_unix_nano=1, body=integer(4111111111111111)))
    assert columns.otlp_details == [b""]


def test_kept_keys_and_what_is_within_them_are_not_redacted() -> None:
    redactor = Redactor(Redaction(keep=("Order.Number",), keys=("shoe size",)))
    secret = kvlist(("password", string("x")), ("order.number", string("4111111111111111")))
    assert stored("order.number", secret, redactor)[0] == '{"order.number":"4111111111111111","password":"x"}'
    assert stored("a", secret, redactor)[0] == f'{{"order.number":"4111111111111111","password":"{MARK}"}}'
    assert stored("my.shoeSize", string("42"), redactor)[0] == "[redacted:key.custom]"
    assert stored("a", string("shoe-size=42 order.number=1"), redactor)[0] == (
        "shoe-size=[redacted:key.custom] order.number=1"
    )


def test_equal_secrets_have_equal_hashes_whatever_rule_finds_them() -> None:
    redactor = Redactor(Redaction(Mode.HASH, key=KEY))
    digits = hmac.digest(KEY, b"hunter2", "sha256").hex()[:16]
    assert stored("db.password", string("hunter2"), redactor)[0] == f"[hmac:key.password:{digits}]"
    assert stored("a", string("postgres://u:hunter2@h"), redactor)[0] == f"postgres://u:[hmac:url_password:{digits}]@h"
    other = Redactor(Redaction(Mode.HASH, key=KEY[::-1]))
    assert stored("db.password", string("hunter2"), other)[0] != f"[hmac:key.password:{digits}]"


def test_the_redactions_of_a_record_are_counted_with_those_of_its_scope_and_resource() -> None:
    secret = attributes([("password", string("x"))])
    request = logs(
        LogRecord(body=string("token=x1 token=y2"), attributes=secret),
        LogRecord(body=string("nothing")),
        resource=Resource(
            attributes=attributes([("api.key", string("x")), ("service.name", string("Bearer abcdEFG1"))])
        ),
        scope=InstrumentationScope(attributes=secret),
    )
    columns = decode(request.SerializeToString(), redactor=REMOVE)
    assert columns.redactions == [
        b'{"bearer":1,"key.api_key":1,"key.password":2,"key.token":2}',
        b'{"bearer":1,"key.api_key":1,"key.password":1}',
    ]
    assert columns.service_name == [b"Bearer [redacted:bearer]"] * 2
    [rows] = ReferenceCodec((), redaction=Redaction()).encode(request.SerializeToString(), NOW)
    assert rows.redactions == (("bearer", 2), ("key.api_key", 2), ("key.password", 3), ("key.token", 2))


def test_audit_columns_have_what_is_stored() -> None:
    record = LogRecord(
        attributes=attributes(
            [
                ("audit.action", string("login")),
                ("audit.actor.id", string("bob token=abc1")),
                ("user.name", string("x")),
            ]
        )
    )
    [fields] = classify(redacted(record), built_in_rules())
    assert fields is not None
    assert fields.actor_id == b"bob token=[redacted:key.token]"


def test_all_of_a_span_but_its_names_is_redacted() -> None:
    secret = attributes([("password", string("x"))])
    span = Span(
        name="GET /?token=x1",
        attributes=secret,
        events=[Span.Event(name="token=x1", attributes=[*secret, *attributes([("a", string("Basic dTpw"))])])],
        links=[Span.Link(attributes=secret, trace_state="a=token")],
        status=Status(message="password=x refused"),
    )
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(spans=[span])
    columns = decode_spans(request.SerializeToString(), redactor=REMOVE)
    mark = MARK.encode()
    assert columns.span_name == [b"GET /?token=x1"]
    assert columns.span_attributes == [((b"password", mark),)]
    assert columns.events[0][0].attributes == ((b"a", b"Basic [redacted:basic]"), (b"password", mark))
    assert columns.events[0][0].name == b"token=x1"
    assert columns.links[0][0].attributes == ((b"password", mark),)
    assert columns.status_message == [b"password=" + mark + b" refused"]
    assert columns.redactions == [b'{"basic":1,"key.password":4}']


@given(requests(max_records=3))
def test_without_redaction_nothing_is_replaced(request: ExportLogsServiceRequest) -> None:
    encoded = request.SerializeToString()
    assert decode(encoded) == decode(encoded, redactor=Redactor(NO_REDACTION))
    for rows in ReferenceCodec(built_in_rules()).encode(encoded, NOW):
        assert rows.stream in (Stream.AUDIT, Stream.OPERATIONAL)
        assert rows.redactions == ()


def modes(default: Mode, **modes: Mode) -> Redactor:
    own = {rule.replace("_", ".", 1): mode for rule, mode in modes.items()}
    return Redactor(Redaction(default, keys=("user email",), key=KEY, modes=own))


def test_a_rule_can_have_a_mode_of_its_own() -> None:
    redactor = modes(Mode.REMOVE, key_custom=Mode.DISCLOSE, key_token=Mode.HASH, card=Mode.OFF)
    redactor = redactor.anew(lambda: b"s" * 32)
    found: Counter[str] = Counter()
    text = redactor.redacted(b"user_email=a@b.c token=t0k3n password=x card 4111111111111111", found).decode()
    commitment = sha256(b"s" * 32 + b"a@b.c").hexdigest()
    digits = hmac.digest(KEY, b"t0k3n", "sha256").hex()[:16]
    assert text == (
        f"user_email=[redacted:key.custom:sha256:{commitment}] token=[hmac:key.token:{digits}] "
        "password=[redacted:key.password] card 4111111111111111"
    )
    assert [each.value for each in redactor.disclosures] == [b"a@b.c"]
    assert dict(found) == {"key.custom": 1, "key.token": 1, "key.password": 1}


def test_a_single_rule_can_be_on_while_redaction_is_off() -> None:
    redactor = modes(Mode.OFF, key_token=Mode.REMOVE)
    assert stored("token", string("t0k3n"), redactor) == ("[redacted:key.token]", "string")
    assert stored("password", string("hunter2"), redactor) == ("hunter2", "string")
    assert stored("a", string("token=t0k3n password=x Bearer abcdefgh12345678"), redactor)[0] == (
        "token=[redacted:key.token] password=x Bearer abcdefgh12345678"
    )


def test_the_words_of_a_rule_that_is_off_hide_none_of_another() -> None:
    redactor = modes(Mode.REMOVE, key_token=Mode.OFF)
    assert stored("password.token", string("x"), redactor) == ("[redacted:key.password]", "string")
    assert stored("token", string("x"), redactor) == ("x", "string")


def test_a_form_that_is_off_is_never_of_a_mode() -> None:
    redaction = Redaction(patterns=("jwt",), modes={"card": Mode.HASH, "jwt": Mode.DISCLOSE})
    assert (redaction.uses(Mode.HASH), redaction.uses(Mode.DISCLOSE), redaction.is_off) == (False, True, False)
    assert Redaction(patterns=(), modes=dict.fromkeys(RULES, Mode.OFF)).is_off


def test_what_is_removed_to_compare_records_is_what_is_redacted() -> None:
    redaction = Redaction(Mode.HASH, key=bytes(32), modes={"jwt": Mode.OFF, "card": Mode.DISCLOSE})
    removing = redaction.removing()
    assert {rule for rule in RULES if removing.mode_of(rule) is Mode.OFF} == {"jwt"}
    assert not removing.uses(Mode.HASH, Mode.DISCLOSE)
    assert removing.key == b""
