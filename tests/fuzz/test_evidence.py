"""A short look for evidence that is accepted although it was changed, or that meets another error than it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import check
from tests.fuzz.evidence import Failure, broken_by, search
from tests.fuzz.evidence_seeds import Files
from tests.fuzz.evidence_targets import TARGETS

CASES = 1500
SEED = 20261123


def test_mutations_of_evidence_are_refused_and_nothing_worse_happens() -> None:
    done = search(SEED, cases=CASES)
    assert done.found is None, str(done.found)
    assert set(done.cases) == set(TARGETS)
    assert done.cases.total() > CASES
    # A search that makes nothing but refused inputs, or none, finds nothing.
    for target in TARGETS:
        assert 0 < done.accepted[target] < done.cases[target], target


@pytest.mark.parametrize("step", ["inclusion", "signature", "record.json"])
def test_a_step_that_is_left_out_is_found(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_STEPS", tuple(pair for pair in check._STEPS if pair[0] != step))
    assert search(SEED, cases=CASES).found is not None


def test_what_was_found_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Files) -> bool:
        raise IndexError

    monkeypatch.setitem(TARGETS, "key", crash)
    found = broken_by(Failure("key", {"key": b"\xff"}, "").to_bytes())
    assert found is not None
    assert found.files == {"key": b"\xff"}
    assert "IndexError" in found.why


def test_what_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: Files) -> bool:
        while True:
            Path(__file__).stat()

    monkeypatch.setitem(TARGETS, "key", hang)
    found = broken_by(Failure("key", {"key": b""}, "").to_bytes(), seconds=1)
    assert found is not None
    assert "HangError" in found.why
