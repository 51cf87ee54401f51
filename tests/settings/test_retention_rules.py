from __future__ import annotations

from pathlib import Path

import pytest

from server.notary.origin import Stream
from server.settings.settings import ConfigError, Settings, load_settings
from storage.retention_policy import RetentionRule
from tests.settings.lines import is_on_its_line

AUDIT, OPERATIONAL, SPANS = Stream
CLICKHOUSE = "http://localhost:8123"


def load(tmp_path: Path, text: str, **flags: str) -> Settings:
    file = tmp_path / "lognotary.toml"
    file.write_text(text)
    return load_settings({"config": str(file), **flags}, {})


def problems(tmp_path: Path, text: str, **flags: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text, **flags)
    return [problem.replace(str(tmp_path / "lognotary.toml"), "file") for problem in error.value.problems]


def test_rules_are_read_in_their_order_by_stream(tmp_path: Path) -> None:
    rules = """
[[retention]]
stream = "audit"
category = "data"
days = 2557

[[retention]]
stream = "spans"
service = "noisy"
attribute = "k=a=b"
days = 3

[[retention]]
stream = "audit"
service = "shop"
days = "forever"
"""
    assert load(tmp_path, rules).retention_rules == {
        AUDIT: (RetentionRule(2557, category="data"), RetentionRule(None, service="shop")),
        SPANS: (RetentionRule(3, service="noisy", attribute=("k", "a=b")),),
    }
    assert load_settings({}, {}).retention_rules == {}


@pytest.mark.parametrize(("days", "kept"), [("30", 30), ("'30d'", 30), ("'52w'", 364), ("'forever'", None)])
def test_days_are_a_number_or_a_duration_as_in_other_settings(tmp_path: Path, days: str, kept: int | None) -> None:
    rules = f"[[retention]]\nstream = 'audit'\nservice = 'a'\ndays = {days}\n"
    assert load(tmp_path, rules).retention_rules == {AUDIT: (RetentionRule(kept, service="a"),)}


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("", 'stream is missing: write stream = "audit" (or operational or spans)'),
        ("stream = 'logs'", "stream: 'logs' is not audit, operational or spans"),
        (
            "stream = 'audit'",
            "the rule has no condition: write category, service or attribute, or set the default of the stream with "
            'retention_audit = "30d"',
        ),
        ("service = 5", 'service: 5 is not a text: write service = "…", or leave it out'),
        ("service = ' '", "service: ' ' is not a text"),
        ('service = "a\\nb"', "service: the text has characters that cannot be printed"),
        ("category = 'login'", "category: 'login' is not admin, data, auth or system"),
        ("stream = 'spans'\ncategory = 'data'", 'category: only audit records have one: write stream = "audit"'),
        ("attribute = 'k'", "attribute: 'k' is not a key and a value: write attribute = \"key=value\""),
        ("attribute = 'k='", "attribute: 'k=' is not a key and a value"),
        (
            "days = '4w'",
            "the rule has no condition: write category, service or attribute, or set the default of the "
            'stream with retention_audit = "4w"',
        ),
        ("service = 'a'", 'days is missing: write days = 365, days = "52w" or days = "forever"'),
        ("days = 0", "days: 0d is too short"),
        ("days = 20000", "days: 20000d is more than 18250d"),
        ("days = '30'", "days: '30' is not a number of days or weeks, such as 30d or 4w, or 'forever'"),
        ("days = '36h'", "days: '36h' is not a whole number of days: give days or weeks"),
        ("days = 1.5", 'days: 1.5 is not a whole number of days: write days = 365, days = "52w" or days = "forever"'),
        ("days = true", "days: True is not a whole number of days"),
        ("sevice = 'a'", "unknown setting sevice in [[retention]]; did you mean 'service'?"),
        ("colour = 'a'", "unknown setting colour in [[retention]]; a rule may have stream, category"),
    ],
)
def test_nonsense_is_refused_with_its_line_and_what_to_write(tmp_path: Path, rule: str, problem: str) -> None:
    text = f'deployment = "shop"\n[[retention]]\n{rule}\n'
    found = problems(tmp_path, text)
    assert any(is_on_its_line(each, text) and f": {problem}" in each for each in found), found


def test_a_rule_that_can_never_apply_is_refused(tmp_path: Path) -> None:
    rules = "[[retention]]\nstream = 'audit'\nservice = 'a'\ndays = 5\n"
    (found,) = problems(tmp_path, f"{rules}{rules}category = 'data'\n")
    assert found == (
        "file:5: the rule never applies, because the rule at file:1 comes first and matches all its records: put this "
        "rule before that one, or remove it"
    )


def test_retention_that_is_no_list_of_tables_is_refused(tmp_path: Path) -> None:
    for text in ("[retention]\naudit = 5\n", 'retention = "5d"\n'):
        (found,) = problems(tmp_path, text)
        assert found.startswith("file:1: retention must be tables, each under [[retention]]")
    (found,) = problems(tmp_path, "retention = [5]\n")
    assert found == "file:1: a rule of retention must be a table under [[retention]]"


def test_too_many_rules_are_refused(tmp_path: Path) -> None:
    rules = [f"[[retention]]\nstream = 'audit'\nservice = 's{n}'\ndays = 5\n" for n in range(101)]
    (found,) = problems(tmp_path, "".join(rules))
    assert found == "file:401: there are more than 100 rules of retention: remove some"


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({}, "--audit-cold-volume: embedded storage has one volume only"),
        ({"storage": CLICKHOUSE, "audit_cold_after": "forever"}, "--audit-cold-after: 'forever' moves nothing"),
        ({"storage": CLICKHOUSE, "audit_cold_after": "400d"}, "--audit-cold-after: after 400d nothing is left to move"),
    ],
)
def test_a_cold_volume_that_is_of_no_use_is_refused(tmp_path: Path, flags: dict[str, str], problem: str) -> None:
    (found,) = problems(tmp_path, "", audit_cold_volume="cold", **flags)
    assert found.startswith(problem)
    assert load(tmp_path, "", audit_cold_volume="cold", storage=CLICKHOUSE).audit_cold_after == 90
