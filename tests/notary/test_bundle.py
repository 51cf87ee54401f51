"""Bundles: every file is what it says, and what a reader is told to do by hand works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from harness.bundles import MemoryLog, audit_record, encode_record, signer_of
from harness.explorer import require_bundle_page
from harness.lacking import require_tools
from server.commands.bundles import save_bundle
from server.explorer.bundle_page import bundle_page
from server.notary.bundle import build_bundle, readable_record
from server.notary.canonical import Value, canonical_columns, encode_time
from server.notary.commitment import commitment_mark
from server.notary.disclosure import OpenedValue
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.notary.statement import open_statement
from server.notary.tlog_proof import parse_tlog_proof
from server.settings.settings import ConfigError

LOG = MemoryLog([audit_record(number) for number in range(9)])
SIGNER = signer_of(1)
OLD = signer_of(2)
CHANGE = LOG.key_change(4, 2, OLD, SIGNER)
NOTE = LOG.checkpoint(7, SIGNER)
BUNDLE = LOG.bundle(5, NOTE, keys=SIGNER.verifier_keys(LOG.origin))
READABLE = json.loads(BUNDLE["record.json"])


def test_a_bundle_has_the_record_its_proof_and_its_signed_checkpoint() -> None:
    assert set(BUNDLE) == {
        "record.bin",
        "record.json",
        "record.tlog-proof",
        "checkpoint",
        "verifier-keys.txt",
        "README.txt",
    }
    assert BUNDLE["record.bin"] == LOG.records[5]
    assert BUNDLE["checkpoint"] == str(NOTE).encode()
    proof = parse_tlog_proof(BUNDLE["record.tlog-proof"].decode())
    assert (proof.index, list(proof.path), proof.checkpoint) == (5, LOG.path(5, 7), str(NOTE))
    assert BUNDLE["verifier-keys.txt"].decode() == f"{SIGNER.verifier_key(LOG.origin)}\n"


def test_key_changes_and_the_time_stamp_are_in_the_bundle_where_there_are_some() -> None:
    files = LOG.bundle(5, NOTE, key_changes=[CHANGE, CHANGE], timestamp=b"\x30\x00")
    assert files["key-changes/0001"] == files["key-changes/0002"] == CHANGE.encode()
    assert open_statement(files["key-changes/0001"].decode())[0].number == 2
    assert files["timestamp.tsr"] == b"\x30\x00"
    readme = files["README.txt"].decode()
    assert "key-changes " in readme
    assert "openssl ts -verify" in readme


def test_values_stay_closed_unless_they_are_opened() -> None:
    values = [OpenedValue("key.custom", bytes((number,)) * 32, b"alice") for number in range(2)]
    body = b"".join(commitment_mark(value.rule, value.digest) for value in values)
    details = json.dumps({"commitments": [value.digest for value in values]}).encode()
    senders = commitment_mark("card", "0" * 64)
    log = MemoryLog([encode_record(Stream.AUDIT, {"Body": body + senders, "OtlpDetails": details})])
    for opened, says in ((0, "None of them are open"), (1, "1 of them is open"), (2, "2 of them are open")):
        files = log.bundle(0, log.checkpoint(1, SIGNER), opened=values[:opened])
        assert ("disclosures.json" in files) == bool(opened)
        assert says in files["README.txt"].decode()
        assert "commitments in place of 2 values" in files["README.txt"].decode()
    assert "of them" not in BUNDLE["README.txt"].decode()


def test_the_readable_text_names_every_column_of_the_record() -> None:
    names = [column.name for column in canonical_columns(Stream.AUDIT)]
    assert list(READABLE) == ["Origin", "LeafIndex", "CanonicalVersion", "Entry", *names]
    assert READABLE["Origin"] == "shop/audit/a"
    assert READABLE["LeafIndex"] == 5
    assert READABLE["CanonicalVersion"] == 2
    assert READABLE["Entry"] == sha256(LOG.records[5]).hexdigest()


def test_times_are_readable_and_exact() -> None:
    assert READABLE["Timestamp"] == {
        "time": "2026-01-01T00:00:00.000000005Z",
        "unix_nanos": 1_767_225_600_000_000_005,
    }


@pytest.mark.parametrize(
    ("nanos", "time"),
    [
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-(2**63), "1677-09-21T00:12:43.145224192Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
    ],
)
def test_every_time_that_a_record_can_have_is_readable(nanos: int, time: str) -> None:
    record = encode_record(Stream.OPERATIONAL, {"Timestamp": nanos})
    readable = readable_record(record, "shop/operational/a", 0)
    assert readable["Timestamp"] == {"time": time, "unix_nanos": nanos}


@pytest.mark.parametrize(
    ("value", "readable"),
    [
        ([], {}),
        ([(b"b", b"2"), (b"a", b"1")], {"a": "1", "b": "2"}),
        ([(b"a", b"1"), (b"a", b"2")], [["a", "1"], ["a", "2"]]),
        ([(b"a", b"\xff")], {"a": {"base64": "/w=="}}),
        ([(b"\xff", b"1")], [[{"base64": "/w=="}, "1"]]),
        ([(b"base64", b"/w==")], {"base64": "/w=="}),
    ],
)
def test_maps_lose_nothing(value: Value, readable: object) -> None:
    record = encode_record(Stream.OPERATIONAL, {"LogAttributes": value})
    assert readable_record(record, "shop/operational/a", 0)["LogAttributes"] == readable


def test_arrays_of_spans_are_lists_of_readable_values() -> None:
    record = encode_record(
        Stream.SPANS,
        {
            "Events.Timestamp": [-1, 1_767_225_600_000_000_005],
            "Events.Name": [b"retry", b"\xff"],
            "Events.Attributes": [[(b"b", b"2"), (b"a", b"1")], [(b"a", b"1"), (b"a", b"2")]],
        },
    )
    readable = readable_record(record, "shop/spans/a", 0)
    assert readable["Events.Timestamp"] == [
        {"time": "1969-12-31T23:59:59.999999999Z", "unix_nanos": -1},
        {"time": "2026-01-01T00:00:00.000000005Z", "unix_nanos": 1_767_225_600_000_000_005},
    ]
    assert readable["Events.Name"] == ["retry", {"base64": "/w=="}]
    assert readable["Events.Attributes"] == [{"a": "1", "b": "2"}, [["a", "1"], ["a", "2"]]]
    assert readable["Links.TraceId"] == []


def test_letters_are_readable_and_what_a_terminal_obeys_or_hides_is_escaped() -> None:
    body = "Ünïcode ✓ \x1b[31m \x7f \x9b \u202e \U000e0041 \ue000 \u2028\n"
    record = encode_record(Stream.OPERATIONAL, {"Body": body.encode()})
    log = MemoryLog([record], LogName("shop", Stream.OPERATIONAL, "a"))
    text = log.bundle(0, log.checkpoint(1, SIGNER))["record.json"].decode()
    assert "Ünïcode ✓ " in text
    assert all(character == "\n" or character.isprintable() for character in text)
    assert json.loads(text)["Body"] == body


def test_what_is_no_canonical_record_of_the_log_is_malformed() -> None:
    for origin, record in (
        ("shop/audit/a", b""),
        ("shop/audit/a", LOG.records[0] + b"\0"),
        ("shop/operational/a", LOG.records[0]),
        ("shop/audit/a", encode_time(-3) + LOG.records[0][8:]),  # a version that nobody has
        ("shop/audit/a", encode_time(3) + LOG.records[0][8:]),  # version 1 has its Timestamp there
        ("elsewhere", LOG.records[0]),
    ):
        with pytest.raises(MalformedError):
            readable_record(record, origin, 0)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = MemoryLog(LOG.records, replace(LOG.name, writer="b"))
    with pytest.raises(MalformedError, match="shop/audit/b"):
        LOG.bundle(5, other.checkpoint(7, SIGNER))


def test_a_part_that_is_malformed_is_refused() -> None:
    with pytest.raises(MalformedError):
        build_bundle(
            record=LOG.records[0], origin=LOG.origin, leaf_index=0, path=[], checkpoint="no note", verifier_keys=[]
        )


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (1, 2), (2, 3), (5, 7), (6, 7), (8, 9), (0, 9)])
def test_the_commands_in_the_readme_check_the_bundle_by_hand(index: int, size: int, tmp_path: Path) -> None:
    require_tools("bash", "sha256sum", "openssl", "xxd", "base64", "sed", "diff")
    save_bundle(LOG.bundle(index, LOG.checkpoint(size, signer_of(1, ml_dsa=True))), tmp_path / "bundle")
    (tmp_path / "bundle/public-key.pem").write_bytes(SIGNER.public_pem())

    printed = run_readme(tmp_path / "bundle")

    assert printed == "the root is the same\nSignature Verified Successfully\n"


def test_the_commands_in_the_readme_notice_another_record(tmp_path: Path) -> None:
    require_tools("bash", "sha256sum", "openssl", "xxd", "base64", "sed", "diff")
    files = LOG.bundle(5, NOTE)
    save_bundle({**files, "record.bin": LOG.records[4]}, tmp_path / "bundle")
    (tmp_path / "bundle/public-key.pem").write_bytes(SIGNER.public_pem())
    assert "the root is the same" not in run_readme(tmp_path / "bundle")


def run_readme(bundle: Path) -> str:
    readme = (bundle / "README.txt").read_text(encoding="utf-8")
    commands = re.findall(r"^    (.*)$", readme.partition("by hand")[2], re.MULTILINE)
    run = subprocess.run(
        ["bash", "-c", "\n".join(commands)],
        cwd=bundle,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    return run.stdout


def test_a_bundle_is_written_as_a_directory(tmp_path: Path) -> None:
    files = LOG.bundle(5, NOTE, key_changes=[CHANGE])
    save_bundle(files, tmp_path / "bundle")
    written = {
        file.relative_to(tmp_path / "bundle").as_posix(): file.read_bytes()
        for file in (tmp_path / "bundle").rglob("*")
        if file.is_file()
    }
    assert written == files


def test_a_bundle_is_written_as_a_zip_file_that_is_always_the_same(tmp_path: Path) -> None:
    files = LOG.bundle(5, NOTE, key_changes=[CHANGE])
    save_bundle(files, tmp_path / "one.zip")
    save_bundle(dict(reversed(files.items())), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


@pytest.mark.parametrize("name", ["record.html", "RECORD.HTM"])
def test_a_bundle_is_written_as_a_page_that_is_always_the_same(name: str, tmp_path: Path) -> None:
    template = require_bundle_page()
    files = LOG.bundle(5, NOTE, key_changes=[CHANGE])
    save_bundle(files, tmp_path / name)
    assert (tmp_path / name).read_bytes() == bundle_page(template, files)


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_evidence_is_never_overwritten(name: str, tmp_path: Path) -> None:
    save_bundle(BUNDLE, tmp_path / name)
    with pytest.raises(ConfigError, match="never overwritten"):
        save_bundle(LOG.bundle(4, NOTE), tmp_path / name)


@pytest.mark.parametrize("name", ["missing/bundle", "missing/bundle.zip"])
def test_a_place_that_cannot_be_written_to_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        save_bundle(BUNDLE, tmp_path / name)
