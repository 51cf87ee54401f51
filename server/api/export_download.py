"""Exports over HTTP: the file as a download, and its manifest afterwards."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lognotary.v1 import export_pb2
from server.access_log.calls import note_answer
from server.api.asking import Queries
from server.api.backend import Backend
from server.api.errors import NotFoundError
from server.api.export import file_name, media_type
from server.api.parameters import parse_parameters
from server.notary.errors import NotaryError
from server.process.pools import Pool
from server.query.errors import QueryTooExpensiveError
from storage.bound import scope_key
from storage.errors import StorageError
from storage.interrupt import Interrupt

__all__ = ["KeptManifests", "export_routes"]

_logger = logging.getLogger(__name__)

_MANIFESTS = "/api/v1/export-manifests"
_KEPT = 64  # manifests


def export_routes(backend: Backend, pool: Pool, queries: Queries) -> list[Route]:
    """Return the routes of exports; blocking calls run in the threads of a pool, in turn with other queries."""
    manifests = KeptManifests()

    async def export(request: Request) -> Response:
        call = parse_parameters(request.query_params.multi_items(), request.path_params, export_pb2.ExportRequest())
        interrupt = Interrupt()
        try:
            steps = await pool.run(partial(backend.export, call, interrupt))
            _, made = await queries.begin(request, steps)  # errors until here have a status
        except BaseException:
            interrupt.set()
            raise
        name = manifests.expect()
        headers = {
            "Content-Disposition": f'attachment; filename="{file_name(call)}"',
            "Cache-Control": "no-store",
            "Lognotary-Manifest": f"{_MANIFESTS}/{name}",
        }
        content = _content(made, interrupt, partial(manifests.keep, name))
        return StreamingResponse(content, media_type=media_type(call), headers=headers)

    async def manifest(request: Request) -> Response:
        note = manifests.get(request.path_params["name"])
        return PlainTextResponse(note, headers={"Cache-Control": "no-store"})

    return [Route("/api/v1/export", export), Route(f"{_MANIFESTS}/{{name}}", manifest)]


async def _content(
    made: AsyncGenerator[export_pb2.ExportResponse, None],
    interrupt: Interrupt,
    keep: partial[None],
) -> AsyncIterator[bytes]:
    try:
        async with contextlib.aclosing(made) as answers:
            async for step in answers:
                note_answer(step)
                if step.HasField("content"):
                    yield step.content
                elif step.HasField("summary"):
                    keep(step.summary.manifest)
    except (NotaryError, QueryTooExpensiveError, StorageError) as error:
        # The status has been sent already, so only an aborted response can tell the caller.
        _logger.warning("an export was not completed: %s", error)
        raise
    finally:
        interrupt.set()  # the client may have gone


@dataclass(frozen=True, slots=True)
class _Kept:
    """A manifest that may be asked for; None until the export is complete.

    Attributes:
        manifest: the manifest.
        scope: scope of who made the export, and alone gets the manifest (``storage.bound``).
    """

    manifest: str | None = None
    scope: str = field(default_factory=scope_key)


class KeptManifests:
    """The manifests of the latest exports over HTTP, which has no place for them in an answer; thread-safe."""

    def __init__(self, most: int = _KEPT) -> None:
        """Keep as many."""
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def expect(self) -> str:
        """Return the name of a manifest that is not there yet."""
        name = secrets.token_hex(16)
        self._keep(name, _Kept())
        return name

    def keep(self, name: str, manifest: str) -> None:
        """Keep a manifest."""
        self._keep(name, _Kept(manifest))

    def _keep(self, name: str, kept: _Kept) -> None:
        with self._lock:
            self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def get(self, name: str) -> str:
        """Return a manifest.

        Raises:
            NotFoundError: there is none; the message says why.
        """
        with self._lock:
            kept = self._kept.get(name)
        if kept is None or kept.scope != scope_key():
            raise NotFoundError(
                f"there is no manifest {name[:80]!r}: the server keeps the manifests of its last {self._most} exports "
                "until it ends; make the export again"
            )
        if kept.manifest is None:
            raise NotFoundError("the export is not complete yet, or it failed: its manifest is made at its end")
        if not kept.manifest:
            raise NotFoundError(
                "the export has no manifest, because it was made with credentials that are limited to services or "
                "environments: a manifest says that an export has all records that its query finds"
            )
        return kept.manifest
