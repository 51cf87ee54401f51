"""The commit that a release is built from."""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from release.errors import ReleaseError

__all__ = ["ROOT", "Source", "read_source", "unpack_source"]

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Source:
    """A commit.

    Attributes:
        commit: its hash, 40 hexadecimal digits.
        time: when it was committed, in seconds since 1970.
        repository: address of the repository that it was cloned from, without credentials; empty if there is none.
    """

    commit: str
    time: int
    repository: str


def read_source(checkout: Path = ROOT) -> Source:
    """Return the commit of a checkout.

    Raises:
        ReleaseError: the checkout has changes that are not committed, or is none.
    """
    if _git(checkout, "status", "--porcelain").strip():
        raise ReleaseError("a release is built from a commit: commit or remove what 'git status' shows")
    commit, time = _git(checkout, "show", "--no-patch", "--format=%H %ct", "HEAD").split()
    remotes = _git(checkout, "config", "--default", "", "--get", "remote.origin.url").strip()
    return Source(commit, int(time), _without_credentials(remotes))


def unpack_source(source: Source, directory: Path, checkout: Path = ROOT) -> None:
    """Write the files of a commit to an empty directory."""
    # Modes that do not depend on anybody's umask.
    archive = subprocess.run(
        ["git", "-c", "tar.umask=0022", "archive", source.commit], cwd=checkout, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as opened:
        opened.extractall(directory, filter="tar")


def _git(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
