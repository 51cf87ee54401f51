"""The login of a server, put together from its settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import Route
from starlette.types import ASGIApp

from server.access.authentication import Authenticator
from server.access.break_glass import BreakGlassAuthenticator
from server.access.browsers import BrowserRules
from server.access.certificate_authenticator import CertificateAuthenticator
from server.access.chain import AuthenticationChain, unrestricted
from server.access.presenting import Presenting
from server.access.proxies import ProxyAuthenticator
from server.access.requirement import is_loopback
from server.access_log.bursts import Bursts
from server.login.bearers import JwtAuthenticator
from server.login.code_flow import Client, CodeFlow
from server.login.cookies import CookieNames, guard_sessions, origin_of
from server.login.fetching import Fetcher
from server.login.noted import KeepEvent, LoginEvents, NoteEvent, keep_nothing, note_nothing
from server.login.provider import Provider
from server.login.revocations import Revocation, RevocationFile, revocations_path
from server.login.routes import Pages, login_routes
from server.login.session_authenticator import SessionAuthenticator
from server.login.sessions import Sessions, sessions_path
from server.process.pools import Pool, PoolFullError
from server.settings.login import LoginSettings, OidcSettings

__all__ = ["Login", "open_login"]

_THREADS = 8  # twice as many as one address may use
_WAITING = 32
_PATIENCE = 10.0  # seconds
_INTERVAL = 0.4  # seconds between looks for revoked sessions, which end within a second


@dataclass(frozen=True, slots=True)
class _Revocations:
    """Revocations of sessions from the command line.

    Attributes:
        file: their file.
        sessions: the sessions.
        pool: threads that save the sessions.
        before: what was revoked while no server ran, which is not on record yet.
    """

    file: RevocationFile
    sessions: Sessions
    pool: Pool
    before: list[tuple[Revocation, int]]

    async def follow(self, events: LoginEvents) -> None:
        ended = self.before
        while True:
            for revocation, number in ended:
                events.revoked(revocation, number)
            await asyncio.sleep(_INTERVAL)
            ended = _end(self.file, self.sessions)
            if ended:
                with contextlib.suppress(PoolFullError):  # a restart would end them again
                    await self.pool.run(self.sessions.save)


@dataclass(frozen=True, slots=True)
class Login:
    """Login of a server.

    Attributes:
        routes: routes of the HTTP API.
        presenting: places in which calls present credentials.
        origin: origin of the server's pages.
        events: events that are put on record.
        on_denied: called with the reason of each refusal, a value of ``Denial``.
        browsers: rules for requests that a browser may have sent to the HTTP API.
    """

    routes: tuple[Route, ...]
    presenting: Presenting
    origin: str
    events: LoginEvents
    on_denied: Callable[[str], object]
    browsers: BrowserRules
    _chain: Callable[[Callable[[], bool]], AuthenticationChain]
    _revocations: _Revocations | None

    async def follow(self) -> None:
        """End the sessions that somebody revokes from the command line, as long as the server runs."""
        if self._revocations is not None:
            await self._revocations.follow(self.events)

    def chain(self, required: Callable[[], bool]) -> AuthenticationChain:
        """Return what authenticates callers.

        Args:
            required: function that returns whether every call needs credentials now.
        """
        return self._chain(required)

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Return an application that refuses what foreign pages send with a person's session."""
        if not self.presenting.session_cookie:
            return app
        return guard_sessions(app, self.presenting, self.origin, self.events, self.on_denied)


