"""The API over gRPC and HTTP with access, for callers whose token is the name of their role."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import httpx
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection
from starlette.applications import Starlette

from server.access.authentication import Presented
from server.access.call_rules import GRPC_RULES, Permission, http_rules
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.chain import AuthenticationChain
from server.access.errors import Denial, UnauthenticatedError
from server.access_log.access_log import AccessLog
from server.access_log.calls import RecordedCalls
from server.api.administration import Administration
from server.api.administration_calls import add_administration
from server.api.backend import Backend
from server.api.disclosures import Disclosures, add_disclosures
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.guarded_grpc import GuardedCalls
from server.api.guarded_http import guarded_http
from server.api.health import add_health
from server.api.http_api import build_http_api
from server.api.tenant_drops import TenantDrops
from server.api.token_calls import add_tokens
from server.api.tokens import TokenAdministration
from server.data_dir.drop_orders import DropOrders
from server.explorer.pages import Explorer
from server.notary.signers import SigningKey
from server.notary.trust import TrustedKeys
from server.otlp.refusal_log import RefusalLog
from server.otlp.unserved import not_served_by_api, unserved_handler
from server.process.pools import Pool
from storage.bound import BoundEngine
from storage.engine import Engine

__all__ = ["Guarded", "guarded_http_client"]

GRANTS = {role.value: (Grant(role),) for role in Role}


class ByName:
    """Authenticator of callers whose token is a name in a table."""

    def __init__(self, grants: Mapping[str, tuple[Grant, ...]]) -> None:
        self._grants = grants

    async def authenticate(self, presented: Presented) -> Caller | None:
        if not presented.bearer:
            return None
        if presented.bearer not in self._grants:
            raise UnauthenticatedError(Denial.UNKNOWN)
        return Caller(presented.bearer, CallerKind.TOKEN, self._grants[presented.bearer], presented.address)


class Guarded:
    """The parts of the API on a storage, put together as a server does it.

    Attributes:
        app: the application of the HTTP API, without access.
        chain: what authenticates callers.
        denials: reasons of refusals.
    """

    def __init__(
        self,
        engine: Engine,
        grants: Mapping[str, tuple[Grant, ...]] = GRANTS,
        keys: TrustedKeys | None = None,
        rules: Mapping[str, Permission] = GRPC_RULES,
        access_log: AccessLog | None = None,
        signing_key: Callable[[], SigningKey] | None = None,
        tokens: TokenAdministration | None = None,
    ) -> None:
        bound = BoundEngine(engine)
        self.backend = Backend(bound, keys or TrustedKeys(), signing_key=signing_key)
        self.pool = Pool("api", 2)
        self._administration = Administration(bound, {}, lambda _: None, "local")
        self._administration.begin()
        self._disclosures = Disclosures(bound, lambda _: None, "local")
        orders = DropOrders(Path(tempfile.gettempdir(), "no-orders"))
        self._drops = TenantDrops(bound, lambda _: None, "local", self._administration.changing, orders, ["w"])
        self._tokens = tokens or TokenAdministration(Path(tempfile.gettempdir(), "no-tokens", "x"), dict, "local")
        self.chain = AuthenticationChain((ByName(grants),), required=lambda: True)
        self.denials: list[str] = []
        self.app: Starlette = build_http_api(
            self.backend,
            self.pool,
            str,
            lambda: b"metrics 1\n",
            administration=self._administration,
            disclosures=self._disclosures,
            drops=self._drops,
            tokens=self._tokens,
            explorer=Explorer(None),
        )
        self._rules = rules
        self.recorded = {name: RecordedCalls(access_log, name) for name in ("grpc", "http")} if access_log else {}

    def http(self, *, public_tiles: bool = False) -> httpx.AsyncClient:
        """Return a client of the guarded HTTP API."""
        return guarded_http_client(self, self.app, public_tiles=public_tiles)

    @asynccontextmanager
    async def grpc(self) -> AsyncIterator[grpc.aio.Channel]:
        """Serve the guarded gRPC API on a free port; yields a channel to it."""
        unserved = unserved_handler(
            lambda _: None, RefusalLog("grpc"), lambda path: not_served_by_api(path, "otlp:1", "otlp:2")
        )
        guard = GuardedCalls(self.chain, unserved, self._rules, self.denials.append, self.recorded.get("grpc"))
        server = grpc.aio.server(interceptors=[guard])
        add_services(server, self.backend, self.pool)
        add_administration(server, self._administration, self._drops, self.pool)
        add_disclosures(server, self._disclosures, self.pool)
        add_tokens(server, self._tokens, self.pool)
        add_health(server, str)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield channel
        finally:
            await server.stop(0)


def guarded_http_client(guarded: Guarded, app: Starlette, *, public_tiles: bool = False) -> httpx.AsyncClient:
    """Return a client of an application with access."""
    rules = http_rules(public_tiles=public_tiles)
    transport = httpx.ASGITransport(
        guarded_http(app, guarded.chain, rules, guarded.denials.append, recorded=guarded.recorded.get("http")),
        raise_app_exceptions=False,
    )
    return httpx.AsyncClient(transport=transport, base_url="http://lognotary")
