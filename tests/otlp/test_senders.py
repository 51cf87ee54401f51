"""Credentials at the receivers, over both protocols: checked before anything of a body is read."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import ip_network

import grpc
import httpx
import pytest

from server.access.callers import Grant, Role
from server.access.certificates import CERTIFICATE_KEY
from server.access.proxy_tenants import ProxyTenants
from server.access.sender_certificates import SenderCertificate
from server.access.sender_check import SenderCheck
from server.access.token_text import digest_of, new_token
from server.access.tokens import Token, Tokens
from server.admission.admission import Ticket
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.notary.origin import ACCESS, Stream
from server.otlp.audit_records import AuditReceiving
from server.otlp.http_receiver import build_http_app
from server.own_records.proof import LOG_KEY, TENANT_KEY, TOKEN_KEY
from server.pipeline.measures import RequestMeasure
from server.process.pools import Pool
from tests.otlp.grpc_calls import EXPORT, EXPORT_TRACES, export, refused, serving
from tests.otlp.posting import BOTH, JSON, LIMIT, PROTOBUF, status_of
from tests.otlp.recording import RecordingIngest

NOW = 1_800_000_000


def text_of(fill: bytes) -> str:
    return new_token(lambda size: fill * size)


GOOD, SPANS_ONLY, OTHER_ROLE = text_of(b"a"), text_of(b"b"), text_of(b"c")
EXPIRED, REVOKED, UNKNOWN = text_of(b"d"), text_of(b"e"), text_of(b"f")
TOKENS = Tokens(
    (
        Token("checkout", digest_of(GOOD), tenant="acme"),
        Token("tracer", digest_of(SPANS_ONLY), streams=frozenset({Stream.SPANS})),
        Token("grafana", digest_of(OTHER_ROLE), (Grant(Role.VIEWER),)),
        Token("old", digest_of(EXPIRED), expires=NOW - 1),
        Token("lost", digest_of(REVOKED), revoked=NOW - 1),
    )
)
CHECK = SenderCheck(
    required=True,
    tokens=lambda: TOKENS,
    certificates=(SenderCertificate("URI:spiffe://shop/checkout", "checkout"),),
    clock=lambda: NOW,
)
PROXIED = replace(CHECK, proxies=ProxyTenants((ip_network("127.0.0.0/8"),), "x-scope-orgid"))
WRONG = {
    "missing": (),
    "malformed": ("Bearer x",),
    "another scheme": (f"Basic {GOOD}",),
    "two": (f"Bearer {GOOD}", f"Bearer {UNKNOWN}"),
    "unknown": (f"Bearer {UNKNOWN}",),
    "expired": (f"Bearer {EXPIRED}",),
    "revoked": (REVOKED,),
    "not UTF-8": ("Bearer \xff",),
}
REASONS = {"another scheme": "malformed", "two": "malformed", "not UTF-8": "malformed"}
FORBIDDEN = [pytest.param(SPANS_ONLY, id="other stream"), pytest.param(OTHER_ROLE, id="other role")]


def post(
    ingest: RecordingIngest,
    *authorization: str,
    body: bytes | AsyncIterator[bytes] = b"",
    path: str = "/v1/logs",
    kind: dict[str, str] = PROTOBUF,
    measures: list[RequestMeasure] | None = None,
    check: SenderCheck = CHECK,
    state: dict[str, object] | None = None,
) -> object:
    """Post a request over HTTP; to be awaited."""

    async def run() -> httpx.Response:
        app = build_http_app(
            ingest, LIMIT, Pool("ingest", 1), ([] if measures is None else measures).append, check=check
        )

        async def with_state(scope, receive, send):  # type: ignore[no-untyped-def]
            await app({**scope, "state": state or {}}, receive, send)

        headers = [*kind.items(), *(("Authorization", value.encode("latin-1")) for value in authorization)]
        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as http:
            return await http.post(path, content=body, headers=headers)  # type: ignore[arg-type]

    return run()


@dataclass
class _Audit:
    """Receives requests to ``/v1/audit`` as others."""

    ingest: RecordingIngest

    async def submit_audit(
        self,
        request: bytes,
        ticket: Ticket,
        *,
        every: bool,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> tuple[()]:
        assert every
        await self.ingest.submit(request, ticket, provenance=provenance, streams=streams)
        return ()


async def body_that_nobody_reads() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


class TestHttp:
    """Requests over HTTP."""

    @pytest.mark.parametrize("value", [f"Bearer {GOOD}", GOOD])
    async def test_the_sender_and_its_tenant_go_with_the_records(self, value: str) -> None:
        ingest = RecordingIngest()
        assert (await post(ingest, value)).status_code == 200  # type: ignore[misc]
        assert ingest.provenances == [Provenance("acme", "token:checkout")]
        assert ingest.clients == ["token:checkout"]

    @pytest.mark.parametrize("case", WRONG)
    @pytest.mark.parametrize("kind", BOTH)
    async def test_wrong_credentials_are_refused_for_good_before_the_body_is_read(
        self, case: str, kind: dict[str, str]
    ) -> None:
        ingest, measures = RecordingIngest(), list[RequestMeasure]()
        body = body_that_nobody_reads()
        answer: httpx.Response = await post(ingest, *WRONG[case], body=body, kind=kind, measures=measures)  # type: ignore[misc]
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "Retry-After" not in answer.headers
        assert status_of(answer).code == grpc.StatusCode.UNAUTHENTICATED.value[0]
        assert status_of(answer).message == "valid credentials are required"  # the same in all cases
        assert (measures[0].outcome, measures[0].denial) == ("unauthenticated", REASONS.get(case, case))
        assert ingest.clients == []

    @pytest.mark.parametrize("token", FORBIDDEN)
    async def test_a_sender_that_may_not_is_refused_for_good(self, token: str) -> None:
        ingest, measures = RecordingIngest(), list[RequestMeasure]()
        body = body_that_nobody_reads()
        answer: httpx.Response = await post(ingest, token, body=body, measures=measures)  # type: ignore[misc]
        assert answer.status_code == 403
        assert status_of(answer).code == grpc.StatusCode.PERMISSION_DENIED.value[0]
        assert (measures[0].outcome, measures[0].denial) == ("forbidden", "forbidden")

    async def test_a_sender_of_spans_may_send_them(self) -> None:
        ingest = RecordingIngest()
        assert (await post(ingest, SPANS_ONLY, path="/v1/traces")).status_code == 200  # type: ignore[misc]
        assert ingest.streams == [frozenset({Stream.SPANS})]

    async def test_a_client_certificate_is_enough(self) -> None:
        ingest = RecordingIngest()
        state: dict[str, object] = {CERTIFICATE_KEY: ("URI:spiffe://shop/checkout",)}
        assert (await post(ingest, state=state)).status_code == 200  # type: ignore[misc]
        assert ingest.provenances == [Provenance("", "certificate:checkout")]

    async def test_a_tenant_in_a_header_is_not_believed(self) -> None:
        ingest = RecordingIngest()
        kind = PROTOBUF | {"X-Scope-OrgID": "other"}
        assert (await post(ingest, GOOD, kind=kind)).status_code == 200  # type: ignore[misc]
        assert ingest.provenances == [Provenance("acme", "token:checkout")]

    @pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces", "/v1/audit"])
    async def test_a_trusted_proxy_names_the_tenant(self, path: str) -> None:
        ingest = RecordingIngest()
        kind = PROTOBUF | {"X-SCOPE-OrgID": "umbrella"}
        app = build_http_app(
            ingest, LIMIT, Pool("ingest", 1), audit=AuditReceiving(_Audit(ingest), strict=False), check=PROXIED
        )
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as http:
            assert (await http.post(path, headers=kind)).status_code == 200
        assert ingest.provenances == [Provenance("umbrella", "proxy")]
        assert ingest.clients == ["proxy@umbrella"]

    @pytest.mark.parametrize(
        ("named", "token", "status", "outcome"),
        [
            (("a/b",), "", 400, "malformed"),
            (("a", "a"), "", 400, "malformed"),
            (("",), "", 400, "malformed"),
            (("umbrella",), GOOD, 403, "forbidden"),
            (("umbrella",), UNKNOWN, 401, "unauthenticated"),
        ],
    )
    async def test_a_header_that_cannot_be_is_refused_for_good_before_the_body_is_read(
        self, named: tuple[str, ...], token: str, status: int, outcome: str
    ) -> None:
        ingest, measures = RecordingIngest(), list[RequestMeasure]()
        app = build_http_app(ingest, LIMIT, Pool("ingest", 1), measures.append, check=PROXIED)
        headers = [*PROTOBUF.items(), *(("X-Scope-OrgID", value) for value in named)]
        headers += [("Authorization", token)] if token else []
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as http:
            answer = await http.post("/v1/logs", content=body_that_nobody_reads(), headers=headers)
        assert answer.status_code == status
        assert "Retry-After" not in answer.headers
        assert [measure.outcome for measure in measures] == [outcome]
        assert ingest.clients == []

    async def test_a_request_that_has_a_proxy_remove_the_tenant_is_refused(self) -> None:
        ingest = RecordingIngest()
        app = build_http_app(ingest, LIMIT, Pool("ingest", 1), check=replace(PROXIED, required=False))
        headers = PROTOBUF | {"Connection": "keep-alive, X-Scope-OrgID"}
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as http:
            assert (await http.post("/v1/logs", headers=headers)).status_code == 400
        assert ingest.clients == []

    async def test_where_nothing_is_required_a_sender_may_be_nobody(self) -> None:
        ingest = RecordingIngest()
        check = replace(CHECK, required=False)
        assert (await post(ingest, check=check)).status_code == 200  # type: ignore[misc]
        assert ingest.provenances == [NO_PROVENANCE]
        assert (await post(ingest, UNKNOWN, check=check)).status_code == 401  # type: ignore[misc]

    async def test_the_log_has_no_part_of_a_token_and_few_lines(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        app = build_http_app(RecordingIngest(), LIMIT, Pool("ingest", 1), check=CHECK)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as http:
            for _ in range(5):
                await http.post("/v1/logs", headers=JSON | {"Authorization": f"Bearer {UNKNOWN}"})
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("server.")]
        assert len(lines) == 1
        assert "refused for good: valid credentials are required" in lines[0]
        assert not any(UNKNOWN[start : start + 6] in lines[0] for start in range(len(UNKNOWN) - 6))


class TestGrpc:
    """Calls over gRPC."""

    @pytest.mark.parametrize("value", [f"Bearer {GOOD}", GOOD])
    async def test_the_sender_and_its_tenant_go_with_the_records(self, value: str) -> None:
        ingest = RecordingIngest()
        async with serving(ingest, check=CHECK) as address:
            await export(address, b"x", metadata=[("authorization", value)])
        assert ingest.provenances == [Provenance("acme", "token:checkout")]
        assert ingest.clients == ["token:checkout"]

    async def test_wrong_credentials_are_refused_for_good_before_the_message_is_read(self) -> None:
        ingest = RecordingIngest()
        measures: list[RequestMeasure] = []
        async with serving(ingest, check=CHECK, measure=measures.append) as address:
            for case, values in WRONG.items():
                if case == "not UTF-8":  # a client cannot send it
                    continue
                answer = await refused(address, b"x", metadata=[("authorization", value) for value in values])
                assert answer.code() is grpc.StatusCode.UNAUTHENTICATED
                assert answer.details() == "valid credentials are required"
                assert "google.rpc.retryinfo-bin" not in dict(answer.trailing_metadata())
                assert (measures[-1].outcome, measures[-1].denial) == ("unauthenticated", REASONS.get(case, case))
                assert measures[-1].size == 0
        assert ingest.clients == []

    @pytest.mark.parametrize("token", FORBIDDEN)
    async def test_a_sender_that_may_not_is_refused_for_good(self, token: str) -> None:
        ingest = RecordingIngest()
        async with serving(ingest, check=CHECK) as address:
            answer = await refused(address, b"x", metadata=[("authorization", token)])
            assert answer.code() is grpc.StatusCode.PERMISSION_DENIED
        assert ingest.clients == []

    async def test_a_sender_of_spans_may_send_them(self) -> None:
        ingest = RecordingIngest()
        async with serving(ingest, check=CHECK) as address:
            await export(address, b"", method=EXPORT_TRACES, metadata=[("authorization", SPANS_ONLY)])
        assert ingest.streams == [frozenset({Stream.SPANS})]

    async def test_a_trusted_proxy_names_the_tenant(self) -> None:
        ingest = RecordingIngest()
        named = [("x-scope-orgid", "umbrella")]
        async with serving(ingest, check=PROXIED) as address:
            await export(address, b"x", metadata=named)
            await export(address, b"", method=EXPORT_TRACES, metadata=[*named, ("authorization", SPANS_ONLY)])
        assert ingest.provenances == [Provenance("umbrella", "proxy"), Provenance("umbrella", "token:tracer")]
        assert ingest.clients == ["proxy@umbrella", "token:tracer"]

    async def test_a_header_that_cannot_be_is_refused_for_good(self) -> None:
        ingest = RecordingIngest()
        async with serving(ingest, check=PROXIED) as address:
            for named in (["a/b"], ["a", "a"], [""]):
                answer = await refused(address, b"x", metadata=[("x-scope-orgid", name) for name in named])
                assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert "google.rpc.retryinfo-bin" not in dict(answer.trailing_metadata())
            bound = [("x-scope-orgid", "umbrella"), ("authorization", GOOD)]
            answer = await refused(address, b"x", metadata=bound)
            assert answer.code() is grpc.StatusCode.PERMISSION_DENIED
        assert ingest.clients == []

    async def test_nobody_else_may_name_a_tenant_whatever_address_is_forwarded(self) -> None:
        ingest = RecordingIngest()
        elsewhere = replace(PROXIED, proxies=ProxyTenants((ip_network("10.0.0.0/24"),), "x-scope-orgid"))
        named = [("x-scope-orgid", "umbrella"), ("x-forwarded-for", "10.0.0.7")]
        async with serving(ingest, check=elsewhere) as address:
            answer = await refused(address, b"x", metadata=named)
            assert answer.code() is grpc.StatusCode.UNAUTHENTICATED
            answer = await refused(address, b"x", metadata=[*named, ("authorization", GOOD)])
            assert answer.code() is grpc.StatusCode.PERMISSION_DENIED
        assert ingest.clients == []

    async def test_the_server_needs_no_token_for_its_own_records(self) -> None:
        ingest = RecordingIngest()
        async with serving(ingest, check=CHECK, own_token="own") as address:  # noqa: S106 - not one
            await export(address, b"", method=EXPORT, metadata=[(TOKEN_KEY, "own")])
            answer = await refused(address, b"", metadata=[(TOKEN_KEY, "other")])
        assert ingest.provenances == [Provenance("", "server")]
        assert answer.code() is grpc.StatusCode.UNAUTHENTICATED

    async def test_the_server_marks_records_of_who_looked_and_nobody_else_can(self) -> None:
        ingest = RecordingIngest()
        marks = [(LOG_KEY, ACCESS), (TENANT_KEY, "acme")]
        async with serving(ingest, own_token="own") as address:  # noqa: S106 - not one
            await export(address, b"", method=EXPORT, metadata=[(TOKEN_KEY, "own"), *marks])
            await export(address, b"", method=EXPORT, metadata=[(TOKEN_KEY, "own"), (TENANT_KEY, "acme")])
            await export(address, b"", method=EXPORT, metadata=[(TOKEN_KEY, "other"), *marks])
        assert ingest.provenances == [
            Provenance("acme", "server", access=True),
            Provenance("", "server"),
            Provenance("", ""),
        ]
