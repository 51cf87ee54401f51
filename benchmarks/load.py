"""Control of the load generator: start and result."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fresh import FreshShape
from benchmarks.loader import write_requests
from benchmarks.realistic import RealisticShape
from benchmarks.realistic_spans import SpansOfRecords
from benchmarks.shape import Shape, build_requests

__all__ = ["EndlessShape", "LoadFailedError", "LoadResult", "Requests", "describe_retries", "load", "loading"]

EndlessShape = RealisticShape | SpansOfRecords | FreshShape
"""Shape of requests that are all different."""

_REPOSITORY = Path(__file__).resolve().parents[1]


class LoadFailedError(RuntimeError):
    """The load generator failed, or requests were permanently refused."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of one shape, in a file for the loader, so that they are built once for all rounds."""

    shape: Shape
    encoded: list[bytes]
    file: Path

    @classmethod
    def build(cls, shape: Shape, directory: Path) -> Requests:
        """Build them."""
        encoded, file = build_requests(shape), directory / f"requests-{shape.records}"
        write_requests(file, encoded)
        return cls(shape, encoded, file)

    @property
    def bytes_per_record(self) -> float:
        """Bytes per record on the wire, without gRPC framing."""
        return sum(map(len, self.encoded)) / (len(self.encoded) * self.shape.records)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Result of a run of the loader.

    Attributes:
        requests: acknowledged requests.
        records: records in them.
        seconds: from the first request to the last acknowledgement.
        retries: gRPC code -> attempts that were refused and retried.
        errors: gRPC code -> requests that were abandoned.
        latency_ms: p50, p90, p99 and max, from the first attempt to the acknowledgement.
        cpu_seconds: the loader's own.
        progress: (seconds, acknowledged records) over the run.
    """

    requests: int
    records: int
    seconds: float
    retries: dict[str, int]
    errors: dict[str, int]
    latency_ms: dict[str, float]
    cpu_seconds: float
    progress: list[tuple[float, int]] = field(default_factory=list)

    @property
    def records_per_second(self) -> float:
        """Acknowledged records per second."""
        return self.records / self.seconds

    @property
    def busy(self) -> float:
        """Share of one core used by the loader; near 1, the loader is the bottleneck."""
        return self.cpu_seconds / self.seconds


@contextmanager
def loading(
    address: str, requests: Requests | EndlessShape, /, **flags: str | float | bool
) -> Iterator[Callable[[], Callable[[], LoadResult]]]:
    """Run a loader that has read its requests and waits for the start.

    Yields:
        A function that starts it and returns a function that waits for its end and returns the result. So the measured
        processes can be examined right before, during, and right after the load.
    """
    command = [sys.executable, "-m", "benchmarks.loader", address, "--wait", *_content(requests)]
    for name, value in flags.items():
        flag = f"--{name.replace('_', '-')}"
        command += [] if value is False else [flag] if value is True else [f"{flag}={value}"]
    process = subprocess.Popen(
        command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        _next_line(process)

        def begin() -> Callable[[], LoadResult]:
            assert process.stdin is not None  # noqa: S101 - a pipe, as asked for
            process.stdin.write("go\n")
            process.stdin.flush()
            return lambda: _read_result(process)

        yield begin
    finally:
        process.kill()
        process.communicate()


def load(address: str, requests: Requests | EndlessShape, /, **flags: str | float | bool) -> LoadResult:
    """Run a loader to its end."""
    with loading(address, requests, **flags) as begin:
        return begin()()


def _content(requests: Requests | EndlessShape) -> list[str]:
    if isinstance(requests, Requests):
        return [f"--requests-from={requests.file}", f"--records={requests.shape.records}"]
    if isinstance(requests, SpansOfRecords):
        return [*_content(requests.of), f"--spans={requests.spans}"]
    common = [f"--records={requests.records}", f"--audit={requests.audit}", f"--seed={requests.seed}"]
    if isinstance(requests, RealisticShape):
        return ["--realistic", *common, f"--start={requests.start}", f"--step={requests.step}"]
    return ["--fresh", *common]


def _read_result(process: subprocess.Popen[str]) -> LoadResult:
    progress: list[tuple[float, int]] = []
    while "progress" in (line := _next_line(process)):
        progress.append((line["seconds"], line["progress"]))
    del line["records_per_second"]
    result = LoadResult(**line, progress=progress)
    if result.errors:
        raise LoadFailedError(f"requests were refused for good, so the figures would mean nothing: {result.errors}")
    return result


def _next_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
    line = process.stdout.readline()
    if not line:
        raise LoadFailedError(f"the loader ended with status {process.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def describe_retries(results: Sequence[LoadResult]) -> str:
    """Describe in a sentence what was retried."""
    retries: dict[str, int] = {}
    for result in results:
        for code, count in result.retries.items():
            retries[code] = retries.get(code, 0) + count
    told = ", ".join(f"{count} x {code}" for code, count in sorted(retries.items()))
    return f"sent again after a refusal: {told}" if told else "no request was refused"
