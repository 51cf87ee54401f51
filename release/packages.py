"""The packages that are installed with a wheel, at the versions that requirements.txt pins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.errors import ReleaseError

__all__ = ["Package", "reachable", "read_packages", "resolve"]

_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package at a version.

    Attributes:
        name: its normalized name (PEP 503).
        version: its version.
        sha256: SHA-256 of its wheel, in hexadecimal.
        url: address of its wheel.
        license: SPDX expression, or the name of a license; empty if the package states none.
        requires: normalized names of packages that it needs here.
    """

    name: str
    version: str
    sha256: str
    url: str
    license: str = ""
    requires: tuple[str, ...] = ()


def resolve(requirements: Sequence[str], constraints: Path) -> list[Package]:
    """Ask PyPI for the wheels that requirements are installed from, without installing anything.

    Raises:
        ReleaseError: pip cannot resolve them.
    """
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--report", "-", "--quiet"]
    command += ["--only-binary", ":all:", "--constraint", str(constraints), *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"pip cannot resolve the dependencies: {done.stderr.strip()}")
    return read_packages(json.loads(done.stdout))


def read_packages(report: Mapping[str, Any]) -> list[Package]:
    """Return the packages in an installation report of pip, sorted by name."""
    items = report["install"]
    names = {canonicalize_name(item["metadata"]["name"]) for item in items}
    found = []
    for item in items:
        about, source = item["metadata"], item["download_info"]
        extras = item.get("requested_extras", [])
        found.append(
            Package(
                name=canonicalize_name(about["name"]),
                version=about["version"],
                sha256=source["archive_info"]["hashes"]["sha256"],
                url=source["url"],
                license=_license(about["name"], about["version"]),
                requires=tuple(sorted(names & set(_needed(about.get("requires_dist", []), extras)))),
            )
        )
    return sorted(found, key=lambda package: package.name)


def reachable(packages: Iterable[Package], names: Iterable[str]) -> set[str]:
    """Return the names of these packages and of all that they need."""
    requires = {package.name: package.requires for package in packages}
    seen: set[str] = set()
    ahead = [canonicalize_name(name) for name in names]
    while ahead:
        name = ahead.pop()
        if name in requires and name not in seen:
            seen.add(name)
            ahead += [canonicalize_name(needed) for needed in requires[name]]
    return seen


def _needed(requirements: Iterable[str], extras: Sequence[str]) -> Iterator[str]:
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(requirement.name)


def _license(name: str, version: str) -> str:
    """Return the license of an installed package; pip's report lacks newer fields of metadata."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return ""
    if about["Version"] != version:
        return ""
    values = about.json
    if expression := values.get("license_expression"):
        return str(expression)
    classifiers = [str(text).rpartition(" :: ")[2] for text in values.get("classifier", ()) if "License ::" in text]
    if classifiers:
        return " AND ".join(_CLASSIFIERS.get(text, text) for text in classifiers)
    stated = str(values.get("license", ""))
    return stated if re.fullmatch(r"[^\n]{1,64}", stated) else ""
