"""Access over HTTP: who calls, whether the call is permitted, and what it may read; before any request is answered.

The routes of the application themselves decide which rule a request has, so a path cannot mean one thing here and
another thing there. A route without a rule is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server.access.browsers import NO_PAGES, BrowserRules
from server.access.call_rules import Permission
from server.access.chain import AuthenticationChain
from server.access.current import calling
from server.access.errors import AccessError, ForbiddenError
from server.access.policy import FORBIDDEN, OPEN_SCOPE
from server.access.presenting import DIRECT, Presenting
from server.access_log.actions import UNRECORDED_ROUTES
from server.access_log.calls import RecordedCalls
from server.access_log.event import Outcome
from server.api.entering import let_in
from server.api.recorded_http import answer_kept, answer_recorded, recorded_call, refuse_unrecorded
from server.api.statuses import status_of
from server.own_records.sender import NotRecordedError
from storage.bound import reading_as

__all__ = ["guarded_http"]


def guarded_http(
    app: Starlette,
    chain: AuthenticationChain,
    rules: Mapping[tuple[str, str], Permission],
    on_denied: Callable[[str], object] = lambda _: None,
    presenting: Presenting = DIRECT,
    recorded: RecordedCalls | None = None,
    browsers: BrowserRules = NO_PAGES,
) -> ASGIApp:
    """Return an application that answers only requests that their callers may make.

    Args:
        app: the application.
        chain: authenticates callers.
        rules: the permission that each method and route needs.
        on_denied: function that is called with the reason of each refusal, a value of ``Denial``.
        presenting: places in which requests present credentials.
        recorded: records of calls; None to record none.
        browsers: rules for requests that a browser may have sent.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ForbiddenError(FORBIDDEN)  # there are no web sockets
        route, parameters = _route(app, scope)
        permission = Permission.ANYBODY if route is None else rules.get(route)
        if permission is Permission.OPEN:
            with reading_as(OPEN_SCOPE):
                await app(scope, receive, send)
            return
        address = presenting.address_over_http(scope)
        call = None if recorded is None else recorded_call(recorded, scope, address, route, parameters)
        try:
            is_recorded = route not in UNRECORDED_ROUTES
            caller, bound = await let_in(
                chain,
                lambda: presenting.over_http(scope),
                permission,
                call,
                check=partial(browsers.check, scope["method"]),
                is_recorded=is_recorded,
            )
            call = call if is_recorded else None
        except AccessError as error:
            on_denied(error.denial.value)
            answer = answer_kept(_refusal(error), call, Outcome.DENIED, error.denial.value)
            await answer(scope, receive, send)
            return
        except NotRecordedError as error:
            await refuse_unrecorded(error, scope, receive, send)
            return
        with calling(caller), reading_as(bound):
            if call is None:
                await app(scope, receive, send)
            else:
                await answer_recorded(app, call, scope, receive, send)

    return guarded


def _route(app: Starlette, scope: Scope) -> tuple[tuple[str, str] | None, Mapping[str, Any]]:
    """Return the method and the route of a request, and the parameters in its path.

    There is no route for 404 or 405, which nothing answers but the router.
    """
    for route in app.routes:
        match, found = route.matches(scope)
        if match is Match.FULL:
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            return (method, route.path if isinstance(route, Route) else ""), found.get("path_params", {})
    return None, {}


def _refusal(error: AccessError) -> Response:
    status = status_of(error)
    headers = {"Cache-Control": "no-store"}
    if status.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = json.dumps({"code": status.code.name, "message": status.message})
    return Response(content, status.http_status, headers, media_type="application/json")
