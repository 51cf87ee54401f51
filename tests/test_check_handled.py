"""``check.py`` with evidence that people handled: it holds if its content is the same, else the damage is named."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.bundles import MemoryLog, encode_record
from server import check
from server.commands.bundles import save_bundle
from server.notary.origin import LogName, Stream
from tests.checked_bundles import BUNDLE, FIRST, LOG, READ, SECOND, failed, key, says
from tests.saved_again import JUNK, crlf, marked, utf_16, utf_16_be, zipped

TEXTS = sorted(READ - {"record.bin"})
PROVED = check.check(BUNDLE, [key(FIRST)]).proved


PROGRAMS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "mail": (crlf, "has CRLF at the ends of its lines"),
    "editor": (marked, "has a byte order mark"),
    "notepad": (lambda content: marked(crlf(content)), "has a byte order mark and has CRLF at the ends of its lines"),
    "redirection": (utf_16, "was saved as UTF-16"),
    "big-endian": (utf_16_be, "was saved as UTF-16"),
    "little-endian": (lambda content: content.decode().encode("utf-16-le"), "was saved as UTF-16"),
    "unmarked": (lambda content: content.decode().encode("utf-16-be"), "was saved as UTF-16"),
    "powershell": (lambda content: utf_16(crlf(content)), "was saved as UTF-16 and has CRLF at the ends of its lines"),
}


def assert_proved(files: Mapping[str, bytes], *undone: str) -> None:
    report = check.check(files, [key(FIRST)])
    assert failed(report) == {}
    assert report.proved == PROVED
    for what in undone:
        assert what in says(report, "files")
    assert ("in transit" in says(report, "files")) == bool(undone)


class TestTexts:
    @pytest.mark.parametrize("program", PROGRAMS)
    @pytest.mark.parametrize("name", TEXTS)
    def test_a_text_that_a_program_saved_again_is_read_as_it_was_written(self, name: str, program: str) -> None:
        change, what = PROGRAMS[program]
        assert_proved({**BUNDLE, name: change(BUNDLE[name])}, f"{name} {what}")

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_all_texts_and_key_changes_may_be_saved_again(self, program: str) -> None:
        change, what = PROGRAMS[program]
        files = LOG.bundle(5, LOG.checkpoint(11, SECOND), key_changes=[LOG.key_change(6, 2, FIRST, SECOND)])
        handled = {name: content if name == "record.bin" else change(content) for name, content in files.items()}
        report = check.check(handled, [key(FIRST)])
        assert failed(report) == {}
        assert f"key-changes/0001 {what}" in says(report, "files")

    @pytest.mark.parametrize("name", TEXTS)
    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (lambda content: content.replace(b"\n", b"\r\n", 2), "carriage returns"),
            (lambda content: content.replace(b"\n", b"\r"), "carriage returns"),
            (lambda _: b"", "it is empty"),
            (lambda content: b"\xff\xfe" + content + b"\n" * (len(content) % 2 + 1), "not UTF-8"),
            (lambda content: b"\xff\xfe\x00\xd8" + content, "not UTF-8"),
        ],
    )
    def test_a_text_that_cannot_be_turned_back_is_named_with_what_was_done_to_it(
        self, name: str, damage: Callable[[bytes], bytes], words: str
    ) -> None:
        changed = damage(BUNDLE[name])
        report = check.check({**BUNDLE, name: changed}, [key(FIRST)])
        if name == "record.json" and b"\r" in changed:
            assert report.proved == PROVED  # the ends of lines mean nothing in JSON
        else:
            assert name in failed(report)["files"]
            if name != "record.json":
                assert words in failed(report)["files"]

    def test_a_checkpoint_with_characters_that_a_program_replaced_is_named(self) -> None:
        checkpoint = BUNDLE["checkpoint"].replace("—".encode(), "\N{REPLACEMENT CHARACTER}".encode())
        report = check.check({**BUNDLE, "checkpoint": checkpoint}, [key(FIRST)])
        assert "replaced bytes that it could not read; ask for the bundle again" in failed(report)["files"]

    @pytest.mark.parametrize("name", [name for name in TEXTS if name != "record.json"])
    @pytest.mark.parametrize(
        ("change", "what"),
        [
            (lambda content: content.replace(b"\n", b" \t\n"), "has blanks at the ends of its lines"),
            (lambda content: content.rstrip(b"\n"), "ends with more or fewer line ends"),
            (lambda content: content + b"\n\n", "ends with more or fewer line ends"),
            (
                lambda content: crlf(content.replace(b"\n", b" \n") + b"\n"),
                "blanks at the ends of its lines and ends with",
            ),
        ],
    )
    def test_blanks_and_line_ends_that_were_added_or_are_missing_are_undone(
        self, name: str, change: Callable[[bytes], bytes], what: str
    ) -> None:
        assert_proved({**BUNDLE, name: change(BUNDLE[name])}, what)

    def test_blanks_in_record_json_mean_nothing(self) -> None:
        assert_proved({**BUNDLE, "record.json": BUNDLE["record.json"].replace(b"\n", b" \n") + b"\n\n"})


class TestRecord:
    LOG = MemoryLog([encode_record(Stream.AUDIT, {"Body": f"first\nsecond {number}".encode()}) for number in range(9)])
    FILES = LOG.bundle(5, LOG.checkpoint(7, FIRST))

    def test_line_feeds_that_became_crlf_are_turned_back_as_the_proof_shows(self) -> None:
        report = check.check({**self.FILES, "record.bin": crlf(self.FILES["record.bin"])}, [key(FIRST)])
        assert failed(report) == {}
        assert "record.bin has CRLF where it had line feeds" in says(report, "files")

    @pytest.mark.parametrize(
        "encode", [base64.b64encode, base64.encodebytes, lambda raw: crlf(base64.encodebytes(raw))]
    )
    def test_a_record_that_was_saved_in_base64_is_decoded(self, encode: Callable[[bytes], bytes]) -> None:
        assert_proved({**BUNDLE, "record.bin": encode(BUNDLE["record.bin"])}, "record.bin was saved in base64")

    @pytest.mark.parametrize("record", [base64.b64encode(b"another record"), b"AAA", b""])
    def test_another_record_in_base64_proves_nothing(self, record: bytes) -> None:
        assert "inclusion" in failed(check.check({**BUNDLE, "record.bin": record}, [key(FIRST)]))

    def test_another_record_with_crlf_proves_nothing(self) -> None:
        other = crlf(self.LOG.records[4])
        report = check.check({**self.FILES, "record.bin": other}, [key(FIRST)])
        assert "or a program took it for a text" in failed(report)["inclusion"]

    def test_a_record_that_a_program_took_for_a_text_is_named(self) -> None:
        damaged = BUNDLE["record.bin"].decode(errors="replace").encode()
        why = failed(check.check({**BUNDLE, "record.bin": damaged}, [key(FIRST)]))
        assert "or a program took it for a text" in why["inclusion"]

    @pytest.mark.parametrize("body", [b"forged", b"with a length of 0x0d", bytes(13)])
    def test_a_record_that_was_altered_is_not_excused(self, body: bytes) -> None:
        altered = encode_record(Stream.AUDIT, {"Body": body})
        why = failed(check.check({**BUNDLE, "record.bin": altered}, [key(FIRST)]))
        assert why["inclusion"].endswith("root hash")


class TestNames:
    @pytest.mark.parametrize("name", sorted(READ))
    def test_a_file_that_was_renamed_is_recognised_by_its_content(self, name: str) -> None:
        files = {(f"copy of {path}.txt" if path == name else path): content for path, content in BUNDLE.items()}
        assert_proved(files, f"copy of {name}.txt is {name} under another name")

    def test_all_files_may_be_renamed_and_saved_again(self) -> None:
        names = {name: f"evidence-{number}" for number, name in enumerate(sorted(BUNDLE))}
        handled = {name: content if name == "record.bin" else crlf(content) for name, content in BUNDLE.items()}
        assert_proved({names[name]: content for name, content in handled.items()}, "under another name")

    def test_key_changes_that_were_renamed_are_put_in_their_order(self) -> None:
        changes = [LOG.key_change(6, 2, FIRST, SECOND), LOG.key_change(9, 5, SECOND, FIRST)]
        files = LOG.bundle(5, LOG.checkpoint(11, FIRST), key_changes=changes)
        files["b.txt"], files["a.txt"] = files.pop("key-changes/0001"), files.pop("key-changes/0002")
        report = check.check(files, [key(FIRST)])
        assert failed(report) == {}
        assert "b.txt and a.txt are key changes under other names" in says(report, "files")

    @pytest.mark.parametrize("name", sorted(READ))
    def test_one_of_two_files_that_may_be_the_missing_one_is_not_chosen(self, name: str) -> None:
        files = {path: content for path, content in BUNDLE.items() if path != name}
        other = LOG.bundle(4, LOG.checkpoint(9, FIRST))[name]
        why = failed(check.check({**files, "a": BUNDLE[name], "b": other}, [key(FIRST)]))
        if name == "record.bin":
            assert why == {}, "the proof tells which one it is"
        else:
            assert why == {"files": f"{name} is missing, and may be a or b: leave only one of them"}

    @pytest.mark.parametrize("name", sorted(READ))
    def test_two_copies_of_the_missing_file_are_as_good_as_one(self, name: str) -> None:
        files = {path: content for path, content in BUNDLE.items() if path != name}
        assert_proved({**files, "a": BUNDLE[name], "b": BUNDLE[name]}, f"a is {name} under another name")

    def test_a_file_with_its_own_name_is_taken_whatever_lies_beside_it(self) -> None:
        other = LOG.bundle(4, LOG.checkpoint(9, FIRST))
        assert_proved({**BUNDLE, **{f"{name} (1)": content for name, content in other.items()}})


class TestArchives:
    @pytest.mark.parametrize("prefix", ["bundle/", "Downloads/bundle/", "./", "./bundle/", "bundle\\", "a/b/c/"])
    @pytest.mark.parametrize("added", [{}, JUNK], ids=["plain", "with junk"])
    def test_a_zip_file_that_a_file_manager_made_is_read(
        self, prefix: str, added: Mapping[str, bytes], tmp_path: Path
    ) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**{prefix + name: content for name, content in BUNDLE.items()}, **added}))
        assert_proved(check.read_bundle(file))
        assert not any("DS_Store" in name for name in check.check(check.read_bundle(file), [key(FIRST)]).not_checked)

    def test_key_changes_are_found_in_a_folder_too(self, tmp_path: Path) -> None:
        files = LOG.bundle(5, LOG.checkpoint(11, SECOND), key_changes=[LOG.key_change(6, 2, FIRST, SECOND)])
        (tmp_path / "bundle.zip").write_bytes(zipped({f"bundle/{name}": content for name, content in files.items()}))
        assert failed(check.check(check.read_bundle(tmp_path / "bundle.zip"), [key(FIRST)])) == {}

    def test_key_changes_without_their_folder_are_found(self, tmp_path: Path) -> None:
        files = LOG.bundle(5, LOG.checkpoint(11, SECOND), key_changes=[LOG.key_change(6, 2, FIRST, SECOND)])
        files["0001"] = files.pop("key-changes/0001")
        (tmp_path / "bundle.zip").write_bytes(zipped(files))
        report = check.check(check.read_bundle(tmp_path / "bundle.zip"), [key(FIRST)])
        assert failed(report) == {}
        assert "0001 are key changes" in says(report, "files")

    def test_a_key_change_of_another_log_that_lies_beside_is_left_alone(self) -> None:
        other = MemoryLog(LOG.records, LogName("shop", Stream.AUDIT, "b"))
        report = check.check({**BUNDLE, "other": other.key_change(6, 2, FIRST, SECOND).encode()}, [key(FIRST)])
        assert report.proved == PROVED
        assert "other" in report.not_checked

    def test_a_note_that_is_not_utf_8_is_one_of_the_other_files(self) -> None:
        change = LOG.key_change(6, 2, FIRST, SECOND).encode()
        report = check.check({**BUNDLE, "other": change.replace("—".encode(), b"\xff")}, [key(FIRST)])
        assert report.proved == PROVED

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_files_that_are_not_needed_may_be_of_any_kind(self, tmp_path: Path) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for name, content in BUNDLE.items():
                file.writestr(name, content)
            file.writestr("other", b"compressed otherwise", zipfile.ZIP_BZIP2)
            file.writestr("broken", b"content that is broken")
        (tmp_path / "bundle.zip").write_bytes(archive.getvalue().replace(b"content that is", b"content that was"[:15]))
        assert_proved(check.read_bundle(tmp_path / "bundle.zip"))

    def test_a_large_record_that_is_not_proved_is_not_parsed(self) -> None:
        files = {**BUNDLE, "record.bin": b"\xfe" + b"\xff" * 7 + bytes(2 << 20)}
        why = failed(check.check(files, [key(FIRST)]))
        assert why["record.json"] == "it is not read, because record.bin is large and is not proved"

    def test_very_large_files_are_not_parsed(self) -> None:
        files = {name: content for name, content in BUNDLE.items() if name != "record.json"}
        large = b" " * (2 << 20) + BUNDLE["record.json"]
        assert failed(check.check({**files, "a": large}, [key(FIRST)])) == {"files": "missing: record.json"}

    def test_a_name_that_is_there_twice_in_two_spellings_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "bundle.zip").write_bytes(zipped({**BUNDLE, "./checkpoint": b""}))
        with pytest.raises(check.RefusedError, match="'checkpoint' occurs twice"):
            check.read_bundle(tmp_path / "bundle.zip")

    @pytest.mark.parametrize("inside", ["bundle", "a/bundle", "a/b/bundle"])
    def test_a_directory_that_was_unpacked_into_another_is_read(self, inside: str, tmp_path: Path) -> None:
        place = tmp_path / "unpacked" / inside
        place.parent.mkdir(parents=True)
        save_bundle(BUNDLE, place)
        (tmp_path / "unpacked" / ".DS_Store").write_bytes(b"x")
        assert_proved(check.read_bundle(tmp_path / "unpacked"))

    def test_a_bundle_that_lies_too_deep_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / "a/b/c/d").mkdir(parents=True)
        save_bundle(BUNDLE, tmp_path / "a/b/c/d/e")
        assert failed(check.check(check.read_bundle(tmp_path), [key(FIRST)]))["files"].startswith("missing")

    def test_renamed_files_are_read_from_archives_unless_they_are_giants(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        renamed = {f"{name}.txt": content for name, content in BUNDLE.items()}
        file.write_bytes(zipped({**renamed, "film": bytes(130 << 20)}))
        files = check.read_bundle(file)
        assert files["film"] == b""
        assert_proved(files, "record.bin.txt is record.bin under another name")

    def test_other_files_are_not_read_if_there_are_many(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        renamed = {("checkpoint.txt" if name == "checkpoint" else name): content for name, content in BUNDLE.items()}
        file.write_bytes(zipped({**renamed, **{f"other {number}": b"x" for number in range(30)}}))
        assert failed(check.check(check.read_bundle(file), [key(FIRST)])) == {"files": "missing: checkpoint"}

    @pytest.mark.parametrize("times", [1, 2])
    def test_a_zip_file_in_a_zip_file_or_in_a_folder_is_unpacked(self, times: int, tmp_path: Path) -> None:
        packed = zipped(BUNDLE)
        for _ in range(times):
            packed = zipped({"bundle.zip": packed, "__MACOSX/._bundle.zip": b"x"})
        (tmp_path / "bundle.zip").write_bytes(packed)
        assert_proved(check.read_bundle(tmp_path / "bundle.zip"))
        assert_proved(check.read_bundle(tmp_path))

    def test_a_zip_file_that_was_packed_very_often_is_not_unpacked(self, tmp_path: Path) -> None:
        packed = zipped(BUNDLE)
        for _ in range(5):
            packed = zipped({"bundle.zip": packed})
        (tmp_path / "bundle.zip").write_bytes(packed)
        assert failed(check.check(check.read_bundle(tmp_path / "bundle.zip"), [key(FIRST)]))["files"].startswith(
            "missing"
        )

    def test_of_several_bundles_none_is_chosen(self, tmp_path: Path) -> None:
        (tmp_path / "both").mkdir()
        for name in ("a", "b"):
            save_bundle(BUNDLE, tmp_path / "both" / name)
        with pytest.raises(check.RefusedError, match=r"several bundles: check one at a time: .*both/a, .*both/b"):
            check.read_bundle(tmp_path)
        both = zipped({f"x/{folder}/{name}": content for folder in "ab" for name, content in BUNDLE.items()})
        (tmp_path / "both.zip").write_bytes(both)
        with pytest.raises(check.RefusedError, match="several bundles: unpack them, and check one at a time: a, b"):
            check.read_bundle(tmp_path / "both.zip")

    def test_a_bundle_in_a_folder_beside_other_files_is_found(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        (tmp_path / "letter.txt").write_text("see the bundle")
        assert_proved(check.read_bundle(tmp_path))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_key_file_that_a_program_saved_again_is_read(program: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    for text in (FIRST.public_pem().decode(), f"{FIRST.verifier_key(LOG.origin)}\n"):
        file.write_bytes(PROGRAMS[program][0](text.encode()))
        (read,) = check.read_keys([str(file)], check.ED25519)
        assert read.public == key(FIRST).public
