"""Every call of the API, over gRPC and HTTP, with every role, and with no and with wrong credentials."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from server.access.call_rules import GRPC_RULES, HTTP_RULES, http_rules
from server.access.callers import Role
from server.api.guarded_http import guarded_http
from server.explorer.pages import ASSET_PATHS, PAGE_PATHS, UNKNOWN_PATH
from storage.deferred import DeferredEngine
from tests.api.guarded import Guarded, guarded_http_client

READERS = {Role.VIEWER, Role.AUDITOR, Role.ADMIN}
AUDITORS = {Role.AUDITOR, Role.ADMIN}
OPERATORS = {Role.OPERATOR, Role.ADMIN}
EVERYBODY = set(Role)

# Written out, and not derived from the rules: what the roles are for.
ROLES_OF_METHODS = {
    "lognotary.v1.CorrelationService": {
        **dict.fromkeys(
            ["GetTrace", "Search", "Histogram", "Facets", "FieldNames", "FindTraces", "Neighbours", "Export", "Tail"],
            READERS,
        ),
        **dict.fromkeys(["SearchAuditEvents", "ActorTimeline", "TargetHistory", "CompleteSearch"], AUDITORS),
    },
    "lognotary.v1.EvidenceService": dict.fromkeys(
        [
            *("ListLogs", "GetCheckpoint", "GetInclusionProof", "GetBundle", "GetConsistencyProof", "GetReceipt"),
            *("ListStatements", "ListGaps", "Verify"),
        ],
        AUDITORS,
    ),
    "lognotary.v1.StatusService": {
        "GetStatus": OPERATORS,
        "GetSettings": OPERATORS,
        "ListTenants": AUDITORS | OPERATORS,
    },
    "lognotary.v1.AdministrationService": {
        **dict.fromkeys(("AddHold", "ReleaseHold", "DropTenant"), OPERATORS),
        **dict.fromkeys(("ListHolds", "GetRetention"), AUDITORS | OPERATORS),
    },
    "lognotary.v1.DisclosureService": {"Disclose": AUDITORS, "Erase": OPERATORS},
    "lognotary.v1.TokenService": dict.fromkeys(("ListTokens", "CreateToken", "RotateToken", "RevokeToken"), OPERATORS),
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": EVERYBODY},
}
OPEN_METHODS = {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List"}

API = "/api/v1"
ROLES_OF_ROUTES = {
    **dict.fromkeys(
        [
            *(f"GET {API}/{name}" for name in ("search", "histogram", "facets", "field-names", "traces", "neighbours")),
            *(f"GET {API}/{name}" for name in ("traces/{trace_id}", "export", "export-manifests/{name}", "tail")),
        ],
        READERS,
    ),
    **dict.fromkeys(
        [
            f"GET {API}/audit-events",
            f"GET {API}/actors/{{actor_id:path}}",
            f"GET {API}/targets/{{target_id:path}}",
            f"GET {API}/logs",
            *(f"GET {API}/logs/{{log}}/{name}" for name in ("checkpoint", "inclusion-proof", "bundle")),
            *(f"GET {API}/logs/{{log}}/{name}" for name in ("consistency-proof", "statements")),
            f"GET {API}/gaps",
            f"GET {API}/receipts/{{record_id}}",
            f"POST {API}/verify",
            f"POST {API}/complete-search",
            f"POST {API}/disclosures",
            "GET /tlog/{log_id}/{path:path}",
        ],
        AUDITORS,
    ),
    **dict.fromkeys(
        [
            f"GET {API}/status",
            f"GET {API}/settings",
            f"POST {API}/holds",
            f"POST {API}/holds/{{name}}/release",
            f"POST {API}/tenants/{{tenant}}/drop",
            f"POST {API}/disclosures/erase",
            f"GET {API}/tokens",
            f"POST {API}/tokens",
            f"POST {API}/tokens/{{name}}/rotate",
            f"POST {API}/tokens/{{name_or_id}}/revoke",
            "GET /metrics",
        ],
        OPERATORS,
    ),
    **dict.fromkeys([f"GET {API}/{name}" for name in ("holds", "retention", "tenants")], AUDITORS | OPERATORS),
    "GET /api/openapi.json": EVERYBODY,
}
OPEN_ROUTES = {"GET /healthz", "GET /readyz"}
PAGES = {f"GET {path}" for path in (*PAGE_PATHS, *ASSET_PATHS, UNKNOWN_PATH, "/trace/{trace_id}")}
"""Routes of the explorer, which have no records: everybody gets them, and the API decides who may read what."""

VALUES = {"log": "shop", "log_id": "0" * 16, "path": "checkpoint", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


@pytest.fixture
def guarded() -> Guarded:
    """The API on a storage that cannot be reached: whoever gets that far was let in."""
    return Guarded(DeferredEngine())


@pytest.fixture
async def channel(guarded: Guarded) -> AsyncIterator[grpc.aio.Channel]:
    async with guarded.grpc() as opened:
        yield opened


def authorization(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (("authorization", f"Bearer {token}"),)


async def methods_of(channel: grpc.aio.Channel, token: str = Role.SENDER.value) -> dict[str, tuple[bool, bool]]:
    """Return the methods that a server says it has, each with whether it takes and returns streams."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)

    async def ask(**request: str) -> reflection_pb2.ServerReflectionResponse:
        call = stub.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(**request)]), metadata=authorization(token)
        )
        return await anext(aiter(call))

    found: dict[str, tuple[bool, bool]] = {}
    for service in (await ask(list_services="")).list_services_response.service:
        answer = await ask(file_containing_symbol=service.name)
        for content in answer.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(content)
            for each in file.service:
                for method in each.method:
                    name = f"/{file.package}.{each.name}/{method.name}"
                    found[name] = method.client_streaming, method.server_streaming
    return found


