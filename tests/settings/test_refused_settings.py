"""Settings that are refused, with the place of the bad value and what it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.settings.settings import ConfigError, load_settings
from tests.settings.loading import load


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("otlp_grpc", "4317", "--otlp-grpc: '4317' is not host:port"),
        ("http", "host:99999", "--http: 'host:99999' is not host:port"),
        ("storage", "mysql://host", "--storage: not a storage URL"),
        ("storage", "chdb:relative", "--storage: .*chdb:///absolute/path"),
        ("batch_rows", "0", "--batch-rows: 0 is too small: give 1 or more"),
        (
            "batch_age",
            "nan",
            "--batch-age: 'nan' is not a duration: give a number of seconds, or a duration such as 250ms",
        ),
        ("ack_timeout", "soon", "--ack-timeout: "),
        ("workers", "0", "--workers: 0 is too small: give 1 or more"),
        ("workers", "-2", "--workers: -2 is too small: give 1 or more"),
        ("workers", "two", "--workers: 'two' is not a whole number"),
        ("workers", "1.5", r"--workers: '1\.5' is not a whole number"),
        ("workers", "2", "--workers: 2 workers need a ClickHouse server, .*--storage http"),
        ("deployment", "a b", "--deployment: .*'a b'"),
        ("writer", "a/b", "--writer: .*'a/b'"),
        ("batch_age", "inf", "--batch-age: 'inf' is not a duration"),
        ("batch_age", "-1s", "--batch-age: '-1s' is not a duration"),
        ("ack_timeout", "abc", "--ack-timeout: 'abc' is not a duration: give a number of seconds"),
        ("ack_timeout", "9999999999999", "--ack-timeout: 9999999999999 is longer than a hundred years"),
        ("memory_limit", "10XB", "--memory-limit: '10XB' is not a size: give a number of bytes, or a size such as"),
        ("memory_limit", "2G", r"--memory-limit: '2G' is ambiguous: give 2GB \(powers of 1000\) or 2GiB"),
        ("memory_limit", "0.5B", r"--memory-limit: '0\.5B' is not a whole number of bytes"),
        ("self_verify", "12", "--self-verify: '12' is not an interval, such as 12h"),
        ("http", "http://host:7318", "--http: 'http://host:7318' is not host:port"),
        ("http", "::1:7318", "--http: '::1:7318' is not host:port"),
        ("ack", "comit", "--ack: 'comit' is not commit or journal; did you mean 'commit'?"),
        ("storage", "http://host/?user=x", "--storage: .*'user' is not a parameter"),
        ("storage", "http://host/a?database=b", "--storage: .*names two databases, 'a' and 'b'"),
        ("storage", "chdb:///path?x=1", "--storage: .*chdb:///absolute/path"),
        ("http", "127.0.0.1:4317", "--http: 127.0.0.1:4317 is the address of otlp_grpc already: give another port"),
        ("log_level", "loud", "--log-level: 'loud' is not debug"),
        ("public_keys", "/nowhere.pem", "--public-keys: .*nowhere"),
        ("ml_dsa", "yes", "--ml-dsa: 'yes' is not true or false"),
        ("heartbeat", "0", "--heartbeat: 0 is too short: give more than no time, such as 250ms"),
        ("retention_audit", "400", "--retention-audit: '400' is not a number of days or weeks, such as 30d or 4w"),
        ("retention_audit", "0d", "--retention-audit: 0d is too short: give 1d or more"),
        ("retention_operational", "1.5d", r"--retention-operational: '1\.5d' is not a whole number of days"),
        ("retention_operational", "18251d", "--retention-operational: 18251d is more than 18250d: give 'forever'"),
        ("witnesses", "https://witness.example/", "--witnesses: "),
        ("witness_interval", "never", "--witness-interval: "),
        ("timestamp_authority", "ftp://host/", "--timestamp-authority: "),
        ("timestamp_roots", "/nowhere.pem", "--timestamp-roots: the file /nowhere.pem does not exist"),
        ("timestamp_interval", "-1", "--timestamp-interval: -1 is too short: give more than no time"),
    ],
)
def test_a_bad_value_is_refused_with_where_it_stands_and_what_it_should_be(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    flags: dict[str, Any] = {name: value}
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, **flags)


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LOGNOTARY_BATCH_ROWS: "):
        load(tmp_path, environ={"LOGNOTARY_BATCH_ROWS": "many"})


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("batch_row = 3", r"settings\.toml:1: unknown setting batch_row; did you mean 'batch_rows'\?"),
        ("batch_rows = ", r"settings\.toml:1: the file is not TOML"),
        ("\n[adit]\nbuilt_in_rules = true", r"settings\.toml:2: unknown section \[adit\]; did you mean 'audit'\?"),
        ("[storage]\nurl = 'x'", r"settings\.toml:1: storage: a table is not a text in quotes"),
        ("[[rules]]\nname = 'a'", r"unknown section \[rules\]; did you mean \[\[audit\.rules\]\]\?"),
        ("[evidence]\nheartbeat = 5", r"unknown section \[evidence\]; settings stand before the first section"),
        (
            "[audit]\nbuilt_in_rules = 'no'",
            r"settings\.toml:2: built_in_rules: 'no' is not true or false, without quotes",
        ),
        ("[audit]\nbuiltin_rules = false", r":2: unknown setting builtin_rules .*did you mean 'built_in_rules'\?"),
        ("[[audit.rule]]\nname = 'x'", r":1: unknown setting rule in \[audit\]; did you mean 'rules'\?"),
        ("deployment = 5", r"settings\.toml:1: deployment: 5 is not a text in quotes"),
        ("batch_rows = true", r"settings\.toml:1: batch_rows: true is not a whole number"),
        ("heartbeat = false", r"settings\.toml:1: heartbeat: false is not a number of seconds, or a duration"),
        ("public_keys = [1]", r"settings\.toml:1: public_keys: this list is not a text in quotes, or a list of them"),
        ("ml_dsa = 'yes'", r"settings\.toml:1: ml_dsa: 'yes' is not true or false"),
        (
            "[[audit.rules]]\nname = 'a'\nmatch = {scope = 'a'}\n\n[[audit.rules]]\nname = 'b'\nmatch = {servce = 'a'}",
            r"settings\.toml:5: audit rule 'b': unknown condition servce; did you mean 'service'\?",
        ),
        ("audit = 3", r"\[audit\] may only contain the settings"),
        ('[[audit.rules]]\nname = "x"', "audit rule 'x': 'match'"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, toml: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, toml)


def test_a_file_is_refused_with_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    toml = "batch_row = 3\nheartbeat = 'soon'\n[audit]\nbuilt_in_rules = 1\n"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, toml, {"LOGNOTARY_ACK_TIME": "1"}, workers="two")
    assert [problem.removeprefix(f"{tmp_path}/")[:24] for problem in caught.value.problems] == [
        "LOGNOTARY_ACK_TIME: ther",
        "--workers: 'two' is not ",
        "settings.toml:1: unknown",
        "settings.toml:2: heartbe",
        "settings.toml:4: built_i",
    ]


def test_a_variable_that_no_setting_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"LOGNOTARY_BATCH_AGEE: there is no setting .*mean 'LOGNOTARY_BATCH_AGE'"):
        load(tmp_path, environ={"LOGNOTARY_BATCH_AGEE": "3"})


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the settings file: there is no file .*nowhere\.toml: check the path"):
        load(tmp_path, config=str(tmp_path / "nowhere.toml"))


def test_problems_are_listed_in_the_order_of_the_files_lines_after_those_of_other_sources(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    lines = ['log_level = "loud"', "wokers = 2", "workers = 0", 'ml_dsa = "yes"', 'http = "x"', "batch_rows = 0"]
    file.write_text("\n".join([*lines, "", "[audit]", "nothing = 1", "[[audit.rules]]", "x = 1", ""]))
    with pytest.raises(ConfigError) as refused:
        load_settings({"config": str(file), "data_dir": str(tmp_path), "ack": "never"}, {"LOGNOTARY_WRITRE": "a"})
    others, of_file = refused.value.problems[:2], refused.value.problems[2:]
    assert [problem.partition(":")[0] for problem in others] == ["LOGNOTARY_WRITRE", "--ack"]
    numbers = [int(problem.removeprefix(f"{file}:").partition(":")[0]) for problem in of_file]
    assert numbers == [1, 2, 3, 4, 5, 6, 9, 10]
