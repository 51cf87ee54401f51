"""Output of evidence bundles to disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from server.errors.files import unwritable
from server.explorer.bundle_page import bundle_page, bundle_template
from server.notary.bundle_zip import zip_bundle
from server.settings.errors import ConfigError

__all__ = ["is_page", "save_bundle"]


def is_page(path: Path) -> bool:
    """Return whether a bundle at this path is an HTML file."""
    return path.suffix.lower() in (".html", ".htm")


def save_bundle(files: Mapping[str, bytes], path: Path) -> None:
    """Write a bundle: as a zip file if the path ends with ``.zip``, as a page with ``.html``, else as a directory.

    Zip files and pages (HTML files) are reproducible: the same bundle gives the same bytes.

    Args:
        files: path within the bundle -> content.
        path: path to write to; must not exist.

    Raises:
        ConfigError: the path exists already, or cannot be written.
        ExplorerNotBuiltError: it is the path of an HTML file, and this installation does not have the page for it.
    """
    packed = None
    if is_page(path):
        packed = bundle_page(bundle_template(), files)
    elif path.suffix.lower() == ".zip":
        packed = zip_bundle(files)
    try:
        if packed is not None:
            with path.open("xb") as file:
                file.write(packed)
            return
        path.mkdir()
        for name, content in files.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_bytes(content)
    except FileExistsError as error:
        raise ConfigError(f"{path} already exists, and evidence is never overwritten: give another path") from error
    except OSError as error:
        raise ConfigError(unwritable(path, error)) from error
