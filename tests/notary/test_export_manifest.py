"""Manifests of exports: what they say, who signs them, and what is none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.bundles import signer_of
from server.notary.errors import MalformedError, VerificationError
from server.notary.export_manifest import (
    KEY_NAME,
    ExportedLog,
    ExportManifest,
    checkpoints_in,
    is_manifest,
    open_manifest,
    sign_manifest,
)
from server.notary.keys import VerifierKey
from server.notary.note import NoteSignature, SignedNote, UnknownKeyError, parse_note

SIGNER, STRANGER = signer_of(1).ed25519, signer_of(2).ed25519
MANIFEST = ExportManifest(
    query='actor:"Zoë" OR\nlogin',
    streams=("audit",),
    since="2026-01-01T00:00:00.000000000Z",
    until=None,
    file_format="csv",
    columns=("Origin", "Body"),
    records=3,
    size=400,
    sha256=bytes(range(32)),
    entries_root=bytes(range(32, 64)),
    tampered=4,
    unsigned=5,
    later=6,
    logs=(
        ExportedLog("a checkpoint", "shop/audit/a", records=3, first_leaf=7, end_leaf=12),
        ExportedLog("another one", "shop/audit/b"),
    ),
    begun="2026-01-02T00:00:00.000000000Z",
    ended="2026-01-02T00:00:01.000000000Z",
)
NOTE = str(sign_manifest(MANIFEST, SIGNER))


def signed(text: str) -> str:
    """Sign any text as a manifest is signed."""
    key_id = VerifierKey(KEY_NAME, SIGNER.public_key).key_id
    return str(SignedNote(text, (NoteSignature(KEY_NAME, key_id, SIGNER.sign(text.encode())),)))


def test_the_checkpoints_in_a_manifest_are_returned_whoever_signed_it() -> None:
    assert is_manifest(NOTE)
    assert not is_manifest("shop/audit/a\n5\n")
    assert checkpoints_in(NOTE) == ["a checkpoint", "another one"]


@pytest.mark.parametrize("logs", ['[{"Origin": "a"}]', '[{"Checkpoint": 5}]'])
def test_a_manifest_with_a_log_without_a_checkpoint_is_refused(logs: str) -> None:
    with pytest.raises(MalformedError, match="without a checkpoint"):
        checkpoints_in(signed(f'lognotary/export/v1\n{{"Logs": {logs}}}\n'))


@pytest.mark.parametrize("content", ['{"Logs": 5}', "{}"])
def test_a_manifest_without_logs_has_no_checkpoints(content: str) -> None:
    assert checkpoints_in(signed(f"lognotary/export/v1\n{content}\n")) == []


def test_a_manifest_is_opened_with_all_that_was_signed() -> None:
    assert open_manifest(NOTE, [STRANGER.public_key, SIGNER.public_key]) == {
        "Query": 'actor:"Zoë" OR\nlogin',
        "Streams": ["audit"],
        "Since": "2026-01-01T00:00:00.000000000Z",
        "Until": None,
        "Format": "csv",
        "Columns": ["Origin", "Body"],
        "Records": 3,
        "Size": 400,
        "SHA256": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "EntriesRoot": "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
        "LeftOut": {"Tampered": 4, "Unsigned": 5, "Later": 6},
        "Logs": [
            {
                "Origin": "shop/audit/a",
                "Records": 3,
                "FirstLeaf": 7,
                "EndLeaf": 12,
                "Checkpoint": "a checkpoint",
            },
            {"Origin": "shop/audit/b", "Records": 0, "FirstLeaf": 0, "EndLeaf": 0, "Checkpoint": "another one"},
        ],
        "Begun": "2026-01-02T00:00:00.000000000Z",
        "Ended": "2026-01-02T00:00:01.000000000Z",
    }


def test_what_is_signed_is_two_lines_of_ascii_whatever_the_query_has() -> None:
    text = parse_note(NOTE).text
    assert text == MANIFEST.text()
    assert text.isascii()
    header, content, rest = text.split("\n")
    assert (header, rest) == ("lognotary/export/v1", "")
    assert json.loads(content)["Query"] == 'actor:"Zoë" OR\nlogin'


def test_a_manifest_is_signed_once_under_the_name_of_exports() -> None:
    [signature] = parse_note(NOTE).signatures
    assert (signature.name, signature.key_id) == (KEY_NAME, VerifierKey(KEY_NAME, SIGNER.public_key).key_id)
    VerifierKey("lognotary/export", SIGNER.public_key).verify(MANIFEST.text(), signature.signature)


def test_a_manifest_by_another_key_is_not_opened() -> None:
    for keys in ([], [STRANGER.public_key]):
        with pytest.raises(UnknownKeyError, match=r"signed by no known key, but by lognotary/export\+"):
            open_manifest(NOTE, keys)


def test_a_manifest_that_was_changed_is_not_opened() -> None:
    for changed in (replace(MANIFEST, records=2), replace(MANIFEST, logs=MANIFEST.logs[:1])):
        with pytest.raises(VerificationError):
            open_manifest(NOTE.replace(MANIFEST.text(), changed.text()), [SIGNER.public_key])


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("lognotary/export/v1\n{}\n", "no empty line before its signatures"),
        (signed("lognotary/export/v2\n{}\n"), "not a manifest of an export"),
        (signed("shop/audit/a\n3\nAAAA\n"), "not a manifest of an export"),
        (signed("lognotary/export/v1\n{\n"), "the manifest is not JSON"),
        (signed(f"lognotary/export/v1\n{'[' * 200_000}\n"), "the manifest is not JSON"),
        (signed("lognotary/export/v1\n"), "the manifest is not JSON"),
        (signed("lognotary/export/v1\n[1]\n"), "the manifest is not a JSON object"),
    ],
)
def test_what_is_no_manifest_is_malformed_although_it_is_signed(note: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        open_manifest(note, [SIGNER.public_key])
