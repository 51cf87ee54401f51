"""Every call of a real server, with the tokens of every role, and with none and wrong ones.

The methods are those that the server's reflection names, the routes those of the application that answers. So a call
that is added to the server anywhere has to be in the tables of roles, and to have a rule.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from harness.lognotary_server import LognotaryServer
from harness.waiting import wait_for
from server.access.callers import Grant, Role
from server.access.token_file import change_tokens, tokens_path
from server.access.token_text import digest_of, new_token
from server.access.tokens import Token, Tokens
from tests.api.test_guarded import (
    OPEN_METHODS,
    OPEN_ROUTES,
    PAGES,
    REFUSED,
    ROLES_OF_METHODS,
    ROLES_OF_ROUTES,
    authorization,
    call,
    filled,
    methods_of,
)

LISTING = Path(__file__).with_name("listing_routes.py")
LOGIN = {
    "GET /login": 502,  # nobody is there to log in at
    "GET /login/callback": 400,
    "GET /login/config": 200,
    "GET /login/whoami": 401,
    "POST /logout": 403,
}
"""Status of the paths of login, which check credentials themselves, for somebody without any."""


class Walked:
    """A server, its tokens by name, and the file to which it writes its routes."""

    def __init__(self, server: LognotaryServer, routes: Path) -> None:
        self.server = server
        self.tokens = {role.value: new_token() for role in Role} | {"revoked": new_token(), "expired": new_token()}
        self._routes = routes
        made = [Token(role.value, digest_of(self.tokens[role.value]), grants=(Grant(role),)) for role in Role]
        admin = (Grant(Role.ADMIN),)
        made.append(Token("revoked", digest_of(self.tokens["revoked"]), grants=admin, revoked=1))
        made.append(Token("expired", digest_of(self.tokens["expired"]), grants=admin, expires=1))
        change_tokens(tokens_path(server.data_dir), lambda _: (Tokens(tuple(made)), None))

    @property
    def routes(self) -> set[str]:
        """The methods and routes of HTTP; HEAD is as GET."""
        httpx.get(f"{self.server.http}/healthz")
        return {route for route in json.loads(self._routes.read_text()) if not route.startswith("HEAD ")}

    @property
    def wrong(self) -> list[str | None]:
        """No token, and wrong ones."""
        return [None, new_token(), "nobody", self.tokens["revoked"], self.tokens["expired"]]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    directory = tmp_path_factory.mktemp("walked")
    routes = directory / "routes.json"
    with LognotaryServer(
        f"chdb://{directory / 'chdb'}",
        directory / "data",
        within=(sys.executable, str(LISTING), str(routes)),
        authentication="required",
        oidc_issuer="http://127.0.0.1:9",  # where nobody listens
        oidc_client_id="lognotary",
    ) as server:
        made = Walked(server, routes)
        status = f"{server.http}/api/v1/status"
        wait_for(lambda: httpx.get(status, headers=authorization(made.tokens["admin"])).status_code == 200)
        yield made


async def test_each_method_answers_the_roles_that_it_is_for_and_nobody_else(walked: Walked) -> None:
    expected = {
        f"/{service}/{name}": roles for service, some in ROLES_OF_METHODS.items() for name, roles in some.items()
    }
    async with grpc.aio.insecure_channel(walked.server.api_grpc) as channel:
        methods = await methods_of(channel, walked.tokens["sender"])
        assert methods.keys() - OPEN_METHODS == expected.keys()
        for method, roles in expected.items():
            answered = {role: await call(channel, method, methods[method], walked.tokens[role.value]) for role in Role}
            assert {role for role, (code, _) in answered.items() if code not in REFUSED} == roles, method
            without = {await call(channel, method, methods[method], token) for token in walked.wrong}
            assert {code for code, _ in without} == {grpc.StatusCode.UNAUTHENTICATED}, method
            assert len(without) == 1, method


async def ask(client: httpx.AsyncClient, route: str, token: str | None) -> tuple[int, bytes]:
    """Return the status, and the body of a refusal."""
    method, path = route.split()
    body: dict[str, Any] = {"json": {}} if method == "POST" else {}
    async with client.stream(method, filled(path), headers=authorization(token), **body) as answer:
        return answer.status_code, await answer.aread() if answer.status_code in (401, 403) else b""


async def test_each_route_answers_the_roles_that_it_is_for_and_nobody_else(walked: Walked) -> None:
    assert walked.routes - OPEN_ROUTES - PAGES - LOGIN.keys() == ROLES_OF_ROUTES.keys()
    async with httpx.AsyncClient(base_url=walked.server.http, timeout=60) as client:
        for route, roles in ROLES_OF_ROUTES.items():
            answered = {role: await ask(client, route, walked.tokens[role.value]) for role in Role}
            assert {role for role, (status, _) in answered.items() if status not in (401, 403)} == roles, route
            without = {await ask(client, route, token) for token in walked.wrong}
            assert {status for status, _ in without} == {401}, route
            assert len(without) == 1, route


async def test_the_paths_of_login_tell_nothing_to_whoever_has_no_credentials(walked: Walked) -> None:
    async with httpx.AsyncClient(base_url=walked.server.http, timeout=60) as client:
        answers = {route: await client.request(*route.split()) for route in LOGIN}
        assert {route: answer.status_code for route, answer in answers.items()} == LOGIN
        for token in walked.wrong:
            assert (await ask(client, "GET /login/whoami", token))[0] == 401
        for role in Role:
            assert (await ask(client, "GET /login/whoami", walked.tokens[role.value]))[0] == 200


async def test_open_calls_answer_everybody(walked: Walked) -> None:
    async with httpx.AsyncClient(base_url=walked.server.http) as client:
        for route in OPEN_ROUTES:
            assert (await ask(client, route, None))[0] == 200
    # Browsers: other programs are told nothing about paths that do not exist, but that they need credentials.
    async with httpx.AsyncClient(base_url=walked.server.http, headers={"Accept": "text/html"}) as client:
        for route in PAGES:
            for token in walked.wrong:
                assert (await ask(client, route, token))[0] not in (401, 403)
    async with grpc.aio.insecure_channel(walked.server.api_grpc) as channel:
        assert (await call(channel, "/grpc.health.v1.Health/Check", (False, False), None))[0] is grpc.StatusCode.OK
