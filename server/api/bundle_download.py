"""Evidence bundles over HTTP: the file as a download."""

from __future__ import annotations

import re
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lognotary.v1 import evidence_pb2
from server.access_log.calls import note_answer
from server.api.backend import Backend
from server.api.parameters import parse_parameters
from server.process.pools import Pool

__all__ = ["bundle_route"]

# A bundle as HTML runs its script where its reader has saved it, never in the origin of this server, whose cookies and
# API a hostile page would have.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def bundle_route(backend: Backend, pool: Pool) -> Route:
    """Return the route of bundles; blocking calls run in the threads of a pool."""

    async def bundle(request: Request) -> Response:
        call = parse_parameters(
            request.query_params.multi_items(), request.path_params, evidence_pb2.GetBundleRequest()
        )
        answer = await pool.run(partial(backend.get_bundle, call))
        note_answer(answer)
        name = _UNSAFE.sub("-", answer.file_name)
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(answer.content, media_type=answer.media_type, headers=headers)

    return Route("/api/v1/logs/{log}/bundle", bundle)
