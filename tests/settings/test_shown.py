"""Settings as people may see them: what a server tells of them is what ``lognotary config`` shows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from server.cli import main
from server.settings.settings import load_settings

PASSWORD = "hunter2hunter2"  # noqa: S105 - not one


def test_a_server_tells_its_settings_as_the_command_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text('workers = 2\nbatch_age = "100ms"\n\n[audit]\nbuilt_in_rules = false\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNOTARY_STORAGE", f"http://writer:{PASSWORD}@127.0.0.1:8123/logs")
    monkeypatch.setenv("LOGNOTARY_OIDC_CLIENT_SECRET", PASSWORD)
    monkeypatch.setenv("LOGNOTARY_OIDC_ISSUER", "https://login.example")
    monkeypatch.setenv("LOGNOTARY_OIDC_CLIENT_ID", "lognotary")
    monkeypatch.setenv("LOGNOTARY_PUBLIC_URL", "https://logs.example")
    assert main(["config", "show", "--json", "--data-dir", "here"]) == 0, capsys.readouterr().err
    command = json.loads(capsys.readouterr().out)["settings"]
    settings = load_settings({"data_dir": "here"}, os.environ)
    told = {each.name: {"value": each.value, "origin": each.origin, "place": each.place} for each in settings.shown}
    assert told.pop("memory_limit")["value"] != command.pop("memory_limit")["value"] == ""  # computed from the machine
    assert told == command
    assert told["data_dir"] == {"value": "here", "origin": "option", "place": "--data-dir"}
    assert told["workers"] == {"value": "2", "origin": "file", "place": "lognotary.toml:1: workers"}
    assert told["oidc_client_secret"]["value"] == "***"
    assert told["storage"] == {
        "value": "http://writer:***@127.0.0.1:8123/logs",
        "origin": "variable",
        "place": "LOGNOTARY_STORAGE",
    }
    assert told["ack"]["origin"] == "default"
    assert PASSWORD not in repr(settings.shown)


def test_a_default_that_is_computed_is_told(tmp_path: Path) -> None:
    settings = load_settings({"data_dir": str(tmp_path)}, {})
    told = {each.name: each.value for each in settings.shown}
    assert told["storage"] == str(settings.storage)
    assert told["memory_limit"].endswith("B")
