"""SQL and lines of logs in every text of every request, over gRPC and HTTP, by a caller who is limited to one tenant.

The fields are those of the descriptors and of the OpenAPI document of the running server, so a new call needs an entry
here, and a new field is tried without one. Each request is a good one but for the text of one field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness.otlp_load import log_record, request_of
from harness.waiting import wait_for
from lognotary.v1 import administration_pb2, correlation_pb2, disclosures_pb2, evidence_pb2, status_pb2, tokens_pb2
from server.access.callers import Grant, Role
from tests.api.routes import METHOD_OF_PATH, camel, json_name
from tests.effort import effort
from tests.system.attacks.payloads import PAYLOADS, RAW_PAYLOADS
from tests.system.attacks.site import Site, create_token, read_kept

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "bravosecret"  # noqa: S105 - a word in all records of the other tenant
RANGE = {"since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
PAGE = {"page_size": 5}
SERVICES = (
    *(
        correlation_pb2.DESCRIPTOR.services_by_name["CorrelationService"],
        evidence_pb2.DESCRIPTOR.services_by_name["EvidenceService"],
    ),
    *(status_pb2.DESCRIPTOR.services_by_name["StatusService"],),
    administration_pb2.DESCRIPTOR.services_by_name["AdministrationService"],
    disclosures_pb2.DESCRIPTOR.services_by_name["DisclosureService"],
    tokens_pb2.DESCRIPTOR.services_by_name["TokenService"],
)
LOG = "shop/alpha/operational/{writer}"
NUMBER = count()

GOOD: Mapping[str, dict[str, Any]] = {
    "GetTrace": {"trace_id": TRACE, **RANGE},
    "SearchAuditEvents": {**RANGE, **PAGE},
    "Search": {**RANGE, **PAGE},
    "Histogram": {**RANGE, "buckets": 3},
    "Facets": {**RANGE, "fields": ["service"]},
    "FieldNames": {**RANGE},
    "FindTraces": {**RANGE, **PAGE},
    "Neighbours": {"log": LOG, "leaf_index": 0, "by": "leaf", "before": 2, "after": 2},
    "ActorTimeline": {"actor_id": "alice", **RANGE, **PAGE},
    "TargetHistory": {"target_id": "order", **RANGE, **PAGE},
    "Export": {**RANGE, "format": "csv"},
    "CompleteSearch": {**RANGE},
    "Tail": {},
    "ListLogs": {},
    "GetCheckpoint": {"log": LOG},
    "GetInclusionProof": {"log": LOG, "leaf_index": 0},
    "GetBundle": {"log": LOG, "leaf_index": 0},
    "GetConsistencyProof": {"log": LOG, "first": 3, "second": 3},
    "ListStatements": {"log": LOG, "page_size": 3},
    "ListGaps": {**RANGE, "limit": 3},
    "GetReceipt": {"record_id": "00000000-0000-0000-0000-000000000001"},
    "Verify": {"lookups": 1},
    "GetStatus": {},
    "GetSettings": {},
    "ListTenants": {**RANGE, **PAGE},
    "AddHold": {"name": "{name}", "scope": {"service": "shop"}, "reason": "a lawsuit"},
    "ListHolds": {},
    "ReleaseHold": {"name": "{name}", "reason": "it is over"},
    "GetRetention": {},
    "DropTenant": {"tenant": "nobody", "reason": "the contract has ended"},
    "Disclose": {"commitments": ["a" * 64]},
    "Erase": {"actor": "nobody", "reason": "asked for", "requested_by": "alice"},
    "ListTokens": {},
    "CreateToken": {"name": "{name}", "roles": ["viewer"], "services": ["shop"], "environments": ["prod"]},
    "RotateToken": {"name": "{name}"},
    "RevokeToken": {"name_or_id": "{name}"},
}
"""A good request of each method, as JSON."""

NOT_FOUND = {"GetReceipt", "ReleaseHold", "DropTenant", "RotateToken", "RevokeToken"}
"""Methods whose good request asks for something that is not there."""

FOR_EVERYTHING = {
    *("GetStatus", "AddHold", "ListHolds", "ReleaseHold", "GetRetention", "DropTenant", "Erase"),
    *("GetSettings", "ListTokens", "CreateToken", "RotateToken", "RevokeToken"),
}
"""Methods that nobody may call who is limited to a tenant."""

CHANGES = {"AddHold", "ReleaseHold", "DropTenant", "Erase"}
ENDLESS = {"Tail"}

OTHER_PATHS = {
    "get /api/v1/export-manifests/{name}",
    "get /tlog/{log_id}/checkpoint",
    "get /tlog/{log_id}/tile/{level}/{index}",
    "get /trace/{trace_id}",
}
WITHOUT_TEXTS = {"get /api/openapi.json", "get /healthz", "get /readyz", "get /metrics"}

REFUSED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED"}
HTTP_REFUSED = {200, 307, 400, 403, 404, 409, 422, 429, 431}
BUSY = "another change of policy is being made: try again in a moment"  # the server's own change, say
LEAKED = re.compile(r"DB::|Code: \d|SELECT |FROM otel|_logs\b|Exception|Traceback|additional_table|/tmp/|\bchdb|sqlite")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO|WARNING) \S+: ")


@dataclass
class Answers:
    """Answers, with what is wrong about them."""

    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    asked: int = 0

    def add(self, call: str, payload: str, outcome: str, is_plain: bool, text: str) -> None:
        self.asked += 1
        shown = text.replace(payload, "").replace(payload.encode("unicode_escape").decode(), "")
        # Records of who looked are answered, too, and have what was asked for before.
        if not is_plain or SECRET in text or (outcome not in ("OK", "200") and LEAKED.search(shown)):
            self.wrong.append((call, payload[:40], f"{outcome}: {text[:300]}"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with records of two tenants."""
    made = Site(tmp_path_factory.mktemp("site"), tls=False, writer="w")
    tokens = {
        name: create_token(made, f"{name}-sender", Grant(Role.SENDER), tenant=name) for name in ("alpha", "bravo")
    }
    with made.running(), grpc.insecure_channel(made.server.otlp_grpc) as channel:
        for name, token in tokens.items():
            words = SECRET if name == "bravo" else "alphaword"
            event: dict[str, Any] = {
                "audit_actor_id": f"{words}-actor",
                "audit_action": words,
                "audit_target_id": words,
                "log_type": "audit",
            }
            records = [log_record(f"{words} {turn}", trace_id=TRACE, marker=words) for turn in range(3)]
            records.append(log_record(words, trace_id=TRACE, **event))
            LogsServiceStub(channel).Export(
                request_of(records, service=name), metadata=[("authorization", f"Bearer {token}")], timeout=60
            )
        yield made


