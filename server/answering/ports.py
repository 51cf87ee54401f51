"""The ports of the API: its gRPC and HTTP servers, with authentication, login and limits of connections."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

import grpc.aio
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection

from server.access.call_rules import GRPC_RULES, http_rules
from server.access.chain import AuthenticationChain
from server.access.tenants import tenants_of_logs
from server.access.token_authenticator import TokenAuthenticator
from server.access_log.access_log import AccessLog
from server.access_log.calls import RecordedCalls
from server.api.administration import Administration
from server.api.administration_calls import add_administration
from server.api.asking import Queries
from server.api.backend import Backend
from server.api.browser_headers import with_browser_headers
from server.api.disclosures import Disclosures, add_disclosures
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.guarded_grpc import GuardedCalls
from server.api.guarded_http import guarded_http
from server.api.health import add_health, following_readiness
from server.api.http_api import build_http_api
from server.api.measured_calls import GRPC_CALLS, HTTP_CALLS, MeasuredCalls, measured_http
from server.api.server_options import api_server_options
from server.api.tenant_drops import TenantDrops
from server.api.token_calls import add_tokens
from server.api.tokens import TokenAdministration
from server.data_dir.kept_notes import tenant_origins
from server.explorer.assets import built_files, read_built, why_not_built
from server.explorer.pages import Explorer
from server.intake.process import Intake, Process
from server.intake.tokens import api_needs_credentials
from server.login.build import open_login
from server.login.noted import keep_nothing, note_nothing
from server.otlp.errors import NotServedError
from server.otlp.http_refusals import unserved_routes
from server.otlp.refusal_log import RefusalLog
from server.otlp.unserved import SERVICES, not_served_by_api, unserved_handler
from server.process.background import background
from server.process.fair_queue import FairQueue
from server.process.pools import Pool
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_grpc, serve_http_apart

__all__ = ["ApiParts", "answering"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiParts:
    """The parts that answer calls of the API, whichever port they come from."""

    backend: Backend
    administration: Administration
    disclosures: Disclosures
    drops: TenantDrops
    tokens: TokenAdministration


@contextlib.asynccontextmanager
async def answering(
    process: Process,
    parts: ApiParts,
    intake: Intake,
    access_log: AccessLog | None,
    recorded: Mapping[str, RecordedCalls],
) -> AsyncIterator[tuple[Address, Address]]:
    """Answer the API, over gRPC and HTTP; yields where. Should one end by itself, it is as with ``receiving``."""
    settings, pool, ended = process.settings, process.pools.api, process.signals.stop
    metrics, not_ready = intake.metrics, intake.not_ready
    explain = partial(not_served_by_api, otlp_grpc=str(intake.otlp_grpc), otlp_http=str(intake.otlp_http))
    async with contextlib.AsyncExitStack() as stack:
        certificates = process.certificates
        metrics.expect_calls("grpc", GRPC_CALLS)
        metrics.expect_calls("http", HTTP_CALLS)
        metrics.expect_requests(("grpc", "http"), (NotServedError.outcome,), SERVICES)
        not_served = unserved_handler(metrics.request, RefusalLog("grpc"), explain)
        others = [TokenAuthenticator(process.tokens)]
        keep, note = (access_log.keep, access_log.note) if access_log else (keep_nothing, note_nothing)
        known = tenants_of_logs(tenant_origins(settings.data_dir), settings.deployment)  # when the server started
        denied_http = partial(metrics.denied, "http")
        opened = open_login(
            settings.login,
            settings.data_dir,
            others,
            keep,
            note,
            denied=access_log.denied if access_log else None,
            on_denied=denied_http,
            has_logs=lambda tenant: tenant in known or intake.has_logs(tenant),
            required=api_needs_credentials(settings, process.tokens, settings.http),
            host=settings.http.host,
        )
        login = stack.enter_context(opened)
        stack.enter_context(background("revoked sessions", login.follow(), ended))

        def chain(address: Address) -> AuthenticationChain:
            return login.chain(api_needs_credentials(settings, process.tokens, address))

        denied = partial(metrics.denied, "api_grpc")
        guard = GuardedCalls(
            chain(settings.api_grpc), not_served, GRPC_RULES, denied, recorded.get("grpc"), login.presenting
        )
        server = grpc.aio.server(
            options=api_server_options(settings.max_connections), interceptors=[guard, MeasuredCalls(metrics.call)]
        )
        # Queries have their own threads: evidence and health never wait for them. One more closes answers left early.
        threads = stack.enter_context(contextlib.closing(Pool("query", settings.query_concurrency + 1)))
        queries = Queries(parts.backend, threads, FairQueue(settings.query_concurrency))
        add_services(server, parts.backend, pool, queries)
        add_administration(server, parts.administration, parts.drops, pool)
        add_disclosures(server, parts.disclosures, pool)
        add_tokens(server, parts.tokens, pool)
        health = add_health(server, not_ready)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
        serving_grpc = serve_grpc(server, settings.api_grpc, ended, certificates.of("api_grpc"))
        grpc_address = await stack.enter_async_context(serving_grpc)
        await stack.enter_async_context(following_readiness(health, ended))
        limits = ConnectionLimits(settings.max_connections)
        unserved = unserved_routes(metrics.request, RefusalLog("http"), explain)
        app = build_http_api(
            parts.backend,
            pool,
            not_ready,
            metrics.expose,
            unserved,
            queries,
            parts.administration,
            parts.disclosures,
            parts.drops,
            parts.tokens,
            login.routes,
            _explorer(),
        )
        rules = http_rules(public_tiles=settings.public_tiles)
        guarded = guarded_http(
            app,
            chain(settings.http),
            rules,
            denied_http,
            login.presenting,
            recorded.get("http"),
            login.browsers,
        )
        http_api = with_browser_headers(login.guard(measured_http(guarded, metrics.call)))
        serving_http = serve_http_apart(http_api, settings.http, limits, ended, certificates.of("http"))
        http_address = await stack.enter_async_context(serving_http)
        yield grpc_address, http_address


def _explorer() -> Explorer:
    files = built_files()
    if why := why_not_built(files):
        _logger.warning("this installation is without the explorer, the server's web page: %s", why)
    return Explorer(read_built(files), why)
