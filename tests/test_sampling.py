"""The sample of tests that CI runs has something of every test function."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sampling import ENGINES, added, on_other_engine, thinned

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("share", [1, 3, 4])
@pytest.mark.parametrize("number", [0, 1, 11, 12, 100])
def test_one_of_so_many_stays(number: int, share: int) -> None:
    stay = thinned(number, share)
    assert stay <= set(range(number))
    assert number // share <= len(stay) <= -(-number // share)


@pytest.mark.parametrize("share", [3, 4])
@pytest.mark.parametrize("values", [2, 3, 4, 6])
def test_a_parameter_whose_values_alternate_has_each_of_them_in_the_sample(values: int, share: int) -> None:
    assert {at % values for at in thinned(20 * values, share)} == set(range(values))


def test_of_each_function_without_a_test_one_is_added_and_which_one_rotates() -> None:
    functions = [*3 * ["a"], *4 * ["b"], *2 * ["c"], "d", *3 * ["e"]]
    assert added(functions, {4}) == {0, 8, 9, 10}
    assert added(functions, {0, 4, 8}) == {9, 11}
    assert added(functions, set(range(13))) == set()


def test_of_pairs_of_tests_on_two_engines_each_group_stays_on_one() -> None:
    names = [f"{module}::test[{engine}-{number}]" for module in "abcd" for engine in ENGINES for number in (1, 2)]
    names += ["a::alone[server]", "a::plain", "a::other[serverless]"]
    groups = [name.partition("::")[0] for name in names]
    left_out = on_other_engine(names, groups)
    stays = [name for at, name in enumerate(names) if at not in left_out]
    assert len(left_out) == len("abcd") * 2
    assert stays[-3:] == names[-3:]
    for module in "abcd":
        of_pairs = [name for name in stays if name.startswith(f"{module}::test[")]
        assert len({name.partition("[")[2].partition("-")[0] for name in of_pairs}) == 1
        assert {name[-2] for name in of_pairs} == {"1", "2"}
    assert {name.partition("[")[2].partition("-")[0] for name in stays[:-3]} == set(ENGINES)


def tamper_tests(profile: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/tamper"],
        cwd=ROOT,
        env={**os.environ, "TEST_PROFILE": profile, "PYTEST_ADDOPTS": ""},  # which may change what is printed
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_every_function_of_the_tamper_tests_is_in_the_sample() -> None:
    every, sample = tamper_tests("patient"), tamper_tests("sampled")
    assert set(sample) < set(every)
    assert {test.partition("[")[0] for test in sample} == {test.partition("[")[0] for test in every}
