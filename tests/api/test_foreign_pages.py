"""Pages of other sites cannot use the API in the name of whoever looks at them."""

from __future__ import annotations

from ipaddress import ip_network

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.access.authentication import Presented
from server.access.browsers import BrowserRules
from server.access.call_rules import HTTP_RULES
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.chain import AuthenticationChain
from server.access.proxies import ProxyAuthenticator, ProxyHeaders
from server.access.role_rules import GROUP, RoleRule
from server.api.guarded_http import guarded_http

OWN = "https://logs.example"
JSON = {"Content-Type": "application/json"}
PROXY = {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "operators"}
RELEASE = "/api/v1/holds/case-1/release"


class Known:
    """Authenticator of one kind of caller, by whichever credential."""

    def __init__(self, kind: CallerKind) -> None:
        self._kind = kind

    async def authenticate(self, presented: Presented) -> Caller:
        return Caller("alice", self._kind, (Grant(Role.ADMIN),), presented.address)


async def release(_: Request) -> Response:
    return PlainTextResponse("released")


def client(chain: AuthenticationChain, browsers: BrowserRules = BrowserRules(OWN)) -> httpx.AsyncClient:  # noqa: B008 - frozen
    app = Starlette(routes=[Route("/api/v1/holds/{name}/release", release, methods=["POST"])])
    guarded = guarded_http(app, chain, HTTP_RULES, browsers=browsers)
    return httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://127.0.0.1:7318")


def behind_a_proxy() -> httpx.AsyncClient:
    rules = (RoleRule((GROUP, "operators"), Grant(Role.OPERATOR)),)
    proxy = ProxyAuthenticator((ip_network("127.0.0.1"),), ProxyHeaders(), rules)
    return client(AuthenticationChain((proxy,), required=lambda: True))


