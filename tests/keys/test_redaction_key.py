"""The key of redaction is created once, shared by the processes of a server, and readable by its owner only."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.codec.redaction_rules import Mode
from server.keys.key_files import KeyStoreError
from server.keys.redaction_key import KEY_FILE, redaction_of
from server.settings.settings import Settings, load_settings


def settings(tmp_path: Path, **flags: str) -> Settings:
    return load_settings({"data_dir": str(tmp_path), "redaction": "hash", **flags}, {})


def test_a_key_is_created_only_for_hashes(tmp_path: Path) -> None:
    for mode in ("off", "remove"):
        assert redaction_of(settings(tmp_path, redaction=mode)).key == b""
    assert list(tmp_path.iterdir()) == []


def test_a_rule_of_its_own_mode_gets_a_key_too(tmp_path: Path) -> None:
    assert len(redaction_of(settings(tmp_path, redaction="remove", redaction_modes="card=hash")).key) == 32


def test_the_key_is_created_at_the_first_start_and_then_kept(tmp_path: Path) -> None:
    first = redaction_of(settings(tmp_path))
    assert (first.mode, len(first.key)) == (Mode.HASH, 32)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["redaction-key"]
    assert redaction_of(settings(tmp_path)) == first
    assert redaction_of(settings(tmp_path / "other")).key != first.key


def test_all_that_start_at_the_same_time_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {redaction.key for redaction in pool.map(redaction_of, [settings(tmp_path)] * 8)}
    assert len(keys) == 1


def test_a_key_can_be_shared_by_servers(tmp_path: Path) -> None:
    file = tmp_path / "shared"
    file.write_text("0f" * 32)
    file.chmod(0o600)
    assert redaction_of(settings(tmp_path, redaction_key_file=str(file))).key == b"\x0f" * 32


@pytest.mark.parametrize("content", ["", "0f" * 31, "0f" * 33, "0F" * 32, "xy" * 32, "0f" * 32 + "\n\n"])
def test_a_damaged_key_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    redaction_of(settings(tmp_path))
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(KeyStoreError, match="is not 64 hexadecimal digits: restore it from a backup"):
        redaction_of(settings(tmp_path))
    assert (tmp_path / KEY_FILE).read_text() == content


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    redaction_of(settings(tmp_path))
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(KeyStoreError, match=r"can be read by others \(mode 0640\).*chmod 600"):
        redaction_of(settings(tmp_path))


def test_a_key_that_cannot_be_created_or_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    with pytest.raises(KeyStoreError, match=r"the redaction key: .*/keys/redaction-key cannot be"):
        redaction_of(settings(tmp_path))
    (tmp_path / "directory/keys/redaction-key").mkdir(parents=True)
    with pytest.raises(KeyStoreError, match=r"the redaction key: .*/keys/redaction-key is a directory"):
        redaction_of(settings(tmp_path / "directory"))
