"""The frozen bundles of version 1, and the keys to check them with."""

from __future__ import annotations

import zipfile
from functools import cache

from tests.golden import VERSION_1

FIRST_KEY, OTHER_KEY = VERSION_1.key("node-1-first.pem"), VERSION_1.key("node-2.pem")
BUNDLES: dict[str, str] = VERSION_1.contents["bundles"]


@cache
def files_of(name: str) -> dict[str, bytes]:
    """All files of a bundle."""
    bundle = VERSION_1.bundle(name)
    if bundle.is_dir():
        files = [file for file in bundle.rglob("*") if file.is_file()]
        return {file.relative_to(bundle).as_posix(): file.read_bytes() for file in files}
    with zipfile.ZipFile(bundle) as packed:
        return {member: packed.read(member) for member in packed.namelist()}
