"""Builds are reproducible: place, time and umask leave no trace."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from harness.lacking import require_tools
from release.build import Built, build, differences, normalized_sdist
from release.errors import ReleaseError
from release.source import read_source, unpack_source

TIME = 1_790_000_000
SETUP = """
from setuptools import Extension, setup
setup(ext_modules=[Extension("demo._native", ["demo/native.cpp"], language="c++")])
"""
NATIVE = """
#include <Python.h>
#include <cassert>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "demo._native", __FILE__};
PyMODINIT_FUNC PyInit__native() {
    PyObject *module = PyModule_Create(&definition);
    assert(module);
    return module;
}
"""
FILES = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "demo"
version = "1.0"
[tool.setuptools]
packages = ["demo"]
""",
    "setup.py": SETUP,
    "demo/__init__.py": "",
    "demo/native.cpp": NATIVE,
}


def sdist_of(files: dict[str, bytes], *, mode: int, time: float, owner: str) -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uname = len(content), int(time), mode, owner
            archive.addfile(member, BytesIO(content))
    return packed.getvalue()


def test_source_distributions_with_the_same_files_have_the_same_bytes() -> None:
    files = {"demo/b": b"2", "demo/a": b"1"}
    first = normalized_sdist(sdist_of(files, mode=0o664, time=1e9, owner="alice"), TIME)
    second = normalized_sdist(sdist_of(dict(reversed(files.items())), mode=0o600, time=2e9, owner="bob"), TIME)
    assert first == second
    with tarfile.open(fileobj=BytesIO(first)) as archive:
        assert [(member.name, member.mode, member.mtime, member.uname) for member in archive] == [
            ("demo/a", 0o644, TIME, ""),
            ("demo/b", 0o644, TIME, ""),
        ]


def write_built(directory: Path, content: str) -> Built:
    directory.mkdir()
    (directory / "d.tar.gz").write_bytes(normalized_sdist(sdist_of({"d/a": b"1"}, mode=0o644, time=0, owner=""), TIME))
    with zipfile.ZipFile(directory / "d.whl", "w") as wheel:
        wheel.writestr(zipfile.ZipInfo("same"), "1")
        wheel.writestr(zipfile.ZipInfo("d.so"), content)
    return Built(directory / "d.tar.gz", directory / "d.whl")


def test_a_member_that_differs_is_named(tmp_path: Path) -> None:
    first, second = write_built(tmp_path / "1", "a"), write_built(tmp_path / "2", "b")
    assert differences(first, first) == []
    assert differences(first, second) == ["d.whl: d.so"]


def test_a_compiled_project_has_the_same_bytes_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    require_tools("c++")
    built = []
    for number, place in enumerate(("here", "another/place")):
        source = tmp_path / place
        for name, content in FILES.items():
            file = source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
            file.chmod((0o644, 0o600)[number])
            os.utime(file, (1e9 + number * 1e8,) * 2)
        built.append(build(source, tmp_path / f"out{number}", TIME))
    assert differences(*built) == []
    with zipfile.ZipFile(built[0].wheel) as wheel:
        [compiled] = [wheel.read(name) for name in wheel.namelist() if name.endswith(".so")]
    assert b"demo/native.cpp" in compiled
    assert str(tmp_path).encode() not in compiled
    assert b"__assert_fail" not in compiled  # flags of Python's own build, such as NDEBUG, are kept


def repository(directory: Path) -> Path:
    directory.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    (directory / "committed").write_text("1", encoding="utf-8")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], cwd=directory, check=True)
    remote = "https://alice:s3cret@git.example/lognotary"
    subprocess.run(["git", "remote", "add", "origin", remote], cwd=directory, check=True)
    return directory


def test_a_release_is_of_what_is_committed(tmp_path: Path) -> None:
    checkout = repository(tmp_path / "checkout")
    source = read_source(checkout)
    assert len(source.commit) == 40
    assert source.repository == "https://git.example/lognotary"  # without the password
    unpack_source(source, tmp_path / "unpacked", checkout)
    assert [file.name for file in (tmp_path / "unpacked").iterdir()] == ["committed"]
    (checkout / "new").touch()
    with pytest.raises(ReleaseError, match="git status"):
        read_source(checkout)
