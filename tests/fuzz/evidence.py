"""Looks for evidence that meets another error than it should, is accepted although it was changed, or never ends.

.venv/bin/python -m tests.fuzz.evidence --seconds 60

It changes bundles, zip files, notes, proofs, statements and keys, and gives them to ``check.py`` and to the notary.
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.fuzz.evidence_mutations import mutant
from tests.fuzz.evidence_seeds import Files, seeds_of_targets
from tests.fuzz.evidence_targets import TARGETS
from tests.fuzz.target import FAILURES

__all__ = ["Failure", "Search", "broken_by", "search"]

_SECONDS = 20.0  # of processor time, for a case: a thousand times what one takes


class HangError(BaseException):
    """A case does not end; no handler of errors may keep it."""


@dataclass(frozen=True)
class Failure:
    """An input and what it did."""

    target: str
    files: Files
    why: str

    def __str__(self) -> str:
        return f"{self.target}:\n{self.why}"

    def to_bytes(self) -> bytes:
        files = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        return json.dumps({"target": self.target, "files": files}).encode()


@dataclass
class Search:
    """Result of a search.

    Attributes:
        cases: how many inputs were tried, by target.
        accepted: how many of them were accepted.
        slowest: how many seconds one took at most.
        found: what was found, one failure at most.
    """

    cases: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    found: Failure | None = None


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise HangError("it takes too long")

    before = signal.signal(signal.SIGPROF, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _try(target: str, files: Files, seconds: float = _SECONDS) -> tuple[bool, Failure | None]:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return TARGETS[target](files), None
    except (Exception, HangError):
        return False, Failure(target, files, traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def broken_by(saved: bytes, seconds: float = _SECONDS) -> Failure | None:
    """Try a saved input again, for a number of seconds of processor time."""
    case = json.loads(saved)
    with _time_limit():
        files = {name: base64.b64decode(text) for name, text in case["files"].items()}
        return _try(case["target"], files, seconds)[1]


def search(seed: int, *, seconds: float = float("inf"), cases: int | None = None) -> Search:
    """Try mutations of evidence until one does what it must not.

    Args:
        seed: of the mutations.
        seconds: when to stop.
        cases: after how many mutations to stop.
    """
    chance = random.Random(seed)
    seeds = seeds_of_targets()
    done = Search()
    end = time.monotonic() + seconds
    turns = itertools.count() if cases is None else range(cases)
    with _time_limit():
        inputs = itertools.chain(
            ((target, files) for target, some in seeds.items() for files in some),
            (mutant(seeds, chance) for _ in turns),
        )
        for target, files in inputs:
            begun = time.monotonic()
            if begun >= end:
                break
            accepted, done.found = _try(target, files)
            done.slowest = max(done.slowest, time.monotonic() - begun)
            done.cases[target] += 1
            done.accepted[target] += accepted
            if done.found:
                break
            if accepted and chance.random() < 0.2:  # what is still accepted may be changed further
                seeds[target] = [*seeds[target][: len(TARGETS) + 9], dict(files)]
    return done


def main() -> int:
    """Search; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.evidence", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="seed of the mutations (default: a new one, which is printed)")
    parser.add_argument("files", nargs="*", type=Path, help="try these saved inputs only")
    arguments = parser.parse_args()
    if arguments.files:
        failures = [found for path in arguments.files if (found := broken_by(path.read_bytes()))]
        print(*map(str, failures), *([] if failures else ["nothing wrong"]), sep="\n")
        return 1 if failures else 0
    seed = random.SystemRandom().getrandbits(32) if arguments.seed is None else arguments.seed
    print(f"evidence: seed {seed}", flush=True)
    done = search(seed, seconds=arguments.seconds)
    outcomes = ", ".join(f"{target} {count} ({done.accepted[target]} accepted)" for target, count in done.cases.items())
    print(f"evidence: {done.cases.total()} inputs, the slowest {done.slowest:.2f} s: {outcomes}")
    if done.found is None:
        return 0
    FAILURES.mkdir(exist_ok=True)
    saved = done.found.to_bytes()
    path = FAILURES / f"evidence-{hashlib.sha1(saved, usedforsecurity=False).hexdigest()}"
    path.write_bytes(saved)
    print(f"evidence: FOUND {done.found}\n  Reproduce: python -m tests.fuzz.evidence {path}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