async def call(channel: grpc.aio.Channel, method: str, streams: tuple[bool, bool], token: str | None) -> Any:
    """Return the code and the details of a call without content."""
    kind = f"{'stream' if streams[0] else 'unary'}_{'stream' if streams[1] else 'unary'}"
    made = getattr(channel, kind)(method, request_serializer=bytes, response_deserializer=bytes)
    sent = made(iter([b""]) if streams[0] else b"", metadata=authorization(token), timeout=30)
    try:
        if streams[1]:
            await anext(aiter(sent), None)
        else:
            await sent
    except grpc.aio.AioRpcError as error:
        if not (streams[0] and error.code() is grpc.StatusCode.INTERNAL):
            return error.code(), error.details()
    else:
        return grpc.StatusCode.OK, ""
    finally:
        sent.cancel()
    # The client was about to write to a call that had been refused, and tells this instead of the refusal.
    return await call(channel, method, streams, token)


async def test_each_method_of_a_running_server_answers_the_roles_it_is_for(
    guarded: Guarded, channel: grpc.aio.Channel
) -> None:
    methods = await methods_of(channel)
    expected = {
        f"/{service}/{name}": roles for service, names in ROLES_OF_METHODS.items() for name, roles in names.items()
    }
    assert methods.keys() - OPEN_METHODS == expected.keys()
    assert methods.keys() - GRPC_RULES.keys() == set()
    for method, roles in expected.items():
        answered = {role: await call(channel, method, methods[method], role.value) for role in Role}
        assert {role for role, (code, _) in answered.items() if code not in REFUSED} == roles, method
        refused = {answered[role] for role in set(Role) - roles}
        needed = " or ".join(role.value for role in Role if role in roles)
        message = f"these credentials do not permit this call: it needs the role {needed}"
        assert refused <= {(grpc.StatusCode.PERMISSION_DENIED, message)}, method
        without = {await call(channel, method, methods[method], token) for token in (None, "", "nobody", "admin ")}
        assert {code for code, _ in without - {answered[Role.ADMIN]}} == {grpc.StatusCode.UNAUTHENTICATED}, method
        assert len({details for code, details in without if code in REFUSED}) == 1, method
    assert set(guarded.denials) == {"missing", "unknown", "malformed", "forbidden"}


