"""``check.py`` reads directories and zip files, and refuses harmful ones."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server import check
from server.commands.bundles import save_bundle
from tests.checked_bundles import BUNDLE, FIRST, READ, failed, key
from tests.saved_again import zipped


class TestFiles:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_a_zip_file_that_others_packed_is_read(self, method: int, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({"key-changes/": b"", **BUNDLE}, method))
        files = check.read_bundle(file)
        assert {name: files[name] for name in READ} == {name: BUNDLE[name] for name in READ}

    @pytest.mark.parametrize("name", ["record.bin", "record.json", "checkpoint", "key-changes/0001"])
    def test_a_file_that_unpacks_to_a_giant_is_refused_before_it_does(self, name: str, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**BUNDLE, name: bytes(130 << 20)}))
        with pytest.raises(check.RefusedError, match="larger"):
            check.read_bundle(file)

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_a_method_of_compression_that_knows_no_limit_is_refused(self, method: int, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped(BUNDLE, method))
        with pytest.raises(check.RefusedError, match="deflate"):
            check.read_bundle(file)

    def test_a_zip_file_that_was_cut_off_is_not_taken_for_the_signed_note_in_it(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped(BUNDLE, zipfile.ZIP_STORED)[:-100])
        with pytest.raises(check.RefusedError, match="not a valid zip file"):
            check.read_bundle(file)

    def test_what_is_neither_a_directory_nor_a_file_is_refused(self) -> None:
        with pytest.raises(check.UnusableError, match="/dev/null is neither a directory nor a zip file or HTML file"):
            check.read_bundle(Path("/dev/null"))

    def test_a_giant_that_is_not_checked_is_not_read(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**BUNDLE, "video.mp4": bytes(32 << 20)}))
        assert check.read_bundle(file)["video.mp4"] == b""

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_zip_file_that_has_a_file_twice_is_refused(self, tmp_path: Path) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for name, content in [*BUNDLE.items(), ("record.json", b"{}")]:
                file.writestr(name, content)
        (tmp_path / "bundle.zip").write_bytes(archive.getvalue())
        with pytest.raises(check.RefusedError, match="twice"):
            check.read_bundle(tmp_path / "bundle.zip")

    @pytest.mark.parametrize("prefix", ["../", "/", "..\\", "../../etc/"])
    def test_names_that_lead_elsewhere_are_only_names(self, prefix: str, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({prefix + name: content for name, content in BUNDLE.items()}))
        assert "record.bin" not in check.read_bundle(file)
        assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:0],
            lambda data: data[:2],
            lambda data: data[:-1],
            lambda data: data + b"\0",
            lambda data: data[100:],
            lambda data: bytes(len(data) - 22) + data[-22:],
            lambda data: data.replace(b"PK\1\2", b"PK\1\3"),
            lambda data: data.replace(b"PK\3\4", b"PK\3\5"),
            lambda data: data.replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x63\0"),  # an unknown method of compression
            lambda data: data.replace(b"\x14\0\0\0", b"\x14\0\1\0"),  # encrypted
            lambda data: data[:-10] + b"\xff\xff\xff\xff" + data[-6:],  # a directory of 4 GiB
        ],
    )
    def test_a_zip_file_that_is_broken_is_refused(self, damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(damage(zipped(BUNDLE)))
        with pytest.raises(check.RefusedError):
            check.parse(check.read_bundle(file), [], [])

    @pytest.mark.parametrize("begin", [b"\x1f\x8b", b"BZh9", b"7z\xbc\xaf", b"\xfd7zXZ"])
    def test_another_archive_is_named_as_one(self, begin: bytes, tmp_path: Path) -> None:
        file = tmp_path / "bundle.tgz"
        file.write_bytes(begin + bytes(100))
        with pytest.raises(check.RefusedError, match="another archive than a zip file: unpack it"):
            check.read_bundle(file)

    def test_what_is_no_plain_file_is_not_opened(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        for name, make in (("record.bin", os.mkfifo), ("record.json", Path.mkdir), ("checkpoint", link_to_zeros)):
            (tmp_path / "bundle" / name).unlink()
            make(tmp_path / "bundle" / name)
        why = failed(check.check(check.read_bundle(tmp_path / "bundle"), [key(FIRST)]))
        assert why == {"files": "missing: record.bin, record.json, checkpoint"}

    def test_too_many_key_changes_are_not_read(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**BUNDLE, **{f"key-changes/{number:04}": b"" for number in range(1, 1002)}}))
        with pytest.raises(check.RefusedError, match="1000"):
            check.read_bundle(file)


def link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")
