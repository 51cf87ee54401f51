"""A checkpoint of a running server, checked with OpenSSL."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.lacking import require_tools
from tests.interop.altering import flip, flip_in_line
from tests.interop.served_log import ServedLog

# The twelve bytes before the key are what DER has before every Ed25519 key (RFC 8410).
SCRIPT = """
head -n 3 checkpoint > text
sed -n 5p checkpoint | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature
cut -d + -f 3- verifier-key | base64 -d | tail -c 32 > key
{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; cat key; } > key.der
openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature
"""


def run_openssl(checkpoint: bytes, verifier_key: str, directory: Path) -> subprocess.CompletedProcess[str]:
    require_tools("bash", "openssl", "base64")
    (directory / "checkpoint").write_bytes(checkpoint)
    (directory / "verifier-key").write_text(f"{verifier_key}\n")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", SCRIPT],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_openssl_accepts_a_checkpoint(log: ServedLog, tmp_path: Path) -> None:
    done = run_openssl(log.file("checkpoint"), log.verifier_keys[0], tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "Signature Verified Successfully\n", "")


@pytest.mark.parametrize("part", ["text", "signature"])
def test_openssl_refuses_a_checkpoint_that_was_changed(log: ServedLog, tmp_path: Path, part: str) -> None:
    checkpoint = log.file("checkpoint")
    changed = flip(checkpoint, 7) if part == "text" else flip_in_line(checkpoint.decode(), 4, 100).encode()

    done = run_openssl(changed, log.verifier_keys[0], tmp_path)

    assert (done.returncode, done.stdout) == (1, "Signature Verification Failure\n")
