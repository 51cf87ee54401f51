"""The npm packages that are in the explorer's scripts, as the build writes them into a wheel."""

from __future__ import annotations

import base64
import binascii
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from release.errors import ReleaseError

__all__ = ["ScriptPackage", "read_script_packages"]

_FILE = "server/explorer/static/packages.json"


@dataclass(frozen=True, slots=True)
class ScriptPackage:
    """An npm package at a version.

    Attributes:
        name: its name, with the scope.
        version: its version.
        license: SPDX expression.
        sha512: SHA-512 of its archive in the npm registry, in hexadecimal.
    """

    name: str
    version: str
    license: str
    sha512: str


def read_script_packages(wheel: Path) -> list[ScriptPackage]:
    """Return the npm packages in the scripts of a wheel; empty if the wheel has no explorer.

    Raises:
        ReleaseError: the list in the wheel cannot be read.
    """
    with zipfile.ZipFile(wheel) as opened:
        if _FILE not in opened.namelist():
            return []
        content = opened.read(_FILE)
    try:
        return [
            ScriptPackage(one["name"], one["version"], one["license"], _sha512(one["integrity"]))
            for one in json.loads(content)
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReleaseError(f"{wheel.name}: {_FILE} is not as the build writes it: {error!r}") from error


def _sha512(integrity: str) -> str:
    """Return the digest in a value of Subresource Integrity."""
    kind, _, encoded = integrity.partition("-")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"'{integrity}' has no digest") from error
    if kind != "sha512" or len(digest) != 64:
        raise ValueError(f"'{integrity}' has no digest of SHA-512")
    return digest.hex()
