"""Embedded storage on an encrypted disk of ClickHouse (AES-256-CTR).

A configuration file beside the data makes the disk ``encrypted``, and its policy the default of all tables. It names
environment variables of this process, which have the keys only while the engine is opened. So the keys are in no
statement, no table and no file but their own. ``encryption-key-id`` has the IDs of all keys that files of the disk may
be encrypted with, the current one first, so that a wrong or missing key is refused before anything is read.

No key is ever taken off this list: ClickHouse encrypts parts with the current key when it merges them, but never writes
``format_version.txt`` of a table again.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape

from server.errors.files import is_exposed, reason_of, unreadable
from server.notary.key_bytes import decode_key, key_id
from storage.errors import StorageConfigError
from storage.url import EmbeddedUrl

__all__ = ["NOTHING_IN_CLEAR", "engine_options"]

NOTHING_IN_CLEAR: Mapping[str, str | int] = MappingProxyType(
    {
        # What is sorted and grouped stays in memory: the embedded engine's temporary files are not on the disk.
        "max_bytes_before_external_sort": 0,
        "max_bytes_ratio_before_external_sort": 0,
        "max_bytes_before_external_group_by": 0,
        "max_bytes_ratio_before_external_group_by": 0,
    }
)
"""Settings of statements with which the engine writes nothing beside its encrypted disk."""

_VARIABLE = "LOGNOTARY_ENGINE_DISK_KEY"
_CONFIG, _KEY_ID = "encryption.xml", "encryption-key-id"  # beside the data
_MOST_BYTES = 512
_opening = threading.Lock()


@contextmanager
def engine_options(url: EmbeddedUrl) -> Iterator[dict[str, str]]:
    """Yield the options with which the engine has to be opened in the block; no other thread opens it meanwhile.

    Args:
        url: the storage, whose directory exists.

    Raises:
        StorageConfigError: the key cannot be read or is not that of the storage; or the storage exists and is not
            encrypted.
    """
    marker = url.path / _KEY_ID
    if url.key_file is None:
        if marker.exists():
            raise StorageConfigError(
                f"{url} is encrypted: give the file of its key (storage_encryption_key). No file was changed"
            )
        yield {}
        return
    keys = _read_keys(url)
    current = next(iter(keys))
    with _opening:
        try:
            written = marker.read_text(encoding="ascii", errors="replace").split() if marker.exists() else []
            if not written:
                _check_new(url)
            _check_given(url, written, keys)
            used = [current, *(each for each in written if each != current)]
            # The names of the keys first: a crash must not leave files that are encrypted with a key without a name.
            _replace(marker, "".join(f"{each}\n" for each in used))
            _replace(url.path / _CONFIG, _config(url, len(used)))
        except OSError as error:
            raise StorageConfigError(f"{url} cannot be used: {reason_of(error)}") from error
        variables = {_variable(number): keys[each].hex() for number, each in enumerate(used)}
        os.environ.update(variables)
        try:
            yield {"config-file": str(url.path / _CONFIG)}
        finally:
            for variable in variables:
                os.environ.pop(variable, None)


def _check_new(url: EmbeddedUrl) -> None:
    if (url.path / "metadata").is_dir() and any((url.path / "metadata").glob("*.sql")):
        raise StorageConfigError(
            f"{url} is not encrypted, and encryption begins with new storage: start with a new --data-dir (and a new "
            "--writer), and keep the old one, which commands read with --storage; or encrypt its file system instead. "
            "No file was changed"
        )


def _check_given(url: EmbeddedUrl, written: Sequence[str], keys: Mapping[str, bytes]) -> None:
    missing = [each for each in written if each not in keys]
    if missing:
        raise StorageConfigError(
            f"{url} is encrypted with the key {missing[0]}, but the given files have the keys {', '.join(keys)}: give "
            "the right file (storage_encryption_key), or restore it from a backup. If the key was replaced, its file "
            "must stay in storage_encryption_retired_keys. No file was changed"
        )


def _replace(file: Path, content: str) -> None:
    """Replace the content of a file unless it has the content already; raises OSError."""
    if file.exists() and file.read_text(encoding="utf-8", errors="replace") == content:
        return
    temporary = file.with_name(f".{file.name}.new")
    with temporary.open("w", encoding="utf-8") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)


def _variable(number: int) -> str:
    return f"{_VARIABLE}_{number}"


def _config(url: EmbeddedUrl, keys: int) -> str:
    """Return the configuration of the engine; what is written is encrypted with the first of the keys."""
    directory = escape(f"{url.path}/encrypted/")
    elements = "".join(
        f"""
        <key_hex id="{number}" from_env="{_variable(number)}"/>"""
        for number in range(keys)
    )
    return f"""<clickhouse>
  <storage_configuration>
    <disks>
      <beneath><type>local</type><path>{directory}</path></beneath>
      <encrypted>
        <type>encrypted</type>
        <disk>beneath</disk>
        <path>data/</path>
        <algorithm>AES_256_CTR</algorithm>{elements}
        <current_key_id>0</current_key_id>
      </encrypted>
    </disks>
    <policies><encrypted><volumes><main><disk>encrypted</disk></main></volumes></encrypted></policies>
  </storage_configuration>
  <merge_tree><storage_policy>encrypted</storage_policy></merge_tree>
</clickhouse>
"""


def _read_keys(url: EmbeddedUrl) -> dict[str, bytes]:
    """Return the keys of the given files by their names, the current one first."""
    assert url.key_file is not None  # noqa: S101 - for the type checker
    keys = [_read_key(url, file) for file in (url.key_file, *url.retired_key_files)]
    return {key_id(key, "storage").hex(): key for key in keys}


def _read_key(url: EmbeddedUrl, file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            content = opened.read(_MOST_BYTES)
    except OSError as error:
        raise StorageConfigError(
            f"the key of {url}: {unreadable(file, error)}. Without its key, encrypted storage cannot be read"
        ) from error
    if is_exposed(status):
        raise StorageConfigError(
            f"the key of {url} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {file}"
        )
    key = decode_key(content)
    if key is None:
        raise StorageConfigError(
            f"the key of {url}: {file} does not have 32 bytes, nor 32 bytes in hex or base64. 'lognotary journal key "
            "FILE' makes such a file"
        )
    return key
