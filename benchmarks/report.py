"""Reports of benchmarks: a table for people, one JSON line for programs."""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Report", "Spread", "add_report_flags", "print_table"]

_REPORT_FLAGS = ("json", "out")
_PACKAGES = ("lognotary", "grpcio", "protobuf", "clickhouse-connect", "chdb")


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure's spread over several rounds. The machine is never quiet, so a single number would mislead."""

    median: float
    min: float
    max: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise the values of all rounds."""
        return cls(median(values), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class _Line:
    what: str
    unit: str
    spread: Spread


@dataclass(slots=True)
class Report:
    """Results of one run of a benchmark.

    Attributes:
        benchmark: its name.
        title: title of the table, for people.
        parameters: parameters of the run.
        versions: additional versions, for instance of a server.
        notes: notes for readers of the table.
    """

    benchmark: str
    title: str
    parameters: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _figures: list[_Line] = field(default_factory=list)
    _ratios: list[_Line] = field(default_factory=list)

    @classmethod
    def of(cls, benchmark: str, title: str, options: argparse.Namespace) -> Report:
        """Start the report of a run with these flags."""
        parameters = {name: value for name, value in vars(options).items() if name not in _REPORT_FLAGS}
        return cls(benchmark, title, parameters)

    def figure(self, what: str, unit: str, values: Sequence[float]) -> None:
        """Add a figure with its value for each round."""
        self._figures.append(_Line(what, unit, Spread.of(values)))

    def ratio(self, what: str, above: Sequence[float], below: Sequence[float]) -> None:
        """Add a ratio, taken within each round between adjacent measurements."""
        values = [over / under for over, under in zip(above, below, strict=True)]
        self._ratios.append(_Line(what, "x", Spread.of(values)))

    def publish(self, options: argparse.Namespace) -> None:
        """Print the table, or the JSON line, and append that line to the file of ``--out``."""
        line = json.dumps(self.as_dict())
        if options.out:
            directory = Path(options.out)
            directory.mkdir(parents=True, exist_ok=True)
            with (directory / f"{self.benchmark}.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        if options.json:
            print(line, flush=True)
        else:
            self._print()

    def as_dict(self) -> dict[str, Any]:
        """Return the content of the JSON line."""
        return {
            "benchmark": self.benchmark,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": _machine(),
            "versions": _versions() | self.versions,
            "parameters": self.parameters,
            "figures": [{"what": line.what, "unit": line.unit, **asdict(line.spread)} for line in self._figures],
            "ratios": [{"what": line.what, **asdict(line.spread)} for line in self._ratios],
            "notes": self.notes,
        }

    def _print(self) -> None:
        print(f"\n{self.benchmark}: {self.title}")
        print("  " + ", ".join(f"{name}={value}" for name, value in self.parameters.items()))
        machine, versions = _machine(), _versions() | self.versions
        print(f"  {machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']} MiB, {machine['kernel']}")
        print("  " + ", ".join(f"{name} {number}" for name, number in versions.items()))
        rows = [["", "", "median", "min", "max"]]
        for line in (*self._figures, *self._ratios):
            spread = line.spread
            rows.append([line.what, line.unit, *map(_shown, (spread.median, spread.min, spread.max))])
        print_table(rows)
        for note in self.notes:
            print(f"  {note}")
        print(flush=True)


def add_report_flags(parser: argparse.ArgumentParser, *, rounds: int | None = None) -> None:
    """Add the flags common to all benchmarks; ``rounds`` is the default of ``--rounds``."""
    if rounds is not None:
        parser.add_argument(
            "--rounds",
            type=int,
            default=rounds,
            metavar="N",
            help="number of alternating rounds (default: %(default)s)",
        )
    parser.add_argument("--json", action="store_true", help="print one JSON line instead of a table")
    parser.add_argument("--out", metavar="DIR", help="append the JSON line to a file in this directory too")


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print columns: the first two left-aligned, numbers right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())


def _shown(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def _machine() -> dict[str, str | int]:
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {platform.release()}",
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
