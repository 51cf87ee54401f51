"""Directories of the data directory, whoever makes them first, are for the server's user only."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.data_dir.directory import DataDirectory
from server.data_dir.locked_files import locked
from server.data_dir.private_directories import make_private
from server.keys.store import KeyStore


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def lock_tokens(data_dir: Path) -> None:
    with locked(data_dir / "access" / "tokens.json"):
        pass


def make_keys(data_dir: Path) -> None:
    KeyStore(data_dir / "keys").signer()


@pytest.mark.parametrize("first", [lock_tokens, make_keys])
def test_a_data_directory_that_a_command_makes_before_the_first_start_is_private(
    tmp_path: Path, first: Callable[[Path], None]
) -> None:
    data_dir = tmp_path / "new"
    first(data_dir)
    DataDirectory(data_dir).close()
    places = [data_dir, *(place for place in data_dir.rglob("*") if place.is_dir())]
    assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o700}


def test_a_directory_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "group").mkdir(mode=0o750)
    make_private(tmp_path / "group" / "a" / "b")
    make_private(tmp_path / "group")
    modes = [stat.S_IMODE(place.stat().st_mode) for place in sorted(tmp_path.rglob("*"))]
    assert modes == [0o750, 0o700, 0o700]
