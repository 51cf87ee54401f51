"""The address of a trace for links from other tools, which stays valid whichever path shows traces."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.api.trace_ids import parse_trace_id
from server.explorer.negotiation import prefers_html
from server.explorer.pages import Explorer

__all__ = ["trace_route"]


def trace_route(explorer: Explorer | None) -> Route:
    """Return the route of a trace: the page for browsers, and for programs a redirect to the call of the API.

    Args:
        explorer: the web page; None to redirect browsers, too.
    """

    async def open_trace(request: Request) -> Response:
        answer: Response
        if explorer is not None and prefers_html(", ".join(request.headers.getlist("accept"))):
            answer = await explorer.page(request)
        else:
            trace_id = parse_trace_id(request.path_params["trace_id"])
            answer = RedirectResponse(f"../api/v1/traces/{trace_id}", HTTPStatus.TEMPORARY_REDIRECT)
        answer.headers.add_vary_header("Accept")
        return answer

    return Route("/trace/{trace_id}", open_trace)
