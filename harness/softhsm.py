"""A software token in its own directory (SoftHSM 2, Debian package softhsm2)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest

from harness.lacking import lacking, require_tools

__all__ = ["MODULE", "PIN", "TOKEN", "SoftToken", "add_token", "soft_token"]

TOKEN = "lognotary-test"  # noqa: S105 - a label
PIN = "73-oak-lion"

_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
MODULE = next((path for path in map(Path, _MODULES) if path.exists()), Path(_MODULES[0]))


@dataclass(frozen=True, slots=True)
class SoftToken:
    """A token with a user PIN.

    Attributes:
        directory: directory of the token's objects; moving it away makes the token disappear.
        pin_file: a file that holds the PIN.
    """

    directory: Path
    pin_file: Path

    def uri(self, label: str = "signing-key", *, pin: str = "", module: Path = MODULE) -> str:
        """Return the URI of a key in the token; with the PIN file, unless a PIN is given."""
        source = f"pin-value={pin}" if pin else f"pin-source=file:{self.pin_file}"
        return f"pkcs11:token={TOKEN};object={label}?module-path={module}&{source}"


@contextmanager
def soft_token(directory: Path, environment: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    """Create a token below a directory, visible as the only token to this process and its children."""
    require_tools("softhsm2-util")
    if not MODULE.exists():
        lacking(f"softhsm2-util is there, but none of its libraries {', '.join(_MODULES)}")
    tokens = directory / "tokens"
    tokens.mkdir()
    settings = directory / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    pin_file = directory / "pin"
    pin_file.write_text(f"{PIN}\n")
    environment.setenv("SOFTHSM2_CONF", str(settings))
    add_token(TOKEN)
    try:
        yield SoftToken(tokens, pin_file)
    finally:
        # The library read its settings when it was initialised; the next test's are others.
        pkcs11.lib(str(MODULE)).finalize()


def add_token(label: str) -> None:
    """Create a token in the directory configured for this process."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", f"so-{PIN}"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
