"""Reloading of audit rules: what the log says, and what is shown of a reload that failed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.codec.audit.digest import rules_digest
from server.codec.audit.rules import Rule
from server.settings.settings import load_settings
from server.writer.gauges import rules_gauge
from server.writer.rules_in_force import RulesInForce

RULE = '[[audit.rules]]\nname = "{}"\nmatch = {{ service = "x" }}\n'


@pytest.fixture
def used() -> list[Sequence[Rule]]:
    """The rule sets that were taken into use."""
    return []


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    """A settings file that does not exist yet, of the default name."""
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    return tmp_path / "lognotary.toml"


def test_a_settings_file_that_is_written_after_the_start_is_found(
    file: Path, used: list[Sequence[Rule]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings({}, {})
    rules = RulesInForce(settings, used.append)
    monkeypatch.chdir("/")
    rules.reload()
    unchanged = f"the audit rules are those in force, digest {rules_digest(settings.audit_rules)}"
    assert caplog.messages[-1] == f"{unchanged} (there is no settings file {file}, and none is needed)"
    file.write_text(RULE.format("mine"))
    rules.reload()
    assert used[0][0].name == "mine"
    assert "audit rules were read anew" in caplog.messages[-1]
    file.unlink()
    rules.reload()
    assert str(file) in rules.problem
    assert len(used) == 1


def test_rules_that_have_not_changed_are_named_by_their_digest(
    file: Path, used: list[Sequence[Rule]], caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(RULE.format("mine"))
    settings = load_settings({}, {})
    RulesInForce(settings, used.append).reload()
    assert caplog.messages[-1] == f"the audit rules are those in force, digest {rules_digest(settings.audit_rules)}"
    assert used == []


def test_a_reload_that_failed_is_shown_until_one_succeeds(file: Path, used: list[Sequence[Rule]]) -> None:
    file.write_text(RULE.format("mine"))
    rules = RulesInForce(load_settings({}, {}), used.append)
    assert rules_gauge(rules.problem)[-1] == 0
    file.write_text(RULE.format("mine") + 'fields = { outcome = "=sucess" }\n')
    rules.reload()
    assert "did you mean 'success'?" in rules.problem
    assert rules_gauge(rules.problem)[-1] == 1
    file.write_text(RULE.format("mine"))
    rules.reload()
    assert rules.problem == ""
    assert rules_gauge(rules.problem)[-1] == 0
    assert used == []


def test_rules_that_are_gone_are_named_in_a_warning(
    file: Path, used: list[Sequence[Rule]], caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("".join(map(RULE.format, ["kept", "twice", "twice", "lost"])))
    settings = load_settings({}, {})
    rules = RulesInForce(settings, used.append)
    number = len(settings.audit_rules)
    file.write_text(RULE.format("kept") + "[audit")
    rules.reload()
    assert rules.rules == settings.audit_rules
    file.write_text(RULE.format("kept"))
    rules.reload()
    assert len(rules.rules) == number - 3
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 1
    gone = "twice (2 rules), lost are gone"
    assert warned[0].startswith(f"there are {number - 3} audit rules now, and there were {number}: {gone}. If ")
    file.write_text(RULE.format("kept") + RULE.format("more"))
    rules.reload()
    assert "audit rules were read anew" in caplog.messages[-1]


def test_a_file_whose_keys_are_too_deep_leaves_the_rules_in_force(file: Path, used: list[Sequence[Rule]]) -> None:
    file.write_text(RULE.format("mine"))
    rules = RulesInForce(load_settings({}, {}), used.append)
    for content in (".".join(["a"] * 200_000) + " = 1\n", '"a" . ' * 60 + "a = 1\n", f"[{'.'.join(['a'] * 60)}]\n"):
        file.write_text(content)
        rules.reload()
        assert "nested too deep" in rules.problem
    file.write_text(RULE.format("mine") + f"# {'a.' * 100}\n")
    rules.reload()
    assert rules.problem == ""
    assert used == []
