"""CPU time of the codecs, compared with parsing alone.

Everything runs in this process, on the same bytes and in turn. A codec makes columns, classifies, and hashes
every record; it is compared with the official classes' FromString, which only parses.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks.codecs import CODECS, CodecMissingError, ReadyBlock, commit_block, make_codec
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, build_requests, shape_of
from server.codec.rows import Codec, Rows
from server.notary.batch import LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.process.allocator import keep_freed_memory

_BASE = "FromString"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    keep_freed_memory()  # as a server does
    shape = shape_of(options)
    requests = build_requests(shape)
    records = shape.records * len(requests)
    report = Report.of("codec", "CPU of encoding requests, against parsing them", options)

    codecs: list[Codec] = []
    for name in options.codec or CODECS:
        try:
            codecs.append(make_codec(name))
        except CodecMissingError as error:
            report.notes.append(f"{error}.")
    makers: dict[str, Callable[[bytes], Any]] = {_BASE: ExportLogsServiceRequest.FromString}
    for codec in codecs:
        makers[f"{codec.name} codec"] = partial(_encode, codec)
    making: dict[str, list[float]] = {name: [] for name in makers}
    freeing: dict[str, list[float]] = {name: [] for name in makers}
    batches = [(codec.name, _full_batch(codec, requests, options.batch_rows)) for codec in codecs]
    committing: dict[str, list[float]] = {codec.name: [] for codec in codecs}
    signer = Signer.generate()

    for make in makers.values():  # once unmeasured: imports, caches, the allocator's first pages
        make(requests[0])
    for _ in range(options.rounds):
        taken = dict.fromkeys(makers, (0, 0))
        for request in requests:
            for name, make in makers.items():
                made, freed = _measure(make, request)
                taken[name] = taken[name][0] + made, taken[name][1] + freed
        for name, (made, freed) in taken.items():
            making[name].append(made / records / 1000)
            freeing[name].append(freed / records / 1000)
        for name, batch in batches:
            if batch:
                taken_ns, _ = _measure(partial(_commit, batch, signer), b"")
                committing[name].append(taken_ns / sum(rows.count for rows in batch) / 1000)

    _fill(report, making, freeing, committing)
    report.notes.append(f"{sum(map(len, requests)) / records:.0f} bytes a record; a request's result is freed before")
    report.notes.append("the next; 'with freeing' counts that too. Commit: joined, notarized, encoded as one block.")
    report.publish(options)


def _encode(codec: Codec, request: bytes) -> list[Rows]:
    return codec.encode(request, time.time_ns())


def _measure(make: Callable[[bytes], Any], request: bytes) -> tuple[int, int]:
    """Return the CPU nanoseconds of making something, and of freeing it."""
    begin = time.process_time_ns()
    made = make(request)
    end = time.process_time_ns()
    del made
    return end - begin, time.process_time_ns() - end


def _full_batch(codec: Codec, requests: Sequence[bytes], batch_rows: int) -> list[Rows]:
    """Return the operational rows of as many requests as fit into a batch, in rotation."""
    encoded = [rows for request in requests for rows in _encode(codec, request) if rows.stream is Stream.OPERATIONAL]
    batch: list[Rows] = []
    for rows in itertools.cycle(encoded):
        if sum(part.count for part in batch) + rows.count > batch_rows:
            break
        batch.append(rows)
    return batch


def _commit(batch: Sequence[Rows], signer: Signer, _: bytes) -> ReadyBlock:
    return commit_block(batch, LogState(LogName("benchmark", Stream.OPERATIONAL, "codec")), signer)


def _fill(
    report: Report,
    making: dict[str, list[float]],
    freeing: dict[str, list[float]],
    committing: dict[str, list[float]],
) -> None:
    whole = {name: [made + freed for made, freed in zip(making[name], freeing[name], strict=True)] for name in making}
    for name in making:
        report.figure(name, "µs/record", making[name])
        report.figure(f"{name}, with freeing", "µs/record", whole[name])
    for name, values in committing.items():
        if values:
            report.figure(f"commit of {name} rows", "µs/record", values)
    for name in making:
        if name != _BASE:
            report.ratio(f"{name} / {_BASE}", making[name], making[_BASE])
            report.ratio(f"{name} / {_BASE}, with freeing", whole[name], whole[_BASE])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec", description=__doc__.partition("\n")[0])
    parser.add_argument("--codec", action="append", choices=CODECS, help="measure only this one (may be repeated)")
    parser.add_argument(
        "--batch-rows", type=int, default=50_000, metavar="N", help="rows of the batch that is committed"
    )
    add_report_flags(parser, rounds=5)
    add_shape_flags(parser, distinct=3)
    return parser


if __name__ == "__main__":
    main()
