"""Packaging: an installation has every package, and requirements.txt pins what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def names(requirements: list[str]) -> set[str]:
    """Return the names of distributions (PEP 503), without the project's own."""
    found = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found} - {"lognotary"}


def test_every_package_is_installed() -> None:
    modules = [file for room in ("server", "storage") for file in (ROOT / room).rglob("*.py")]
    packages = {".".join(file.parent.relative_to(ROOT).parts) for file in modules}
    listed = PYPROJECT["tool"]["setuptools"]["packages"]
    assert packages | {"lognotary.v1"} == set(listed)
    assert len(listed) == len(set(listed))


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = names([line for line in lines if "==" in line])
    wanted = [*PYPROJECT["project"]["dependencies"], *chain.from_iterable(EXTRAS.values())]
    assert names(wanted) <= pinned


def test_development_installs_every_extra() -> None:
    [own] = [requirement for requirement in EXTRAS["dev"] if requirement.startswith("lognotary[")]
    assert own == f"lognotary[{','.join(sorted(EXTRAS.keys() - {'dev'}))}]"


def test_embedded_storage_is_installed_only_by_its_extra() -> None:
    large = {"chdb", "chdb-core", "pandas", "pyarrow"}
    assert not names(PYPROJECT["project"]["dependencies"]) & large
    assert names(EXTRAS["embedded"]) == {"chdb"}
    assert "lognotary[embedded]" in EXTRAS["demo"]
