"""The worked example of ``docs/audit-rules.md`` prints what the page shows."""

from __future__ import annotations

import re
import shlex
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from server.cli import main
from server.codec.audit.digest import rules_digest
from server.settings.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "audit-rules.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The blocks of the page, in a directory with its two files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    found: list[tuple[str, str]] = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    for language, file in (("toml", "lognotary.toml"), ("json", "records.json")):
        (tmp_path / file).write_text(next(text for kind, text in found if kind == language), encoding="utf-8")
    return found


def test_the_example_prints_what_the_page_shows(
    blocks: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    [(command, shown)] = [
        (text, following[1]) for (kind, text), following in pairwise(blocks) if kind == "sh" and following[0] == "text"
    ]
    program, *arguments = shlex.split(command)
    assert program == "lognotary"
    assert main(arguments) == 0
    assert capsys.readouterr().out == shown


def test_the_rules_have_the_digest_that_the_page_promises(
    blocks: list[tuple[str, str]], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    [command] = [text for kind, text in blocks if kind == "sh" and "--rules --config" in text]
    program, *arguments = shlex.split(command.partition("|")[0])
    assert program == "lognotary"
    assert main(arguments) == 0
    rules = load_settings({"config": "lognotary.toml"}, {}).audit_rules
    assert sha256(capsysbinary.readouterr().out).hexdigest() == rules_digest(rules)
