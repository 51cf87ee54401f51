"""Paths of login.

GET  /login?next=/path    sends a browser to the provider
GET  /login/callback      ends the login, begins a session
POST /logout              ends the session; sends a browser to the provider, or tells a script where to go in JSON
GET  /login/config        what ``lognotary login`` needs: issuer, client ID, scopes
GET  /login/whoami        who calls, and which roles that has
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from server.access.browsers import FOREIGN_PAGE, NO_PAGES, BrowserRules, is_own_page
from server.access.callers import Grant
from server.access.chain import AuthenticationChain
from server.access.errors import AccessError, Denial, UnauthenticatedError
from server.access.presenting import Presenting, cookie_in
from server.access.proxies import join_headers
from server.access_log.event import Outcome, actor_of
from server.login.code_flow import CodeFlow
from server.login.cookies import CookieNames, origin_of, set_cookie
from server.login.errors import ProviderError, TooManyLoginsError
from server.login.noted import LoginEvents, answer_if_recorded
from server.login.pace import Pace
from server.login.pending import LOGIN_SECONDS, Pending, Seal, safe_path
from server.login.sessions import Sessions
from server.process.pools import Pool, PoolFullError

__all__ = ["Pages", "login_routes"]

_logger = logging.getLogger(__name__)

# The URL has a code, which neither caches nor the next page may learn.
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_LONGEST_CODE = 4096  # characters
_AGAIN = "Begin again at /login."


@dataclass(frozen=True, slots=True)
class Pages:
    """Parts of the login on pages.

    Attributes:
        flow: the code flow with the provider.
        sessions: the open sessions.
        pool: pool in whose threads the file of sessions is written.
        public_url: URL at which browsers reach the server.
        cookies: names of the cookies.
        config: answer of ``/login/config``.
        presenting: places in which requests present credentials.
        events: events that are put on record.
        on_denied: called with the reason of each refusal, a value of ``Denial``.
    """

    flow: CodeFlow
    sessions: Sessions
    pool: Pool
    public_url: str
    cookies: CookieNames
    config: dict[str, Any]
    presenting: Presenting
    events: LoginEvents
    on_denied: Callable[[str], object] = lambda _: None


def login_routes(
    pages: Pages | None,
    chain: AuthenticationChain,
    presenting: Presenting,
    events: LoginEvents,
    on_denied: Callable[[str], object] = lambda _: None,
    browsers: BrowserRules = NO_PAGES,
) -> list[Route]:
    """Return the routes of login.

    Args:
        pages: parts of the login on pages; None if there is no provider.
        chain: authenticates callers, as for calls of the API.
        presenting: places in which requests present credentials.
        events: events that are put on record.
        on_denied: function that is called with the reason of each refusal, a value of ``Denial``.
        browsers: rules for requests that a browser may have sent.
    """

    async def whoami(request: Request) -> Response:
        try:
            presented = presenting.over_http(request.scope)
            caller = await chain.authenticate(presented)
            browsers.check(request.method, presented, caller)
        except AccessError as error:
            on_denied(error.denial.value)
            await events.failed(
                "whoami", presenting.address_over_http(request.scope), error.denial.value, Outcome.DENIED
            )
            if isinstance(error, UnauthenticatedError):
                refusal = {"code": "UNAUTHENTICATED", "message": str(error), "login": pages is not None}
                return JSONResponse(refusal, HTTPStatus.UNAUTHORIZED, _PRIVATE)
            return _refused("PERMISSION_DENIED", str(error), HTTPStatus.FORBIDDEN)
        await events.succeeded("whoami", actor_of(caller))
        return JSONResponse(
            {"name": caller.name, "kind": caller.kind.value, "roles": [_grant(grant) for grant in caller.grants]},
            headers=_PRIVATE,
        )

    routes = [Route("/login/whoami", answer_if_recorded(whoami))]
    return routes if pages is None else [*_pages(pages), *routes]


def _pages(pages: Pages) -> list[Route]:
    seal, origin, cookies, pace = Seal(), origin_of(pages.public_url), pages.cookies, Pace()

    def cookie(name: str, value: str, seconds: int | None) -> str:
        return set_cookie(name, value, secure=cookies.secure, seconds=seconds)

    def address(request: Request) -> str:
        return pages.presenting.address_over_http(request.scope)

    def from_where(request: Request) -> str:
        return address(request) or "an unknown address"

    async def note_failed(request: Request, reason: str) -> None:
        await pages.events.failed("login", address(request), reason)

    async def login(request: Request) -> Response:
        pending = Pending(safe_path(request.query_params.get("next", "/")))
        try:
            url = await pages.flow.begin(pending)
        except ProviderError as error:
            await note_failed(request, str(error))
            return _page(f"Nobody can log in now: {error}.", HTTPStatus.BAD_GATEWAY)
        answer = RedirectResponse(url, HTTPStatus.SEE_OTHER, _PRIVATE)
        answer.headers.append("Set-Cookie", cookie(cookies.login, seal.close(pending), LOGIN_SECONDS))
        return answer

    async def callback(request: Request) -> Response:
        answer = await finish(request)
        answer.headers.append("Set-Cookie", cookie(cookies.login, "", 0))
        return answer

    async def finish(request: Request) -> Response:
        query, sent = request.query_params, request.headers.getlist("cookie")
        pending = seal.open(cookie_in(sent, cookies.login))
        if pending is None or not pending.has_state(query.get("state", "")):
            await note_failed(request, "it is not the end of a login that this browser began")
            return _page(
                f"This is not the end of a login that this browser began in the last {LOGIN_SECONDS // 60} minutes. "
                f"{_AGAIN}",
                HTTPStatus.BAD_REQUEST,
            )
        code = query.get("code", "")
        # RFC 9207: the answer may be of another provider, which wants the code.
        is_of_issuer = query.get("iss", pages.config["issuer"]) == pages.config["issuer"]
        if not code or len(code) > _LONGEST_CODE or not is_of_issuer:
            _logger.warning("a login failed: the provider gave no code, for somebody at %s", from_where(request))
            await note_failed(request, "the provider gave no code")
            return _page(f"The identity provider did not accept the login. {_AGAIN}", HTTPStatus.FORBIDDEN)
        try:
            with pace.one(address(request)):
                identity = await pages.flow.finish(pending, code)
        except TooManyLoginsError as error:
            await note_failed(request, "too many logins from one address")
            return _page(f"The login could not be completed: {error}.", HTTPStatus.TOO_MANY_REQUESTS)
        except (ProviderError, UnauthenticatedError, PoolFullError) as error:
            _logger.warning("a login failed: %s, for somebody at %s", error, from_where(request))
            await note_failed(request, str(error))
            return _page(f"The login could not be completed. {_AGAIN}", HTTPStatus.FORBIDDEN)
        pages.sessions.end(cookie_in(sent, cookies.session))
        await pages.events.of_person("login", identity, address(request))
        session_id = pages.sessions.begin(identity)
        await _save(pages)
        _logger.info("%s logged in, from %s", identity.name, from_where(request))
        answer = RedirectResponse(pages.public_url + pending.path, HTTPStatus.SEE_OTHER, _PRIVATE)
        answer.headers.append("Set-Cookie", cookie(cookies.session, session_id, None))
        return answer

    async def logout(request: Request) -> Response:
        headers = join_headers(request.headers.items())
        if not is_own_page(headers, origin):
            pages.on_denied(Denial.FORBIDDEN.value)
            await pages.events.failed("logout", address(request), FOREIGN_PAGE, Outcome.DENIED)
            return _refused("PERMISSION_DENIED", FOREIGN_PAGE, HTTPStatus.FORBIDDEN)
        ended = pages.sessions.end(cookie_in(request.headers.getlist("cookie"), cookies.session))
        if ended:
            await _save(pages)
            _logger.info("%s logged out", ended.identity.name)
            await pages.events.of_person("logout", ended.identity, address(request), is_done=True)
        provider = await pages.flow.leave(f"{pages.public_url}/")
        answer: Response = RedirectResponse(provider, HTTPStatus.SEE_OTHER, _PRIVATE)
        if "application/json" in request.headers.get("accept", "").lower():
            # A form of the explorer's pages would not do. Under 'Referrer-Policy: no-referrer', browsers send it with
            # 'Origin: null', and in Chromium 'form-action' holds for redirects too, while the provider is elsewhere.
            answer = JSONResponse({"location": provider}, headers=_PRIVATE)
        answer.headers.append("Set-Cookie", cookie(cookies.session, "", 0))
        return answer

    async def config(_: Request) -> Response:
        return JSONResponse(pages.config, headers={"Cache-Control": "no-store"})

    return [
        Route("/login", answer_if_recorded(login)),
        Route("/login/callback", answer_if_recorded(callback)),
        Route("/logout", answer_if_recorded(logout), methods=["POST"]),
        Route("/login/config", config),
    ]


async def _save(pages: Pages) -> None:
    """Save the sessions; if too much is to be done already, they are saved with the next change."""
    with contextlib.suppress(PoolFullError):
        await pages.pool.run(pages.sessions.save)


def _page(text: str, status: HTTPStatus) -> Response:
    return PlainTextResponse(f"{text}\n", status, _PRIVATE)


def _refused(code: str, message: str, status: HTTPStatus) -> Response:
    return JSONResponse({"code": code, "message": message}, status, _PRIVATE)


def _grant(grant: Grant) -> dict[str, Any]:
    limits: Sequence[tuple[str, frozenset[str] | None]] = (
        ("tenants", grant.tenants),
        ("services", grant.services),
        ("environments", grant.environments),
    )
    return {"role": grant.role.value, **{name: sorted(values) for name, values in limits if values is not None}}