def texts(kind: Descriptor, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all fields of a message that have texts, also in messages within it."""
    for each in kind.fields:
        path = (*before, each.name)
        if each.type == FieldDescriptor.TYPE_BYTES:
            raise NotImplementedError(f"bytes in {path}: say how they are attacked")
        if each.message_type is None:
            if each.type == FieldDescriptor.TYPE_STRING:
                yield path
        elif each.message_type.full_name != "google.protobuf.Timestamp":
            yield from texts(each.message_type, path)


def filled(method: str) -> dict[str, Any]:
    """Return a good request."""
    text = json.dumps(GOOD[method]).replace("{name}", f"case-{next(NUMBER)}").replace("{writer}", "w")
    request: dict[str, Any] = json.loads(text)
    return request


def with_text(method: str, kind: Descriptor, path: Sequence[str], text: str) -> Message:
    """Return a good request but for the text of a field."""
    message: Any = ParseDict(filled(method), GetMessageClass(kind)())
    if path[0] == "record_id" and method == "Neighbours":
        message.ClearField("log")
        message.ClearField("leaf_index")
    at = message
    for name in path[:-1]:
        of = at.DESCRIPTOR.fields_by_name[name]
        if of.message_type.GetOptions().map_entry:
            getattr(at, name)[text].SetInParent()  # an entry that is empty but for its key
            return message  # type: ignore[no-any-return]
        at = getattr(at, name)
    if at.DESCRIPTOR.fields_by_name[path[-1]].is_repeated:
        del getattr(at, path[-1])[:]
        getattr(at, path[-1]).append(text)
    else:
        setattr(at, path[-1], text)
    return message  # type: ignore[no-any-return]


def chosen(payloads: Sequence[Any], number: int) -> list[Any]:
    """Return the payloads that are tried in a field: all, or with a profile of less effort some, in turn."""
    most = max(1, min(len(payloads), effort(100) * len(payloads) // 100))
    return [payloads[(number * most + each) % len(payloads)] for each in range(most)]


def call(channel: grpc.Channel, method: Any, sent: bytes, token: str) -> tuple[str, str]:
    """Return the code of a call, and all of its answer as a text."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = GetMessageClass(method.output_type).FromString
    make: Callable[..., Any] = channel.unary_stream if method.server_streaming else channel.unary_unary
    try:
        made = make(path, None, answer)(sent, metadata=[("authorization", f"Bearer {token}")], timeout=120)
        if not method.server_streaming:
            return "OK", str(MessageToDict(made))
        if method.name in ENDLESS:
            first = str(MessageToDict(next(made)))
            made.cancel()
            return "OK", first
        return "OK", str([MessageToDict(step) for step in made])
    except grpc.RpcError as error:
        return error.code().name, error.details() or ""


def check_grpc(site: Site) -> None:
    """Attack all texts of requests over gRPC."""
    answers, jobs = Answers(), list[tuple[str, str, Any, bytes]]()
    methods = {method.name: method for service in SERVICES for method in service.methods}
    assert methods.keys() == GOOD.keys()
    number = count()
    for name, method in methods.items():
        for path in texts(method.input_type):
            for payload in chosen(PAYLOADS, next(number)):
                sent = with_text(name, method.input_type, path, payload).SerializeToString()
                jobs.append((f"{name}.{'.'.join(path)}", payload, method, sent))
        for path in texts(method.input_type):
            if len(path) == 1:  # bytes that are no UTF-8, behind a good request
                tag = method.input_type.fields_by_name[path[0]].number << 3 | 2
                for raw in chosen(RAW_PAYLOADS, next(number)):
                    tail = bytes([tag & 0x7F | 0x80, tag >> 7] if tag > 127 else [tag]) + bytes([len(raw)]) + raw
                    good: Message = ParseDict(filled(name), GetMessageClass(method.input_type)())
                    jobs.append((f"{name}.{path[0]}", repr(raw), method, good.SerializeToString() + tail))
    with grpc.insecure_channel(site.server.api_grpc) as channel:

        def token_for(name: str) -> str:
            return site.admin if name in FOR_EVERYTHING else site.limited

        for name, method in methods.items():
            good = ParseDict(filled(name), GetMessageClass(method.input_type)())
            code, told = call(channel, method, good.SerializeToString(), token_for(name))
            assert code == ("NOT_FOUND" if name in NOT_FOUND else "OK"), (name, told)
            assert SECRET not in told
        found = call(
            channel, methods["Search"], correlation_pb2.SearchRequest(query=SECRET).SerializeToString(), site.admin
        )
        assert SECRET in found[1]

        with ThreadPoolExecutor(6) as pool, ThreadPoolExecutor(1) as alone:  # one policy is changed at a time
            done = [
                (alone if job[2].name in CHANGES else pool).submit(
                    call, channel, job[2], job[3], token_for(job[2].name)
                )
                for job in jobs
            ]
            for (title, payload, _, _), each in zip(jobs, done, strict=True):
                code, told = each.result()
                answers.add(title, payload, code, code in REFUSED or told.endswith(BUSY), told)
    assert answers.wrong == []
    assert answers.asked == len(jobs) > 150


@dataclass(frozen=True)
class Place:
    """A text of a request over HTTP: in the path, in the query, or in the body."""

    route: str
    kind: str
    path: tuple[str, ...]


def places(document: Mapping[str, Any]) -> Iterator[Place]:
    """Yield all places of texts, as the OpenAPI document has them."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            route = f"{method} {path}"
            for parameter in described.get("parameters", []):
                assert parameter["in"] in ("path", "query"), f"say how a parameter in {parameter['in']} is attacked"
                yield Place(route, parameter["in"], (parameter["name"],))
            if "requestBody" in described:
                schema = described["requestBody"]["content"]["application/json"]["schema"]
                yield from (Place(route, "body", found) for found in properties(document, schema, ()))


def properties(
    document: Mapping[str, Any], schema: Mapping[str, Any], before: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all properties of a schema that are no objects, also numbers: a text may be sent for one."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        yield before
    for name, inner in schema.get("properties", {}).items():
        yield from properties(document, inner, (*before, name))


def request_at(place: Place, site: Site, text: str | bytes) -> httpx.Request:
    """Return a good request but for the text at a place."""
    verb, _, path = place.route.partition(" ")
    name = METHOD_OF_PATH.get(place.route, "")
    good = camel(filled(name)) if name else {}
    escaped = quote(text, safe="")
    for parameter in re.findall(r"{(\w+)}", path):
        value = good.pop(json_name(parameter), "x")
        used = escaped if place.path[-1] == parameter and place.kind == "path" else quote(str(value), safe="")
        path = path.replace(f"{{{parameter}}}", used)
    if name == "Neighbours" and place.path == ("recordId",):
        del good["log"], good["leafIndex"]
    token = site.admin if name in FOR_EVERYTHING else site.limited
    headers = {"Authorization": f"Bearer {token}"}
    if verb == "post":
        if place.kind == "body":
            at = good
            for step in place.path[:-1]:
                at = at.setdefault(step, {})
            if place.path:
                old = at.get(place.path[-1])
                at[place.path[-1]] = [text] if isinstance(old, list) else text
        headers["Content-Type"] = "application/json"
        content = json.dumps(good).encode() if isinstance(text, str) else b'{"a": "%s"}' % text
        return httpx.Request("POST", site.server.http + path, content=content, headers=headers)
    pairs = {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in good.items()}
    query = [f"{key}={quote(value, safe='')}" for key, value in pairs.items() if (key,) != place.path]
    query += [f"{place.path[0]}={escaped}"] if place.kind == "query" else []
    return httpx.Request("GET", f"{site.server.http}{path}?{'&'.join(query)}", headers=headers)


def ask(client: httpx.Client, request: httpx.Request) -> tuple[int, str, httpx.Headers]:
    answer = client.send(request, stream=True)
    try:
        if request.url.path == "/api/v1/tail" and answer.status_code == 200:
            return answer.status_code, next(answer.iter_text(), ""), answer.headers
        return answer.status_code, answer.read().decode(errors="backslashreplace"), answer.headers
    finally:
        answer.close()


def check_http(site: Site) -> None:
    """Attack all texts of requests over HTTP."""
    answers, jobs = Answers(), list[tuple[Place, str, httpx.Request]]()
    headers = {"Authorization": f"Bearer {site.admin}"}
    with httpx.Client(timeout=120) as client:
        document = client.get(f"{site.server.http}/api/openapi.json", headers=headers).json()
        known = {f"{verb} {path}" for path, verbs in document["paths"].items() for verb in verbs}
        assert known == METHOD_OF_PATH.keys() | OTHER_PATHS | WITHOUT_TEXTS
        for number, place in enumerate(places(document)):
            chosen_here = (*chosen(PAYLOADS, number), *chosen(RAW_PAYLOADS, number))
            for payload in chosen_here:
                shown = payload if isinstance(payload, str) else repr(payload)
                jobs.append((place, shown, request_at(place, site, payload)))
        with ThreadPoolExecutor(6) as pool, ThreadPoolExecutor(1) as alone:  # one policy is changed at a time
            changes = [METHOD_OF_PATH.get(job[0].route) in CHANGES for job in jobs]
            done = [
                (alone if change else pool).submit(ask, client, job[2])
                for change, job in zip(changes, jobs, strict=True)
            ]
            for (place, payload, _), each in zip(jobs, done, strict=True):
                status, told, given = each.result()
                # A redirect to a trace has its ID, in 32 hexadecimal digits; nothing else of a request is in a header.
                is_plain = (status in HTTP_REFUSED or BUSY in told) and not any(
                    word in str(given) for word in ("forged", "owned", "\\x1b")
                )
                answers.add(str(place), payload, str(status), is_plain, told)
    assert answers.wrong == []
    assert answers.asked == len(jobs) > 200


def check_what_is_kept(site: Site) -> None:
    """End the server, and check that neither its log nor the records of who looked have raw texts."""
    wait_for(lambda: has_recorded_all(site), every=0.2)
    assert site.server.stop() == 0
    lines = site.server.log_text().removesuffix("\n").split("\n")
    assert [line[:300] for line in lines if not LOG_LINE.match(line) or not line.isprintable()] == []
    kept = read_kept(site.server)
    assert sum("OR 1=1" in look.get("lognotary.access.request", "") for look in kept.looks) > 10
    raw = [
        (name, value)
        for look in kept.looks
        for name, value in look.items()
        if not value.isprintable() or (name == "lognotary.access.request" and not value.isascii() and "…" not in value)
    ]
    assert raw == []
    whole = [look.get("lognotary.access.request", "") for look in kept.looks]
    cut = [text for text in whole if text and not is_json(text)]
    assert [text for text in cut if "more characters" not in text and "[redacted" not in text] == []


def has_recorded_all(site: Site) -> bool:
    """Return whether everything that was asked is on record: a busy machine needs longer than the end of a server."""
    metrics = httpx.get(f"{site.server.http}/metrics", headers={"Authorization": f"Bearer {site.admin}"})
    return "lognotary_access_log_waiting 0.0" in metrics.raise_for_status().text.splitlines()


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_no_text_is_taken_for_anything_else_in_answers_in_the_log_or_in_records_of_who_looked(site: Site) -> None:
    check_grpc(site)
    check_http(site)
    check_what_is_kept(site)


def test_a_new_text_is_tried_without_an_entry_here() -> None:
    walked = {path for service in SERVICES for method in service.methods for path in texts(method.input_type)}
    assert {("scope", "trace_id"), ("compromised_keys", "key"), ("unsigned_streams",), ("page_token",)} <= walked
