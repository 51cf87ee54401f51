"""Settings about producers' signatures; each reader raises ValueError, OSError or KeyMaterialError."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_IMODE

from server.codec.producers.policy import KEYS_ACCEPTED, POLICIES, Policy, ProducerKeys
from server.errors.files import unreadable
from server.notary.errors import KeyMaterialError
from server.notary.handled_texts import as_written
from server.settings.regular_files import read_regular
from server.settings.values import read_choice, read_list

__all__ = ["load_producer_keys", "read_policy", "read_producer_keys"]

_LARGEST = 1 << 20  # bytes of a file of keys
_OTHERS = 0o077  # permissions of all but the owner


def read_policy(text: str) -> Policy:
    """Parse a policy."""
    return Policy(read_choice(text, POLICIES))


def read_producer_keys(text: str) -> ProducerKeys:
    """Read the keys in files and directories whose paths are separated by commas."""
    if not text.strip():
        return ProducerKeys()
    return load_producer_keys(str(Path(path).absolute()) for path in read_list(text))


def load_producer_keys(paths: Iterable[str]) -> ProducerKeys:
    """Read the keys in files and directories.

    Args:
        paths: the paths; of a directory, all files count but those whose names begin with a dot.

    Raises:
        ValueError: a file cannot be read or is too large, or others may read the secret in it.
        OSError: a directory cannot be read.
        KeyMaterialError: a file has no keys, or a key that cannot be used.
    """
    # Imported here: every command reads settings, and few servers have such keys.
    from server.codec.producers.keys import parse_producer_keys

    listed = list(paths)
    read = {file: _read(file) for file in _files(listed)}
    keys = parse_producer_keys([(str(file), content) for file, content in read.items()], listed)
    for file, content in read.items():
        if "-----BEGIN" not in content and S_IMODE(file.stat().st_mode) & _OTHERS:
            raise ValueError(f"{file} has an HMAC secret that other users may read: set its mode to 0600")
    return keys


def _files(paths: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        else:
            yield path


def _read(file: Path) -> str:
    try:
        content = read_regular(file, _LARGEST)
    except OSError as error:
        raise ValueError(unreadable(file, error)) from error
    try:
        return as_written(content)
    except UnicodeDecodeError as error:
        raise KeyMaterialError(f"{file}: the file is not text: {KEYS_ACCEPTED}") from error
