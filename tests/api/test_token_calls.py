"""Tokens over the API: who may change which, over gRPC and HTTP, and what the file then has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass

from lognotary.v1 import tokens_pb2 as messages
from server.access.callers import Grant, Role
from server.access.token_file import read_tokens
from server.access.token_text import digest_of, id_of, is_token
from server.access.tokens import Token
from server.api.http_api import build_http_api
from server.api.tokens import TokenAdministration
from server.notary.origin import Stream
from server.process.pools import Pool
from storage.deferred import DeferredEngine
from tests.api.guarded import GRANTS, Guarded
from tests.api.routes import METHOD_OF_PATH, http_request

SERVICE = messages.DESCRIPTOR.services_by_name["TokenService"]
ROUTES = {method: route for route, method in METHOD_OF_PATH.items()}
NOW = 1_800_000_000
DAY = 86_400
CALLERS = {
    **GRANTS,
    "operator-of-alpha": (Grant(Role.OPERATOR, frozenset({"alpha"})),),
    "admin-of-alpha": (Grant(Role.ADMIN, frozenset({"alpha"})),),
    "admin-of-a-service": (Grant(Role.ADMIN, services=frozenset({"shop"})),),
    "operator-and-admin-of-alpha": (Grant(Role.OPERATOR), Grant(Role.ADMIN, frozenset({"alpha"}))),
}
CODES = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "FAILED_PRECONDITION"}


class Server:
    """The calls of tokens as a server answers them, over one of the protocols.

    Attributes:
        file: the file of tokens.
        now: the time, in seconds since the epoch.
        headers: headers of the last answer over HTTP.
    """

    def __init__(self, file: Path, *, over_http: bool, allowed: str = "local") -> None:
        self.file = file
        self.now = NOW
        self.uses: dict[str, int] = {}
        tokens = TokenAdministration(file, lambda: self.uses, allowed, lambda: self.now)
        self.guarded = Guarded(DeferredEngine(), grants=CALLERS, tokens=tokens)
        self.headers = httpx.Headers()
        self._over_http = over_http

    async def ask(self, who: str, method: str, **request: Any) -> dict[str, Any]:
        """Return an answer as JSON; a refusal has a ``code`` and a ``message``."""
        kind = SERVICE.methods_by_name[method]
        sent = ParseDict(request, GetMessageClass(kind.input_type)())
        headers = {"authorization": f"Bearer {who}"}
        if self._over_http:
            verb, path, query, body = http_request(ROUTES[method], sent)
            async with self.guarded.http() as client:
                given = await client.request(verb, path, params=query, json=body, headers=headers)
            self.headers = given.headers
            answer: dict[str, Any] = given.json()
            assert given.status_code == 200 or answer["code"] == CODES[given.status_code], answer
            return answer if "code" in answer else _without_empty(answer)
        async with self.guarded.grpc() as channel:
            call: Any = channel.unary_unary(
                f"/{SERVICE.full_name}/{method}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=GetMessageClass(kind.output_type).FromString,
            )
            try:
                return MessageToDict(await call(sent, metadata=tuple(headers.items())))
            except grpc.aio.AioRpcError as error:
                return {"code": error.code().name, "message": error.details()}

    async def create(self, who: str, name: str, **request: Any) -> tuple[str, Token]:
        """Return the text of a new token, and what the file has of it."""
        text = (await self.ask(who, "CreateToken", name=name, **request))["text"]
        (token,) = (token for token in self.all if token.digest == digest_of(text))
        return text, token

    @property
    def all(self) -> tuple[Token, ...]:
        return read_tokens(self.file).all


def _without_empty(value: Any) -> Any:
    """Return JSON without what has no value, as ``MessageToDict`` leaves it out."""
    if isinstance(value, dict):
        return {name: _without_empty(each) for name, each in value.items() if each not in ("", [], False)}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(params=[False, True], ids=["gRPC", "HTTP"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    return Server(tmp_path / "access" / "tokens.json", over_http=request.param)


async def test_an_operator_creates_a_token_of_a_sender_whose_text_only_the_answer_has(server: Server) -> None:
    answer = await server.ask(
        "operator", "CreateToken", name="checkout", tenant="acme", streams=["audit", "spans"], lifetime_seconds=DAY
    )
    text = answer["text"]
    assert is_token(text)
    (token,) = server.all
    assert token == Token(
        "checkout",
        digest_of(text),
        (Grant(Role.SENDER, frozenset({"acme"})),),
        "acme",
        frozenset({Stream.AUDIT, Stream.SPANS}),
        NOW,
        NOW + DAY,
        created_by=token.created_by,
    )
    assert token.created_by.startswith("operator (token) from ")
    assert text not in server.file.read_text()
    listed = await server.ask("operator", "ListTokens", ended=True)
    assert text not in json.dumps(listed)
    assert listed["tokens"] == [answer["token"]]
    assert listed["tokens"][0] == {
        "name": "checkout",
        "id": id_of(digest_of(text)),
        "state": "valid",
        "grants": [{"role": "sender", "tenants": {"names": ["acme"]}}],
        "tenant": "acme",
        "streams": ["audit", "spans"],
        "created": "2027-01-15T08:00:00Z",
        "expires": "2027-01-16T08:00:00Z",
        "createdBy": token.created_by,
    }


async def test_no_cache_keeps_an_answer(tmp_path: Path) -> None:
    server = Server(tmp_path / "tokens.json", over_http=True)
    for method, request in (
        ("CreateToken", {"name": "checkout"}),
        ("RotateToken", {"name": "checkout"}),
        ("ListTokens", {}),
        ("RevokeToken", {"nameOrId": "checkout"}),
        ("RevokeToken", {"nameOrId": "checkout"}),  # refused
    ):
        await server.ask("operator", method, **request)
        assert server.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("who", ["operator", "admin", "operator-and-admin-of-alpha"])
@pytest.mark.parametrize("role", Role)
async def test_an_operator_gives_out_only_what_an_operator_has(server: Server, who: str, role: Role) -> None:
    permitted = who == "admin" or role in {Role.SENDER, Role.OPERATOR}
    for roles in ([role.value], ["sender", role.value]):
        answer = await server.ask(who, "CreateToken", name=f"by-{len(roles)}", roles=roles, tenant="alpha")
        assert answer.get("code", "OK") == ("OK" if permitted else "PERMISSION_DENIED")
        assert permitted or f"giving out a token with the role {role.value}" in answer["message"]
    assert len(server.all) == (2 if permitted else 0)


@pytest.mark.parametrize("role", Role)
async def test_an_operator_rotates_only_what_an_operator_may_give_out(server: Server, role: Role) -> None:
    old, _ = await server.create("admin", "program", roles=[role.value])
    before = server.file.read_bytes()
    answer = await server.ask("operator", "RotateToken", name="program")
    if role in {Role.SENDER, Role.OPERATOR}:
        assert is_token(answer["text"])
        assert answer["text"] != old
        return
    assert answer["code"] == "PERMISSION_DENIED"
    assert f"giving out a token with the role {role.value}" in answer["message"]
    assert server.file.read_bytes() == before
    assert is_token((await server.ask("admin", "RotateToken", name="program"))["text"])


@pytest.mark.parametrize("role", Role)
async def test_an_operator_revokes_every_token(server: Server, role: Role) -> None:
    _, token = await server.create("admin", "program", roles=[role.value])
    server.now += 60
    answer = await server.ask("operator", "RevokeToken", nameOrId=token.id, actor="alice on db1")
    assert [(each["name"], each["id"], each["state"]) for each in answer["tokens"]] == [
        ("program", token.id, "revoked")
    ]
    (found,) = server.all
    assert found.revoked == NOW + 60
    assert found.revoked_by.startswith("operator (token) from ")
    assert found.revoked_by.endswith(", who claims to act for alice on db1")


@pytest.mark.parametrize(
    "who",
    ["sender", "viewer", "auditor", "operator-of-alpha", "admin-of-alpha", "admin-of-a-service"],
)
async def test_nobody_else_reads_or_changes_tokens(server: Server, who: str) -> None:
    await server.create("admin", "checkout", tenant="alpha")
    before = server.file.read_bytes()
    for method, request in (
        ("ListTokens", {}),
        ("CreateToken", {"name": "mine", "tenant": "alpha"}),
        ("RotateToken", {"name": "checkout"}),
        ("RevokeToken", {"nameOrId": "checkout"}),
    ):
        answer = await server.ask(who, method, **request)
        assert answer["code"] == "PERMISSION_DENIED"
        assert "checkout" not in answer["message"]
    assert server.file.read_bytes() == before


async def test_a_rotated_token_has_the_roles_and_limits_of_the_old_one_which_ends_after_the_overlap(
    server: Server,
) -> None:
    limits = {"tenant": "acme", "streams": ["spans"], "lifetime_seconds": 30 * DAY}
    _, old = await server.create("operator", "checkout", **limits)
    server.now += DAY
    answer = await server.ask("operator", "RotateToken", name="checkout", overlap_seconds=7 * DAY)
    left, new = server.all
    assert (left.id, left.expires) == (old.id, NOW + 8 * DAY)
    assert (new.digest, new.expires) == (digest_of(answer["text"]), NOW + 31 * DAY)
    assert (new.grants, new.tenant, new.streams) == (old.grants, old.tenant, old.streams)
    assert (answer["token"]["id"], answer["old"]["id"]) == (new.id, old.id)

    again = await server.ask("operator", "RotateToken", name="checkout")
    assert again["code"] == "FAILED_PRECONDITION"
    assert "two tokens 'checkout' are valid already: revoke the older one first" in again["message"]
    await server.ask("operator", "RevokeToken", nameOrId=old.id)
    given = await server.ask("operator", "RotateToken", name="checkout", lifetime_seconds=60)
    assert given["token"]["expires"] == "2027-01-16T08:01:00Z"
    assert "expires" in given["old"]


async def test_both_tokens_of_a_name_are_revoked_by_the_name(server: Server) -> None:
    await server.create("operator", "checkout")
    await server.ask("operator", "RotateToken", name="checkout")
    assert len((await server.ask("operator", "RevokeToken", nameOrId="checkout"))["tokens"]) == 2
    gone = await server.ask("operator", "RevokeToken", nameOrId="checkout")
    assert gone["code"] == "NOT_FOUND"
    assert (await server.ask("operator", "ListTokens")) == {}
    ended = (await server.ask("operator", "ListTokens", ended=True))["tokens"]
    assert [each["state"] for each in ended] == ["revoked", "revoked"]


async def test_the_list_has_expired_tokens_only_if_asked_and_last_uses(server: Server) -> None:
    _, short = await server.create("operator", "short", lifetime_seconds=60)
    _, used = await server.create("operator", "used")
    server.uses[used.id] = NOW + 5
    server.now += 60
    (valid,) = (await server.ask("operator", "ListTokens"))["tokens"]
    assert (valid["name"], valid["lastUsed"]) == ("used", "2027-01-15T08:00:05Z")
    every = (await server.ask("operator", "ListTokens", ended=True))["tokens"]
    assert [(each["id"], each["state"]) for each in every] == [(short.id, "expired"), (used.id, "valid")]


async def test_readers_are_limited_as_with_the_command(server: Server) -> None:
    roles = ["viewer", "auditor", "operator"]
    _, token = await server.create("admin", "one", roles=roles, services=["shop", "pay"], environments=["test"])
    default, services, environments = frozenset({""}), frozenset({"shop", "pay"}), frozenset({"test"})
    assert token.grants == (
        Grant(Role.VIEWER, default, services, environments),
        Grant(Role.AUDITOR, default, services, environments),
        Grant(Role.OPERATOR),
    )
    _, token = await server.create("admin", "all", roles=["auditor"], all_tenants=True)
    assert token.grants == (Grant(Role.AUDITOR),)
    listed = (await server.ask("admin", "ListTokens"))["tokens"]
    assert listed[0]["grants"][0] == {
        "role": "viewer",
        "tenants": {"names": [""]},
        "services": {"names": ["pay", "shop"]},
        "environments": {"names": ["test"]},
    }
    assert listed[1]["grants"] == [{"role": "auditor"}]


async def test_an_answer_says_what_the_token_cannot_do_and_what_changes(server: Server) -> None:
    async def notes(**request: Any) -> list[str]:
        answer = await server.ask("admin", "CreateToken", **request)
        return list(answer.get("notes", []))

    assert await notes(name="sender") == []
    (of_tenant, first) = await notes(name="of-a-tenant", roles=["operator"], tenant="acme")
    assert of_tenant.startswith("as operator of a tenant, it can do no more")
    assert first.startswith("this is the first token for the API")
    (reads,) = await notes(name="reader", roles=["viewer"])
    assert reads.startswith("as viewer, it reads the default tenant only")


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"name": ""}, "name: '' is not the name of a token"),
        ({"name": "a/b"}, "name: 'a/b' is not the name of a token"),
        ({"name": "0123456789ab"}, "looks like the identifier of one"),
        ({"name": "a", "roles": ["opertor"]}, "roles: "),
        ({"name": "a", "streams": ["metrics"]}, "streams: "),
        ({"name": "a", "roles": ["viewer"], "streams": ["audit"]}, "streams: they are about what may be sent"),
        ({"name": "a", "tenant": "audit"}, "tenant: 'audit' cannot be the name of a tenant"),
        ({"name": "a", "tenant": "b", "allTenants": True, "roles": ["viewer"]}, "tenant and all_tenants are given"),
        ({"name": "a", "allTenants": True}, "all_tenants: it is about what may be read"),
        ({"name": "a", "services": ["shop"]}, "services: it is about what may be read"),
        ({"name": "a", "environments": ["x"]}, "environments: it is about what may be read"),
        ({"name": "a", "roles": ["viewer"], "services": [""]}, "services: an empty name matches no record"),
        ({"name": "a", "roles": ["viewer"], "services": ["x\ny"]}, "services: give one line"),
        ({"name": "a", "roles": ["viewer"], "services": list(map(str, range(101)))}, "services: give at most 100"),
        ({"name": "a", "lifetimeSeconds": 0}, "lifetime_seconds: give at least 1, or leave it out"),
        ({"name": "a", "actor": "x\ny"}, "actor: give one line"),
    ],
)
async def test_a_token_that_cannot_be_is_refused(server: Server, request_: dict[str, Any], told: str) -> None:
    answer = await server.ask("admin", "CreateToken", **request_)
    assert answer["code"] == "INVALID_ARGUMENT"
    assert told in answer["message"]
    assert not server.file.exists()


async def test_what_is_not_there_or_there_already_is_told(server: Server) -> None:
    assert (await server.ask("operator", "RotateToken", name="nobody"))["code"] == "NOT_FOUND"
    assert (await server.ask("operator", "RevokeToken", nameOrId="nobody"))["code"] == "NOT_FOUND"
    await server.create("operator", "checkout")
    again = await server.ask("operator", "CreateToken", name="checkout")
    assert again["code"] == "FAILED_PRECONDITION"
    assert "checkout" in again["message"]
    zero = await server.ask("operator", "RotateToken", name="checkout", overlapSeconds=0)
    assert (zero["code"], zero["message"]) == (
        "INVALID_ARGUMENT",
        "overlap_seconds: give at least 1, or leave it out",
    )
    assert len(server.all) == 1


async def test_a_token_itself_is_no_name_and_the_answer_has_its_id(server: Server) -> None:
    text, token = await server.create("operator", "checkout")
    answer = await server.ask("operator", "RevokeToken", nameOrId=text)
    assert answer["code"] == "INVALID_ARGUMENT"
    assert f"give its ID, {token.id}" in answer["message"]
    assert text not in answer["message"]


async def test_no_token_is_named_by_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "tokens.json", over_http=False)
    answer = await server.ask("operator", "RevokeToken")
    assert (answer["code"], answer["message"]) == (
        "INVALID_ARGUMENT",
        "name_or_id: it is missing: ListTokens shows names and IDs",
    )


@pytest.mark.parametrize("over_http", [False, True])
async def test_a_server_without_administration_shows_tokens_and_changes_none(tmp_path: Path, over_http: bool) -> None:
    server = Server(tmp_path / "tokens.json", over_http=over_http, allowed="off")
    for method, request in (
        ("CreateToken", {"name": "checkout"}),
        ("RotateToken", {"name": "checkout"}),
        ("RevokeToken", {"nameOrId": "checkout"}),
    ):
        answer = await server.ask("admin", method, **request)
        assert answer["code"] == "PERMISSION_DENIED"
        assert "because the setting administration is off" in answer["message"]
    assert await server.ask("admin", "ListTokens") == {}
    assert not server.file.exists()


async def test_a_file_that_cannot_be_written_is_told_with_what_to_do_and_stays_as_it_is(server: Server) -> None:
    await server.create("operator", "checkout")
    before = server.file.read_bytes()
    lock = server.file.with_name(f".{server.file.name}.lock")
    lock.unlink()
    lock.mkdir()  # so that the file cannot be locked, whoever runs the test
    for method, request in (
        ("CreateToken", {"name": "other"}),
        ("RotateToken", {"name": "checkout"}),
        ("RevokeToken", {"nameOrId": "checkout"}),
    ):
        answer = await server.ask("operator", method, **request)
        assert answer["code"] == "FAILED_PRECONDITION"
        assert answer["message"].startswith("nothing was changed, because the server cannot change its file of tokens")
        assert "change the tokens with 'lognotary tokens' on a machine that may" in answer["message"]
        assert "text" not in answer
    assert server.file.read_bytes() == before
    assert len((await server.ask("operator", "ListTokens"))["tokens"]) == 1


async def test_a_damaged_file_is_neither_listed_nor_replaced(server: Server) -> None:
    server.file.parent.mkdir()
    server.file.write_text("{")
    server.file.chmod(0o600)
    for method, request in (("ListTokens", {}), ("CreateToken", {"name": "checkout"})):
        answer = await server.ask("operator", method, **request)
        assert answer["code"] == "FAILED_PRECONDITION"
        assert "is damaged" in answer["message"]
    assert server.file.read_text() == "{"


async def test_no_change_that_is_made_at_the_same_time_is_lost(server: Server) -> None:
    answers = await asyncio.gather(
        *(server.ask("operator", "CreateToken", name=f"sender-{number % 10}") for number in range(20))
    )
    assert sorted(answer.get("code", "OK") for answer in answers) == ["FAILED_PRECONDITION"] * 10 + ["OK"] * 10
    kept = {token.digest for token in server.all}
    assert kept == {digest_of(answer["text"]) for answer in answers if "text" in answer}


class TestWithoutCredentials:
    """A server that needs no credentials: only its own machine changes tokens, and no page in a browser."""

    @asynccontextmanager
    async def client(self, file: Path, address: str = "127.0.0.1", allowed: str = "local") -> AsyncIterator[Any]:
        tokens = TokenAdministration(file, dict, allowed)
        guarded = Guarded(DeferredEngine(), tokens=tokens)
        pool = Pool("api", 1)
        app = build_http_api(guarded.backend, pool, str, bytes, tokens=tokens)
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://lognotary") as opened:
            yield opened
        pool.close()

    async def test_this_machine_creates_a_token_that_says_so(self, tmp_path: Path) -> None:
        file = tmp_path / "tokens.json"
        async with self.client(file) as client:
            created = await client.post("/api/v1/tokens", json={"name": "checkout", "actor": "alice"})
            assert created.status_code == 200, created.text
            assert len((await client.get("/api/v1/tokens")).json()["tokens"]) == 1
        (token,) = read_tokens(file).all
        assert token.created_by == "somebody without credentials from 127.0.0.1, who claims to act for alice"

    async def test_another_machine_neither_reads_nor_changes_them(self, tmp_path: Path) -> None:
        file = tmp_path / "tokens.json"
        async with self.client(file, "192.0.2.7") as client:
            for answer in (
                await client.get("/api/v1/tokens"),
                await client.post("/api/v1/tokens", json={"name": "checkout"}),
                await client.post("/api/v1/tokens/checkout/rotate", json={}),
                await client.post("/api/v1/tokens/checkout/revoke", json={}),
            ):
                assert answer.status_code == 403
                assert "only taken from the server's own machine" in answer.json()["message"]
        assert not file.exists()

    @pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"origin": "http://evil.example"}])
    async def test_no_page_in_a_browser_changes_them(self, tmp_path: Path, headers: dict[str, str]) -> None:
        file = tmp_path / "tokens.json"
        sent = {"content-type": "application/json", **headers}
        async with self.client(file) as client:
            for path in ("tokens", "tokens/checkout/rotate", "tokens/checkout/revoke"):
                answer = await client.post(f"/api/v1/{path}", content=b'{"name": "checkout"}', headers=sent)
                assert (answer.status_code, "browsers are not served" in answer.text) == (400, True)
        assert not file.exists()


class TestPaths:
    """Requests over HTTP that name the token in the path."""

    async def ask(self, server: Server, path: str, body: bytes) -> httpx.Response:
        async with server.guarded.http() as client:
            return await client.post(path, content=body, headers={"authorization": "Bearer operator"})

    async def test_the_body_may_be_empty_and_names_no_other_token(self, tmp_path: Path) -> None:
        server = Server(tmp_path / "tokens.json", over_http=True)
        await server.create("operator", "checkout")
        for path, body in (("rotate", b'{"name": "other"}'), ("revoke", b'{"nameOrId": "other"}')):
            refused = await self.ask(server, f"/api/v1/tokens/checkout/{path}", body)
            assert refused.status_code == 400
            assert "the body names another token than the path, checkout" in refused.json()["message"]
        assert (await self.ask(server, "/api/v1/tokens/checkout/rotate", b"")).status_code == 200
        assert len((await self.ask(server, "/api/v1/tokens/checkout/revoke", b"")).json()["tokens"]) == 2

    async def test_a_token_is_only_created_with_a_body(self, tmp_path: Path) -> None:
        server = Server(tmp_path / "tokens.json", over_http=True)
        assert (await self.ask(server, "/api/v1/tokens", b"")).status_code == 400
        assert not server.file.exists()
