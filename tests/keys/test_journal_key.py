"""Keys of journals: files in every form, what is wrong with one, and a key in a real token in software."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest

from harness.softhsm import PIN, SoftToken
from server.cli import main
from server.keys.journal_key import create_key_file, create_token_key, journal_keys, read_key_file
from server.keys.key_files import KeyStoreError
from server.keys.pkcs11 import generate_key


def key_file(directory: Path, content: bytes, mode: int = 0o600) -> Path:
    file = directory / "journal.key"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_new_key_file_is_for_its_owner_only_and_never_replaces_another(tmp_path: Path) -> None:
    file = tmp_path / "journal.key"
    key = create_key_file(file)
    assert (len(key), read_key_file(file), file.stat().st_mode & 0o777) == (32, key, 0o600)
    with pytest.raises(KeyStoreError, match="exists already"):
        create_key_file(file)
    assert read_key_file(file) == key
    with pytest.raises(KeyStoreError, match="there is no directory"):
        create_key_file(tmp_path / "nowhere" / "journal.key")


def test_a_key_file_may_have_bytes_or_hex_or_base64(tmp_path: Path) -> None:
    key = secrets.token_bytes(32)
    for content in (key, key.hex().encode(), key.hex().upper().encode() + b"\n", base64.b64encode(key) + b"\n"):
        assert read_key_file(key_file(tmp_path, content)) == key


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33, b"0f" * 31, b"0f" * 33, base64.b64encode(b"k" * 31)])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(KeyStoreError, match="does not have 32 bytes") as error:
        read_key_file(key_file(tmp_path, content))
    assert not content or content.decode() not in str(error.value)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match=r"can be read by others \(mode 0640\).*chmod 600"):
        read_key_file(key_file(tmp_path, b"k" * 32, 0o640))


def test_a_missing_key_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match=r"there is no file .*restore the file from a backup"):
        journal_keys(str(tmp_path / "journal.key"), [])


def test_off_is_no_key_and_retired_ones_still_count(tmp_path: Path) -> None:
    assert journal_keys("off", []).current is None
    file = key_file(tmp_path, b"k" * 32)
    given = journal_keys("off", [str(file)])
    assert (given.current, given.retired) == (None, (b"k" * 32,))


def test_keys_are_not_in_what_is_shown_of_them(tmp_path: Path) -> None:
    given = journal_keys(str(key_file(tmp_path, b"k" * 32)), [str(key_file(tmp_path, b"k" * 32))])
    assert "kkkk" not in repr(given)


def test_a_key_in_a_token_encrypts_a_key_for_each_process(token: SoftToken) -> None:
    uri, other = token.uri("journal"), token.uri("other")
    for each in (uri, other):
        create_token_key(each)
    first, second = journal_keys(uri, [other]), journal_keys(uri, [])
    assert first.current not in (None, second.current)
    assert first.current is not None
    assert first.current not in first.wrapped
    by_current, by_other = first.unwrap
    assert by_current(second.wrapped) == second.current
    assert by_other(second.wrapped) is None


def test_what_is_wrong_with_a_key_in_a_token_is_said_without_the_pin(token: SoftToken) -> None:
    with pytest.raises(KeyStoreError, match="the token has no such AES key"):
        journal_keys(token.uri("journal"), [])
    generate_key(token.uri("signs"))
    with pytest.raises(KeyStoreError, match="the token has no such AES key"):
        journal_keys(token.uri("signs"), [])
    create_token_key(token.uri("journal"))
    with pytest.raises(KeyStoreError, match="already exists"):
        create_token_key(token.uri("journal"))
    with pytest.raises(KeyStoreError, match="the token refused the PIN") as error:
        journal_keys(token.uri("journal", pin="wrong-9431"), [])
    assert "9431" not in str(error.value)


def test_a_pin_on_the_command_line_is_warned_of(token: SoftToken, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["journal", "key"], ["keys", "generate"]):
        assert main([*command, token.uri(command[0], pin=PIN)]) == 0
        said = capsys.readouterr().err
        assert "the URI has a PIN (pin-value), which the list of processes shows" in said
        assert PIN not in said
        assert main([*command, token.uri(f"{command[0]}-2")]) == 0
        assert "pin-value" not in capsys.readouterr().err
