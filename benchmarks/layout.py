"""Variants of the layout of records: CPU of inserts and merges, disk, and the times of lookups, for each.

Blocks of realistic records are inserted as a server inserts them, into tables that a variant alters beforehand. So the
figures say what an index or a setting costs and gives; each variant has a ClickHouse server of its own.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.codecs import ready_blocks
from benchmarks.disk import disk_of, written_bytes
from benchmarks.processes import Meter, clickhouse, fresh_engine, scratch, settle_merges
from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.report import Report, add_report_flags
from server.notary.origin import Stream
from storage.engine import Engine
from storage.rowbinary import read_rows, text
from storage.schema import MERGED_INDEXES, RECORD_TABLES, record_columns

_DATABASE = "layout"
_TABLES = tuple(RECORD_TABLES[stream] for stream in (Stream.AUDIT, Stream.OPERATIONAL))
_ATTRIBUTES = ("ResourceAttributes", "LogAttributes")
_COMPUTED = ("k8s.cluster.name", "k8s.container.name", "k8s.deployment.name", "k8s.namespace.name", "k8s.node.name")
_LOOKED_UP = 5  # values of each kind
_CACHES = ("MARK CACHE", "UNCOMPRESSED CACHE", "INDEX MARK CACHE", "INDEX UNCOMPRESSED CACHE")
_AMONG_WORDS = "has(tokens(lower(Body)), {value:String})"  # as idx_body_words serves it
_AS_IT_STANDS = "hasToken(lower(Body), {value:String})"


@dataclass(frozen=True, slots=True)
class _Variant:
    """ALTER commands for each record table, and the condition by which a word is looked up."""

    commands: tuple[str, ...] = ()
    word: str = _AMONG_WORDS


def _without(*indexes: str) -> tuple[str, ...]:
    return tuple(f"DROP INDEX IF EXISTS {index}" for index in indexes)


def _renamed() -> tuple[str, ...]:
    """Return commands that give the indexes which merges make other names, so that inserts make them too."""
    return (
        *_without(*MERGED_INDEXES),
        *(f"ADD INDEX idx_{name} mapValues({name}) TYPE bloom_filter(0.01) GRANULARITY 1" for name in _ATTRIBUTES),
        "ADD INDEX idx_words tokens(lower(Body)) TYPE bloom_filter(0.01) GRANULARITY 1",
    )


_FEWER_MERGES = "MODIFY SETTING merge_selector_base = 5"  # ClickHouse's default
_TEXT_BODY = "ADD INDEX idx_lower_body lower(Body) TYPE text(tokenizer = 'splitByNonAlpha')"
_TEXT_ATTRIBUTES = tuple(
    f"ADD INDEX idx_{kind}_{name} {kind}({name}) TYPE text(tokenizer = 'array')"
    for name in (*_ATTRIBUTES, "ScopeAttributes")
    for kind in ("mapKeys", "mapValues")
)
_STORED_COPIES = tuple(
    f"ADD COLUMN `copy.{name}` LowCardinality(String) MATERIALIZED ResourceAttributes['{name}'] CODEC(ZSTD(1))"
    for name in _COMPUTED
)
_VARIANTS = {
    "as it is": _Variant(),
    "merged as by default": _Variant((_FEWER_MERGES,)),
    "indexes made at insert": _Variant(_renamed()),
    "both": _Variant((*_renamed(), _FEWER_MERGES)),
    "without those indexes": _Variant(_without(*MERGED_INDEXES), _AS_IT_STANDS),
    "without any index of both tables": _Variant(
        _without(*MERGED_INDEXES, "idx_trace_id", "idx_leaf_index"),
        _AS_IT_STANDS,
    ),
    "trace IDs in a Bloom filter": _Variant(
        (*_without("idx_trace_id"), "ADD INDEX idx_trace TraceId TYPE bloom_filter(0.001) GRANULARITY 1"),
    ),
    "words in a text index": _Variant((*_without("idx_body_words"), _TEXT_BODY), _AS_IT_STANDS),
    "five attributes stored twice": _Variant(_STORED_COPIES),
    "the first layout": _Variant(
        (*_without(*MERGED_INDEXES), _TEXT_BODY, *_TEXT_ATTRIBUTES, *_STORED_COPIES, _FEWER_MERGES), _AS_IT_STANDS
    ),
}


@dataclass(slots=True)
class _Costs:
    """Results of a variant, one value for each round."""

    cpu: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    disk: list[float] = field(default_factory=list)
    indexes: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    cold: dict[str, list[float]] = field(default_factory=dict)
    warm: dict[str, list[float]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("layout", "what indexes and settings of the record tables cost", options)
    costs = {name: _Costs() for name in options.variants}
    for _ in range(options.rounds):
        for name, cost in costs.items():
            _measure(options, _VARIANTS[name], cost)
    _fill(report, costs)
    report.publish(options)


def _measure(options: argparse.Namespace, variant: _Variant, costs: _Costs) -> None:
    with (
        scratch() as directory,
        clickhouse(directory) as node,
        fresh_engine(node, _DATABASE) as engine,
    ):
        for table in _TABLES:
            for command in variant.commands:
                engine.execute(f"ALTER TABLE {table} {command}")
        settle_merges(node)
        meter, written = Meter.of(node.pid), written_bytes(node.pid)
        rows = _insert_all(options, engine)
        settle_merges(node)
        (cpu,) = meter.read()
        disk = disk_of(node.query, _DATABASE)
        costs.cpu.append(cpu / rows * 1e6)
        costs.written.append((written_bytes(node.pid) - written) / rows)
        costs.disk.append(sum(disk.tables.values()) / rows)
        costs.indexes.append(sum(disk.indexes.values()) / rows)
        costs.parts.append(float(disk.parts))
        for name, condition, values in _lookups(engine, variant):
            cold, warm = _time(engine, condition, values)
            costs.cold.setdefault(name, []).append(cold)
            costs.warm.setdefault(name, []).append(warm)


def _insert_all(options: argparse.Namespace, engine: Engine) -> int:
    """Insert blocks of the wanted size; return the number of records. Only a few requests are in memory at a time."""
    requests = RealisticRequests(RealisticShape(seed=options.seed))
    a_block = max(1, options.block_rows // requests.shape.records)
    rows, tokens = 0, itertools.count()
    for first in range(0, max(1, options.total // requests.shape.records), a_block):
        some = [requests[number] for number in range(first, first + a_block)]
        for block in ready_blocks(some, a_block * requests.shape.records, most_requests=len(some)):
            names = [column.name for column in record_columns(block.stream)]
            engine.insert(RECORD_TABLES[block.stream], names, block.data, f"layout-{next(tokens)}")
            rows += block.rows
    return rows


def _lookups(engine: Engine, variant: _Variant) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the name of a kind of lookup, its condition, and values that are there."""
    attribute = "LogAttributes['user.id'] = {value:String}"
    yield "a trace", "TraceId = {value:String}", _some(engine, "TraceId", "TraceId != ''")
    yield "an attribute", attribute, _some(engine, "LogAttributes['user.id']", "LogAttributes['user.id'] != ''")
    rare = "arrayFirst(w -> length(w) > 11, tokens(lower(Body)))"
    yield "a rare word", variant.word, _some(engine, rare, f"{rare} != ''")
    yield "the word 'failed'", variant.word, ["failed"]


