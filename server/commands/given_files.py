"""Files that the command line names: keys, checkpoints and acknowledgements, with errors that name the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from server.commands.local import read_text
from server.data_dir.acknowledgements import read_note_files
from server.notary.acknowledgement import parse_acknowledgement
from server.notary.checkpoint import described, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.export_manifest import checkpoints_in, is_manifest
from server.notary.trust import parse_public_keys, read_public_pem
from server.settings.errors import ConfigError

__all__ = ["GivenFiles", "read_acknowledgement_keys", "read_public_keys"]


def read_public_keys(files: Iterable[str]) -> list[str]:
    """Return the texts of the files of ``--public-key``.

    Raises:
        ConfigError: a file cannot be read, or has no public key.
    """
    return [_read_key("--public-key", file) for file in files]


def read_acknowledgement_keys(files: Iterable[str]) -> list[str]:
    """Return the texts of the files of ``--acknowledgement-key``, which are PEM; raises as ``read_public_keys``."""
    return [_read_key("--acknowledgement-key", file, only_pem=True) for file in files]


class GivenFiles:
    """Signed notes from the command line; remembers which file has which, for errors about their signatures."""

    def __init__(self) -> None:
        """Start with no file."""
        self._names: dict[str, str] = {}  # what an error calls a note -> option and file

    def read_checkpoints(self, files: Iterable[str]) -> list[str]:
        """Return the checkpoints and statements of ``--checkpoint``, including those in manifests of exports.

        Raises:
            ConfigError: a file cannot be read, or is not a checkpoint.
        """
        notes = []
        for file in files:
            text = _read("--checkpoint", file)
            try:
                for note in checkpoints_in(text) if is_manifest(text) else [text]:
                    checkpoint, _ = open_checkpoint(note)  # a statement is one too; verification checks its signatures
                    self._names[described(checkpoint)] = f"--checkpoint: {file}"
                    notes.append(note)
            except NotaryError as error:
                raise ConfigError(
                    f"--checkpoint: {file} is not a checkpoint ({error}); to keep one: lognotary checkpoint -o FILE"
                ) from error
        return notes

    def read_acknowledgements(self, paths: Iterable[str]) -> list[str]:
        """Return the acknowledgements of ``--acknowledgements``.

        Raises:
            DataDirectoryError: a file cannot be read.
            ConfigError: a file is not an acknowledgement.
        """
        notes = []
        for path in paths:
            for file, note in read_note_files(Path(path)):
                try:
                    finding = parse_acknowledgement(note).finding
                except NotaryError as error:
                    raise ConfigError(
                        f"--acknowledgements: {file} is not an acknowledgement ({error}); to make one: lognotary "
                        "findings acknowledge"
                    ) from error
                self._names[finding] = f"--acknowledgements: {file}"
                notes.append(note)
        return notes

    def name(self, message: str) -> str:
        """Return an error's message with the file that it is about, if it is about one."""
        for what, file in self._names.items():
            if what in message:
                return f"{file}: {message}"
        return message


def _read(option: str, file: str) -> str:
    try:
        return read_text(file)
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error


def _read_key(option: str, file: str, *, only_pem: bool = False) -> str:
    text = _read(option, file)
    try:
        if only_pem:
            read_public_pem(text)
        else:
            parse_public_keys([text])
    except NotaryError as error:
        raise ConfigError(f"{option}: {file} is not a public key: {_reason(text, error, only_pem=only_pem)}") from error
    return text


def _reason(text: str, error: NotaryError, *, only_pem: bool) -> str:
    words: Sequence[tuple[bool, str]] = (
        (not text.strip(), "the file is empty"),
        ("PRIVATE KEY-----" in text, "it is a private key; give the public one, such as keys/public-key.pem"),
        (
            "-----BEGIN" not in text,
            "it is not PEM" if only_pem else "it is neither PEM nor lines of verifier keys (name+ID+key)",
        ),
    )
    return next((reason for true, reason in words if true), str(error))
