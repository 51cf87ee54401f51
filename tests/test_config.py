from __future__ import annotations

from pathlib import Path

import pytest

from server.config import SETTINGS, ConfigError, Settings, load_settings
from server.notary.signers import Signer
from server.pipeline.rules import BUILT_IN_RULES
from server.setting_values import Address, parse_address
from storage.url import EmbeddedUrl, ServerUrl


def load(tmp_path: Path, toml: str | None = None, environ: dict[str, str] | None = None, **flags: str) -> Settings:
    if toml is not None:
        (tmp_path / "settings.toml").write_text(toml)
        flags["config"] = str(tmp_path / "settings.toml")
    return load_settings(flags, environ or {})


def test_without_any_setting_the_storage_is_embedded_in_the_data_directory(tmp_path: Path) -> None:
    settings = load(tmp_path, data_dir=str(tmp_path))
    assert settings.storage == EmbeddedUrl(tmp_path / "chdb")
    assert settings.otlp_grpc == Address("127.0.0.1", 4317)
    assert settings.audit_rules == BUILT_IN_RULES


def test_a_flag_outranks_a_variable_outranks_the_file_outranks_the_default(tmp_path: Path) -> None:
    toml = 'deployment = "from-file"\nbatch_rows = 7\nlog_level = "error"'
    environ = {"LOGNOTARY_DEPLOYMENT": "from-variable", "LOGNOTARY_BATCH_ROWS": "8"}
    settings = load(tmp_path, toml, environ, deployment="from-flag")
    assert (settings.deployment, settings.batch_rows, settings.log_level) == ("from-flag", 8, "error")
    assert settings.batch_age == 0.25


def test_a_server_url_may_carry_user_and_password(tmp_path: Path) -> None:
    settings = load(tmp_path, storage="https://me:p%40ss@host/logs")
    assert settings.storage == ServerUrl("host", 8443, True, "logs", "me", "p@ss")


def test_there_is_one_worker_unless_a_server_stores(tmp_path: Path) -> None:
    assert load(tmp_path).workers == 1
    assert load(tmp_path, workers="1").workers == 1
    assert load(tmp_path, 'storage = "http://host/logs"\nworkers = 4').workers == 4
    with pytest.raises(ConfigError, match=r"workers in .*settings\.toml: 4 workers need a ClickHouse server"):
        load(tmp_path, "workers = 4")


def test_own_audit_rules_come_before_the_built_in_ones(tmp_path: Path) -> None:
    toml = '[[audit.rules]]\nname = "billing"\nmatch = { service = "billing" }'
    assert [rule.name for rule in load(tmp_path, toml).audit_rules][:2] == ["billing", "otel-audit"]


def test_built_in_audit_rules_can_be_turned_off(tmp_path: Path) -> None:
    assert load(tmp_path, "[audit]\nbuilt_in_rules = false").audit_rules == ()


def test_public_keys_of_other_writers_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(Signer.generate().public_pem())
    settings = load(tmp_path, public_keys=str(tmp_path / "other.pem"))
    assert len(settings.public_keys.unnamed) == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("otlp_grpc", "4317", "--otlp-grpc: '4317' is not host:port"),
        ("http", "host:99999", "--http: 'host:99999' is not host:port"),
        ("storage", "mysql://host", "--storage: not a storage URL"),
        ("storage", "chdb:relative", "--storage: .*chdb:///absolute/path"),
        ("batch_rows", "0", "--batch-rows: 0 is not greater than 0"),
        ("batch_age", "nan", "--batch-age: nan is not greater than 0"),
        ("ack_timeout", "soon", "--ack-timeout: "),
        ("workers", "0", "--workers: 0 is not greater than 0"),
        ("workers", "-2", "--workers: -2 is not greater than 0"),
        ("workers", "two", "--workers: 'two' is not a whole number"),
        ("workers", "1.5", r"--workers: '1\.5' is not a whole number"),
        ("workers", "2", "--workers: 2 workers need a ClickHouse server, .*--storage http"),
        ("deployment", "a b", "--deployment: .*'a b'"),
        ("writer", "a/b", "--writer: .*'a/b'"),
        ("log_level", "loud", "--log-level: 'loud' is not debug"),
        ("public_keys", "/nowhere.pem", "--public-keys: .*nowhere"),
    ],
)
def test_a_bad_value_is_refused_with_where_it_stands_and_what_it_should_be(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, **{name: value})


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LOGNOTARY_BATCH_ROWS: "):
        load(tmp_path, environ={"LOGNOTARY_BATCH_ROWS": "many"})


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("batch_row = 3", "unknown setting batch_row"),
        ("batch_rows = ", "is not TOML"),
        ("audit = 3", r"\[audit\] has the settings"),
        ('[[audit.rules]]\nname = "x"', "audit rule 'x': 'match'"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, toml: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, toml)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, config=str(tmp_path / "nowhere.toml"))


def test_addresses_may_be_ipv6_or_without_a_host() -> None:
    assert parse_address("[::1]:4317") == Address("::1", 4317)
    assert str(parse_address("[::1]:4317")) == "[::1]:4317"
    assert parse_address(":4317").host == "0.0.0.0"


def test_every_setting_has_a_help_text() -> None:
    assert all(setting.help for setting in SETTINGS)
