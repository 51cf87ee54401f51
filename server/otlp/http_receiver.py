"""OTLP over HTTP: ``POST /v1/logs``, ``/v1/traces`` and ``/v1/audit``, protobuf and JSON by Content-Type.

An ASGI application; the server that runs it, its port and its certificate are put together elsewhere.
The requirements are in the OTLP specification, "OTLP/HTTP". Answers have the content type of their request; a client
that sends something else, such as a browser, gets text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.browsers import SenderRules
from server.access.certificates import identities_of_scope
from server.access.exact_routes import match_exactly
from server.access.sender_check import SenderCheck
from server.access.senders import SenderCredentials
from server.admission.admission import MEMORY_FACTOR, Ticket
from server.codec.otlp_json import memory_of_json, request_from_json
from server.codec.signals import Signal
from server.errors.ingest import RefusedError, StalledError
from server.otlp.audit_records import AuditReceiving, answer, submit
from server.otlp.clients import client_of_address
from server.otlp.decompress import decompress
from server.otlp.errors import TooLargeError, UnsupportedTypeError
from server.otlp.holding import reserve_from_thread
from server.otlp.http_refusals import JSON, PROTOBUF, media_type_of, peer_of, refusal_response, unserved_routes
from server.otlp.outcomes import Measuring
from server.otlp.refusal_log import RefusalLog
from server.otlp.sending import ANY_PAGE, ANYBODY, check_page, sender_of
from server.otlp.status import refusal_of
from server.otlp.unserved import AUDIT, AUDIT_PATH, PATHS, not_served
from server.pipeline.ingest import Ingest
from server.pipeline.measures import MeasureRequest
from server.process.pools import Pool

__all__ = ["build_http_app"]

_TYPES = (PROTOBUF, JSON)

# Above these sizes, work on a body would hold up the other requests for longer than a thread costs. A
# compressed body counts for more, as it may inflate to many times its size.
_LARGE = 64 * 1024
_LARGE_COMPRESSED = 16 * 1024

_IDLE_TIMEOUT = 30.0  # seconds

_Result = TypeVar("_Result")


def build_http_app(
    ingest: Ingest,
    max_request_bytes: int,
    pool: Pool,
    measure: MeasureRequest = lambda _: None,
    *,
    audit: AuditReceiving | None = None,
    check: SenderCheck = ANYBODY,
    pages: SenderRules = ANY_PAGE,
    idle_timeout: float = _IDLE_TIMEOUT,
) -> Starlette:
    """Build the application that receives OTLP.

    Args:
        ingest: function that takes requests, serialized as protobuf.
        max_request_bytes: larger requests, before or after decompression, get 413.
        pool: pool whose threads decompress large requests and parse JSON.
        measure: function that is called for each request.
        audit: how audit records are received; None for no ``/v1/audit``.
        check: check of who sends.
        pages: rules for requests that a browser may have sent.
        idle_timeout: seconds that the server waits for more of a body.
    """
    json_turn = asyncio.Lock()
    expected = " and ".join(f"{signal.value} with POST {path}" for signal, path in PATHS.items())
    if audit is not None:
        expected += f", audit records also with POST {AUDIT_PATH}"
    log = RefusalLog("http")
    explain = partial(not_served, expected=f"send {expected}")

    async def export(signal: Signal, service: str, request: Request) -> Response:
        try:
            with Measuring(measure, log, peer_of(request), service) as measuring:
                address = request.client.host if request.client else ""
                sender = sender_of(check, _credentials(request, address), service)
                check_page(pages, request.headers, sender, address)
                length = _declared_length(request, max_request_bytes)
                media_type = _supported_media_type(request)
                client = sender.client or client_of_address(address)
                # A body is sent once it is read ("Expect: 100-continue"), or thrown away as it comes.
                with ingest.admit(client, length) as ticket:
                    body = await _read(request, max_request_bytes, ticket, idle_timeout)
                    measuring.size = len(body)
                    as_protobuf = partial(request_from_json, signal=signal)
                    serialized = await _serialized_request(
                        request, body, max_request_bytes, pool, json_turn, ticket, as_protobuf
                    )
                    submission = submit(ingest, audit, serialized, ticket, signal, sender, every=service == AUDIT)
                    receipts = await _while_connected(request, submission)
        except ClientDisconnect:
            # No one is left to answer. The server sends nothing; the status is for its access log.
            return Response(status_code=499)
        except (Exception, asyncio.CancelledError) as error:
            # Also if this very task was cancelled, as happens to slow requests at shutdown: the server
            # would answer 500, and with that the sender would throw its records away.
            return refusal_response(request, refusal_of(error))
        return Response(answer(receipts, as_json=media_type == JSON), media_type=media_type)

    routes = [Route(path, partial(export, signal, signal.value), methods=["POST"]) for signal, path in PATHS.items()]
    if audit is not None:
        routes.append(Route(AUDIT_PATH, partial(export, Signal.LOGS, AUDIT), methods=["POST"]))
    app = Starlette(
        routes=routes,
        exception_handlers={HTTPException: unserved_routes(measure, log, explain)},
    )
    match_exactly(app.routes)
    # A redirect would lose the body of most senders; a wrong path should be seen, not repaired.
    app.router.redirect_slashes = False
    return app


def _credentials(request: Request, address: str) -> SenderCredentials:
    return SenderCredentials(
        request.headers.getlist("authorization"),
        lambda: identities_of_scope(request.scope),
        request.headers.getlist,
        lambda: address,
    )


async def _while_connected(request: Request, submission: Coroutine[Any, Any, _Result]) -> _Result:
    """Wait for a submission, and cancel it when the sender goes away: its request comes again, and takes it over.

    Args:
        request: the request, of which the body was read.
        submission: raises what it likes.

    Raises:
        ClientDisconnect: the sender has gone.
    """
    submitting = asyncio.create_task(submission)
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((submitting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not submitting.done():
            raise ClientDisconnect
        return submitting.result()
    finally:
        leaving.cancel()
        if not submitting.done():
            submitting.cancel()
            await asyncio.wait((submitting,))


async def _disconnected(request: Request) -> None:
    """Wait until the sender has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _serialized_request(
    request: Request,
    body: bytes,
    limit: int,
    pool: Pool,
    json_turn: asyncio.Lock,
    ticket: Ticket,
    as_protobuf: Callable[[bytes], bytes],
) -> bytes:
    """Return the request of whatever type and encoding as serialized protobuf.

    Args:
        request: the request.
        body: its body, as it was sent.
        limit: the largest permitted body, before and after decompression.
        pool: where it is done if it is large.
        json_turn: held while a large JSON body is read. Two at a time would not be done sooner, as both
            want the interpreter, but take twice the memory, and that is a multiple of their size.
        ticket: asked before it takes more memory.
        as_protobuf: converts JSON.
    """
    encoding = request.headers.get("content-encoding", "")
    if encoding and len(body) > _LARGE_COMPRESSED:
        body = await pool.run(partial(decompress, body, encoding, limit, reserve_from_thread(ticket)))
    elif encoding:
        body = decompress(body, encoding, limit, ticket.received)
    if media_type_of(request) != JSON:
        return body
    if len(body) <= _LARGE:
        return as_protobuf(body)
    async with json_turn:
        # A ticket counts bytes of a request, which take MEMORY_FACTOR times as much memory.
        ticket.reserve(max(len(body), memory_of_json(body) // MEMORY_FACTOR))
        return await pool.run(partial(as_protobuf, body))


async def _read(request: Request, limit: int, ticket: Ticket, idle_timeout: float) -> bytes:
    """Read the body as it was sent, up to the limit; it may be stopped meanwhile."""
    pieces: list[bytes] = []
    size = 0
    loop = asyncio.get_running_loop()
    reason: RefusedError = StalledError(f"idle timeout: no data received for {idle_timeout:g} seconds")
    try:
        async with asyncio.timeout(idle_timeout) as deadline:

            def stop(error: RefusedError) -> None:
                nonlocal reason
                reason = error
                deadline.reschedule(loop.time())

            with ticket.arriving(stop):
                async for piece in request.stream():
                    size += len(piece)
                    if size > limit:
                        raise TooLargeError(limit)
                    ticket.received(size)
                    pieces.append(piece)
                    deadline.reschedule(loop.time() + idle_timeout)
    except TimeoutError:
        raise reason from None
    return b"".join(pieces)


def _declared_length(request: Request, limit: int) -> int | None:
    """Return the declared length of the body.

    Raises:
        TooLargeError: it is larger than the limit.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return None
    if (declared := int(length[:20])) > limit:
        raise TooLargeError(limit)
    return declared


def _supported_media_type(request: Request) -> str:
    if (media_type := media_type_of(request)) not in _TYPES:
        given = request.headers.get("content-type", "")[:64]
        raise UnsupportedTypeError(f"Content-Type {given!r} is not supported", (PROTOBUF, JSON))
    return media_type
