"""A wheel that is built from a source distribution has the explorer, and nothing of its sources."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from build_support.node import find_node
from harness.lacking import lacking
from release.build import Built, build, differences
from release.script_packages import read_script_packages

ROOT = Path(__file__).parents[2]
STATIC = "server/explorer/static/"


def copy_sources(directory: Path) -> Path:
    """Copy what git knows or would add, so that a test is about the files as they are; returns the directory."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, directory / name
        if source.is_file() and not name.startswith(("tests/", "benchmarks/", "docs/", "harness/")):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    return directory


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Built]:
    """The distributions, built twice in different places; the compiled code is left out, as it takes minutes."""
    if find_node() is None:
        lacking("Node.js 20.19 or newer with npm")
    directory = tmp_path_factory.mktemp("built")
    found = []
    for number, place in enumerate(("here", "another/place")):
        source = copy_sources(directory / place)
        native = source / "server" / "codec" / "native", source / "server" / "notary" / "native"
        for broken in (folder / "binding.pyx" for folder in native):
            broken.write_text("# no compiled code\n")
        for folder in native:
            for file in folder.glob("*.cpp"):
                file.write_text("#error left out\n")
        found.append(build(source, directory / f"out{number}", 1_790_000_000))
    return found


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_the_wheel_has_the_explorer_and_its_licences(built: list[Built]) -> None:
    names = members(built[0].wheel)
    page = {f"{STATIC}{name}" for name in ("index.html", "bundle.html", "licences.txt", "packages.json")}
    assert page <= names
    with zipfile.ZipFile(built[0].wheel) as wheel:
        index = wheel.read(f"{STATIC}index.html").decode()
        licences = wheel.read(f"{STATIC}licences.txt").decode()
    loaded = {f"{STATIC}{path}" for path in names_of_assets(index)}
    assert len(loaded) >= 3
    assert loaded <= names
    packages = read_script_packages(built[0].wheel)
    assert {"preact", "@preact/signals"} <= {package.name for package in packages}
    assert all(f"{package.name} {package.version} ({package.license})" in licences for package in packages)


def names_of_assets(index: str) -> list[str]:
    return [part.partition('"')[0] for part in index.split('="/')[1:] if part.startswith("assets/")]


def test_the_wheel_has_no_sources_of_the_explorer_and_no_code_of_the_build(built: list[Built]) -> None:
    names = members(built[0].wheel)
    assert [name for name in names if "/web/" in name or "node_modules" in name or "build_support" in name] == []
    assert {name.rpartition(".")[2] for name in names if name.startswith(STATIC)} <= {
        *("html", "txt", "json", "js", "css", "svg")
    }


def test_the_source_distribution_has_what_the_explorer_is_built_from_and_nothing_of_others(built: list[Built]) -> None:
    with tarfile.open(built[0].sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"server/explorer/web/package-lock.json", "server/explorer/web/build.mjs"} <= names
    assert {"build_support/explorer.py", "setup.py", "requirements.txt"} <= names
    assert [name for name in names if "node_modules" in name or name.startswith((STATIC, "tests/"))] == []


def test_the_same_sources_give_the_same_bytes(built: list[Built]) -> None:
    assert differences(*built) == []