async def test_health_is_open_to_everybody(channel: grpc.aio.Channel) -> None:
    assert await call(channel, "/grpc.health.v1.Health/Check", (False, False), None) == (grpc.StatusCode.OK, "")


async def test_a_method_without_a_rule_does_not_exist_for_anybody() -> None:
    method = "/lognotary.v1.EvidenceService/ListLogs"
    rules = {name: rule for name, rule in GRPC_RULES.items() if name != method}
    async with Guarded(DeferredEngine(), rules=rules).grpc() as channel:
        code, details = await call(channel, method, (False, False), "admin")
        assert (code, "has no such call" in details) == (grpc.StatusCode.UNIMPLEMENTED, True)
        for other in (method, "/lognotary.v1.Other/Call", "/"):
            assert (await call(channel, other, (False, False), None))[0] is grpc.StatusCode.UNAUTHENTICATED


def routes_of(guarded: Guarded) -> set[str]:
    found = set()
    for route in guarded.app.routes:
        assert isinstance(route, Route)
        found |= {f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"}}
    return found


def filled(path: str) -> str:
    return re.sub(r"{(\w+)(:path)?}", lambda found: VALUES.get(found[1], "x"), path)


async def asked(client: httpx.AsyncClient, method: str, path: str, token: str | None) -> httpx.Response:
    body: dict[str, Any] = {"json": {}} if method == "POST" else {}
    return await client.request(method, path, headers=authorization(token), **body)


async def test_each_route_of_the_api_answers_the_roles_it_is_for(guarded: Guarded) -> None:
    assert routes_of(guarded) - OPEN_ROUTES - PAGES == ROLES_OF_ROUTES.keys()
    assert {tuple(route.split()) for route in routes_of(guarded)} - HTTP_RULES.keys() == set()
    async with guarded.http() as client:
        for route, roles in ROLES_OF_ROUTES.items():
            method, path = route.split()
            for used in {method, "HEAD"} if method == "GET" else {method}:
                answers = {role: await asked(client, used, filled(path), role.value) for role in Role}
                allowed = {role for role, answer in answers.items() if answer.status_code not in (401, 403)}
                assert allowed == roles, route
                refused = {(answers[role].status_code, answers[role].text) for role in set(Role) - roles}
                assert len(refused) == bool(set(Role) - roles), route
                without = [await asked(client, used, filled(path), token) for token in (None, "nobody")]
                assert {answer.status_code for answer in without} == {401}, route
                assert {answer.headers["www-authenticate"] for answer in without} == {"Bearer"}
                assert len({answer.text for answer in without}) == 1, route


async def test_open_routes_answer_everybody(guarded: Guarded) -> None:
    async with guarded.http() as client:
        for route in OPEN_ROUTES:
            assert (await asked(client, *route.split(), None)).status_code == 200  # type: ignore[call-arg]
        for route in PAGES - {f"GET {UNKNOWN_PATH}"}:
            method, path = route.split()
            answers = [await asked(client, method, filled(path), token) for token in (None, "nobody", "admin")]
            assert {answer.status_code for answer in answers} <= {307, 404, 501}, route
            assert len({answer.text for answer in answers}) == 1, route
    assert guarded.denials == []


async def test_browsers_get_a_page_at_an_unknown_path_and_programs_the_error(guarded: Guarded) -> None:
    async with guarded.http() as client:
        for path in ("/nope", "/logs/shop/audit/vm-1"):
            for token in (None, "admin"):
                headers = {"Accept": "text/html,*/*;q=0.8", **dict(authorization(token))}
                page = await client.get(path, headers=headers)
                assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
            program = await asked(client, "GET", path, "admin")
            assert (program.status_code, program.headers["content-type"]) == (404, "text/plain; charset=utf-8")
            assert (await asked(client, "GET", path, None)).status_code == 401
        of_a_program = await client.get(f"{API}/nope", headers={"Accept": "text/html"})
        assert of_a_program.status_code == 401


CONFUSED = [
    "//api/v1/search",
    "/api//v1/search",
    "/api/v1/search/",
    "/api/v1/Search",
    "/API/v1/search",
    "/%61pi/v1/search",
    "/api/v1%2fsearch",
    "/api%2fv1%2fsearch",
    "/healthz/../api/v1/search",
    "/healthz/%2e%2e/api/v1/search",
    "/healthz%2f..%2fapi%2fv1%2fsearch",
    "/healthz;/api/v1/search",
    "/healthz%00",
    "/healthz%0a/api/v1/search",
    "/readyz%23/../../metrics",
    "/tlog/x/../../metrics",
    "/metrics?x=/healthz",
    "/metrics%3f/healthz",
    "/metrics#/healthz",
    "/.//metrics",
    "/metrics%20",
    "/api/v1/actors/../search",
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "X"])
async def test_no_spelling_of_a_path_or_method_gets_around_the_rules(guarded: Guarded, method: str) -> None:
    async with guarded.http() as client:
        for path in CONFUSED:
            assert (await asked(client, method, path, None)).status_code == 401, path
            assert (await asked(client, method, path, "sender")).status_code in (403, 404, 405), path


