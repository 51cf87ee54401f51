"""Logs as static files over HTTP, for monitors, mirrors and witnesses (C2SP tlog-tiles).

GET /tlog/{log_id}/checkpoint                       the latest checkpoint
GET /tlog/{log_id}/tile/{level}/{index}[.p/{width}]      hashes of the tree
GET /tlog/{log_id}/tile/entries/{index}[.p/{width}]      entries: SHA-256 of canonical records, no contents
"""

from __future__ import annotations

import re
from functools import partial
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.callers import CallerKind
from server.access.current import current_caller
from server.api.backend import Backend
from server.api.errors import NotFoundError
from server.notary.errors import MalformedError
from server.notary.tiles import parse_tile_path
from server.process.pools import Pool

__all__ = ["tile_routes"]

_LOG_ID = re.compile(r"[0-9a-f]{16}")
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def tile_routes(backend: Backend, pool: Pool) -> list[Route]:
    """Return the routes of all logs' files, read in a thread pool. The application handles errors."""

    async def read(request: Request) -> Response:
        log_id, path = request.path_params["log_id"], request.path_params["path"]
        if not _LOG_ID.fullmatch(log_id):
            raise NotFoundError(f"{log_id[:100]!r} is not a log ID: give 16 hexadecimal digits")
        if path == "checkpoint":
            note = await pool.run(partial(backend.latest_checkpoint, log_id))
            return _file(request, note.encode(), "text/plain; charset=utf-8", _ASK_AGAIN)
        try:
            tile = parse_tile_path(path)
        except MalformedError as error:
            raise NotFoundError(str(error)) from error
        content = await pool.run(partial(backend.read_tile, log_id, tile))
        return _file(request, content, "application/octet-stream", _FOR_GOOD)

    return [Route("/tlog/{log_id}/{path:path}", read)]


def _file(request: Request, content: bytes, media_type: str, caching: str) -> Response:
    """Respond with a file, or with 304 if the caller has it (RFC 9110, section 13.1.2)."""
    caller = current_caller()
    if caller is not None and caller.kind is not CallerKind.LOCAL:  # caches in between must not give it to others
        caching = caching.replace("public", "private")
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"Cache-Control": caching, "ETag": tag}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _has(tags: str, tag: str) -> bool:
    known = [each.strip().removeprefix("W/") for each in tags.split(",")]
    return tag in known or known == ["*"]
