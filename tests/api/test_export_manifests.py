"""Manifests of exports: what they say, and what a check of an export finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lognotary.v1.export_pb2 import ExportRequest
from server import check
from server.api.export import export_records
from server.notary.export_manifest import open_manifest
from server.notary.signers import Signer
from storage.interrupt import Interrupt
from tests.api.store import Writer, moment

from .exporting import checked, export


def test_a_manifest_says_what_was_exported(records: Writer) -> None:
    _, end = export(records, "actor:alice", since=moment(0), streams=["audit"], format="csv")
    said = open_manifest(end.manifest, [records.signer.ed25519.public_key])
    assert (said["Query"], said["Streams"], said["Format"], said["Records"]) == ("actor:alice", ["audit"], "csv", 1)
    assert (said["Since"], said["Until"]) == ("2025-06-15T15:06:40.000000000Z", None)
    assert said["SHA256"] == end.sha256.hex()
    [log] = said["Logs"]
    assert (log["Origin"], log["Records"], log["FirstLeaf"], log["EndLeaf"]) == ("shop/audit/node-1", 1, 0, 1)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda content, note: (content.replace(b"late", b"Late"), note), "file rows"),
        (lambda content, note: (content + content, note), "file rows"),
        (lambda content, note: (content, note.replace('"Query": "late"', '"Query": "lace"')), "signature"),
        (lambda content, note: (content, note.replace("lognotary/export/v1", "lognotary/export/v2")), "manifest"),
    ],
)
def test_what_was_changed_is_told(
    records: Writer, change: Callable[[bytes, str], tuple[bytes, str]], step: str, tmp_path: Path
) -> None:
    content, end = export(records, "late")
    changed, manifest = change(content, end.manifest)
    steps = checked(records, changed, manifest, tmp_path)
    assert " ".join(name for name, (holds, _) in steps.items() if not holds) == step


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(("ndjson", "csv", "ocsf")), in_file=st.booleans(), data=st.data())
def test_no_change_is_accepted_and_none_breaks_the_check(
    records: Writer, kind: str, in_file: bool, data: st.DataObject, tmp_path: Path
) -> None:
    content, end = export(records, "action:login" if kind == "ocsf" else "late", format=kind)
    parts = [content, end.manifest.encode()]
    whole = parts[not in_file]
    place = data.draw(st.integers(0, len(whole) - 1))
    end_at = data.draw(st.integers(place, min(len(whole), place + 8)))
    changed = whole[:place] + data.draw(st.binary(max_size=8)) + whole[end_at:]
    assume(changed != whole)
    parts[not in_file] = changed
    (tmp_path / "file").write_bytes(parts[0])
    (tmp_path / "manifest").write_bytes(parts[1])
    keys = [check.Key("", check.ED25519, records.signer.ed25519.public_key)]
    report = check.check_export(tmp_path / "file", tmp_path / "manifest", keys)
    # A check undoes what programs do to ends of lines.
    assert not report.holds or _text(changed) == _text(whole)


def _text(content: bytes) -> str:
    """Return what a file says, whatever its ends of lines are, and whether or not its last line has one."""
    text = content.decode("utf-8-sig", errors="backslashreplace")
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def test_a_checkpoint_by_an_unknown_key_is_told(records: Writer, tmp_path: Path) -> None:
    """The manifest of a server whose key signs none of the logs, as after a rotation."""
    other = Signer.generate()
    request = ExportRequest(query="late")
    steps = list(export_records(records.engine, records.keys, request, Interrupt(), lambda: other.ed25519))
    (tmp_path / "file").write_bytes(b"".join(step.content for step in steps))
    (tmp_path / "manifest").write_text(steps[-1].summary.manifest, encoding="utf-8")
    keys = [check.Key("", check.ED25519, other.ed25519.public_key)]
    report = check.check_export(tmp_path / "file", tmp_path / "manifest", keys)
    assert report.holds
    assert [text.partition(",")[0] for text in report.not_checked] == [
        "the checkpoint of shop/audit/node-1",
        "the checkpoint of shop/operational/node-1",
    ]


def test_a_manifest_is_no_checkpoint_and_a_checkpoint_no_manifest(records: Writer, tmp_path: Path) -> None:
    content, end = export(records, "late")
    with pytest.raises(check.RefusedError, match="not a signed checkpoint"):
        check._parse_checkpoint(end.manifest, "it")
    said = open_manifest(end.manifest, [records.signer.ed25519.public_key])
    steps = checked(records, content, said["Logs"][0]["Checkpoint"], tmp_path)
    why = "the manifest is not a signed note lognotary/export/v1: the file comes first, then its manifest"
    assert steps == {"manifest": (False, why)}
