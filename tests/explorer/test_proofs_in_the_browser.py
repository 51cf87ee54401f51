"""The browser's check comes to the same verdict as check.py, step by step, on thousands of generated cases.

Two differences are deliberate. check.py undoes what programs do to files in transit, and the browser does not: it is
compared with a check.py that takes the files as they are. And the browser cannot check ML-DSA-44: it says so, refuses
where such a key was given, and is otherwise compared with a check.py that takes such signatures for right.
"""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from typing import Any

import pytest

from harness.bundles import signer_of
from server import check
from server.notary.errors import VerificationError
from server.notary.proofs import consistency_path, verify_consistency
from tests.checked_bundles import FIRST, LOG, PQ_WITNESS, WITNESSED
from tests.explorer.browser_programs import answers_of
from tests.explorer.proof_cases import BundleCase, bundle_cases, key_texts
from tests.notary.trees import naive_root, perfect_node

SEED = 20261130
PROGRAM = "proof/differential.ts"
LARGEST = {"record.bin": 128 << 20, "disclosures.json": 128 << 20}  # else 1 MiB: check.py reads no larger files


def _without_ml_dsa(monkeypatch: pytest.MonkeyPatch) -> None:
    verify = check._verify

    def lenient(checkpoint: check.Checkpoint, key: check.Key, signature: bytes) -> int:
        return 0 if key.key_type == check.ML_DSA_44 else verify(checkpoint, key, signature)

    monkeypatch.setattr(check, "_verify", lenient)


def _checked(case: BundleCase) -> check.Report:
    return check.check(case.files, case.believed(), case.believed_witnesses())


def _is_small(case: BundleCase) -> bool:
    return all(len(content) <= LARGEST.get(name, 1 << 20) for name, content in case.files.items())


def _names_ml_dsa(case: BundleCase) -> bool:
    changes = check.parse(case.files, case.believed(), ()).changes
    return any(key.key_type == check.ML_DSA_44 for change in changes for key in change.before + change.after)


def _same(case: BundleCase, report: check.Report, browser: dict[str, Any]) -> None:
    assert "crashed" not in browser, browser["crashed"]
    steps = [[step.name, step.holds] for step in report.steps]
    assert browser["steps"] == steps, (report, browser["details"], case.files)
    assert browser["isProved"] == report.holds
    if report.proved is not None:
        proved = {name: report.proved[name] for name in report.proved if name not in ("TreeSize", "RootHash")}
        assert json.loads(browser["disclosed"]) == proved.pop("Disclosed", {})
        assert json.loads(browser["record"]) == proved


def test_every_bundle_has_the_same_verdict_as_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    _compare(2500, SEED, monkeypatch)


def test_thousands_of_others_have_the_same_verdict_as_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    _compare(6000, SEED + 1, monkeypatch)


def _compare(count: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "as_made", lambda files: (dict(files), []))
    cases = list(filter(_is_small, bundle_cases(seed, count)))
    answers = answers_of(PROGRAM, (case.question() for case in cases))
    strict = [_checked(case).holds for case in cases]
    _without_ml_dsa(monkeypatch)
    failed = Counter[str]()
    for case, browser, holds in zip(cases, answers, strict, strict=True):
        report = _checked(case)
        _same(case, report, browser)
        assert holds or not report.holds or _names_ml_dsa(case), case.files
        failed.update(step.name for step in report.steps if not step.holds)
        failed["none"] += report.holds
    # A comparison of cases that all fail in one step compares nothing.
    names = {"files", "inclusion", "checkpoint", "key changes", "signature", "record.json", "witnesses", "disclosures"}
    assert set(failed) == {*names, "none"}, failed


def test_signatures_of_ml_dsa_are_named_as_not_checked_and_never_hold() -> None:
    signer = signer_of(2, ml_dsa=True)
    keys = tuple(str(key) for key in signer.verifier_keys(LOG.origin))
    files = LOG.bundle(5, LOG.checkpoint(11, signer))
    witness = str(PQ_WITNESS.verifier_key)
    cases = (
        BundleCase(files, keys[:1]),
        BundleCase(files, keys),
        BundleCase(files, keys[1:]),
        BundleCase(LOG.bundle(5, WITNESSED), (str(FIRST.verifier_key(LOG.origin)),), (witness,)),
    )
    assert all(_checked(case).holds for case in cases)
    answers = answers_of(PROGRAM, (case.question() for case in cases))
    failed = [[name for name, ok in answer["steps"] if not ok] for answer in answers]
    assert failed == [[], ["signature"], ["signature"], ["witnesses"]]
    assert all("use 'lognotary check'" in str(answer["details"]) for answer in answers[1:])
    assert str(answers[0]["notChecked"]).count("a signature by") == 1


def test_every_key_is_read_the_same_or_refused_by_both() -> None:
    texts = key_texts(SEED, 1500)
    read = Counter[bool]()
    for text, answer in zip(texts, answers_of(PROGRAM, ({"kind": "key", "text": text} for text in texts)), strict=True):
        try:
            key: check.Key | None = check.parse_key(text.strip())
        except check.RefusedError:
            key = None
        read[key is not None] += 1
        mine = {"type": key.key_type, "key": text.strip()} if key else None
        assert answer == mine, text
    assert read[True] > 10
    assert read[False] > 1000


def test_every_consistency_proof_has_the_same_verdict() -> None:
    chance = random.Random(SEED)
    cases = []
    for _ in range(3000):
        second = chance.randint(0, 300)
        first = chance.randint(0, second)
        path = consistency_path(first, second, perfect_node)
        roots = [naive_root(0, first), naive_root(0, second)]
        match chance.randrange(9):
            case 0 if path:
                del path[chance.randrange(len(path))]
            case 1:
                path.insert(chance.randint(0, len(path)), chance.choice([*path, *roots]))
            case 2:
                first, second = chance.randint(0, 300), chance.randint(0, 300)
            case 3:
                roots[chance.randrange(2)] = naive_root(0, chance.randint(0, 300))
            case 4 if len(path) > 1:
                path[0], path[-1] = path[-1], path[0]
            case 5:
                first, second = chance.choice((first, 2**62)), chance.choice((second, 2**62, 2**63 - 1))
            case _:
                pass
        cases.append((first, second, roots, path))
    questions = (
        {
            "kind": "consistency",
            "first": str(first),
            "second": str(second),
            "roots": [base64.b64encode(root).decode() for root in roots],
            "proof": [base64.b64encode(node).decode() for node in path],
        }
        for first, second, roots, path in cases
    )
    held = Counter[bool]()
    for (first, second, roots, path), answer in zip(cases, answers_of(PROGRAM, questions), strict=True):
        try:
            verify_consistency(first, second, roots[0], roots[1], path)
        except VerificationError:
            holds = False
        else:
            holds = True
        held[holds] += 1
        assert (answer is True) == holds, (first, second, roots, path)
        assert answer in (True, None)
    assert min(held[True], held[False]) > 500
