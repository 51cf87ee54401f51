"""Output of evidence bundles to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from server.errors.files import unwritable
from server.settings.errors import ConfigError

__all__ = ["save_bundle"]

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can name


def save_bundle(files: Mapping[str, bytes], path: Path) -> None:
    """Write a bundle: as a zip file if the path ends with ``.zip``, else as a directory.

    The zip file is reproducible: the same bundle gives the same bytes.

    Args:
        files: path within the bundle -> content.
        path: path to write to; must not exist.

    Raises:
        ConfigError: the path exists already, or cannot be written.
    """
    try:
        if path.suffix == ".zip":
            archive = _to_zip(files)
            with path.open("xb") as file:
                file.write(archive)
            return
        path.mkdir()
        for name, content in files.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_bytes(content)
    except FileExistsError as error:
        raise ConfigError(f"{path} already exists, and evidence is never overwritten: give another path") from error
    except OSError as error:
        raise ConfigError(unwritable(path, error)) from error


def _to_zip(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = 3  # Unix, also elsewhere
            entry.external_attr = 0o644 << 16
            file.writestr(entry, files[name])  # stored as it is: what deflate makes of it depends on the library
    return archive.getvalue()
