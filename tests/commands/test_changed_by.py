"""Names of people who change something with a command."""

from __future__ import annotations

import socket

import pytest

from server.access.token_file import read_tokens, tokens_path
from server.cli import main
from server.commands.changed_by import changed_by


def test_whoever_uses_sudo_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert changed_by() == f"root (sudo by alice) on {socket.gethostname()}"
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    assert changed_by() == f"uid 4000000 on {socket.gethostname()}"


def test_the_file_of_tokens_says_who_created_and_revoked_each(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path_factory.mktemp("data")
    for arguments in (["create", "a"], ["rotate", "a"], ["revoke", "a"]):
        assert main(["tokens", *arguments, "--data-dir", str(directory)]) == 0
    tokens = read_tokens(tokens_path(directory)).all
    assert [(token.created_by, token.revoked_by) for token in tokens] == [(changed_by(), changed_by())] * 2
    capsys.readouterr()
    assert main(["tokens", "list", "--data-dir", str(directory)]) == 0
    assert capsys.readouterr().out.count(f" by {changed_by()}") == 4
