"""Reproducible builds: the same source gives the same bytes, wherever and whenever it is built with the same tools."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from release.errors import ReleaseError

__all__ = ["Built", "build", "build_command", "differences", "normalized_sdist"]


@dataclass(frozen=True, slots=True)
class Built:
    """A source distribution, and the wheel that was built from it."""

    sdist: Path
    wheel: Path


def build_command(kind: str, out: str, source: str) -> list[str]:
    """Return the command that builds a distribution, of the kind ``sdist`` or ``wheel``."""
    # The tools are those that requirements.txt pins, not the latest ones.
    return [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", out, source]


def build(source: Path, out: Path, time: int) -> Built:
    """Build a source distribution, and a wheel from it.

    Args:
        source: directory of the project.
        out: directory for both files.
        time: the time that everything in them gets, in seconds since 1970.

    Raises:
        ReleaseError: the build fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    _build("sdist", source, out, time)
    sdist = _only(out, "*.tar.gz")
    sdist.write_bytes(normalized_sdist(sdist.read_bytes(), time))
    with TemporaryDirectory() as directory:
        with tarfile.open(sdist) as opened:
            opened.extractall(directory, filter="tar")
        [project] = Path(directory).iterdir()
        _build("wheel", project, out, time)
    return Built(sdist, _only(out, "*.whl"))


def _build(kind: str, source: Path, out: Path, time: int) -> None:
    # Neither the place of the source nor debugging information, which has the places of headers, gets into binaries.
    # The variables replace the flags that Python was built with, which extensions need, too.
    flags = f"{sysconfig.get_config_var('CFLAGS') or ''} -g0 -ffile-prefix-map={source.resolve()}=."
    fixed = {"SOURCE_DATE_EPOCH": str(time), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    fixed["BUILD_EXPLORER"] = "required"  # a release must not lack it because the npm registry did not answer
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    done = subprocess.run(
        build_command(kind, str(out.resolve()), str(source)),
        env=inherited | fixed | {"CFLAGS": flags, "CXXFLAGS": flags},
        umask=0o022,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ReleaseError(f"the {kind} cannot be built:\n{done.stdout[-4096:]}")


def _only(directory: Path, pattern: str) -> Path:
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        raise ReleaseError(f"{directory} must have one file {pattern}, and has {len(found)}")
    return found[0]


def normalized_sdist(sdist: bytes, time: int) -> bytes:
    """Return a source distribution with sorted members, fixed times, modes and owners."""
    packed = BytesIO()
    with (
        tarfile.open(fileobj=BytesIO(sdist)) as given,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as written,
    ):
        for member in sorted(given.getmembers(), key=lambda member: member.name):
            member.mtime, member.pax_headers = time, {}
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            written.addfile(member, given.extractfile(member) if member.isreg() else None)
    return gzip.compress(packed.getvalue(), mtime=time)


def differences(first: Built, second: Built) -> list[str]:
    """Return the names of files whose bytes differ, with the members in which they do."""
    found = []
    for one, other in ((first.sdist, second.sdist), (first.wheel, second.wheel)):
        if one.name != other.name or one.read_bytes() != other.read_bytes():
            mine, theirs = _members(one), _members(other)
            names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
            found.append(f"{one.name}: {', '.join(names) or 'the archive itself'}")
    return found


def _members(archive: Path) -> dict[str, bytes]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        files = [member for member in sdist.getmembers() if member.isreg()]
        return {member.name: opened.read() for member in files if (opened := sdist.extractfile(member))}
