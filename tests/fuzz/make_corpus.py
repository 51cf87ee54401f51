"""Writes the inputs that fuzzing starts from.

    .venv/bin/python -m tests.fuzz.make_corpus SEEDS

The awkward requests go to tests/fuzz/corpus, each under its name. Whole requests of every kind go to the
folder SEEDS: ``tests/fuzz/run --keep SEEDS --merge`` chooses from them, and from what fuzzing added there, what
the corpus needs.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.signals import Signal
from tests.codec.strategies import requests
from tests.fuzz.awkward_messages import awkward_messages
from tests.fuzz.awkward_records import awkward_records
from tests.fuzz.logs_requests import WHOLE
from tests.fuzz.target import CORPORA, MAX_LENGTH

_EXAMPLES = 300
_MOST_BYTES = 1024  # of a generated request: the fuzzer joins them


def awkward() -> Iterator[tuple[str, bytes]]:
    """Yield requests that are seldom sent, and bytes that are none, each with its name."""
    yield "empty", b""
    yield "whole", WHOLE
    yield "whole-twice", WHOLE * 2
    for size in range(1, len(WHOLE), 41):
        yield f"truncated-{size:03}", WHOLE[:size]
    yield from awkward_messages()
    yield from awkward_records()


def generated(examples: st.SearchStrategy[bytes]) -> set[bytes]:
    """Return requests that hold everything that a request can hold."""
    made: set[bytes] = set()

    @settings(
        max_examples=_EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(examples)
    def collect(data: bytes) -> None:
        if len(data) <= _MOST_BYTES:
            made.add(data)

    collect()
    return made


def main() -> None:
    """Write the inputs."""
    examples = requests(max_records=3).map(ExportLogsServiceRequest.SerializeToString)
    write(CORPORA[Signal.LOGS], awkward(), examples, "python -m tests.fuzz.make_corpus", __doc__)


def write(
    corpus: Path,
    named: Iterable[tuple[str, bytes]],
    examples: st.SearchStrategy[bytes],
    prog: str,
    description: str | None,
) -> None:
    """Write named inputs to a corpus, and generated ones to the folder that the command line says."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("seeds", type=Path, help="folder for whole requests of every kind")
    arguments = parser.parse_args()
    corpus.mkdir(exist_ok=True)
    for name, data in named:
        if len(data) > MAX_LENGTH:
            raise ValueError(f"{name} is too long")
        (corpus / name).write_bytes(data)
    arguments.seeds.mkdir(parents=True, exist_ok=True)
    for data in generated(examples):
        (arguments.seeds / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()