@pytest.mark.parametrize("path", ["/new", "/mounted/new"])
async def test_a_route_without_a_rule_is_refused_to_everybody(guarded: Guarded, path: str) -> None:
    async def answer(_: Request) -> Response:
        return PlainTextResponse("never seen")

    guarded.app.routes.append(Route("/new", answer))
    guarded.app.routes.append(Mount("/mounted", routes=[Route("/new", answer)]))
    async with guarded_http_client(guarded, guarded.app) as client:
        assert (await asked(client, "GET", path, "admin")).status_code == 403
        assert (await asked(client, "GET", path, None)).status_code == 401


async def test_who_is_known_learns_that_a_path_or_a_method_is_wrong(guarded: Guarded) -> None:
    async with guarded.http() as client:
        assert (await asked(client, "GET", "/nothing", "sender")).status_code == 404
        assert (await asked(client, "PUT", "/metrics", "sender")).status_code == 405


async def test_public_tiles_need_no_credentials(guarded: Guarded) -> None:
    async with guarded.http(public_tiles=True) as client:
        path = f"/tlog/{'0' * 16}/checkpoint"
        assert (await asked(client, "GET", path, None)).status_code == 503  # storage cannot be reached
        assert (await asked(client, "GET", "/api/v1/logs", None)).status_code == 401


async def test_two_different_credentials_are_none(guarded: Guarded) -> None:
    async with guarded.http() as client:
        headers = [("authorization", "Bearer admin"), ("authorization", "Bearer viewer")]
        assert (await client.get("/metrics", headers=headers)).status_code == 401


async def test_a_body_is_not_read_before_the_caller_is_known(guarded: Guarded) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    app = guarded_http(guarded.app, guarded.chain, http_rules(public_tiles=False))
    await app({"type": "http", "method": "POST", "path": "/api/v1/verify", "headers": []}, receive, send)
    assert sent[0]["status"] == 401


async def test_a_malformed_request_is_refused_after_its_caller_is_known(
    guarded: Guarded, channel: grpc.aio.Channel
) -> None:
    async def told(sent: bytes, token: str | None) -> grpc.StatusCode:
        asking: Any = channel.unary_unary("/lognotary.v1.CorrelationService/Search", None, None)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await asking(sent, metadata=authorization(token))
        return error.value.code()

    for sent in (b"\x0a\x02\xff\xfe", b"\x0a\x7f", b"\xff"):  # no UTF-8, cut off, no field
        assert await told(sent, "viewer") is grpc.StatusCode.INVALID_ARGUMENT
        assert await told(sent, "sender") is grpc.StatusCode.PERMISSION_DENIED
        assert await told(sent, None) is grpc.StatusCode.UNAUTHENTICATED
    assert guarded.denials.count("missing") == 3
