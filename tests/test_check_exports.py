"""``check.py`` with exports: it accepts what servers export, and nothing that was changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from harness.bundles import MemoryLog, audit_record, encode_record, signer_of
from server import check, cli
from server.notary.canonical import Value, decode_record, leaf_of
from server.notary.export_manifest import ExportedLog, ExportManifest, sign_manifest
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange
from server.notary.note import NoteSignature, SignedNote
from server.notary.origin import LogName, Stream
from server.query.export import ExportedRecord
from server.query.export_formats import encoder_of, export_columns

SIGNER, STRANGER = signer_of(1), signer_of(2)
KEY = check.Key("", check.ED25519, SIGNER.ed25519.public_key)
OTHER_KEY = check.Key("", check.ED25519, STRANGER.ed25519.public_key)
BATCH = UUID(int=7)
HOSTILE: tuple[dict[str, Value], ...] = (
    {"Body": b"=1+1", "LogAttributes": [(b"'=k", b"@v"), (b"", b"-1")]},
    {"Body": b'a "b", c\r\nd', "Timestamp": -1, "LogAttributes": [(b"k", b"1"), (b"k", b"2")]},
    {"Body": "✓ \x00 \u2028".encode(), "Flags": (1 << 32) - 1, "ScopeName": b"s" * 300},
)
AUDIT = MemoryLog([audit_record(number, 1 + number % 2) for number in range(9)])
OPERATIONAL = MemoryLog(
    [encode_record(Stream.OPERATIONAL, values) for values in HOSTILE], LogName("shop", Stream.OPERATIONAL, "a")
)
EVENTS: tuple[Value, ...] = ([5, 7], [b"=retry", b'say "hi"'], [[(b"k", b"v")], []])
SPANS = MemoryLog(
    [
        encode_record(Stream.SPANS, {"SpanName": b"GET", "Duration": (1 << 64) - 1}),
        encode_record(
            Stream.SPANS,
            {"Events.Timestamp": EVENTS[0], "Events.Name": EVENTS[1], "Events.Attributes": EVENTS[2]},
        ),
    ],
    LogName("shop", Stream.SPANS, "a"),
)
Export = tuple[bytes, ExportManifest]
Rows = list[dict[str, Any]]


def export(
    kind: str = "ndjson",
    leaves: Sequence[tuple[MemoryLog, Sequence[int]]] = ((AUDIT, (1, 4, 5)), (OPERATIONAL, (0, 1, 2))),
    columns: Sequence[str] = (),
) -> Export:
    """Export leaves of logs as the server does: its encoders write the file, its notary sums it up."""
    names = export_columns([Stream.AUDIT, Stream.OPERATIONAL, *{log.name.stream for log, _ in leaves}], columns)
    encoder = encoder_of(kind, names)
    content, entries, logs = b"", b"", []
    for log, indices in leaves:
        stream, records = log.name.stream, [log.records[index] for index in indices]
        content += encoder.encode(
            [
                ExportedRecord(log.origin, index, BATCH, stream, record, decode_record(stream, record))
                for index, record in zip(indices, records, strict=True)
            ]
        )
        entries += b"".join(map(leaf_of, records))
        first, end = (indices[0], indices[-1] + 1) if indices else (0, 0)
        checkpoint = str(log.checkpoint(len(log.records), SIGNER))
        logs.append(ExportedLog(checkpoint, log.origin, len(indices), first, end))
    content += encoder.end()
    tree = CompactRange().extend(entries)[0]
    manifest = ExportManifest(
        query="",
        streams=("audit", "operational"),
        since=None,
        until=None,
        file_format=kind,
        columns=names,
        records=tree.size,
        size=len(content),
        sha256=sha256(content).digest(),
        entries_root=tree.root(),
        tampered=0,
        unsigned=0,
        later=0,
        logs=logs,
        begun="2026-01-02T00:00:00.000000000Z",
        ended="2026-01-02T00:00:01.000000000Z",
    )
    return content, manifest


def of_content(content: bytes, manifest: ExportManifest) -> Export:
    """Return another file, with a manifest that says its size and SHA-256."""
    return content, replace(manifest, size=len(content), sha256=sha256(content).digest())


def changed_log(manifest: ExportManifest, number: int = 0, **changes: Any) -> ExportManifest:
    logs = [replace(log, **changes) if place == number else log for place, log in enumerate(manifest.logs)]
    return replace(manifest, logs=logs)


def signed(text: str) -> bytes:
    """Sign any text as a manifest is signed."""
    key_id = VerifierKey("lognotary/export", SIGNER.ed25519.public_key).key_id
    signature = NoteSignature("lognotary/export", key_id, SIGNER.ed25519.sign(text.encode()))
    return str(SignedNote(text, (signature,))).encode()


def note_of(manifest: ExportManifest) -> bytes:
    return str(sign_manifest(manifest, SIGNER.ed25519)).encode()


class Checker:
    """Checks exports as the command does, from files."""

    def __init__(self, directory: Path) -> None:
        self.file, self.manifest = directory / "file", directory / "manifest"

    def write(self, content: bytes, manifest: ExportManifest | bytes) -> None:
        self.file.write_bytes(content)
        self.manifest.write_bytes(manifest if isinstance(manifest, bytes) else note_of(manifest))

    def report(
        self, content: bytes, manifest: ExportManifest | bytes, keys: Sequence[check.Key] = (KEY,)
    ) -> check.Report:
        self.write(content, manifest)
        return check.check_export(self.file, self.manifest, keys)

    def failed(
        self, content: bytes, manifest: ExportManifest | bytes, keys: Sequence[check.Key] = (KEY,)
    ) -> dict[str, str]:
        """Return the steps that do not hold, and why."""
        report = self.report(content, manifest, keys)
        failed = {step.name: step.says for step in report.steps if not step.holds}
        assert report.holds is not bool(failed)
        return failed


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    return Checker(tmp_path)


def says(report: check.Report) -> dict[str, str]:
    return {step.name: step.says for step in report.steps if step.holds}


class TestWhatServersExport:
    """Files that servers write are accepted, and what is said about them is true."""

    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    def test_every_step_holds_and_says_what_it_found(self, checker: Checker, kind: str) -> None:
        content, manifest = export(kind)
        report = checker.report(content, manifest)
        assert says(report) == {
            "manifest": "the manifest is well-formed",
            "signature": f"the manifest is signed by {replace(KEY, name='lognotary/export')}",
            "file": f"the file has the {len(content)} bytes of the manifest, SHA-256 {sha256(content).hexdigest()}",
            "rows": "6 rows have the entries of the manifest; the SHA-256 of 6 was computed from their content",
            "checkpoints": "there are 2, of which 2 are signed by a key that was given",
        }
        assert report.not_checked == ()
        assert report.proved is not None
        assert report.proved["Logs"] == ["shop/audit/a: 3 records", "shop/operational/a: 3 records"]
        assert (report.proved["Records"], report.proved["EntriesRoot"]) == (6, manifest.entries_root.hex())

    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    @pytest.mark.parametrize("count", range(9))
    def test_any_number_of_rows_leads_to_the_root_hash(self, checker: Checker, kind: str, count: int) -> None:
        content, manifest = export(kind, [(AUDIT, range(count)), (OPERATIONAL, ())])
        assert f"the SHA-256 of {count} was computed" in says(checker.report(content, manifest))["rows"]
        others = replace(manifest, entries_root=AUDIT.root(0, 9))
        wrong = {"rows": "the entries of the rows do not lead to the root hash of the manifest"}
        assert checker.failed(content, others) == wrong

    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    def test_rows_of_selected_columns_have_entries_that_nobody_computes(self, checker: Checker, kind: str) -> None:
        content, manifest = export(kind, columns=["Body"])
        assert (
            "6 rows have the entries of the manifest; the SHA-256 of 0"
            in says(checker.report(content, manifest))["rows"]
        )

    def test_rows_of_other_formats_are_covered_by_the_sha256_of_the_file(self, checker: Checker) -> None:
        content, manifest = b"PAR1", replace(export()[1], file_format="parquet")
        report = checker.report(*of_content(content, manifest))
        assert report.holds
        assert says(report)["rows"] == "rows of parquet are not read: the file's SHA-256 covers them"
        assert list(checker.failed(content, manifest)) == ["file"]

    def test_bytes_that_are_not_utf8_are_computed_in_ndjson_and_not_in_csv(self, checker: Checker) -> None:
        values: dict[str, Value] = {"Body": b"\xff\xfe", "LogAttributes": [(b"\xff", b"1"), (b"k", b"\xfe")]}
        log = MemoryLog([encode_record(Stream.OPERATIONAL, values)], OPERATIONAL.name)
        for kind, computed in (("ndjson", 1), ("csv", 0)):
            report = checker.report(*export(kind, [(log, [0])]))
            assert report.holds
            assert f"1 rows have the entries of the manifest; the SHA-256 of {computed} was" in says(report)["rows"]

    def test_checkpoints_by_keys_that_were_not_given_are_told(self, checker: Checker) -> None:
        content, manifest = export()
        by_other = changed_log(manifest, 1, checkpoint=str(OPERATIONAL.checkpoint(3, STRANGER)))
        report = checker.report(content, by_other)
        assert report.holds
        [told] = report.not_checked
        assert told.startswith("the checkpoint of shop/operational/a, which is signed by no key that was given, but by")
        assert says(report)["checkpoints"] == "there are 2, of which 1 are signed by a key that was given"
        assert checker.report(content, by_other, [OTHER_KEY, KEY]).not_checked == ()

    def test_keys_may_have_the_name_of_one_log_or_of_none(self, checker: Checker) -> None:
        report = checker.report(*export(), [replace(KEY, name=AUDIT.origin)])
        assert report.holds
        assert [told.partition(",")[0] for told in report.not_checked] == ["the checkpoint of shop/operational/a"]


GOOD = export()[1]
SAID = json.loads(GOOD.text().split("\n")[1])


def with_said(**changes: Any) -> bytes:
    """Return a signed manifest with other values; those that are None are not there."""
    said = {name: value for name, value in {**SAID, **changes}.items() if value is not None}
    return signed(f"lognotary/export/v1\n{json.dumps(said)}\n")


def with_log(**changes: Any) -> bytes:
    return with_said(Logs=[{**SAID["Logs"][0], **changes}])


class TestManifests:
    """Notes that are no manifests, and manifests that nobody signed who is believed."""

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
            (signed('lognotary/export/v1\n{"Size": 1, "Size": 2}\n'), "a name is there twice"),
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
    def test_what_is_no_manifest_is_refused_although_it_is_signed(
        self, checker: Checker, note: bytes, message: str
    ) -> None:
        failed = checker.failed(export()[0], note)
        assert list(failed) == ["manifest"]
        assert message in failed["manifest"]

    def test_a_manifest_by_no_given_key_is_refused(self, checker: Checker) -> None:
        content, manifest = export()
        pq = check.Key("", check.ML_DSA_44, bytes(1312))
        for keys in ([], [OTHER_KEY], [pq]):
            failed = checker.failed(content, manifest, keys)
            assert list(failed) == ["signature"]
            assert "signed by no key that was given, but by lognotary/export+" in failed["signature"]

    def test_a_manifest_that_was_changed_has_a_wrong_signature(self, checker: Checker) -> None:
        content, manifest = export()
        changed = note_of(manifest).replace(b'"Query": ""', b'"Query": "x"')
        failed = checker.failed(content, changed)
        assert failed == {"signature": f"the signature of {replace(KEY, name='lognotary/export')} is wrong"}

    def test_one_signature_of_several_is_enough(self, checker: Checker) -> None:
        content, manifest = export()
        notes = [sign_manifest(manifest, signer.ed25519) for signer in (STRANGER, SIGNER)]
        both = SignedNote(manifest.text(), notes[0].signatures + notes[1].signatures)
        assert not checker.failed(content, str(both).encode())

    def test_another_file_is_told_and_the_other_steps_are_taken_all_the_same(self, checker: Checker) -> None:
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
        self, checker: Checker, changes: dict[str, Any], message: str
    ) -> None:
        content, manifest = export()
        failed = checker.failed(content, changed_log(manifest, **changes))
        assert list(failed) == ["checkpoints"]
        assert message in failed["checkpoints"]


def set_in(number: int, **changes: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **changes} if place == number else row for place, row in enumerate(rows)]


def ordered(*places: int) -> Callable[[Rows], Rows]:
    return lambda rows: [rows[place] for place in places]


NO_LEAF = "row 2 does not say its leaf or its entry"
OTHER_LOG = "row 7 is of a log that the manifest does not have, or comes out of order"
OUT_OF_ORDER = "comes out of order, or is of a leaf that the manifest does not have"
UNKNOWN = "a row is of a stream or version that this check.py does not know"
NO_VALUE = "a row has a value that no record has"


class TestRows:
    """Rows that are not those of the manifest, in files whose size and SHA-256 the manifest has."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (set_in(1, Entry=None), NO_LEAF),
            (set_in(1, Entry="0" * 63), NO_LEAF),
            (set_in(1, LeafIndex="4"), NO_LEAF),
            (set_in(1, LeafIndex=True), NO_LEAF),
            (set_in(1, Body="another"), "row 2 does not have the SHA-256 that it says"),
            (set_in(1, Body="\N{REPLACEMENT CHARACTER}"), "row 2 does not have the SHA-256 that it says"),
            (set_in(1, Entry=AUDIT.root(0, 1).hex()), "row 2 does not have the SHA-256 that it says"),
            (ordered(0, 1), "there are 2 rows of shop/audit/a, and not as many as the manifest says"),
            (ordered(0, 1, 3, 4, 5), "there are 2 rows of shop/audit/a, and not as many as the manifest says"),
            (ordered(0, 1, 2, 3, 4), "there are 2 rows of shop/operational/a, and not as many"),
            (ordered(0, 1, 2), "there are 3 rows, and not as many as the manifest says"),
            (ordered(), "there are 0 rows, and not as many as the manifest says"),
            (ordered(0, 0, 1, 2, 3, 4, 5), f"row 2 {OUT_OF_ORDER}"),
            (ordered(0, 2, 1, 3, 4, 5), f"row 3 {OUT_OF_ORDER}"),
            (ordered(3, 4, 5, 0, 1, 2), "there are 0 rows of shop/audit/a, and not as many"),
            (ordered(0, 1, 2, 3, 4, 5, 0), OTHER_LOG),
            (lambda rows: [*rows, {**rows[5], "Origin": "shop/operational/b"}], OTHER_LOG),
            (set_in(1, CanonicalVersion=3), UNKNOWN),
            (set_in(1, CanonicalVersion="2"), UNKNOWN),
            (set_in(1, CanonicalVersion=True), UNKNOWN),
            (set_in(1, SeverityNumber=256), NO_VALUE),
            (set_in(1, Flags=-1), NO_VALUE),
            (set_in(1, Flags="many"), NO_VALUE),
            (set_in(1, Timestamp="2026-01-01T00:00:00Z"), NO_VALUE),
            (set_in(1, Timestamp="2026-13-01T00:00:00.000000000Z"), NO_VALUE),
            (set_in(1, Timestamp="9999-01-01T00:00:00.000000000Z"), NO_VALUE),
            (set_in(1, Timestamp=5), NO_VALUE),
            (set_in(1, Body=None), NO_VALUE),
            (set_in(1, Body={}), NO_VALUE),
            (set_in(1, Body={"base64": "/"}), NO_VALUE),
            (set_in(1, LogAttributes=5), NO_VALUE),
            (set_in(1, LogAttributes=[["k"]]), NO_VALUE),
        ],
    )
    def test_a_row_that_is_none_of_the_export_is_told(
        self, checker: Checker, change: Callable[[Rows], Rows], message: str
    ) -> None:
        content, manifest = export()
        rows = change([json.loads(line) for line in content.splitlines()])
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        failed = checker.failed(*of_content(lines.encode(), manifest))
        assert list(failed) == ["rows"]
        assert message in failed["rows"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda manifest: replace(manifest, records=7), "there are 6 rows, and not as many"),
            (lambda manifest: changed_log(manifest, first_leaf=2), f"row 1 {OUT_OF_ORDER}"),
            (lambda manifest: changed_log(manifest, end_leaf=5), f"row 3 {OUT_OF_ORDER}"),
            (lambda manifest: changed_log(manifest, records=2), "there are 3 rows of shop/audit/a"),
            (
                lambda manifest: replace(manifest, logs=manifest.logs[:1]),
                "row 4 is of a log that the manifest does not",
            ),
        ],
    )
    def test_a_manifest_of_other_rows_is_told(
        self, checker: Checker, change: Callable[[ExportManifest], ExportManifest], message: str
    ) -> None:
        content, manifest = export()
        failed = checker.failed(content, change(manifest))
        assert list(failed) == ["rows"]
        assert message in failed["rows"]

    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    def test_the_hashes_of_spans_are_computed_with_their_events(self, checker: Checker, kind: str) -> None:
        report = checker.report(*export(kind, [(SPANS, (0, 1))]))
        assert report.holds
        assert "the SHA-256 of 2 was computed" in says(report)["rows"]

    def test_events_that_are_no_list_are_told(self, checker: Checker) -> None:
        content, manifest = export("ndjson", [(SPANS, (1,))])
        rows = [json.loads(line) for line in content.splitlines()]
        rows[0]["Events.Name"] = "retry"
        other = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        failed = checker.failed(*of_content(other, manifest))
        assert "a row has a value that no record has" in failed["rows"]

    @pytest.mark.parametrize("stream", ["access", "metrics"])
    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    def test_a_stream_that_is_not_exported_is_refused(self, checker: Checker, kind: str, stream: str) -> None:
        content, manifest = export(kind, [(AUDIT, (1,))])
        other = changed_log(manifest, origin=f"shop/{stream}/a")
        failed = checker.failed(*of_content(content.replace(b"shop/audit/a", f"shop/{stream}/a".encode()), other))
        assert failed["rows"] == UNKNOWN

    @pytest.mark.parametrize(
        ("kind", "change", "message"),
        [
            ("ndjson", lambda content: content + b"{\n", "row 7 cannot be read"),
            ("ndjson", lambda content: content + b"\n", "row 7 cannot be read"),
            ("ndjson", lambda content: content + b"[]\n", "row 7 is not a JSON object"),
            ("ndjson", lambda content: content + b"\xff\n", "the rows cannot be read"),
            ("csv", lambda content: content + b"\xff\n", "the rows cannot be read"),
            ("csv", lambda content: content.replace(b'"{""audit', b'"{audit'), "a cell of LogAttributes is not JSON"),
            ("csv", lambda content: content + b"short,7\r\n", "row 7 does not say its leaf or its entry"),
            ("csv", lambda content: content.replace(b"shop/audit/a,4,", b"shop/audit/a,04,"), NO_LEAF),
            ("csv", lambda content: content.partition(b"\r\n")[2], "row 1 does not say its leaf or its entry"),
            ("csv", lambda content: content.replace(b"role.grant,", b"role.grunt,", 1), "row 1 does not have the SHA"),
            ("csv", lambda content: content.replace(b"'=1+1", b"=1+2"), "row 4 does not have the SHA-256"),
        ],
    )
    def test_a_file_that_cannot_be_read_as_its_format_is_told(
        self, checker: Checker, kind: str, change: Callable[[bytes], bytes], message: str
    ) -> None:
        content, manifest = export(kind)
        assert change(content) != content
        failed = checker.failed(*of_content(change(content), manifest))
        assert list(failed) == ["rows"]
        assert message in failed["rows"]


