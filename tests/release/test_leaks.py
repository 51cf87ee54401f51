"""The scan for secrets finds what is planted, and nothing that only looks like it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from release.errors import ReleaseError
from release.leaks import judge, leaks, main, read_known
from server.notary.signers import Ed25519Key
from tests.codec.secrets import EXAMPLES

TOKEN = "lgn_" + "aB3_-" * 8 + "xyz"
NOT_PREFIXED = {"aws_secret", "basic", "bearer", "card", "url_password"}
"""Forms that stand in documents and tests all over, and that no prefix distinguishes."""


def rules_of(text: str) -> list[str]:
    return [leak.rule for leak in leaks("a.py", text.encode())]


def test_a_token_of_this_server_is_found_at_its_line() -> None:
    [leak] = leaks("a.py", f'import os\nTOKEN = "{TOKEN}"\n'.encode())
    assert (leak.file, leak.line, leak.rule) == ("a.py", 2, "lognotary_token")
    assert leak.digest == sha256(TOKEN.encode()).hexdigest()[:16]
    assert TOKEN not in str(leak)


def test_a_private_key_is_found_in_a_file_and_in_a_string() -> None:
    pem = Ed25519Key.generate().to_pem().decode()
    assert rules_of(pem) == ["private_key"]
    assert rules_of(repr(pem)) == ["private_key"]
    assert rules_of('"' + '"\n    "'.join(pem.splitlines()) + '"') == ["private_key"]


@pytest.mark.parametrize("rule", sorted(EXAMPLES.keys() - NOT_PREFIXED - {"private_key"}))
def test_a_token_that_the_server_redacts_is_found(rule: str) -> None:
    assert rule in rules_of(f"export X={EXAMPLES[rule]}\n")


@pytest.mark.parametrize(
    "text",
    ["lgn_…", "lgn_short", f"x{TOKEN}", "-----BEGIN PRIVATE KEY-----\n…", "sk-learn-is-not-installed-here", "eyJ"],
)
def test_what_only_looks_like_a_secret_is_not_found(text: str) -> None:
    assert rules_of(text) == []


def test_a_known_secret_passes_another_one_in_the_same_file_does_not() -> None:
    known, other = list(leaks("a.py", f"{TOKEN} {TOKEN[:-1]}A".encode()))
    assert judge([known, other], {known.digest: "an example"}, complete=True) == [str(other)]


def test_a_known_secret_that_is_gone_is_reported_if_everything_was_scanned() -> None:
    [problem] = judge([], {"0" * 16: "an example"}, complete=True)
    assert "is in no file" in problem
    assert judge([], {"0" * 16: "an example"}, complete=False) == []


@pytest.mark.parametrize("entry", ['hashes = ["0123456789abcdef"]', 'reason = "x"\nhashes = ["0123"]'])
def test_a_known_secret_needs_a_reason_and_a_hash(entry: str) -> None:
    with pytest.raises(ReleaseError):
        read_known(f"[[known]]\n{entry}\n")


def test_the_command_fails_for_a_planted_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text(f'TOKEN = "{TOKEN}"\n', encoding="utf-8")
    assert main([str(planted)]) == 1
    assert f"{planted}:1: lognotary_token" in capsys.readouterr().err


def test_no_file_of_this_project_has_a_secret_that_is_not_known() -> None:
    assert main([]) == 0
