"""OTLP over gRPC: ``LogsService/Export`` and ``TraceService/Export``.

Components of a ``grpc.aio`` server; the server itself, its port and its credentials are put together elsewhere.
The handler takes the request as raw bytes: no Python object is made of it here. gRPC itself enforces the size
limit as a message arrives.

``Export`` is registered as if it took a stream of messages. On the wire that is the same, but then the handler
runs before the message is read, and decides whether it is. It also undoes the compression itself: gRPC would do
it for every message on its own, up to the size limit, whatever is in memory already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import grpc.aio

from server.access.certificates import identities_of_auth_context
from server.access.presenting import address_of_peer
from server.access.sender_check import SenderCheck
from server.access.senders import SenderCredentials
from server.admission.admission import Ticket
from server.codec.signals import Signal
from server.errors.ingest import RefusedError
from server.otlp.audit_records import AuditReceiving, answer, submit
from server.otlp.clients import client_of_peer, peer_address
from server.otlp.decompress import decompress_message, is_compressed
from server.otlp.errors import MessageCountError
from server.otlp.holding import reserve_from_thread
from server.otlp.outcomes import Measuring
from server.otlp.refusal_log import RefusalLog
from server.otlp.sending import ANYBODY, OWN_SENDER, sender_of
from server.otlp.status import Refusal, grpc_trailers, refusal_of
from server.otlp.unserved import not_served, unserved_handler
from server.own_records.proof import has_token, own_marks, own_provenance
from server.pipeline.audit_ingest import AuditReceipt
from server.pipeline.ingest import Ingest
from server.pipeline.measures import MeasureRequest
from server.process.pools import Pool

__all__ = ["SERVICE", "SERVICES", "build_handlers", "server_options"]

SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"

SERVICES = {Signal.LOGS: SERVICE, Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService"}
"""The services of the signals that are received."""

# Senders that keep connections alive ping every ten seconds or more (grpc-go's lower bound). gRPC's default
# permits a ping every five minutes without a call, and ends the connection of a sender that pings more
# often with GOAWAY "too_many_pings". Half of the ten, as pings do not arrive evenly.
_MIN_PING_INTERVAL_MS = 5_000

# A peer that does not answer a ping is gone, though nothing said so: its host lost power, a firewall forgot it.
_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000
# For what comes before the first call: TLS, the preface and the settings of HTTP/2. By default, two minutes.
_HANDSHAKE_MS = 10_000
_CONNECTION_GRACE = 30.0  # seconds that calls still have on a connection that is too old

# Above this size a compressed message would hold up the other requests for longer than a thread costs.
_LARGE_COMPRESSED = 16 * 1024

_Context = grpc.aio.ServicerContext[bytes, bytes]


def build_handlers(
    ingest: Ingest,
    max_request_bytes: int,
    pool: Pool,
    measure: MeasureRequest = lambda _: None,
    audit: AuditReceiving | None = None,
    own_token: str = "",
    check: SenderCheck = ANYBODY,
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Build the handlers of the OTLP services, and of all others, whose calls are refused with what is served.

    When the sender cancels the call or its deadline passes, ``submit`` is cancelled.

    Args:
        ingest: takes the serialized requests.
        max_request_bytes: larger requests, after decompression, get RESOURCE_EXHAUSTED.
        pool: where large requests are decompressed.
        measure: told of every request.
        audit: how audit records are received; None if they are records like others.
        own_token: token of the calls with the server's own records; see ``own_records.proof``.
        check: check of who sends.
    """

    async def export(signal: Signal, _: object, context: _Context) -> bytes:
        measuring = Measuring(measure, log, peer_address(context.peer()), signal.value)
        taken = await _take(receiving, context, measuring, signal)
        # Not where the error is at hand: gRPC keeps what abort raises, and with that would keep the error, where it
        # came from, and what was in memory there.
        if isinstance(taken, Refusal):
            await _abort(context, taken)
            return b""
        return answer(taken, as_json=False)

    log = RefusalLog("grpc")
    receiving = _Receiving(ingest, audit, max_request_bytes, pool, own_token, check)

    def handler_of(signal: Signal, service: str) -> grpc.GenericRpcHandler:
        # No deserializer and no serializer: the handler deals in bytes.
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(partial(export, signal))
        return grpc.method_handlers_generic_handler(service, {"Export": method})

    served = (handler_of(signal, service) for signal, service in SERVICES.items())
    expected = " and ".join(f"{signal.value} with {service}/Export" for signal, service in SERVICES.items())
    return *served, unserved_handler(measure, log, partial(not_served, expected=f"send {expected}"))


