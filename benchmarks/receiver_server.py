"""A receiver in its own process: gRPC, and behind it nothing, or the pipeline without storage.

``python -m benchmarks.receiver_server sync|aio [--pipeline]`` prints its port and serves until its standard
input ends, so that it cannot outlive the benchmark.
"""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio

from benchmarks.codecs import fastest_codec
from server.admission.admission import Admission, AdmissionLimits, Ticket
from server.codec.annotations import Annotations
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.signals import Signal
from server.notary.origin import Stream
from server.otlp.grpc_receiver import SERVICE, build_handlers, server_options
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import BatchLimits
from server.pipeline.ingest import Ingest
from server.pipeline.pipeline import Components, Pipeline
from server.process.allocator import keep_freed_memory
from server.process.pools import Pool

_LARGEST = 64 << 20  # bytes of a request
_THREADS = 128  # of the sync server, which needs one for each request that waits


class _Nothing:
    """Ingest that discards requests: only the cost of receiving remains."""

    def __init__(self, admission: Admission) -> None:
        self.admit = admission.admit

    async def submit(
        self,
        request: bytes,
        ticket: Ticket,
        signal: Signal = Signal.LOGS,
        *,
        annotations: Annotations = (),
        own: bool = False,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> None:
        """Return at once."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.receiver_server", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("kind", choices=["sync", "aio"])
    parser.add_argument("--pipeline", action="store_true", help="encode and gather requests, store nothing")
    parser.add_argument("--batch-age", type=float, default=0.01, metavar="S", help="with --pipeline: age of a batch")
    options = parser.parse_args(arguments)
    keep_freed_memory()  # as a server does
    asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    admission = Admission(AdmissionLimits(requests=1024, size=256 << 20, largest=_LARGEST))
    ingest: Ingest = _Nothing(admission)
    if options.pipeline:
        limits = BatchLimits(age=options.batch_age)
        batchers = {stream: Batcher(limits, lambda _rows, _requests: None) for stream in Stream}
        pipeline = Pipeline(Clock(), ack_timeout=60.0)
        pipeline.start(Components(fastest_codec(), batchers, admission))
        ingest = pipeline
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    if options.kind == "aio":
        server = grpc.aio.server(options=server_options(_LARGEST))
        server.add_generic_rpc_handlers(build_handlers(ingest, _LARGEST, Pool("ingest", 4)))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(port, flush=True)
        await ended.wait()
        await server.stop(None)
    else:
        threaded = grpc.server(ThreadPoolExecutor(_THREADS), options=server_options(_LARGEST))
        threaded.add_generic_rpc_handlers((_sync_handler(_submit_on(loop, ingest, bare=not options.pipeline)),))
        port = threaded.add_insecure_port("127.0.0.1:0")
        threaded.start()
        print(port, flush=True)
        await ended.wait()
        threaded.stop(None)


def _submit_on(loop: asyncio.AbstractEventLoop, ingest: Ingest, *, bare: bool) -> Callable[[bytes], None]:
    if bare:  # the handler itself just returns; the event loop would be the pipeline's
        return lambda _: None

    async def admitted(request: bytes) -> None:
        with ingest.admit("", len(request)) as ticket:
            await ingest.submit(request, ticket)

    return lambda request: asyncio.run_coroutine_threadsafe(admitted(request), loop).result()


def _sync_handler(submit: Callable[[bytes], None]) -> grpc.GenericRpcHandler:
    def export(request: bytes, _: grpc.ServicerContext) -> bytes:
        submit(request)
        return b""

    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
    return grpc.method_handlers_generic_handler(SERVICE, {"Export": handler})


if __name__ == "__main__":
    main()
