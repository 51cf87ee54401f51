"""Inputs that fuzzing found, and a short search for more: the codecs agree, and the sanitizers have nothing to say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.lacking import lacking
from server.codec.choose import why_not_native
from server.codec.signals import Signal
from tests.fuzz import make_corpus, make_traces_corpus
from tests.fuzz.mutate import mutated, parse, serialized
from tests.fuzz.target import CORPORA, MAX_LENGTH, Compiler, CompilerMissingError, build, corpus_files, find_compiler

FILES = {signal: corpus_files(signal) for signal in Signal}
EACH_FILE = [
    pytest.param(signal, path, id=f"{signal.value}-{path.name}") for signal in Signal for path in FILES[signal]
]
NAMED = {Signal.LOGS: make_corpus.awkward, Signal.TRACES: make_traces_corpus.awkward}
KINDS = {
    Signal.LOGS: ("refused", "operational", "audit", "audit and operational"),
    Signal.TRACES: ("refused", "spans", "no records"),
}
CASES = 1500
SEED = 20261123

of_each_signal = pytest.mark.parametrize("signal", Signal, ids=[signal.value for signal in Signal])


def require_native() -> None:
    if why := why_not_native():
        lacking(f"the compiled codec is not installed: {why}")


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    try:
        return find_compiler()
    except CompilerMissingError as error:
        lacking(f"no compiler for the sanitizers: {error}")


@pytest.mark.parametrize(("signal", "path"), EACH_FILE)
def test_a_request_of_the_corpus_becomes_the_same_in_both_codecs(signal: Signal, path: Path) -> None:
    require_native()
    from tests.fuzz.differential import difference

    found = difference(path.read_bytes(), signal)
    assert found is None, str(found)


@of_each_signal
def test_mutations_of_the_corpus_become_the_same_in_both_codecs(signal: Signal) -> None:
    require_native()
    from tests.fuzz.differential import search

    done = search([path.read_bytes() for path in FILES[signal]], SEED, signal=signal, cases=CASES)
    assert done.found is None, str(done.found)
    assert done.cases == CASES + len(FILES[signal])
    # A search that makes nothing but refused requests, or none, finds nothing.
    assert all(done.outcomes[outcome] > 20 for outcome in KINDS[signal])


@of_each_signal
def test_the_sanitizers_find_nothing_in_the_corpus(compiler: Compiler, signal: Signal) -> None:
    outcome = build(compiler, signal).replay(FILES[signal])
    assert outcome.ok, f"{compiler.name}:\n{outcome.output[-6000:]}"


@of_each_signal
def test_a_mutation_is_the_same_for_the_same_seed(signal: Signal) -> None:
    requests = [path.read_bytes() for path in FILES[signal]]
    made = [[mutated(request, requests, random.Random(7), signal) for request in requests] for _ in range(2)]
    assert made[0] == made[1]
    assert sum(one == other for one, other in zip(made[0], requests, strict=True)) < len(requests) / 4


@of_each_signal
def test_a_request_that_is_taken_apart_and_put_together_is_the_same(signal: Signal) -> None:
    for path in FILES[signal]:
        again = serialized(parse(path.read_bytes(), signal))
        assert serialized(parse(again, signal)) == again, path.name  # nothing but overlong varints is written anew
        if path.name.startswith(("whole", "truncated-", "length-", "deep-", "doubles", "rules-")):
            assert again == path.read_bytes(), path.name


@of_each_signal
def test_the_corpus_is_small_and_has_every_request_that_was_written_by_hand(signal: Signal) -> None:
    assert len(FILES[signal]) < 200
    assert sum(path.stat().st_size for path in FILES[signal]) < 150_000
    assert all(path.stat().st_size <= MAX_LENGTH for path in FILES[signal])
    for name, request in NAMED[signal]():
        assert (CORPORA[signal] / name).read_bytes() == request, name