def server_options(
    max_request_bytes: int,
    *,
    max_connections: int | None = None,
    max_calls: int | None = None,
    max_connection_age: float | None = None,
) -> list[tuple[str, Any]]:
    """Return the options of a gRPC server that receives OTLP.

    Args:
        max_request_bytes: larger messages, as they are sent, get RESOURCE_EXHAUSTED. That comes without
            RetryInfo, so it "MUST" not be retried (OTLP specification, "Message size").
        max_connections: connections at the same time; further ones are closed. None for any number.
        max_calls: calls at the same time on one connection; gRPC clients keep further ones back. None for any
            number.
        max_connection_age: seconds after which senders are asked to connect anew, so that a load balancer
            can spread them; gRPC takes up to a tenth more or less, so that they do not come all together. None
            for never.
    """
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", max_request_bytes),
        ("grpc.per_message_decompression", 0),
        # Otherwise gRPC takes in up to megabytes of each message that nobody has decided to read yet. What is read has
        # a window of its own size all the same.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        # Otherwise a second server on the same port would start, and silently get half of the senders.
        ("grpc.so_reuseport", 0),
    ]
    if max_connections is not None:
        options.append(("grpc.max_allowed_incoming_connections", max_connections))
    if max_calls is not None:
        options.append(("grpc.max_concurrent_streams", max_calls))
    if max_connection_age is not None:
        options.append(("grpc.max_connection_age_ms", round(max_connection_age * 1000)))
        options.append(("grpc.max_connection_age_grace_ms", round(_CONNECTION_GRACE * 1000)))
    return options


@dataclass(frozen=True, slots=True)
class _Receiving:
    """Parts of a receiver that its handlers need; see ``build_handlers``."""

    ingest: Ingest
    audit: AuditReceiving | None
    limit: int
    pool: Pool
    own_token: str
    check: SenderCheck


async def _take(
    receiving: _Receiving, context: _Context, measuring: Measuring, signal: Signal
) -> Refusal | Sequence[AuditReceipt]:
    """Receive a request and submit it; return receipts of checked audit records, or why the request was refused."""
    ingest, metadata = receiving.ingest, context.invocation_metadata() or ()
    try:
        with measuring:
            if own := has_token(metadata, receiving.own_token):
                sender = OWN_SENDER
            else:
                sender = sender_of(receiving.check, _credentials(context, metadata), signal.value)
            with ingest.admit(sender.client or client_of_peer(context.peer())) as ticket:
                message = await _read(context, ticket)
                measuring.size = len(message)
                request = await _decompressed(message, receiving.limit, receiving.pool, ticket)
                if own:
                    provenance = own_provenance(metadata, sender.name)
                    marks = own_marks(request)
                    await ingest.submit(request, ticket, signal, annotations=marks, own=True, provenance=provenance)
                    return ()
                return await submit(ingest, receiving.audit, request, ticket, signal, sender)
    except grpc.aio.AbortError:  # it was stopped, and the sender was told
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not this call was cancelled, but something that submit waited for.
        return refusal_of(error)
    except Exception as error:  # whatever it is, the sender has to be told to retry
        return refusal_of(error)


def _credentials(context: _Context, metadata: Iterable[tuple[str, str | bytes]]) -> SenderCredentials:
    return SenderCredentials(
        (str(value) for key, value in metadata if key == "authorization"),
        lambda: identities_of_auth_context(context.auth_context()),
        lambda name: [str(value) for key, value in metadata if key == name],
        lambda: address_of_peer(context.peer()),
    )


async def _read(context: _Context, ticket: Ticket) -> bytes:
    """Read the one message of the call, as it was sent; it may be stopped meanwhile.

    Raises:
        MessageCountError: there is none, or there are several.
        RefusedError, OversizedError: there is no room for it.
        grpc.aio.AbortError: it was stopped, and the sender was told.
    """
    stopping: list[asyncio.Task[None]] = []

    def stop(error: RefusedError) -> None:
        # Not by cancelling the read: gRPC would go on to receive the message. Once the call has its status, it
        # does not, and the read ends by itself.
        if not stopping:
            stopping.append(asyncio.create_task(_stop(context, refusal_of(error))))

    with ticket.arriving(stop):
        message: bytes | object = await context.read()
        if not isinstance(message, bytes):  # grpc.aio.EOF
            raise MessageCountError("the call has no message: send exactly one")
        ticket.received(len(message))
        end: object = await context.read()
        if end is not grpc.aio.EOF:
            raise MessageCountError("the call has several messages: send exactly one")
    return message


async def _decompressed(message: bytes, limit: int, pool: Pool, ticket: Ticket) -> bytes:
    if not is_compressed(message):
        return message
    if len(message) <= _LARGE_COMPRESSED:
        return decompress_message(message, limit, ticket.received)
    return await pool.run(partial(decompress_message, message, limit, reserve_from_thread(ticket)))


async def _stop(context: _Context, refusal: Refusal) -> None:
    # What abort raises is raised in the handler as well; and the call may have ended meanwhile.
    with contextlib.suppress(grpc.aio.BaseError):
        await _abort(context, refusal)


async def _abort(context: _Context, refusal: Refusal) -> None:
    await context.abort(refusal.code, refusal.message, grpc_trailers(refusal))
