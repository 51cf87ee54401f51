"""``check.py`` with exports: it accepts what servers export, and its command says so."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from harness.bundles import MemoryLog, encode_record
from server import cli
from server.notary.canonical import Value
from server.notary.keys import VerifierKey
from server.notary.origin import Stream
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
    of_content,
    says,
)


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
            "rows": "the entries of 6 rows are those of the manifest; the SHA-256 of 6 was computed from the content",
            "checkpoints": "2 of 2 signed by a key that was given",
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
            "the entries of 6 rows are those of the manifest; the SHA-256 of 0"
            in says(checker.report(content, manifest))["rows"]
        )

    def test_rows_of_other_formats_are_covered_by_the_sha256_of_the_file(self, checker: Checker) -> None:
        content, manifest = b"PAR1", replace(export()[1], file_format="parquet")
        report = checker.report(*of_content(content, manifest))
        assert report.holds
        assert says(report)["rows"] == "they are not read in files of this format: the file's SHA-256 covers them"
        assert list(checker.failed(content, manifest)) == ["file"]

    def test_bytes_that_are_not_utf8_are_computed_in_ndjson_and_not_in_csv(self, checker: Checker) -> None:
        values: dict[str, Value] = {"Body": b"\xff\xfe", "LogAttributes": [(b"\xff", b"1"), (b"k", b"\xfe")]}
        log = MemoryLog([encode_record(Stream.OPERATIONAL, values)], OPERATIONAL.name)
        for kind, computed in (("ndjson", 1), ("csv", 0)):
            report = checker.report(*export(kind, [(log, [0])]))
            assert report.holds
            assert (
                f"the entries of 1 row are those of the manifest; the SHA-256 of {computed} was" in says(report)["rows"]
            )

    def test_the_records_of_ocsf_events_are_computed(self, checker: Checker) -> None:
        content, manifest = export("ocsf", [(AUDIT, (1, 4, 5))])
        found = says(checker.report(content, manifest))["rows"]
        assert (
            found == "the entries of 3 rows are those of the manifest; the SHA-256 of 3 was computed from the content"
        )
        crlf = content.replace(b"\n", b"\r\n")
        assert "which is undone" in says(checker.report(crlf, manifest))["file"]

    def test_checkpoints_by_keys_that_were_not_given_are_told(self, checker: Checker) -> None:
        content, manifest = export()
        by_other = changed_log(manifest, 1, checkpoint=str(OPERATIONAL.checkpoint(3, STRANGER)))
        report = checker.report(content, by_other)
        assert report.holds
        [told] = report.not_checked
        assert told.startswith("the checkpoint of shop/operational/a, which is signed by no key that was given, but by")
        assert says(report)["checkpoints"] == "1 of 2 signed by a key that was given"
        assert checker.report(content, by_other, [OTHER_KEY, KEY]).not_checked == ()

    def test_keys_may_have_the_name_of_one_log_or_of_none(self, checker: Checker) -> None:
        report = checker.report(*export(), [replace(KEY, name=AUDIT.origin)])
        assert report.holds
        assert [told.partition(",")[0] for told in report.not_checked] == ["the checkpoint of shop/operational/a"]


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

    def test_a_step_that_checked_nothing_is_not_marked_as_a_success(
        self, checker: Checker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        content, manifest = b"PAR1", replace(export()[1], file_format="parquet")
        checker.write(*of_content(content, manifest))
        assert self.run(checker) == 0
        printed = capsys.readouterr().out
        assert "\n· rows         they are not read in files of this format" in printed
        assert "\n· checkpoints  none is signed by a key that was given\n" in printed
        assert "\n· not checked: the checkpoint of shop/audit/a, which is signed by no key that was given" in printed

    def test_an_export_that_does_not_hold_ends_with_status_1(
        self, checker: Checker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        content, manifest = export()
        checker.write(content + b"{}\n", manifest)
        assert self.run(checker) == 1
        assert "✘ The file is not what the manifest says." in capsys.readouterr().out
        assert self.run(checker, "--json") == 1
        assert json.loads(capsys.readouterr().out)["holds"] is False

    def test_an_export_by_an_unknown_signer_is_not_said_to_be_another_file(
        self, checker: Checker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        checker.write(*export())
        arguments = ["check", str(checker.file), str(checker.manifest), "--public-key"]
        assert cli.main([*arguments, str(VerifierKey("lognotary/export", OTHER_KEY.public))]) == 1
        printed = capsys.readouterr().out
        assert printed.rstrip().endswith("✘ The export is not proved.")
        assert "The file is not" not in printed

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
