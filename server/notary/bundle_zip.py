"""Evidence bundles as zip files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

__all__ = ["zip_bundle"]

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can name


def zip_bundle(files: Mapping[str, bytes]) -> bytes:
    """Pack a bundle. The zip file is reproducible: the same bundle gives the same bytes.

    Args:
        files: path within the bundle -> content.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = 3  # Unix, also elsewhere
            entry.external_attr = 0o644 << 16
            file.writestr(entry, files[name])  # stored as it is: what deflate makes of it depends on the library
    return archive.getvalue()
