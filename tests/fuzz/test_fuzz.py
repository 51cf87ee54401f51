"""Inputs that fuzzing found, and a short search for more: the codecs agree, and the sanitizers have nothing to say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.lacking import lacking
from server.codec.choose import why_not_native
from tests.fuzz.make_corpus import awkward
from tests.fuzz.mutate import mutated, parse, serialized
from tests.fuzz.target import CORPUS, MAX_LENGTH, CompilerMissingError, Target, build, corpus_files, find_compiler

FILES = corpus_files()
CASES = 1500
SEED = 20261123


def require_native() -> None:
    if why := why_not_native():
        lacking(f"the compiled codec is not installed: {why}")


@pytest.fixture(scope="module")
def target() -> Target:
    try:
        compiler = find_compiler()
    except CompilerMissingError as error:
        lacking(f"no compiler for the sanitizers: {error}")
    return build(compiler)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_request_of_the_corpus_becomes_the_same_in_both_codecs(path: Path) -> None:
    require_native()
    from tests.fuzz.differential import difference

    found = difference(path.read_bytes())
    assert found is None, str(found)


def test_mutations_of_the_corpus_become_the_same_in_both_codecs() -> None:
    require_native()
    from tests.fuzz.differential import search

    done = search([path.read_bytes() for path in FILES], SEED, cases=CASES)
    assert done.found is None, str(done.found)
    assert done.cases == CASES + len(FILES)
    # A search that makes nothing but refused requests, or none, finds nothing.
    assert all(done.outcomes[outcome] > 20 for outcome in ("refused", "operational", "audit", "audit and operational"))


def test_the_sanitizers_find_nothing_in_the_corpus(target: Target) -> None:
    outcome = target.replay(FILES)
    assert outcome.ok, f"{target.compiler.name}:\n{outcome.output[-6000:]}"


def test_a_mutation_is_the_same_for_the_same_seed() -> None:
    requests = [path.read_bytes() for path in FILES]
    made = [[mutated(request, requests, random.Random(7)) for request in requests] for _ in range(2)]
    assert made[0] == made[1]
    assert sum(one == other for one, other in zip(made[0], requests, strict=True)) < len(requests) / 4


def test_a_request_that_is_taken_apart_and_put_together_is_the_same() -> None:
    for path in FILES:
        again = serialized(parse(path.read_bytes()))
        assert serialized(parse(again)) == again, path.name  # nothing but overlong varints is written anew
        if path.name.startswith(("whole", "truncated-", "length-", "deep-", "doubles", "rules-")):
            assert again == path.read_bytes(), path.name


def test_the_corpus_is_small_and_has_every_request_that_was_written_by_hand() -> None:
    assert len(FILES) < 200
    assert sum(path.stat().st_size for path in FILES) < 150_000
    assert all(path.stat().st_size <= MAX_LENGTH for path in FILES)
    for name, request in awkward():
        assert (CORPUS / name).read_bytes() == request, name
