"""CPU time of the codecs, compared with parsing alone.

Everything runs in this process, on the same bytes and in turn. A codec makes columns, classifies, and hashes
every record; it is compared with the official classes' FromString, which only parses. By default a server also redacts.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.codecs import CODECS, CodecMissingError, ReadyBlock, commit_block, make_codec
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, build_requests, shape_of
from benchmarks.span_shape import SpanShape, build_trace_requests
from server.codec.redaction_rules import Redaction
from server.codec.rows import Codec, Rows
from server.codec.signals import Signal
from server.notary.batch import LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.process.allocator import keep_freed_memory

_BASE = "FromString"
_REDACTING = ", redacting"


@dataclass(frozen=True, slots=True)
class _Load:
    """Requests of one signal.

    Attributes:
        of: what figures of this signal begin with.
        unit: what a request has many of.
        stream: stream whose rows are committed.
        requests: the serialized requests.
        count: records or spans in all requests.
        parse: the official classes' parser of such a request.
    """

    signal: Signal
    of: str
    unit: str
    stream: Stream
    requests: Sequence[bytes]
    count: int
    parse: Callable[[bytes], Any]

    def encode(self, codec: Codec, request: bytes) -> list[Rows]:
        """Encode a request."""
        encode = codec.encode if self.signal is Signal.LOGS else codec.encode_spans
        return encode(request, time.time_ns())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    keep_freed_memory()  # as a server does
    report = Report.of("codec", "CPU of encoding requests, against parsing them", options)
    codecs: list[Codec] = []
    for name in options.codec or CODECS:
        try:
            codecs.append(make_codec(name))
        except CodecMissingError as error:
            report.notes.append(f"{error}.")
    for signal in options.signal or Signal:
        _run(_load(Signal(signal), options), codecs, report, options)
    report.notes.append("A request's result is freed before the next; 'with freeing' counts that too. Commit: joined,")
    report.notes.append("notarized, encoded as one block.")
    report.publish(options)


def _load(signal: Signal, options: argparse.Namespace) -> _Load:
    shape = shape_of(options)
    if signal is Signal.LOGS:
        requests, parse = build_requests(shape), ExportLogsServiceRequest.FromString
        return _Load(signal, "", "record", Stream.OPERATIONAL, requests, shape.records * len(requests), parse)
    spans = SpanShape(
        spans=shape.records,
        attributes=shape.attributes,
        resource_attributes=shape.resource_attributes,
        resources=shape.resources,
        events=options.events,
        links=options.links,
        distinct=shape.distinct,
        seed=shape.seed,
    )
    requests = build_trace_requests(spans)
    parse_spans = ExportTraceServiceRequest.FromString
    return _Load(signal, "spans: ", "span", Stream.SPANS, requests, spans.spans * len(requests), parse_spans)


def _run(load: _Load, codecs: Sequence[Codec], report: Report, options: argparse.Namespace) -> None:
    makers: dict[str, Callable[[bytes], Any]] = {_BASE: load.parse}
    for codec in codecs:
        makers[f"{codec.name} codec"] = partial(load.encode, codec)
        makers[f"{codec.name} codec{_REDACTING}"] = partial(load.encode, make_codec(codec.name, Redaction()))
    making: dict[str, list[float]] = {name: [] for name in makers}
    freeing: dict[str, list[float]] = {name: [] for name in makers}
    batches = [(codec.name, _full_batch(load, codec, options.batch_rows)) for codec in codecs]
    committing: dict[str, list[float]] = {codec.name: [] for codec in codecs}
    signer = Signer.generate()

    for make in makers.values():  # once unmeasured: imports, caches, the allocator's first pages
        make(load.requests[0])
    for _ in range(options.rounds):
        taken = dict.fromkeys(makers, (0, 0))
        for request in load.requests:
            for name, make in makers.items():
                made, freed = _measure(make, request)
                taken[name] = taken[name][0] + made, taken[name][1] + freed
        for name, (made, freed) in taken.items():
            making[name].append(made / load.count / 1000)
            freeing[name].append(freed / load.count / 1000)
        for name, batch in batches:
            if batch:
                taken_ns, _ = _measure(partial(_commit, batch, signer), b"")
                committing[name].append(taken_ns / sum(rows.count for rows in batch) / 1000)

    _fill(report, load, making, freeing, committing)
    report.notes.append(f"{sum(map(len, load.requests)) / load.count:.0f} bytes a {load.unit}.")


def _measure(make: Callable[[bytes], Any], request: bytes) -> tuple[int, int]:
    """Return the CPU nanoseconds of making something, and of freeing it."""
    begin = time.process_time_ns()
    made = make(request)
    end = time.process_time_ns()
    del made
    return end - begin, time.process_time_ns() - end


def _full_batch(load: _Load, codec: Codec, batch_rows: int) -> list[Rows]:
    """Return the rows of the load's stream of as many requests as fit into a batch, in rotation."""
    encoded = [rows for request in load.requests for rows in load.encode(codec, request) if rows.stream is load.stream]
    batch: list[Rows] = []
    for rows in itertools.cycle(encoded):
        if sum(part.count for part in batch) + rows.count > batch_rows:
            break
        batch.append(rows)
    return batch


def _commit(batch: Sequence[Rows], signer: Signer, _: bytes) -> ReadyBlock:
    return commit_block(batch, LogState(LogName("benchmark", batch[0].stream, "codec")), signer)


def _fill(
    report: Report,
    load: _Load,
    making: dict[str, list[float]],
    freeing: dict[str, list[float]],
    committing: dict[str, list[float]],
) -> None:
    whole = {name: [made + freed for made, freed in zip(making[name], freeing[name], strict=True)] for name in making}
    unit = f"µs/{load.unit}"
    for name in making:
        report.figure(f"{load.of}{name}", unit, making[name])
        report.figure(f"{load.of}{name}, with freeing", unit, whole[name])
    for name, values in committing.items():
        if values:
            report.figure(f"{load.of}commit of {name} rows", unit, values)
    for name in making:
        if name != _BASE:
            report.ratio(f"{load.of}{name} / {_BASE}", making[name], making[_BASE])
            report.ratio(f"{load.of}{name} / {_BASE}, with freeing", whole[name], whole[_BASE])
        if name.endswith(_REDACTING):
            report.ratio(f"{load.of}{name} / not", making[name], making[name.removesuffix(_REDACTING)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec", description=__doc__.partition("\n")[0])
    parser.add_argument("--codec", action="append", choices=CODECS, help="measure only this one (may be repeated)")
    parser.add_argument(
        "--signal",
        action="append",
        choices=[signal.value for signal in Signal],
        help="measure requests of this signal only (may be repeated)",
    )
    usual = SpanShape()
    parser.add_argument(
        "--events", type=float, default=usual.events, metavar="N", help="events of a span (default: %(default)s)"
    )
    parser.add_argument(
        "--links", type=float, default=usual.links, metavar="N", help="links of a span (default: %(default)s)"
    )
    parser.add_argument(
        "--batch-rows", type=int, default=50_000, metavar="N", help="rows of the batch that is committed"
    )
    add_report_flags(parser, rounds=5)
    add_shape_flags(parser, distinct=3)
    return parser


if __name__ == "__main__":
    main()
