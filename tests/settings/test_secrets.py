"""Secrets among the settings: where they come from, and where they are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.cli import build_parser, main
from server.settings.errors import ConfigError
from server.settings.hidden import hide_secrets
from server.settings.secrets import read_secret_file, secret_warnings
from server.settings.settings import Settings, load_settings
from server.settings.sources import gather
from server.settings.table import SETTINGS, Kind
from storage.url import EmbeddedUrl, ServerUrl

URL = "http://me@host/logs"
SECRET = "mark-7319"  # noqa: S105 - a mark


def secret_file(directory: Path, content: str = f"{SECRET}\n", mode: int = 0o600) -> Path:
    file = directory / "password"
    file.write_text(content)
    file.chmod(mode)
    return file


def load(**settings: str) -> Settings:
    variables = {f"LOGNOTARY_{name.upper()}": text for name, text in settings.items()}
    return load_settings({}, variables)


def password(settings: Settings) -> str:
    assert isinstance(settings.storage, ServerUrl)
    return settings.storage.password


def test_a_password_comes_from_a_variable_or_a_file_or_the_url(tmp_path: Path) -> None:
    assert password(load(storage=URL)) == ""
    assert password(load(storage=URL, storage_password=SECRET)) == SECRET
    assert password(load(storage=URL, storage_password_file=str(secret_file(tmp_path)))) == SECRET
    assert password(load(storage=f"http://me:{SECRET}@host/logs")) == SECRET


def test_replaced_keys_of_embedded_storage_come_with_its_key_and_not_with_a_server(tmp_path: Path) -> None:
    key, old, older = (str(tmp_path / name) for name in ("new.key", "old.key", "older.key"))
    storage = load(storage_encryption_key=key, storage_encryption_retired_keys=f"{old}, {older}").storage
    assert isinstance(storage, EmbeddedUrl)
    assert (storage.key_file, storage.retired_key_files) == (Path(key), (Path(old), Path(older)))
    with pytest.raises(ConfigError, match="has no effect without storage_encryption_key"):
        load(storage_encryption_retired_keys=old)
    with pytest.raises(ConfigError, match="is for embedded storage"):
        load(storage=URL, storage_encryption_key=key, storage_encryption_retired_keys=old)


def test_only_one_line_break_at_the_end_of_a_file_is_not_part_of_the_secret(tmp_path: Path) -> None:
    for content, secret in (("a b", "a b"), ("a\n", "a"), ("a\n\n", "a\n"), (" a \r\n", " a ")):
        assert read_secret_file(secret_file(tmp_path, content)) == secret


def test_what_is_wrong_with_a_secret_is_said_without_it(tmp_path: Path) -> None:
    file = str(secret_file(tmp_path))
    empty = tmp_path / "empty"
    empty.touch(0o600)
    wrong = [
        {"storage": f"http://me:{SECRET}@host/logs", "storage_password": f"other-{SECRET}"},
        {"storage": URL, "storage_password": SECRET, "storage_password_file": file},
        {"storage": f"http://me:12/{SECRET}@host/logs"},
        {"storage": f"http://me:{SECRET}#x@host/logs"},
        {"storage": URL, "storage_password_file": str(tmp_path / "missing")},
        {"storage": URL, "storage_password_file": str(empty)},
    ]
    for settings in wrong:
        with pytest.raises(ConfigError) as error:
            load(**settings)
        assert "LOGNOTARY_STORAGE" in str(error.value)
        assert SECRET not in str(error.value)


def test_a_secret_in_the_settings_file_that_is_no_text_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text("storage_password = 73190000")
    sources = gather({"config": str(file)}, {})
    assert sources.problems == [f"{file}:1: storage_password: this value is not a text in quotes"]


def test_no_secret_has_a_flag() -> None:
    serve = build_parser("serve").command("serve")
    assert serve is not None
    flags = serve.format_help()
    secrets = [setting for setting in SETTINGS if setting.kind is Kind.SECRET]
    assert secrets
    for secret in secrets:
        assert f"{secret.flag} " not in flags
        assert f"{secret.flag}-file " in flags


def test_configured_secrets_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNOTARY_STORAGE_PASSWORD", SECRET)
    for storage in (URL, f"http://me:{SECRET}@host/logs", f"http://me:a/{SECRET}#@host/logs"):
        for arguments in (["config", "show"], ["config", "show", "--json"], ["config", "check"]):
            main([*arguments, "--storage", storage, "--data-dir", str(tmp_path)])
            shown = capsys.readouterr()
            assert SECRET not in shown.out + shown.err
    assert SECRET not in repr(load_settings({"storage": URL}, {"LOGNOTARY_STORAGE_PASSWORD": SECRET}))


@pytest.mark.parametrize(
    ("storage", "shown"),
    [
        (f"me:{SECRET}@host/db", "me:***@host/db"),
        (f"http:/me:{SECRET}@host/db", "http:/me:***@host/db"),
        (f"http:me:{SECRET}@host/db", "http:***@host/db"),
        (f"//me:{SECRET}@host/db", "//me:***@host/db"),
        (f"HTTP:///me:{SECRET}@host/db", "HTTP:///me:***@host/db"),
        (f"me@corp:{SECRET}@host/db", "me@corp:***@host/db"),
        (f"http://me:a@b:/{SECRET}\n@host/db", "http://me:***@host/db"),
        (f"me={SECRET}@host/db", "***@host/db"),
        (f"me:/{SECRET}@host/db", "me:/***@host/db"),
        (f"http://me:{SECRET}#host/db", "http://me:***"),
        (f"http://me:{SECRET}%40host/db", "http://me:***"),
        (f"me:{SECRET}", "me:***"),
        (f"http://host/db?password=a@{SECRET}", "http://host/db?password=***"),
        # These have no password.
        ("http://me@host:8123/db", "http://me@host:8123/db"),
        ("http://[::1]:8123/db", "http://[::1]:8123/db"),
        ("chdb:///data/a@b", "chdb:///data/a@b"),
        ("htp//host/db", "htp//host/db"),
        ("", ""),
    ],
)
def test_the_password_of_a_misspelt_storage_url_is_hidden(storage: str, shown: str) -> None:
    assert hide_secrets("storage", storage) == shown


def test_the_password_of_a_misspelt_storage_url_is_not_shown_by_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for storage in (f"me:{SECRET}@host/db", f"http:/me:{SECRET}@host/db"):
        monkeypatch.setenv("LOGNOTARY_STORAGE", storage)
        for arguments in (["config", "show"], ["config", "show", "--json"], ["config", "check"]):
            main(arguments)
            printed = capsys.readouterr()
            assert SECRET not in printed.out + printed.err


def test_what_the_list_of_processes_shows_is_warned_of() -> None:
    uri = f"pkcs11:token=a;object=b?module-path=/lib.so&pin-value={SECRET}"
    flags = {"storage": f"http://me:{SECRET}@host/logs", "signing_key": uri, "journal_key": uri}
    warnings = list(secret_warnings(gather(flags, {})))
    assert [warning.partition(" ")[0] for warning in warnings] == ["--storage", "--journal-key", "--signing-key"]
    assert all("list of processes" in warning and SECRET not in warning for warning in warnings)
    variables = {"LOGNOTARY_STORAGE": flags["storage"], "LOGNOTARY_SIGNING_KEY": uri}
    assert list(secret_warnings(gather({}, variables))) == []


def test_a_file_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    file = secret_file(tmp_path, mode=0o644)
    variables = {"LOGNOTARY_STORAGE_PASSWORD_FILE": str(file)}
    assert list(secret_warnings(gather({}, variables))) == [
        f"LOGNOTARY_STORAGE_PASSWORD_FILE: the file can be read by others (mode 0644): chmod 600 {file}"
    ]
    uri = f"pkcs11:token=a;object=b?module-path=/lib.so&pin-source=file:{file}"
    (warning,) = secret_warnings(gather({}, {"LOGNOTARY_SIGNING_KEY": uri}))
    assert warning.startswith("LOGNOTARY_SIGNING_KEY: the file of the PIN can be read by others")
    file.chmod(0o600)
    assert list(secret_warnings(gather({}, {**variables, "LOGNOTARY_SIGNING_KEY": uri}))) == []
    toml = tmp_path / "lognotary.toml"
    toml.write_text(f'storage_password = "{SECRET}"\n')
    toml.chmod(0o640)
    (warning,) = secret_warnings(gather({"config": str(toml)}, {}))
    assert warning == f"the settings file has secrets and can be read by others (mode 0640): chmod 600 {toml}"
