"""``check.py`` with exports: notes that are no manifests, and manifests that no trusted key signed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from server import check
from server.notary.export_manifest import sign_manifest
from server.notary.keys import VerifierKey
from server.notary.note import NoteSignature, SignedNote
from tests.checked_exports import (
    AUDIT,
    KEY,
    OPERATIONAL,
    OTHER_KEY,
    SIGNER,
    STRANGER,
    Checker,
    changed_log,
    export,
    note_of,
)


def signed(text: str) -> bytes:
    """Sign any text as a manifest is signed."""
    key_id = VerifierKey("lognotary/export", SIGNER.ed25519.public_key).key_id
    signature = NoteSignature("lognotary/export", key_id, SIGNER.ed25519.sign(text.encode()))
    return str(SignedNote(text, (signature,))).encode()


GOOD = export()[1]
SAID = json.loads(GOOD.text().split("\n")[1])


def with_said(**changes: Any) -> bytes:
    """Return a signed manifest with other values; those that are None are not there."""
    said = {name: value for name, value in {**SAID, **changes}.items() if value is not None}
    return signed(f"lognotary/export/v1\n{json.dumps(said)}\n")


def with_log(**changes: Any) -> bytes:
    return with_said(Logs=[{**SAID["Logs"][0], **changes}])


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (b"\xff", "the manifest is not UTF-8"),
        (b"", "the manifest is not a signed note lognotary/export/v1"),
        (GOOD.text().encode(), "the manifest is not a signed note"),
        (signed(GOOD.text().replace("v1", "v2")), "the manifest is not a signed note"),
        (signed(GOOD.text() + "more\n"), "the manifest is not a signed note"),
        (str(AUDIT.checkpoint(9, SIGNER)).encode(), "the manifest is not a signed note"),
        (f"{GOOD.text()}\n— lognotary/export A\n".encode(), "a signature of the manifest is not base64"),
        (signed("lognotary/export/v1\n{\n"), "the manifest cannot be read"),
        (signed('lognotary/export/v1\n{"Size": 1, "Size": 2}\n'), "a name occurs twice"),
        (signed("lognotary/export/v1\n[]\n"), "the manifest is not a JSON object"),
        (with_said(Logs=None), "the manifest does not say of which logs the file is"),
        (with_said(Logs=["shop/audit/a"]), "the manifest does not say of which logs the file is"),
        *((with_said(**{name: wrong}), "lacks a number") for name in ("Records", "Size") for wrong in (None, True)),
        *((with_log(**{name: "1"}), "lacks a number") for name in ("Records", "FirstLeaf", "EndLeaf")),
        *((with_log(**{name: 1}), "lacks a number or a text") for name in ("Origin", "Checkpoint")),
        (with_said(Format=None), "lacks a number or a text"),
        (with_said(SHA256=None), "the manifest lacks a hash"),
        (with_said(EntriesRoot="0" * 63), "the manifest lacks a hash"),
    ],
)
def test_what_is_no_manifest_is_refused_although_it_is_signed(checker: Checker, note: bytes, message: str) -> None:
    failed = checker.failed(export()[0], note)
    assert list(failed) == ["manifest"]
    assert message in failed["manifest"]


def test_a_manifest_by_no_given_key_is_refused(checker: Checker) -> None:
    content, manifest = export()
    pq = check.Key("", check.ML_DSA_44, bytes(1312))
    for keys in ([], [OTHER_KEY], [pq]):
        failed = checker.failed(content, manifest, keys)
        assert list(failed) == ["signature"]
        assert "signed by no key that was given, but by lognotary/export+" in failed["signature"]


def test_a_manifest_that_was_changed_has_a_wrong_signature(checker: Checker) -> None:
    content, manifest = export()
    changed = note_of(manifest).replace(b'"Query": ""', b'"Query": "x"')
    failed = checker.failed(content, changed)
    assert failed == {"signature": f"the signature of {replace(KEY, name='lognotary/export')} is wrong"}


def test_one_signature_of_several_is_enough(checker: Checker) -> None:
    content, manifest = export()
    notes = [sign_manifest(manifest, signer.ed25519) for signer in (STRANGER, SIGNER)]
    both = SignedNote(manifest.text(), notes[0].signatures + notes[1].signatures)
    assert not checker.failed(content, str(both).encode())


def test_another_file_is_told_and_the_other_steps_are_taken_all_the_same(checker: Checker) -> None:
    content, manifest = export()
    for other in (content + b"\n", content.replace(b"alice", b"Alice"), b""):
        report = checker.report(other, manifest, [OTHER_KEY])
        held = {step.name: step.holds for step in report.steps}
        assert held == {"manifest": True, "signature": False, "file": False, "rows": False, "checkpoints": True}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": "none"}, "the checkpoint of shop/audit/a is not a signed checkpoint"),
        ({"checkpoint": str(OPERATIONAL.checkpoint(3, SIGNER))}, "is of another log, or does not cover its leaves"),
        ({"checkpoint": str(AUDIT.checkpoint(5, SIGNER))}, "is of another log, or does not cover its leaves"),
        ({"checkpoint": str(AUDIT.checkpoint(9, SIGNER)).replace("\n9\n", "\n8\n")}, "is wrong"),
    ],
)
def test_a_checkpoint_that_says_nothing_of_the_rows_is_refused(
    checker: Checker, changes: dict[str, Any], message: str
) -> None:
    content, manifest = export()
    failed = checker.failed(content, changed_log(manifest, **changes))
    assert list(failed) == ["checkpoints"]
    assert message in failed["checkpoints"]
