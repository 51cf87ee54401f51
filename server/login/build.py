"""The login of a server, put together from its settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.routing import Route
from starlette.types import ASGIApp

from server.access.authentication import Authenticator, Presented
from server.access.break_glass import BreakGlassAuthenticator
from server.access.browsers import BrowserRules
from server.access.callers import Caller
from server.access.proxies import ProxyAuthenticator, client_address
from server.login.bearers import JwtAuthenticator
from server.login.code_flow import Client, CodeFlow
from server.login.cookies import CookieNames, guard_sessions, origin_of
from server.login.fetching import Fetcher
from server.login.noted import LoginEvents, NoteEvent
from server.login.provider import Provider
from server.login.routes import Pages, login_routes
from server.login.session_authenticator import SessionAuthenticator
from server.login.sessions import Sessions
from server.process.pools import Pool
from server.settings.login import LoginSettings, OidcSettings

__all__ = ["Login", "open_login"]

_THREADS = 4
_WAITING = 32
_PATIENCE = 10.0  # seconds
_FILE = "sessions.json"  # in the data directory


@dataclass(frozen=True, slots=True)
class Login:
    """Login of a server.

    Attributes:
        authenticators: all authenticators, in the order in which they must be tried.
        routes: routes of the HTTP API.
        session_cookie: name of the cookie of sessions; empty if there are none.
        origin: origin of the server's pages.
        events: events that are put on record.
    """

    authenticators: tuple[Authenticator, ...]
    routes: tuple[Route, ...]
    session_cookie: str
    origin: str
    events: LoginEvents

    @property
    def browsers(self) -> BrowserRules:
        """Return the rules for requests that a browser may have sent."""
        return BrowserRules(self.origin)

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Return an application that refuses what foreign pages send with a person's session."""
        return guard_sessions(app, self.session_cookie, self.origin, self.events) if self.session_cookie else app


@contextlib.contextmanager
def open_login(
    settings: LoginSettings,
    data_dir: Path,
    others: Sequence[Authenticator] = (),
    note: NoteEvent = lambda _: None,
) -> Iterator[Login]:
    """Open the login of a server until the block ends.

    Args:
        settings: the settings.
        data_dir: the data directory, which has the file of sessions.
        others: authenticators that are tried last, such as those of tokens and certificates.
        note: function that records an event of access.

    Raises:
        OSError: the file with the client's secret cannot be read.
    """
    events = LoginEvents(note)
    address_of = partial(client_address, networks=settings.trusted_proxies)
    authenticators: list[Authenticator] = []
    if settings.trusted_proxies:
        authenticators.append(ProxyAuthenticator(settings.trusted_proxies, settings.proxy_headers, settings.roles))
    if settings.break_glass_file:
        authenticators.append(BreakGlassAuthenticator(settings.break_glass_file, address_of))
    with contextlib.ExitStack() as stack:
        pages, cookies = None, CookieNames(settings.public_url)
        if settings.oidc:
            pool = Pool("login", _THREADS, waiting=_WAITING, patience=_PATIENCE)
            stack.callback(pool.close)
            fetcher = stack.enter_context(contextlib.closing(Fetcher(settings.oidc.ca_file)))
            provider = Provider(settings.oidc.issuer, fetcher.get, pool)
            provider.begin()
            sessions = Sessions(data_dir / _FILE, settings.roles, settings.session_idle, settings.session_age)
            stack.callback(sessions.save)
            authenticators += [
                JwtAuthenticator(
                    provider, settings.oidc.audiences, settings.oidc.groups_claim, settings.roles, address_of
                ),
                SessionAuthenticator(sessions, settings.roles, address_of),
            ]
            client = _client(settings.oidc, settings.public_url)
            flow = CodeFlow(provider, fetcher, pool, client, settings.roles)
            config = {
                "issuer": settings.oidc.issuer,
                "client_id": settings.oidc.cli_client_id,
                "scopes": list(settings.oidc.scopes),
            }
            pages = Pages(flow, sessions, pool, settings.public_url, cookies, config, address_of, events)
        authenticators += others
        cookie = cookies.session if pages else ""
        routes = login_routes(pages, partial(_first, tuple(authenticators)), cookie, events)
        yield Login(tuple(authenticators), tuple(routes), cookie, origin_of(settings.public_url), events)


async def _first(authenticators: Sequence[Authenticator], presented: Presented) -> Caller | None:
    for authenticator in authenticators:
        if (caller := await authenticator.authenticate(presented)) is not None:
            return caller
    return None


def _client(oidc: OidcSettings, public_url: str) -> Client:
    secret = oidc.client_secret_file.read_text(encoding="utf-8").strip() if oidc.client_secret_file else ""
    return Client(
        client_id=oidc.client_id,
        secret=secret,
        scopes=oidc.scopes,
        redirect_uri=f"{public_url}/login/callback",
        groups_claim=oidc.groups_claim,
        groups_url=oidc.groups_url,
    )