def _some(engine: Engine, expression: str, condition: str) -> list[str]:
    rows = engine.query(
        f"SELECT {expression} AS Found FROM otel_logs WHERE {condition} "  # noqa: S608 - constants
        f"ORDER BY cityHash64(LeafIndex), LeafIndex LIMIT {_LOOKED_UP}"
    )
    return [value for (value,) in read_rows(rows, (text,))]


def _time(engine: Engine, condition: str, values: Sequence[str]) -> tuple[float, float]:
    """Return the median times of a lookup's newest rows in milliseconds: with caches dropped, and asked again."""
    select = f"SELECT Timestamp, Body FROM otel_logs WHERE {condition} ORDER BY Timestamp DESC LIMIT 100"  # noqa: S608 - constants
    cold, warm = [], []
    for value in values:
        for cache in _CACHES:
            engine.execute(f"SYSTEM DROP {cache}")
        first, *again = (_timed(engine, select, value) for _ in range(4))
        cold.append(first)
        warm.append(min(again))
    return median(cold), median(warm)


def _timed(engine: Engine, select: str, value: str) -> float:
    began = time.perf_counter()
    engine.query(select, {"value": value})
    return (time.perf_counter() - began) * 1e3


def _fill(report: Report, costs: dict[str, _Costs]) -> None:
    for name, cost in costs.items():
        report.figure(f"{name}: CPU of ClickHouse", "µs/record", cost.cpu)
        report.figure(f"{name}: on disk", "bytes/record", cost.disk)
        report.figure(f"{name}: indexes", "bytes/record", cost.indexes)
        report.figure(f"{name}: written to disk", "bytes/record", cost.written)
        report.figure(f"{name}: active parts", "parts", cost.parts)
        for lookup in cost.cold:
            report.figure(f"{name}: {lookup}, caches dropped", "ms", cost.cold[lookup])
            report.figure(f"{name}: {lookup}, again", "ms", cost.warm[lookup])
    first, *others = costs
    for name in others:
        report.ratio(f"CPU, {name} / {first}", costs[name].cpu, costs[first].cpu)
        report.ratio(f"on disk, {name} / {first}", costs[name].disk, costs[first].disk)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layout", description=__doc__.partition("\n")[0])
    parser.add_argument("--total", type=int, default=1_600_000, metavar="N", help="records (default: 1.6 million)")
    parser.add_argument(
        "--block-rows", type=int, default=24_576, metavar="N", help="records of both streams that are inserted together"
    )
    parser.add_argument(
        "--variants",
        nargs="+",
        default=list(_VARIANTS),
        choices=list(_VARIANTS),
        metavar="NAME",
        help=f"those to measure, of {', '.join(map(repr, _VARIANTS))} (default: all)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the records")
    add_report_flags(parser, rounds=1)
    return parser


if __name__ == "__main__":
    main()
