"""The compiled codec redacts what the reference codec redacts, and no secret that was planted is left."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from harness.lacking import lacking
from server.codec.audit.built_in import built_in_rules
from server.codec.choose import build_look, why_not_native
from server.codec.limits import MAX_MEMBERS
from server.codec.redaction import Redactor
from server.codec.redaction_rules import RULES as REDACTION_RULES
from server.codec.redaction_rules import Mode, Redaction
from server.codec.signals import Signal

from .logs_wire import RULES
from .otlp_messages import array, attributes, integer, kvlist, raw, string
from .secrets import EXAMPLES, secret_keys, secret_texts
from .strategies import requests, trace_requests

if why_not_native(Redaction(Mode.HASH)):
    lacking(f"the compiled codec is not installed: {why_not_native(Redaction(Mode.HASH))}")

from tests.codec.parity import Parity
from tests.effort import effort

REMOVE = Redaction(keys=("internal.code", "пароль"), keep=("keep.me",))
HASH = Redaction(Mode.HASH, keys=("internal.code",), keep=("keep.me",), key=bytes(range(32)))

DISCLOSE = Redaction(Mode.DISCLOSE, keys=("internal.code", "actor.id"), keep=("keep.me",))

# Every mode, also of rules that are looked for at the same places.
MIXED = Redaction(
    keys=("internal.code", "actor.id"),
    keep=("keep.me",),
    key=bytes(range(32)),
    modes={rule: list(Mode)[number % len(Mode)] for number, rule in enumerate(REDACTION_RULES)},
)
# Nothing but these two rules.
TWO = Redaction(Mode.OFF, modes={"key.token": Mode.DISCLOSE, "card": Mode.REMOVE})

KINDS = (REMOVE, HASH, DISCLOSE, MIXED, TWO)
LOGS = [Parity(Signal.LOGS, RULES, redaction=redaction) for redaction in KINDS]
SPANS = [Parity(Signal.TRACES, redaction=redaction) for redaction in KINDS]
FEW = Parity(Signal.LOGS, redaction=Redaction(patterns=("jwt", "basic", "aws_secret")))


def request_of(*records: LogRecord) -> bytes:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add(log_records=records)
    return request.SerializeToString()


@settings(deadline=None)
@given(requests(), st.sampled_from(LOGS))
def test_log_records_become_the_same_rows(request: ExportLogsServiceRequest, parity: Parity) -> None:
    assert isinstance(parity.assert_same(request.SerializeToString()), list)


@settings(deadline=None)
@given(trace_requests(), st.sampled_from(SPANS))
def test_spans_become_the_same_rows(request: ExportTraceServiceRequest, parity: Parity) -> None:
    assert isinstance(parity.assert_same(request.SerializeToString()), list)


@settings(max_examples=effort(3000), deadline=None)
@given(secret_texts, secret_keys, secret_texts, st.sampled_from([*LOGS, FEW]))
def test_texts_that_look_like_secrets_become_the_same_rows(body: str, key: str, value: str, parity: Parity) -> None:
    parity.assert_same(request_of(LogRecord(body=string(body), attributes=attributes([(key, string(value))]))))


@settings(max_examples=effort(1000), deadline=None)
@given(secret_texts, secret_keys, secret_texts)
def test_a_request_in_which_nothing_may_be_redacted_has_no_secret(body: str, key: str, value: str) -> None:
    record = LogRecord(body=string(body), attributes=attributes([(key, string(value))]))
    look = build_look("native", REMOVE)
    redacted = Redactor(REMOVE).without_secrets(record)
    assert look.look(request_of(record)).redacts == (redacted != record)
    assert look.redactor().without_secrets(record) == redacted


@settings(deadline=None)
@given(requests(), st.sampled_from([REMOVE, Redaction(patterns=("jwt",)), Redaction(Mode.OFF)]))
def test_records_are_redacted_alike_with_compiled_texts(
    request: ExportLogsServiceRequest, redaction: Redaction
) -> None:
    reference, compiled = Redactor(redaction), build_look("native", redaction).redactor()
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                assert compiled.without_secrets(record) == reference.without_secrets(record)


@settings(max_examples=effort(500), deadline=None)
@given(secret_keys, secret_texts)
def test_keys_say_the_same_of_values_within_values(key: str, text: str) -> None:
    value = kvlist((key, array(string(text), kvlist((key, raw(text.encode()))))), ("n", integer(4111111111111111)))
    record = LogRecord(body=value, attributes=attributes([(key, integer(7)), (text, value)]))
    assert build_look("native", REMOVE).redactor().without_secrets(record) == Redactor(REMOVE).without_secrets(record)


@pytest.mark.parametrize(
    "redaction",
    [Redaction(Mode.OFF, modes={rule: Mode.REMOVE}) for rule in REDACTION_RULES],
    ids=lambda each: next(iter(each.modes)),
)
def test_each_rule_alone_becomes_the_same_rows(redaction: Redaction) -> None:
    parity = Parity(Signal.LOGS, redaction=replace(redaction, keys=("internal.code",)))
    for example in EXAMPLES.values():
        key, value = ("internal.code", string(example)), ("db.password", string(example))
        parity.assert_same(request_of(LogRecord(body=string(example), attributes=attributes([key, value]))))


# What was read to the end of the text for each of them, and so took time with the square of their number.
_BEGINNINGS = (
    "pwd=/!",
    "tokens=[{",
    "authorization={",
    "eyJ-",
    "eyJhbGciOiJIUzI1NiJ9-",
    "bearer+",
    "basic+",
    "basic%20",
    "AIza-",
    "sk-a-",
    "&sig=[",
    "?sig=a",
    "?sig=Digest ",
    "u0026" + "-" * 61 + "sig=",
    '"token_hash":"-----BEGIN PRIVATE KEY-----',
    'pwd="/',
    "pwd=\\/",
    "4111-",
    "://:",
    "curl a:",
    " -u c:",
    '"keep.me":"\\',
    "alter user x identified by ",
    "password \\n'",
    "пароль:",
    "://[redacted:card]:",
)


@pytest.mark.parametrize("end", ["", ".", ".a.b", "x1", "]", '"'])
@pytest.mark.parametrize("beginning", _BEGINNINGS)
def test_many_beginnings_of_secrets_become_the_same_rows(beginning: str, end: str) -> None:
    text = beginning * (1 << 11) + end
    for parity in (LOGS[0], LOGS[3], FEW):
        parity.assert_same(request_of(LogRecord(body=string(text))))


@settings(max_examples=effort(300), deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_every_byte_counts_alike_wherever_it_is(noise: bytes, place: int) -> None:
    noisy = noise.decode(errors="ignore")
    for example in EXAMPLES.values():
        text = f"{example[:place]}{noisy}{example[place:]}"
        LOGS[0].assert_same(request_of(LogRecord(body=string(text))))


def test_numbers_at_the_edges_of_those_of_cards_become_the_same_rows() -> None:
    numbers = [10**12 - 1, 10**12, 4222222222222, 4111111111111111, 6304000000000000000, 2**63 - 1, -(2**63)]
    values = [integer(number) for number in numbers]
    doubles = [1e12, 4222222222222.0, 4111111111111111.0, 4111111111111111.5, 6.304e18, 1e19, float("nan"), -4e15]
    values += [AnyValue(double_value=number) for number in doubles]
    for value in values:
        LOGS[0].assert_same(
            request_of(LogRecord(body=value, attributes=attributes([("a", value), ("b", array(value))])))
        )


@pytest.mark.parametrize("key", ["password", "a"])
def test_lists_that_are_too_long_are_refused_whatever_their_key(key: str) -> None:
    value = kvlist(*((f"k{number}", integer(1)) for number in range(MAX_MEMBERS + 1)))
    for parity in LOGS:
        assert isinstance(parity.assert_same(request_of(LogRecord(attributes=attributes([(key, value)])))), tuple)


def test_long_texts_take_time_in_proportion() -> None:
    # Each of these would take hours if what is looked at were looked at again for every place in it.
    texts = [
        *("cookie: ", "password=", "a,", "://u:", "://", "eyJ", "eyJ.", "AKIA", "[hmac:", '"password":"', "'", "\\"),
        *("-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "1 ", "1111 ", "-", "Bearer ", "basic ", "ghp_", "password: {"),
        *("token=Digest ", "key ", "key: ", "password\\\\\\\\:", "1", "=" * 64, "_", '"token":[', "password='"),
        *(
            "authorization:{",
            "authorization: [{",
            'password=""',
            "password='''",
            "password=[redacted:card]",
            "--token ",
            "--",
        ),
        *(
            "curl -u a:",
            " -u a:",
            " '",
            "password '",
            "identified by '",
            '"name":"token","value":',
            "x identified by ",
            '"password":\n',
            "://:",
            ",",
            "\\npassword:",
        ),
    ]
    for text in texts:
        LOGS[0].outcome(LOGS[0].native, request_of(LogRecord(body=string(text * (1_000_000 // len(text))))))


# Places for a secret, of which the text around it tells that it is one.
_BODIES: tuple[Callable[[str], str], ...] = (
    lambda secret: f"login password={secret} failed",
    lambda secret: f"password: {secret}",
    lambda secret: json.dumps({"user": "bob", "password": secret, "n": 1}),
    lambda secret: json.dumps({"msg": json.dumps({"api_key": secret})}),
    lambda secret: json.dumps({"credentials": {"list": [secret, {"a": secret}]}}),
    lambda secret: f"GET /?access_token={secret}&x=1 200",
    lambda secret: f"Authorization: Bearer {secret}\nHost: x",
    lambda secret: f"Cookie: sid={secret}; other={secret}",
    lambda secret: f"curl -H 'X-Api-Key: {secret}' https://x",
    lambda secret: f"postgres://bob:{secret}@db:5432/x",
    lambda secret: f"-----BEGIN EC PRIVATE KEY-----\n{secret}\n-----END EC PRIVATE KEY-----",
    lambda secret: f"Basic {base64.b64encode(f'bob:{secret}'.encode()).decode()}",
    lambda secret: f"DB_PASSWORD={secret}",
)
_KEYS = ("password", "db.userPassword", "x-api-key", "client.credentials", "set-cookie", "a.secret.b")
_SECRETS = st.from_regex(r"[a-z]{4}[A-Za-z0-9]{8,20}[0-9]", fullmatch=True)


def _values(secret: str) -> st.SearchStrategy[KeyValue]:
    value = st.sampled_from(
        [string(secret), raw(secret.encode()), array(string(secret)), kvlist(("a", array(string("x"), string(secret))))]
    )
    header = KeyValue(key="http.request.header.authorization", value=array(string(secret)))
    direct = st.one_of(
        st.just(header), st.builds(lambda key, value: KeyValue(key=key, value=value), st.sampled_from(_KEYS), value)
    )
    nested = direct.map(
        lambda inner: KeyValue(key="a", value=array(kvlist(("b", string("x")), (inner.key, inner.value))))
    )
    texts = st.sampled_from(_BODIES).map(lambda body: KeyValue(key="a", value=array(string(body(secret)))))
    plain = st.sampled_from(_BODIES).map(lambda body: KeyValue(key="a", value=string(body(secret))))
    return st.one_of(direct, nested, texts, plain)


def _bytes_of(made: object) -> Iterator[bytes]:
    """Yield all bytes within rows."""
    if isinstance(made, bytes):
        yield made
    elif isinstance(made, (tuple, list)):
        for part in made:
            yield from _bytes_of(part)
    elif is_dataclass(made):
        for field in fields(made):
            yield from _bytes_of(getattr(made, field.name))


@settings(max_examples=effort(600), deadline=None)
@given(st.data(), _SECRETS, st.sampled_from([REMOVE, HASH]))
def test_no_planted_secret_is_left_in_any_column(data: st.DataObject, secret: str, redaction: Redaction) -> None:
    planted = st.lists(_values(secret), max_size=2)
    body = data.draw(st.sampled_from(_BODIES))(secret)
    resource, scope = Resource(attributes=data.draw(planted)), InstrumentationScope(attributes=data.draw(planted))
    action = attributes([("audit.action", string(body))]) if data.draw(st.booleans()) else []
    logs = ExportLogsServiceRequest()
    record = LogRecord(body=string(body), attributes=[*data.draw(planted), *action])
    logs.resource_logs.add(resource=resource).scope_logs.add(scope=scope, log_records=[record])
    traces = ExportTraceServiceRequest()
    span = Span(
        attributes=data.draw(planted),
        events=[Span.Event(attributes=data.draw(planted))],
        links=[Span.Link(attributes=data.draw(planted))],
        status=Status(message=body),
    )
    traces.resource_spans.add(resource=resource).scope_spans.add(scope=scope, spans=[span])
    made = [
        *Parity(Signal.LOGS, built_in_rules(), redaction=redaction).assert_same(logs.SerializeToString()),
        *Parity(Signal.TRACES, redaction=redaction).assert_same(traces.SerializeToString()),
    ]
    everything = b"\n".join(_bytes_of(made))
    assert b"[redacted:" in everything or b"[hmac:" in everything
    assert secret.encode() not in everything
    assert base64.b64encode(secret.encode()) not in everything


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("before", [" ", "x-y ", "n: 1 "])
def test_secrets_are_found_at_every_place_of_a_text(example: str, before: str) -> None:
    places = [(before * place)[-place:] + " " if place else "" for place in range(70)]
    record = LogRecord(body=array(*(string(f"{text}{example}{end}") for text in places for end in ("", " and more"))))
    assert build_look("native", REMOVE).redactor().without_secrets(record) == Redactor(REMOVE).without_secrets(record)


@pytest.mark.parametrize("text", ["a=b", "pwd=1", "pass:x", "--token a", "passwd:1234", "pwd 'a' by 1"])
@pytest.mark.parametrize("size", range(3, 18))
def test_secrets_are_found_in_short_texts(text: str, size: int) -> None:
    record = LogRecord(body=array(*(string(each) for each in (text.ljust(size), text.rjust(size), text[:size]))))
    assert build_look("native", REMOVE).redactor().without_secrets(record) == Redactor(REMOVE).without_secrets(record)
