"""``lognotary config``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.cli import main
from server.settings.settings import load_settings
from server.settings.table import SETTINGS

BROKEN = """\
storage = "http://me:secret@host:8123/logs"
batch_agee = 3

[audit]
built_in_rules = "no"

[[audit.rules]]
name = "billing"
match = { servce = "billing" }
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_says_that_settings_are_valid(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == "✔ no settings file: the settings are valid (0 values given)\n"
    (directory / "lognotary.toml").write_text("batch_age = '1s'\n")
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == "✔ lognotary.toml: the settings are valid (1 value given)\n"


def test_show_has_the_rules_of_retention(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "lognotary.toml").write_text("[[retention]]\nstream = 'audit'\nservice = 'a'\ndays = 5\n")
    assert main(["config", "show"]) == 0
    line = '# rule of retention: stream = "audit", service = "a", days = 5  # file lognotary.toml:1\n'
    assert line in capsys.readouterr().out
    assert main(["config", "show", "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)["retention_rules"]
    assert rule == {"rule": {"stream": "audit", "service": "a", "days": 5}, "place": "lognotary.toml:1"}
    assert main(["config", "check"]) == 0
    valid = "✔ lognotary.toml: the settings are valid (0 values given, 1 rule of retention)\n"
    assert capsys.readouterr().out == valid


def test_show_has_rules_of_retention_that_are_not_valid(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    assert "# rules of retention: none\n" in capsys.readouterr().out
    (directory / "lognotary.toml").write_text("[[retention]]\ndays = 2026-01-01\n")
    assert main(["config", "show"]) == 1
    assert '# rule of retention: days = "2026-01-01"  # file lognotary.toml:1\n' in capsys.readouterr().out
    assert main(["config", "show", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["retention_rules"][0]["rule"] == {"days": "2026-01-01"}
    (directory / "lognotary.toml").write_text("retention = [5]\n")
    assert main(["config", "show"]) == 1
    assert "# rule of retention: 5  # file lognotary.toml:1\n" in capsys.readouterr().out


def test_check_names_all_problems_with_file_and_line(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "lognotary.toml").write_text(BROKEN)
    monkeypatch.setenv("LOGNOTARY_HEARTBEET", "5m")
    assert main(["config", "check", "--workers", "two"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "LOGNOTARY_HEARTBEET: there is no setting of this name; did you mean 'LOGNOTARY_HEARTBEAT'?",
        "--workers: 'two' is not a whole number",
        "lognotary.toml:2: unknown setting batch_agee; did you mean 'batch_age'?",
        "lognotary.toml:5: built_in_rules: 'no' is not true or false, without quotes",
        "lognotary.toml:7: audit rule 'billing': unknown condition servce; did you mean 'service'?",
        "✘ lognotary.toml: 5 problems",
    ]
    assert main(["config", "check", "--json"]) == 1
    checked = json.loads(capsys.readouterr().out)
    assert (checked["file"], checked["valid"], len(checked["problems"])) == ("lognotary.toml", False, 4)


def test_show_has_each_value_with_its_origin(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "lognotary.toml").write_text("deployment = 'shop'\n\nheartbeat = '5m'\n")
    monkeypatch.setenv("LOGNOTARY_BATCH_ROWS", "7")
    assert main(["config", "show", "--ack", "journal", "--ack-timeout", "0.25", "--journal-bytes", "10000000"]) == 0
    shown = dict(line.split("  # ") for line in capsys.readouterr().out.splitlines() if not line.startswith("#"))
    origins = {assignment.strip(): origin for assignment, origin in shown.items()}
    assert origins['deployment = "shop"'] == "file lognotary.toml:1"
    assert origins['heartbeat = "5m"'] == "file lognotary.toml:3"
    assert origins["batch_rows = 7"] == "variable LOGNOTARY_BATCH_ROWS"
    assert origins['ack = "journal"'] == "option --ack"
    assert origins['batch_age = "250ms"'] == "default"
    assert origins['storage = ""'] == f"default: chdb://{directory}/data/chdb"
    assert origins['memory_limit = ""'] == "default: 2GiB"
    assert origins['ack_timeout = "250ms"'] == "option --ack-timeout"
    assert origins['journal_bytes = "10MB"'] == "option --journal-bytes"
    assert len(origins) == len(SETTINGS)


def test_what_show_prints_is_a_settings_file(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--batch-bytes", "10MB", "--ml-dsa", "true", "--self-verify", "1w"]) == 0
    (directory / "again.toml").write_text(capsys.readouterr().out)
    settings = load_settings({"config": "again.toml", "storage": f"chdb://{directory}/x"}, {})
    assert (settings.batch_bytes, settings.ml_dsa, settings.self_verify) == (10_000_000, True, 604_800)


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.usefixtures("directory")
def test_show_hides_passwords_and_pins(capsys: pytest.CaptureFixture[str], form: list[str]) -> None:
    status = main(
        [
            *("config", "show", *form, "--storage", "http://me:s3cret@host:8123/logs"),
            *("--signing-key", "pkcs11:token=a;object=b?module-path=/x&pin-value=s3cret"),
            *("--retired-keys", "pkcs11:token=a;object=b?pin-value=s3cret&module-path=/x,pkcs11:c?pin-value=s3cret"),
            *("--timestamp-authority", "https://host/?token=s3cret"),
        ]
    )
    printed = capsys.readouterr()
    assert status == 0
    assert "s3cret" not in printed.out + printed.err
    assert "http://me:***@host:8123/logs" in printed.out


@pytest.mark.usefixtures("directory")
def test_show_shows_invalid_settings_too_with_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--batch-age", "soon"]) == 1
    printed = capsys.readouterr()
    assert 'batch_age = "soon"' in printed.out
    assert "--batch-age: 'soon' is not a duration" in printed.err


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("command", ["check", "show"])
def test_a_settings_file_that_is_not_there_is_2(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(["config", command, "--config", "nope.toml"]) == 2
    told = "".join(capsys.readouterr())
    assert "the settings file: there is no file nope.toml: check the path" in told


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("ack = 'commit'\nack = 'journal'\n", "lognotary.toml:2: ack is given twice: remove one of the lines"),
        (
            "[audit]\nrules = []\n\n[audit]\nbuilt_in_rules = true\n",
            "lognotary.toml:4: the section [audit] is given twice: put its lines into one",
        ),
        (
            "retention_audit = 30\n",
            'lognotary.toml:1: retention_audit: 30 is not a number of days or weeks in quotes, such as "30d" or '
            '"4w", or "forever"',
        ),
        (
            "self_verify = 12\n",
            'lognotary.toml:1: self_verify: 12 is not an interval in quotes, such as "12h" or "7d", or "off"',
        ),
    ],
)
def test_a_wrong_line_is_explained_with_the_valid_form(
    directory: Path, capsys: pytest.CaptureFixture[str], content: str, problem: str
) -> None:
    (directory / "lognotary.toml").write_text(content)
    assert main(["config", "check"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == problem
