"""Somebody who verifies a store with the verifier in ``docs/examples``."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.tamper.stated import Stated

__all__ = ["VERIFIER", "Outsider", "run_verifier"]

VERIFIER = Path(__file__).parents[2] / "docs" / "examples" / "verifier"


def run_verifier(url: str, key: Path, *options: str, verifier: Path = VERIFIER) -> subprocess.CompletedProcess[str]:
    """Run the example, or a copy of it."""
    command = [sys.executable, str(verifier / "verify_store.py"), url, "--public-key", str(key), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@dataclass(frozen=True)
class Outsider:
    """Somebody with a store, one of its keys, and the verifier."""

    store: Stated
    url: str
    directory: Path

    def verify(self, *options: str, key: int = 0, verifier: Path = VERIFIER) -> subprocess.CompletedProcess[str]:
        """Run the verifier with the first or the second key."""
        file = self.directory / f"key-{key}.pem"
        file.write_bytes(self.store.signers[key].public_pem())
        return run_verifier(self.url, file, *options, verifier=verifier)

    def kinds(self, *options: str) -> list[str]:
        """Return the kinds of what the verifier finds."""
        run = self.verify(*options)
        assert run.returncode == 1, run.stdout + run.stderr
        return [line.partition(":")[0] for line in run.stdout.splitlines()[:-1]]

    def keep(self, note: str) -> str:
        """Keep a checkpoint or statement in a file; return its path."""
        file = self.directory / "kept"
        file.write_text(note, encoding="utf-8")
        return str(file)
