"""Records of callers behind a trusted proxy have the address that the proxy forwards."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import httpx
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.access.call_rules import HTTP_RULES
from server.access.chain import AuthenticationChain
from server.access.presenting import Presenting
from server.access_log.access_log import AccessLog
from server.access_log.calls import RecordedCalls
from server.api.guarded_http import guarded_http
from tests.api.guarded import GRANTS, ByName


async def test_answered_and_denied_calls_come_from_the_address_that_a_trusted_proxy_forwards() -> None:
    sent: list[LogRecord] = []

    def keep(_: str, records: Sequence[LogRecord]) -> None:
        sent.extend(records)

    async def search(_: Request) -> Response:
        return PlainTextResponse("found")

    app = Starlette(routes=[Route("/api/v1/search", search)])
    chain = AuthenticationChain((ByName(GRANTS),), required=lambda: True)
    with AccessLog(keep, required=False).running() as log:
        guarded = guarded_http(
            app,
            chain,
            HTTP_RULES,
            presenting=Presenting(proxies=(ip_network("10.0.0.7"),)),
            recorded=RecordedCalls(log, "http"),
        )
        transport = httpx.ASGITransport(guarded, client=("10.0.0.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://logs.example") as http:
            for bearer, status in (("viewer", 200), ("wrong", 401)):
                headers = {"Authorization": f"Bearer {bearer}", "X-Forwarded-For": "198.51.100.1, 203.0.113.5"}
                assert (await http.get("/api/v1/search", headers=headers)).status_code == status
        assert log.flush(30)
    addresses = [
        each.value.string_value for record in sent for each in record.attributes if each.key == "audit.source.id"
    ]
    assert addresses == ["203.0.113.5", "203.0.113.5"]
