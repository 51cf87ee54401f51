"""Files of the explorer, as they were built."""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

__all__ = ["Asset", "BuiltExplorer", "built_files", "read_built", "why_not_built"]

_TYPES = MappingProxyType({".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"})


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that browsers load.

    Attributes:
        content: content of the file.
        compressed: the content, compressed with gzip.
        media_type: media type, with the character set.
        etag: entity tag (RFC 9110, section 8.8.3), which depends on the content alone; a weak one, since it is the
            same for the compressed content.
    """

    content: bytes
    compressed: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class BuiltExplorer:
    """The explorer, ready to be served.

    Attributes:
        page: the HTML document, the same for all pages.
        assets: scripts, styles and others, by the name of the file. The names of scripts and styles change with their
            content.
        licences: licences of the code of others that is in the scripts.
    """

    page: Asset
    assets: Mapping[str, Asset]
    licences: Asset


def built_files() -> Traversable:
    """Return the directory that the explorer is built into; it may not exist."""
    return files(__package__).joinpath("static")


def read_built(directory: Traversable) -> BuiltExplorer | None:
    """Read the explorer.

    Args:
        directory: directory that it was built into.

    Returns:
        The explorer; None if it was not built.
    """
    page = directory.joinpath("index.html")
    if not page.is_file():
        return None
    # Read now, so that no request can make the server read a file.
    assets = {file.name: _asset(file) for file in directory.joinpath("assets").iterdir()}
    return BuiltExplorer(_asset(page), MappingProxyType(assets), _asset(directory.joinpath("licences.txt")))


def why_not_built(directory: Traversable) -> str:
    """Return why the explorer was not built, as the build of the package wrote it down; empty if it was built.

    Args:
        directory: directory that it is built into.
    """
    if directory.joinpath("index.html").is_file():
        return ""
    reason = directory.joinpath("not-built.txt")
    return reason.read_text(encoding="utf-8").strip() if reason.is_file() else "nothing built it yet"


def _asset(file: Traversable) -> Asset:
    content = file.read_bytes()
    suffix = "." + file.name.rpartition(".")[2]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    media_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    etag = f'W/"{sha256(content).hexdigest()[:32]}"'
    return Asset(content, gzip.compress(content, mtime=0), media_type, etag)