class TestCommand:
    """``lognotary check FILE MANIFEST``."""

    @staticmethod
    def run(checker: Checker, *arguments: str) -> int:
        key = str(VerifierKey("lognotary/export", SIGNER.ed25519.public_key))
        return cli.main(["check", str(checker.file), str(checker.manifest), "--public-key", key, *arguments])

    def test_an_export_that_holds_is_reported_with_what_that_does_not_prove(
        self, checker: Checker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        checker.write(*export())
        assert self.run(checker) == 0
        printed = capsys.readouterr().out
        assert "✔ Proved: the server signed that it exported this file." in printed
        assert "shop/audit/a: 3 records" in printed
        assert "Not proved: that the file has every record that matches" in printed

    def test_an_export_that_does_not_hold_ends_with_status_1(
        self, checker: Checker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        content, manifest = export()
        checker.write(content + b"{}\n", manifest)
        assert self.run(checker) == 1
        assert "✘ The file is not what the manifest says." in capsys.readouterr().out
        assert self.run(checker, "--json") == 1
        assert json.loads(capsys.readouterr().out)["holds"] is False

    @pytest.mark.parametrize("missing", ["file", "manifest"])
    def test_a_missing_file_is_named(self, checker: Checker, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
        checker.write(*export())
        path: Path = getattr(checker, missing)
        path.unlink()
        assert self.run(checker) == 2
        assert capsys.readouterr().err == f"check: there is no file {path}\n"

    @pytest.mark.parametrize("unreadable", ["file", "manifest"])
    def test_a_file_that_can_be_opened_and_not_read_is_named_with_why(
        self, checker: Checker, unreadable: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        checker.write(*export())
        setattr(checker, unreadable, Path("/proc/self/mem"))  # whose first bytes nobody may read, root neither
        assert self.run(checker) == 2
        assert capsys.readouterr().err == "check: /proc/self/mem cannot be read: input/output error\n"
