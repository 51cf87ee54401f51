"""Ingestion with the built-in audit rules and redaction, compared with ingestion without them.

Three servers store into the same ClickHouse server, in databases of their own. They get the same requests in turn.
Without rules, all records are operational; with them, audit records have their columns and a table of their own. The
server with the default settings also redacts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import Requests, loading
from benchmarks.processes import Meter, add_server_flags, clickhouse, lognotary, scratch, server_flags, stop_merges
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.lognotary_server import LognotaryServer
from server.codec.audit.built_in import built_in_rules

_NO_REDACTION = 'redaction = "off"\n'
_SETTINGS = {
    "default": "",
    "rules": _NO_REDACTION,
    "none": f"{_NO_REDACTION}[audit]\nbuilt_in_rules = false\n",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    requests = Requests.build(shape_of(options), directory)
    report = Report.of("rules", "ingestion with audit rules and redaction, against neither", options)
    cpu: dict[str, list[float]] = {name: [] for name in _SETTINGS}
    with ExitStack() as stack:
        node = stack.enter_context(clickhouse(directory))
        report.versions["clickhouse"] = node.query("SELECT version()")
        servers: dict[str, LognotaryServer] = {}
        for name, settings in _SETTINGS.items():
            config = directory / f"{name}.toml"
            config.write_text(settings)
            flags = server_flags(options) | {"config": str(config)}
            servers[name] = stack.enter_context(lognotary(f"{node.url}/{name}", directory, name, **flags))
        stop_merges(node)  # of what one server wrote, while another one is measured
        for server in servers.values():
            _run(server, requests, options, min(1.0, options.seconds))
        for _ in range(options.rounds):
            for name, server in servers.items():
                cpu[name].append(_run(server, requests, options, options.seconds))
    report.figure("CPU of lognotary, built-in rules and redaction", "µs/record", cpu["default"])
    report.figure("CPU of lognotary, built-in rules", "µs/record", cpu["rules"])
    report.figure("CPU of lognotary, neither", "µs/record", cpu["none"])
    report.ratio("neither / built-in rules and redaction", cpu["none"], cpu["default"])
    report.ratio("neither / built-in rules", cpu["none"], cpu["rules"])
    report.notes.append(f"{len(built_in_rules())} built-in rules; {requests.bytes_per_record:.0f} bytes a record")
    return report


def _run(server: LognotaryServer, requests: Requests, options: argparse.Namespace, seconds: float) -> float:
    """Send for some time, and return the server's CPU in microseconds per record."""
    with loading(server.otlp_grpc, requests, clients=options.clients, seconds=seconds) as begin:
        meter = Meter.of(server.pid)
        result = begin()()
        (taken,) = meter.read()
    return taken / result.records * 1e6


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__.partition("\n")[0])
    add_server_flags(parser)
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="load in each round (default: 10)")
    add_report_flags(parser, rounds=5)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
