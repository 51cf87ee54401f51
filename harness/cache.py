"""Cache of downloads and builds of tests, shared between runs."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


def cache_directory() -> Path:
    """Return the repository's ``.cache``, or the directory TEST_CACHE names (to share it between clones)."""
    return Path(os.environ.get("TEST_CACHE") or _REPOSITORY / ".cache").resolve()


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return the cached folder of that name, filled by ``make`` if it does not exist.

    ``make`` fills a temporary folder that is then renamed atomically, so an interrupted run leaves
    nothing that looks finished. The lock saves concurrent processes the same download; the
    rename keeps the cache correct.
    """
    root = cache_directory()
    target = root / name
    if target.is_dir():
        return target
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        unfinished = Path(tempfile.mkdtemp(prefix=f"{name}.", suffix=".unfinished", dir=root))
        try:
            make(unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target
