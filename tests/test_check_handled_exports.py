"""``check.py`` with exports that people handled: they hold if their content is the same, else the damage is named."""

from __future__ import annotations

import bz2
import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.bundles import MemoryLog, encode_record
from server import check
from server.notary.origin import LogName, Stream
from tests.checked_exports import KEY, OTHER_KEY, Checker, export, note_of
from tests.checked_exports import says as says_of_export
from tests.saved_again import crlf, marked, utf_16, utf_16_be, zipped

LINES = MemoryLog(
    [encode_record(Stream.OPERATIONAL, {"Body": f'first\nsecond "{number}"'.encode()}) for number in range(3)],
    LogName("shop", Stream.OPERATIONAL, "a"),
)


class TestExports:
    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    @pytest.mark.parametrize(
        "change",
        [
            lambda content: content.replace(b"\r\n", b"\n"),
            lambda content: crlf(content.replace(b"\r\n", b"\n")),
            marked,
            utf_16,
            utf_16_be,
            lambda content: marked(content.replace(b"\r\n", b"\n")),
        ],
        ids=["LF", "CRLF", "mark", "UTF-16", "UTF-16BE", "mark and LF"],
    )
    def test_a_file_whose_content_is_the_same_holds(
        self, tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
    ) -> None:
        content, manifest = export(kind)
        report = Checker(tmp_path).report(change(content), manifest)
        assert report.holds
        told = "line endings or its encoding, which is undone" in says_of_export(report)["file"]
        assert told == (change(content) != content)

    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    @pytest.mark.parametrize(
        "change",
        [
            lambda content: marked(marked(content)),
            lambda content: content.decode().encode("utf-16-le"),
            lambda content: content.replace(b"\n", b"\r\n"),
            lambda content: content.rstrip(b"\r\n"),
            lambda content: content + b"\r\n\n",
            lambda content: content.replace(b"\r\n", b"\n")[:-1],
            lambda content: utf_16(marked(content.replace(b"\n", b"\r\n"))),
        ],
        ids=["two marks", "UTF-16LE", "text mode", "no last end", "more ends", "LF and no last end", "all"],
    )
    def test_a_file_that_was_saved_badly_holds_too(
        self, tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
    ) -> None:
        content, manifest = export(kind, [(LINES, range(3))])
        report = Checker(tmp_path).report(change(content), manifest)
        assert report.holds
        assert "line endings or its encoding, which is undone" in says_of_export(report)["file"]

    @pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
    @pytest.mark.parametrize(
        ("pack", "how"),
        [
            (gzip.compress, "it was compressed with gzip"),
            (lambda content: zipped({"export": content}), "it was packed in a zip file"),
            (lambda content: zipped({"__MACOSX/._e": b"", "a/b": b"other", "a/e": content}), "packed in a zip file"),
        ],
        ids=["gzip", "zip", "zip of several"],
    )
    def test_a_file_that_was_packed_is_unpacked(
        self, tmp_path: Path, kind: str, pack: Callable[[bytes], bytes], how: str
    ) -> None:
        content, manifest = export(kind)
        report = Checker(tmp_path).report(pack(content), manifest)
        assert report.holds
        assert f"{how}, which is undone" in says_of_export(report)["file"]
        if kind != "parquet":
            both = Checker(tmp_path).report(pack(marked(content)), manifest)
            assert f"{how} and a program has changed" in says_of_export(both)["file"]
            assert both.holds

    @pytest.mark.parametrize(
        "pack",
        [
            bz2.compress,
            lambda content: gzip.compress(content)[:-20],
            lambda content: gzip.compress(content)[:12] + b"\xff" * 60,
            lambda content: gzip.compress(content + b"x" * (5 << 20)),
            lambda content: zipped({"export": content + b"x"}),
            lambda content: zipped({"a": b"", "b": b"", "c": b"", "d": content}),
            lambda content: zipped({"export": content}) + b"a comment",
            lambda content: zipped({"export": content})[:200] + b"\xff" * 8 + zipped({"export": content})[208:],
            lambda content: zipped({"export": content}).replace(b"PK\1\2", b"PK\1\0"),
            lambda content: zipped({"export": content}, zipfile.ZIP_BZIP2),
        ],
    )
    def test_an_archive_that_does_not_have_the_file_is_named(
        self, tmp_path: Path, pack: Callable[[bytes], bytes]
    ) -> None:
        content, manifest = export("ndjson")
        why = Checker(tmp_path).failed(pack(content), manifest)
        assert why["file"].endswith("It is an archive or a compressed file: unpack it, and check the file in it")
        assert why["rows"].startswith("the rows cannot be read: the file is not UTF-8") or "row" in why["rows"]

    def test_a_carriage_return_at_the_edge_of_a_piece_is_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content, manifest = export("csv", [(LINES, range(3))])
        checker = Checker(tmp_path)
        checker.write(content.replace(b"\n", b"\r\n"), manifest)
        parsed = check.parse_manifest(note_of(manifest))
        monkeypatch.setattr(check, "_ENDS", ("\n",))
        for size in range(20, 60):
            monkeypatch.setattr(check, "_MIB", size)
            found = check._as_exported(parsed, checker.file, [KEY])
            assert found is not None
            with found[0] as made:
                made.seek(0)
                assert made.read() == content

    def test_a_last_carriage_return_is_kept_too(self, tmp_path: Path) -> None:
        content, _ = export("csv")
        file = tmp_path / "file"
        file.write_bytes(content + b"\r")
        with file.open("rb") as source, (tmp_path / "made").open("wb+") as made:
            assert check._rewrite(source, "", "\n", made, len(content))
            made.seek(0)
            assert made.read() == content.replace(b"\r\n", b"\n") + b"\r"

    def test_a_directory_is_not_taken_for_an_export(self, tmp_path: Path) -> None:
        checker = Checker(tmp_path)
        checker.write(*export("csv"))
        with pytest.raises(check.UnusableError, match="is a directory: give the exported file itself"):
            check.check_export(tmp_path, checker.manifest, [KEY])

    @pytest.mark.parametrize("kind", ["ndjson", "csv"])
    @pytest.mark.parametrize(
        "change",
        [
            lambda content: content.replace(b"alice", b"mallo"),
            lambda content: content + b"\n" * 70 + b"x",
            lambda content: content[:-9],
            lambda content: b"?" + content,
            lambda content: marked(content.replace(b"alice", b"mallo")),
            lambda content: content + b"x" * (3 << 20),
            lambda content: b"\xff\xfe" + content + b"\n" * (len(content) % 2 + 1),
            lambda content: content + b"\xff",
        ],
    )
    def test_a_file_whose_content_is_another_does_not(
        self, tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
    ) -> None:
        content, manifest = export(kind)
        assert "the file is another one" in Checker(tmp_path).failed(change(content), manifest)["file"]

    def test_a_corrected_copy_that_cannot_be_written_is_an_error_and_not_a_verdict(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content, manifest = export("csv")
        checker = Checker(tmp_path)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
        assert checker.report(content, manifest).holds, "a file that is as it was needs no copy"
        with pytest.raises(check.UnusableError, match="directory of temporary files"):
            checker.report(marked(content), manifest)
        with Path("/dev/full").open("wb+", buffering=0) as full:
            monkeypatch.setattr("tempfile.TemporaryFile", lambda: full)
            with pytest.raises(check.UnusableError, match="no corrected copy"):
                checker.report(marked(content), manifest)

    @pytest.mark.parametrize("change", [crlf, marked, utf_16, lambda content: content.replace(b"\r\n", b"\n")])
    def test_lines_within_texts_are_no_ends_of_rows(self, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
        content, manifest = export("csv", [(LINES, range(3))])
        assert b"first\nsecond" in content
        assert b"\r\n" in content
        changed = change(content.replace(b"\r\n", b"\n") if change is crlf else content)
        assert Checker(tmp_path).report(changed, manifest).holds

    def test_a_copy_is_made_for_the_size_in_a_signed_manifest_only(self, tmp_path: Path) -> None:
        content, manifest = export("csv")
        report = Checker(tmp_path).report(marked(content), manifest, [OTHER_KEY])
        assert {step.name for step in report.steps if not step.holds} >= {"signature", "file"}

    def test_rows_of_a_file_that_is_too_large_are_not_read(self, tmp_path: Path) -> None:
        content, manifest = export("ndjson")
        why = Checker(tmp_path).failed(content + bytes(3 << 20), manifest)
        assert why["rows"] == "they are not read, because the file is larger than the manifest says"

    @pytest.mark.parametrize("name", ["file", "manifest"])
    def test_what_is_no_regular_file_is_refused(self, tmp_path: Path, name: str) -> None:
        checker = Checker(tmp_path)
        checker.write(*export("csv"))
        (tmp_path / name).unlink()
        os.mkfifo(tmp_path / name)
        with pytest.raises(check.UnusableError, match="not a regular file"):
            check.check_export(checker.file, checker.manifest, [KEY])

    @pytest.mark.parametrize("change", [crlf, marked, utf_16])
    def test_a_manifest_that_a_program_saved_again_is_read(
        self, tmp_path: Path, change: Callable[[bytes], bytes]
    ) -> None:
        content, manifest = export("csv")
        checker = Checker(tmp_path)
        checker.write(content, manifest)
        assert checker.report(content, change(checker.manifest.read_bytes())).holds
