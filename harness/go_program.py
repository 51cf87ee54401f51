"""Go programs, built at their first use: third-party ones at a pinned version, and the tests' own."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.cache import cached
from harness.lacking import lacking, require_tools

__all__ = ["FSCK", "LITEWITNESS", "TLOGCHECK", "built", "installed"]

FSCK = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4"
LITEWITNESS = "filippo.io/torchwood/cmd/litewitness@v0.9.0"
TLOGCHECK = Path(__file__).parents[1] / "tests" / "interop" / "tlogcheck"

_BUILD_SECONDS = 240  # a test may take 300


def installed(package: str) -> Path:
    """Return the program of ``<import path>@<version>``. If it cannot be built: see ``lacking``."""
    path, _, version = package.rpartition("@")
    name = path.rpartition("/")[2]
    folder = cached(f"{name}-{version}", lambda target: _go(["install", package], target, GOBIN=str(target)))
    return folder / name


def built(module: Path) -> Path:
    """Return the program of the module in a folder; rebuilt when a file changes."""
    sources = sorted(path for path in module.iterdir() if path.suffix in {".go", ".mod", ".sum"})
    digest = hashlib.sha256(b"".join(b"%b\0%b\0" % (path.name.encode(), path.read_bytes()) for path in sources))
    name = module.name
    folder = cached(
        f"{name}-{digest.hexdigest()[:16]}", lambda target: _go(["build", "-o", str(target / name), "."], module)
    )
    return folder / name


def _go(arguments: Sequence[str], directory: Path, **environment: str) -> None:
    """Run the go command at low priority: other tests share the machine with it."""
    require_tools("go")
    what = f"go {' '.join(arguments)}"
    try:
        subprocess.run(
            ["nice", "go", *arguments],
            check=True,
            cwd=directory,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BUILD_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lacking(f"{what} failed: {error.output[-500:]}")
    except subprocess.TimeoutExpired:
        lacking(f"{what} did not end within {_BUILD_SECONDS} s")


if __name__ == "__main__":  # beforehand, where the tests shall not wait for it
    for package in (FSCK, LITEWITNESS):
        installed(package)
    built(TLOGCHECK)
