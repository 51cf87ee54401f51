"""Looks for requests of which the two codecs make different rows, or which they refuse differently.

.venv/bin/python -m tests.fuzz.differential --seconds 60
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import hashlib
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Rule
from server.codec.choose import why_not_native
from server.codec.limits import MalformedReason
from server.codec.native_codec import NativeCodec
from server.codec.redaction_rules import NO_REDACTION, Mode, Redaction
from server.codec.reference import ReferenceCodec
from server.codec.rows import Rows
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError
from tests.fuzz.mutate import Message, fields_of, mutated, parse, serialized
from tests.fuzz.mutate import Path as Place
from tests.fuzz.target import FAILURES, corpus_files

__all__ = ["CUSTOM_RULES", "Difference", "Search", "difference", "search"]

_NOW = 1_800_000_000 * 10**9

# Every kind of condition and of source.
CUSTOM_RULES: tuple[Rule, ...] = parse_rules(
    [
        {
            "name": "attributes",
            "match": [{"attributes": {"a": "x*", "b": ""}}, {"attributes": {"a": "*"}, "severity_min": 200}],
            "fields": {
                "record_id": ["resource:a", "scope:b", "log:a"],
                "actor_id": ["body", "resource:service.name"],
                "actor_type": ["scope_name", "service_name"],
                "action": ["event_name", "log:event.name", "log:b"],
                "target_id": ["scope:a", "resource:b"],
                "target_type": ["log:b", "=user"],
                "outcome": ["log:a", "body", "=200"],
                "category": ["log:b", "resource:b"],
            },
        },
        {"name": "texts", "match": [{"scope": "s*", "service": "*"}, {"event_name": "audit*"}, {"event_name": "a"}]},
        {"name": "severe", "match": {"severity_min": 17, "service": "svc"}, "fields": {"outcome": ["=ok"]}},
    ]
)

# Words that mutations make of others.
_HASHES = not why_not_native(Redaction(Mode.HASH))  # else the compiled codec was built without libcrypto
_REDACTION = Redaction(
    keys=("a", "service", "k"),
    keep=("b",),
    key=b"key",
    modes={"key.custom": Mode.HASH if _HASHES else Mode.REMOVE, "key.password": Mode.OFF},
)

Result = list[Rows] | str
_Encode = Callable[[bytes, int], list[Rows]]
_Pair = tuple[_Encode, _Encode]


@dataclass(frozen=True)
class Difference:
    """A request and what the codecs make of it."""

    request: bytes
    rules: str
    reference: str
    native: str

    def __str__(self) -> str:
        made = f"  reference: {self.reference}\n  native:    {self.native}"
        return f"{self.request.hex()}\n  rules:     {self.rules}\n{made}"


@dataclass
class Search:
    """Result of a search.

    Attributes:
        cases: how many requests were tried.
        outcomes: how often each kind of result came.
        found: what was found, one difference at most.
    """

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    found: Difference | None = None


def _pairs(signal: Signal) -> dict[str, _Pair]:
    """Return the encode functions of both codecs for each rule set: reference first, compiled second."""
    if signal is Signal.TRACES:
        reference, native = ReferenceCodec((), redaction=_REDACTION), NativeCodec((), redaction=_REDACTION)
        return {
            "none": (ReferenceCodec(()).encode_spans, NativeCodec(()).encode_spans),
            "none, redacted": (reference.encode_spans, native.encode_spans),
        }
    kinds = {
        "built-in": (built_in_rules(), NO_REDACTION),
        "custom": (CUSTOM_RULES, NO_REDACTION),
        "custom, redacted": (CUSTOM_RULES, _REDACTION),
    }
    return {
        name: (ReferenceCodec(rules, redaction=redaction).encode, NativeCodec(rules, redaction=redaction).encode)
        for name, (rules, redaction) in kinds.items()
    }


def _result(encode: _Encode, request: bytes) -> Result:
    try:
        return encode(request, _NOW)
    except MalformedRequestError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:  # which none may raise
        return f"!{type(error).__name__}: {error}"


def _describe(result: Result, other: Result) -> str:
    if isinstance(result, str) or isinstance(other, str) or [len(result)] != [len(other)]:
        return (
            str(result) if isinstance(result, str) else f"{[(rows.stream.value, rows.count) for rows in result]} rows"
        )
    for mine, theirs in zip(result, other, strict=True):
        for number, (column, reference) in enumerate(zip(mine.columns, theirs.columns, strict=True)):
            if column != reference:
                return f"{mine.stream.value}, column {number}: {column}"
        if mine != theirs:
            return f"{mine.stream.value}: {mine}"
    return "the same"


def _alike(expected: Result, made: Result) -> bool:
    if not isinstance(expected, str) or not isinstance(made, str):
        return expected == made
    # upb looks at a text's bytes before it sees that they reach beyond their message: of two things that are
    # wrong it then tells the second.
    text_too_long = expected.endswith(MalformedReason.NOT_UTF8.value) and made.endswith(MalformedReason.BROKEN.value)
    return (expected == made or text_too_long) and not made.startswith("!")


def difference(request: bytes, signal: Signal = Signal.LOGS) -> Difference | None:
    """Return how the codecs differ about a request, None if they do not."""
    return _difference(request, _pairs(signal))


def _difference(request: bytes, pairs: dict[str, _Pair]) -> Difference | None:
    for name, (reference, native) in pairs.items():
        expected, made = _result(reference, request), _result(native, request)
        if not _alike(expected, made):
            return Difference(request, name, _describe(expected, made), _describe(made, expected))
    return None


def _without(message: Message, place: Place) -> Message:
    first, *rest = place
    part = message[first]
    if not rest or isinstance(part, bytes) or isinstance(part.value, bytes):
        return message[:first] + message[first + 1 :]
    return (*message[:first], replace(part, value=_without(part.value, tuple(rest))), *message[first + 1 :])


def _smallest(found: Difference, signal: Signal, pairs: dict[str, _Pair]) -> Difference:
    """Leave out fields for as long as the codecs still differ."""
    shrunk = True
    while shrunk:
        shrunk = False
        message = parse(found.request, signal)
        for place, _ in fields_of(message):
            request = serialized(_without(message, place))
            if len(request) < len(found.request) and (smaller := _difference(request, pairs)):
                found, shrunk = smaller, True
                break
    return found


def search(
    inputs: Sequence[bytes],
    seed: int,
    *,
    signal: Signal = Signal.LOGS,
    seconds: float = float("inf"),
    cases: int | None = None,
) -> Search:
    """Try the inputs, then mutations of them and of mutations, until a difference is found.

    Args:
        inputs: where to begin.
        seed: of the mutations.
        signal: whose requests the inputs are.
        seconds: when to stop.
        cases: after how many mutations to stop.
    """
    chance = random.Random(seed)
    pairs = _pairs(signal)
    done = Search()
    pool = list(inputs)
    end = time.monotonic() + seconds
    made = (
        (_next(pool, inputs, chance, signal) for _ in itertools.count())
        if cases is None
        else (_next(pool, inputs, chance, signal) for _ in range(cases))
    )
    *_, (_, native) = pairs.values()
    for request in itertools.chain(inputs, made):
        if time.monotonic() >= end:
            break
        done.cases += 1
        if found := _difference(request, pairs):
            done.found = _smallest(found, signal, pairs)
            break
        result = _result(native, request)
        if isinstance(result, str):
            done.outcomes["refused"] += 1
            continue
        done.outcomes[" and ".join(rows.stream.value for rows in result) or "no records"] += 1
        # What still is a request may be changed further, in place of something that was.
        if chance.random() < 0.05 and len(request) < 4096:
            if len(pool) < 4 * len(inputs):
                pool.append(request)
            else:
                pool[chance.randrange(len(inputs), len(pool))] = request
    return done


def _next(pool: Sequence[bytes], donors: Sequence[bytes], chance: random.Random, signal: Signal) -> bytes:
    return mutated(chance.choice(pool), donors, chance, signal)


def main() -> int:
    """Search; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.differential", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look (default: %(default)s)")
    parser.add_argument(
        "--signal",
        type=Signal,
        choices=list(Signal),
        default=Signal.LOGS,
        metavar="|".join(signal.value for signal in Signal),
        help="whose requests to try (default: logs)",
    )
    parser.add_argument("--seed", type=int, help="seed of the mutations (default: a new one, which is printed)")
    parser.add_argument("files", nargs="*", type=Path, help="compare the codecs on these files only")
    arguments = parser.parse_args()
    if arguments.files:
        differences = [found for path in arguments.files if (found := difference(path.read_bytes(), arguments.signal))]
        print(*map(str, differences), *([] if differences else ["the same"]), sep="\n")
        return 1 if differences else 0
    seed = random.SystemRandom().getrandbits(32) if arguments.seed is None else arguments.seed
    print(f"differential: seed {seed}", flush=True)
    signal = arguments.signal
    inputs = [path.read_bytes() for path in corpus_files(signal)]
    done = search(inputs, seed, signal=signal, seconds=arguments.seconds)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in done.outcomes.most_common())
    print(f"differential: {done.cases} requests ({outcomes})")
    if done.found is None:
        return 0
    FAILURES.mkdir(exist_ok=True)
    path = FAILURES / f"difference-{hashlib.sha1(done.found.request, usedforsecurity=False).hexdigest()}"
    path.write_bytes(done.found.request)
    print(f"differential: FOUND, left of it: {done.found}")
    print(f"  Reproduce: python -m tests.fuzz.differential --signal {signal.value} {path}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