def of_kind(kind: CallerKind) -> httpx.AsyncClient:
    return client(AuthenticationChain((Known(kind),), required=lambda: True))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        JSON | {"Origin": "https://evil.example"},
        JSON | {"Origin": "null"},
        JSON | {"Sec-Fetch-Site": "cross-site"},
        JSON | {"Sec-Fetch-Site": "same-site"},  # another host of the same organisation
        {"Content-Type": "text/plain"},  # an old browser, which does not say where a request comes from
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
    ],
)
async def test_a_page_of_another_site_changes_nothing_through_a_trusted_proxy(headers: dict[str, str]) -> None:
    async with behind_a_proxy() as http:
        answer = await http.post(RELEASE, headers=PROXY | headers, content=b'{"reason": "x"}')
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        {"Content-Type": "application/json; charset=utf-8"},
        JSON | {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_programs_and_own_pages_are_served_through_a_trusted_proxy(headers: dict[str, str]) -> None:
    async with behind_a_proxy() as http:
        assert (await http.post(RELEASE, headers=PROXY | headers, content=b"{}")).status_code == 200


@pytest.mark.parametrize("kind", CallerKind)
async def test_a_page_of_another_site_is_refused_whatever_the_credentials_are(kind: CallerKind) -> None:
    headers = JSON | {"Origin": "https://evil.example", "Authorization": "Bearer x"}  # which a proxy may have added
    async with of_kind(kind) as http:
        assert (await http.post(RELEASE, headers=headers, content=b"{}")).status_code == 403


@pytest.mark.parametrize("kind", CallerKind)
async def test_json_is_required_of_credentials_that_a_browser_sends_of_itself(kind: CallerKind) -> None:
    async with of_kind(kind) as http:
        bare = (await http.post(RELEASE, content=b"{}")).status_code
        bearer = (await http.post(RELEASE, content=b"{}", headers={"Authorization": "Bearer x"})).status_code
    ambient = {CallerKind.PROXY, CallerKind.CERTIFICATE}
    assert bare == (403 if kind in ambient | {CallerKind.OIDC} else 200)
    assert bearer == (403 if kind in ambient else 200)


@pytest.mark.parametrize(
    ("host", "is_served"),
    [
        ("127.0.0.1:7318", True),
        ("127.0.0.1", True),
        ("localhost:7318", True),
        ("LOCALHOST", True),
        ("[::1]:7318", True),
        ("logs.example", True),  # the server's own name
        ("evil.example:7318", False),  # whose owner lets it lead to 127.0.0.1
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:7318", False),
        ("192.0.2.1:7318", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_callers_without_credentials_name_this_machine(method: str, host: str, *, is_served: bool) -> None:
    chain = AuthenticationChain((), required=lambda: False)
    async with client(chain, BrowserRules(OWN, is_on_loopback=True)) as http:
        answer = await http.request(method, RELEASE, headers=JSON | {"Host": host}, content=b"{}")
    assert (answer.status_code != 403) is is_served


async def test_where_others_may_call_without_credentials_the_server_may_have_any_name() -> None:
    chain = AuthenticationChain((), required=lambda: False)
    async with client(chain) as http:
        assert (await http.post(RELEASE, headers=JSON | {"Host": "lognotary:7318"}, content=b"{}")).status_code == 200


LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("headers", "is_served"),
    [
        ({}, True),  # a program
        ({"Sec-Fetch-Site": "none"} | LINK, True),  # a bookmark
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, True),
        ({"Sec-Fetch-Site": "cross-site"} | LINK, True),  # a link in a wiki
        ({"Sec-Fetch-Site": "same-site"} | LINK, True),
        ({"Sec-Fetch-Site": "cross-site"} | LINK | {"Sec-Purpose": "prefetch"}, False),
        ({"Sec-Fetch-Site": "cross-site"} | LINK | {"Sec-Fetch-Dest": "iframe"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
    ],
)
@pytest.mark.parametrize("kind", CallerKind)
async def test_pages_of_other_sites_link_to_answers_and_load_none(
    kind: CallerKind, headers: dict[str, str], *, is_served: bool
) -> None:
    async with of_kind(kind) as http:
        answer = await http.get("/unknown", headers=headers)
    assert answer.status_code == (404 if is_served else 403)


SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("host", ["localhost:7318", "127.0.0.1:7318", "[::1]:7318", "127.0.0.1:43121"])
async def test_a_page_of_a_server_on_this_machine_may_call_it_by_any_name_of_this_machine(host: str) -> None:
    nobody_needs_credentials = AuthenticationChain((), required=lambda: False)
    async with client(nobody_needs_credentials, BrowserRules(OWN, is_on_loopback=True)) as http:
        own = JSON | SAME | {"Host": host, "Origin": f"http://{host}"}
        assert (await http.post(RELEASE, headers=own, content=b"{}")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "is_on_loopback"),
    [
        (SAME | {"Host": "evil.example:7318", "Origin": "http://evil.example:7318"}, True),  # DNS rebinding
        (SAME | {"Host": "127.0.0.1:7318", "Origin": "http://127.0.0.1:9999"}, True),  # another server here
        ({"Host": "127.0.0.1:7318", "Origin": "http://127.0.0.1:7318", "Sec-Fetch-Site": "cross-site"}, True),
        ({"Host": "127.0.0.1:7318", "Origin": "http://127.0.0.1:7318"}, True),  # too old a browser to tell
        (SAME | {"Host": "127.0.0.1:7318", "Origin": "http://127.0.0.1:7318"}, False),
    ],
)
async def test_a_page_of_something_else_on_this_machine_may_not(headers: dict[str, str], is_on_loopback: bool) -> None:
    nobody_needs_credentials = AuthenticationChain((), required=lambda: False)
    async with client(nobody_needs_credentials, BrowserRules(OWN, is_on_loopback=is_on_loopback)) as http:
        answer = await http.post(RELEASE, headers=JSON | headers, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")
