"""Exports over HTTP: the file as a download, and its manifest afterwards."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lognotary.v1 import export_pb2
from server.access_log.calls import note_answer
from server.api.asking import Queries
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.export import file_name, media_type
from server.api.parameters import parse_parameters
from server.errors.base import LognotaryError
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
_NAME = re.compile(r"[0-9a-f]{32}")


def export_routes(backend: Backend, pool: Pool, queries: Queries) -> list[Route]:
    """Return the routes of exports; blocking calls run in the threads of a pool, in turn with other queries."""
    manifests = KeptManifests()

    async def export(request: Request) -> Response:
        fields, chosen = _without_name(request.query_params.multi_items())
        # Who chose a name reads there why a download failed: browsers do not show it.
        name = chosen and manifests.expect(chosen)
        interrupt = Interrupt()
        try:
            call = parse_parameters(fields, request.path_params, export_pb2.ExportRequest())
            steps = await pool.run(partial(backend.export, call, interrupt))
            _, made = await queries.begin(request, steps)  # errors until here have a status
        except BaseException as error:
            interrupt.set()
            if name:
                manifests.fail(name, str(error) if isinstance(error, LognotaryError) else "")
            raise
        name = name or manifests.expect()
        headers = {
            "Content-Disposition": f'attachment; filename="{file_name(call)}"',
            "Cache-Control": "no-store",
            "Lognotary-Manifest": f"{_MANIFESTS}/{name}",
        }
        content = _content(made, interrupt, manifests, name)
        return StreamingResponse(content, media_type=media_type(call), headers=headers)

    async def manifest(request: Request) -> Response:
        note = manifests.get(request.path_params["name"])
        return PlainTextResponse(note, headers={"Cache-Control": "no-store"})

    return [Route("/api/v1/export", export), Route(f"{_MANIFESTS}/{{name}}", manifest)]


def _without_name(parameters: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], str]:
    """Return the other parameters, and the name that the caller chose for the manifest; empty if there is none.

    Raises:
        InvalidArgumentError: the name has another form, or is given twice.
    """
    given = list(parameters)
    names = [value for name, value in given if name == "manifest"]
    if len(names) > 1:
        raise InvalidArgumentError("the parameter manifest is given twice: give it once")
    if names and not _NAME.fullmatch(names[0]):
        raise InvalidArgumentError("manifest: not a name of 32 lower-case hexadecimal digits, made of 16 random bytes")
    return [pair for pair in given if pair[0] != "manifest"], names[0] if names else ""


async def _content(
    made: AsyncGenerator[export_pb2.ExportResponse, None],
    interrupt: Interrupt,
    manifests: KeptManifests,
    name: str,
) -> AsyncIterator[bytes]:
    reason = "the download was broken off before its end"
    try:
        async with contextlib.aclosing(made) as answers:
            async for step in answers:
                note_answer(step)
                if step.HasField("content"):
                    yield step.content
                elif step.HasField("summary"):
                    manifests.keep(name, step.summary.manifest)
                    reason = ""
    except (NotaryError, QueryTooExpensiveError, StorageError) as error:
        # The status has been sent already, so only an aborted response can tell the caller.
        _logger.warning("an export was not completed: %s", error)
        reason = str(error)
        raise
    finally:
        if reason:
            manifests.fail(name, reason)
        interrupt.set()  # the client may have gone


@dataclass(frozen=True, slots=True)
class _Kept:
    """A manifest that may be asked for; None until the export is complete.

    Attributes:
        manifest: the manifest.
        failure: reason why there will be none; empty if there may be one.
        scope: scope of who made the export, and alone gets the manifest (``storage.bound``).
    """

    manifest: str | None = None
    failure: str = ""
    scope: str = field(default_factory=scope_key)


class KeptManifests:
    """The manifests of the latest exports over HTTP, which has no place for them in an answer; thread-safe."""

    def __init__(self, most: int = _KEPT) -> None:
        """Keep as many."""
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def expect(self, chosen: str = "") -> str:
        """Return the name of a manifest that is not there yet: the one that the caller chose, or else a new one.

        Raises:
            InvalidArgumentError: the name belongs to another export.
        """
        name = chosen or secrets.token_hex(16)
        with self._lock:
            is_taken = name in self._kept
        if is_taken:
            raise InvalidArgumentError("manifest: another export has this name; choose a new one for each export")
        self._keep(name, _Kept())
        return name

    def fail(self, name: str, reason: str) -> None:
        """Keep the reason why there will be no manifest; empty if it is not for the caller."""
        self._keep(name, _Kept(failure=reason or "an error of the server, which its log names"))

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
        if kept.failure:
            raise NotFoundError(f"the export failed, so it has no manifest: {kept.failure}")
        if kept.manifest is None:
            raise NotFoundError("the export is not complete yet: its manifest is made at its end")
        if not kept.manifest:
            raise NotFoundError(
                "the export has no manifest, because it was made with credentials that are limited to services or "
                "environments: a manifest says that an export has all records that its query finds"
            )
        return kept.manifest
