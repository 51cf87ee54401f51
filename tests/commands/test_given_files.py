"""Files that the command line names, also as programs save them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.bundles import signer_of
from server.commands.given_files import GivenFiles, read_acknowledgement_keys, read_public_keys
from server.settings.readers import read_keys
from tests.checked_bundles import LOG, NOTE
from tests.checked_exports import export, note_of

SIGNER = signer_of(1)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
    ],
    ids=["as written", "CRLF", "byte order mark", "UTF-16"],
)
class TestSavedAgain:
    def test_a_checkpoint_is_read_as_it_was_signed(self, change: Callable[[str], bytes], tmp_path: Path) -> None:
        file = tmp_path / "checkpoint"
        file.write_bytes(change(str(NOTE)))
        assert GivenFiles().read_checkpoints([str(file)]) == [str(NOTE)]

    def test_the_checkpoints_in_a_manifest_are_read(self, change: Callable[[str], bytes], tmp_path: Path) -> None:
        file = tmp_path / "manifest"
        _, manifest = export()
        file.write_bytes(change(note_of(manifest).decode()))
        assert GivenFiles().read_checkpoints([str(file)]) == [log.checkpoint for log in manifest.logs]

    def test_keys_are_read(self, change: Callable[[str], bytes], tmp_path: Path) -> None:
        pem, named = tmp_path / "key.pem", tmp_path / "keys.txt"
        pem.write_bytes(change(SIGNER.public_pem().decode()))
        named.write_bytes(change("".join(f"{key}\n" for key in SIGNER.verifier_keys(LOG.origin))))
        assert read_public_keys([str(pem), str(named)]) == [
            SIGNER.public_pem().decode(),
            f"{SIGNER.verifier_key(LOG.origin)}\n",
        ]
        assert read_acknowledgement_keys([str(pem)]) == [SIGNER.public_pem().decode()]
        trusted = read_keys(f"{pem},{named}")
        assert (trusted.unnamed, trusted.named) == (
            (SIGNER.ed25519.public_key,),
            tuple(SIGNER.verifier_keys(LOG.origin)),
        )
