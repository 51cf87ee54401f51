"""The storage that the settings name, with its password or key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from server.settings.secrets import secret_of
from server.settings.sources import Given
from server.settings.values import read_list
from storage.url import ServerUrl, StorageUrl, parse_storage_url

__all__ = ["read_storage", "with_secrets"]


def read_storage(values: Mapping[str, Given]) -> StorageUrl:
    """Return the storage; by default the embedded engine in the data directory.

    Args:
        values: value of each setting, by name.

    Raises:
        StorageConfigError: the URL is not a storage URL.
        ValueError: a secret cannot be read, or is given twice.
    """
    default = f"chdb://{(Path(values['data_dir'].text) / 'chdb').absolute()}"
    return with_secrets(parse_storage_url(values["storage"].text or default), values)


def with_secrets(url: StorageUrl, values: Mapping[str, Given]) -> StorageUrl:
    """Return a storage with the password or the key that is given apart from its URL.

    Raises:
        ValueError: a secret cannot be read, or is given twice.
    """
    key_file = values["storage_encryption_key"].text
    retired = tuple(Path(file).absolute() for file in read_list(values["storage_encryption_retired_keys"].text))
    if retired and not key_file:
        raise ValueError("storage_encryption_retired_keys has no effect without storage_encryption_key: give both")
    if not isinstance(url, ServerUrl):
        return replace(url, key_file=Path(key_file).absolute(), retired_key_files=retired) if key_file else url
    if key_file:
        raise ValueError(
            "storage_encryption_key is for embedded storage: a ClickHouse server has the keys of its disks in its own "
            "configuration"
        )
    password = secret_of(values, "storage_password")
    if password and url.password:
        raise ValueError("the URL has a password, and storage_password or its file too: leave out one")
    return replace(url, password=password or url.password)
