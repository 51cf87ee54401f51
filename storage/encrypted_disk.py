"""Embedded storage on an encrypted disk of ClickHouse (AES-256-CTR).

A configuration file beside the data makes the disk ``encrypted``, and its policy the default of all tables. It names an
environment variable of this process, which has the key only while the engine is opened. So the key is in no statement,
no table and no file but its own. ``encryption-key-id`` tells a wrong key before anything is read with it.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    key = _read_key(url)
    ours = key_id(key, "storage").hex()
    with _opening:
        try:
            if not marker.exists():
                _begin(url, ours)
            written = marker.read_text(encoding="ascii", errors="replace").strip()
        except OSError as error:
            raise StorageConfigError(f"{url} cannot be used: {reason_of(error)}") from error
        if written != ours:
            raise StorageConfigError(
                f"{url} is encrypted with the key {written}, but {url.key_file} has the key {ours}: give the right "
                "file (storage_encryption_key), or restore it from a backup. No file was changed"
            )
        os.environ[_VARIABLE] = key.hex()
        try:
            yield {"config-file": str(url.path / _CONFIG)}
        finally:
            os.environ.pop(_VARIABLE, None)


def _begin(url: EmbeddedUrl, ours: str) -> None:
    """Write the files of a new storage; raises OSError."""
    if (url.path / "metadata").is_dir() and any((url.path / "metadata").glob("*.sql")):
        raise StorageConfigError(
            f"{url} is not encrypted, and encryption begins with new storage: start with a new --data-dir (and a new "
            "--writer), and keep the old one, which commands read with --storage; or encrypt its file system instead. "
            "No file was changed"
        )
    for name, content in ((_CONFIG, _config(url)), (_KEY_ID, f"{ours}\n")):
        temporary = url.path / f".{name}.new"
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(url.path / name)


def _config(url: EmbeddedUrl) -> str:
    directory = escape(f"{url.path}/encrypted/")
    return f"""<clickhouse>
  <storage_configuration>
    <disks>
      <beneath><type>local</type><path>{directory}</path></beneath>
      <encrypted>
        <type>encrypted</type>
        <disk>beneath</disk>
        <path>data/</path>
        <algorithm>AES_256_CTR</algorithm>
        <key_hex from_env="{_VARIABLE}"/>
      </encrypted>
    </disks>
    <policies><encrypted><volumes><main><disk>encrypted</disk></main></volumes></encrypted></policies>
  </storage_configuration>
  <merge_tree><storage_policy>encrypted</storage_policy></merge_tree>
</clickhouse>
"""


def _read_key(url: EmbeddedUrl) -> bytes:
    file = url.key_file
    assert file is not None  # noqa: S101 - for the type checker
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
