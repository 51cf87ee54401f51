"""The table of slow tests names tests that exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.slow import SLOW, SMOKE

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("start", [*SLOW, *SMOKE])
def test_every_entry_names_a_directory_or_a_file_or_tests_in_one(start: str) -> None:
    path, _, name = start.partition("::")
    assert (ROOT / path).exists()
    if name:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert any(known.startswith(name) for known in names)


@pytest.mark.parametrize("smoke", SMOKE)
def test_every_smoke_test_would_be_slow(smoke: str) -> None:
    assert smoke.startswith(tuple(SLOW))


def test_of_each_pair_of_tests_the_one_on_a_clickhouse_server_is_slow(
    request: pytest.FixtureRequest, storage_url: str
) -> None:
    assert ("slow" in request.node.keywords) == storage_url.startswith("http")