@contextlib.contextmanager
def open_login(
    settings: LoginSettings,
    data_dir: Path,
    others: Sequence[Authenticator] = (),
    keep: KeepEvent = keep_nothing,
    note: NoteEvent = note_nothing,
    denied: Bursts | None = None,
    *,
    on_denied: Callable[[str], object] = lambda _: None,
    has_logs: Callable[[str], bool] = lambda _: True,
    required: Callable[[], bool] = lambda: True,
    host: str = "",
) -> Iterator[Login]:
    """Open the login of a server until the block ends.

    Args:
        settings: the settings.
        data_dir: the data directory, which has the file of sessions.
        others: authenticators of tokens.
        keep: function that records an event of access, and waits for it if records are required.
        note: function that records an event of access soon.
        denied: counts of the events of whoever is not let in; None to count those of login only.
        on_denied: function that is called with the reason of each refusal, a value of ``Denial``.
        has_logs: function that returns whether a tenant that a trusted proxy names has logs; it does not block.
        required: function that returns whether calls of the HTTP API need credentials now.
        host: host on which the HTTP API listens; empty for all.
    """
    events = LoginEvents(keep, note, denied, settings.roles)
    cookies = CookieNames(settings.public_url)
    presenting = Presenting(cookies.session if settings.oidc else "", settings.trusted_proxies)
    proxies = ProxyAuthenticator(settings.trusted_proxies, settings.proxy_headers, settings.roles, has_logs)
    authenticators: list[Authenticator] = [proxies] if settings.trusted_proxies else []
    with contextlib.ExitStack() as stack:
        pages, by_session, revocations = None, [], None
        if settings.oidc:
            pool = Pool("login", _THREADS, waiting=_WAITING, patience=_PATIENCE)
            stack.callback(pool.close)
            fetcher = stack.enter_context(contextlib.closing(Fetcher(settings.oidc.ca_file, "oidc_ca_file")))
            # Keys have a thread of their own, so that slow logins never keep new ones out.
            keys = Pool("login-keys", 1, waiting=_WAITING, patience=_PATIENCE)
            stack.callback(keys.close)
            provider = Provider(settings.oidc.issuer, fetcher.get, keys)
            provider.begin()
            sessions = Sessions(sessions_path(data_dir), settings.roles, settings.session_idle, settings.session_age)
            stack.callback(sessions.save)
            revoked = RevocationFile(revocations_path(data_dir))
            revocations = _Revocations(revoked, sessions, pool, before=_end(revoked, sessions))
            authenticators.append(
                JwtAuthenticator(provider, settings.oidc.audiences, settings.oidc.groups_claim, settings.roles)
            )
            by_session.append(SessionAuthenticator(sessions, settings.roles))
            client = _client(settings.oidc, settings.public_url)
            flow = CodeFlow(provider, fetcher, pool, client, settings.roles)
            config = {
                "issuer": settings.oidc.issuer,
                "client_id": settings.oidc.cli_client_id,
                "scopes": list(settings.oidc.scopes),
            }
            pages = Pages(flow, sessions, pool, settings.public_url, cookies, config, presenting, events, on_denied)
        authenticators += others
        if settings.break_glass_file:  # after the tokens, which are known by their form
            authenticators.append(BreakGlassAuthenticator(settings.break_glass_file))
        authenticators += [*by_session, CertificateAuthenticator(settings.roles)]

        def chain(required: Callable[[], bool]) -> AuthenticationChain:
            restrict = proxies.restrict if settings.trusted_proxies else unrestricted
            return AuthenticationChain(authenticators, required=required, restrict=restrict)

        origin = origin_of(settings.public_url)
        browsers = BrowserRules(origin, is_loopback(host))
        routes = login_routes(pages, chain(required), presenting, events, on_denied, browsers)
        yield Login(tuple(routes), presenting, origin, events, on_denied, browsers, chain, revocations)


def _end(revoked: RevocationFile, sessions: Sessions) -> list[tuple[Revocation, int]]:
    """End the sessions that were revoked since the last call; return how many sessions each revocation has ended."""
    ended = ((revocation, sessions.revoke(revocation)) for revocation in revoked.news())
    return [(revocation, number) for revocation, number in ended if number]


def _client(oidc: OidcSettings, public_url: str) -> Client:
    return Client(
        client_id=oidc.client_id,
        secret=oidc.client_secret,
        scopes=oidc.scopes,
        redirect_uri=f"{public_url}/login/callback",
        groups_claim=oidc.groups_claim,
        groups_url=oidc.groups_url,
    )
