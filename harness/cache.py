"""Where what tests download or build is kept, so that it is had once rather than once a run."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


def cache_directory() -> Path:
    """The repository's own ``.cache``, or what LOGNOTARY_TEST_CACHE names (to share it between clones)."""
    return Path(os.environ.get("LOGNOTARY_TEST_CACHE") or _REPOSITORY / ".cache").resolve()


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The cached folder of that name, filled by ``make`` when it is not there yet.

    ``make`` fills a temporary folder that then gets its name in one step, so an interrupted run leaves
    nothing that looks finished. The lock spares processes that start together the same download; it is the
    rename that keeps the cache right.
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
