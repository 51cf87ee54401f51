"""Settings as they are read: sources and their order, defaults, kinds of values."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.codec.audit.built_in import built_in_rules
from server.notary.keys import KeyType, VerifierKey
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.settings.settings import SETTINGS, ConfigError
from server.settings.values import Address, parse_address
from server.witness.settings import TimestampAuthority
from storage.url import EmbeddedUrl, ServerUrl
from tests.settings.loading import load


def test_without_any_setting_the_storage_is_embedded_in_the_data_directory(tmp_path: Path) -> None:
    settings = load(tmp_path, data_dir=str(tmp_path))
    assert settings.storage == EmbeddedUrl(tmp_path / "chdb")
    assert settings.otlp_grpc == Address("127.0.0.1", 4317)
    assert settings.audit_rules == built_in_rules()


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
    with pytest.raises(ConfigError, match=r"settings\.toml:1: workers: 4 workers need a ClickHouse server"):
        load(tmp_path, "workers = 4")


def test_all_streams_are_signed_unless_some_are_named(tmp_path: Path) -> None:
    assert load(tmp_path).signed_streams == frozenset(Stream)
    assert load(tmp_path).unsigned_streams == ()
    some = load(tmp_path, signed_streams=" Audit, spans,audit ")
    assert some.signed_streams == {Stream.AUDIT, Stream.SPANS}
    assert some.unsigned_streams == (Stream.OPERATIONAL,)
    assert load(tmp_path, 'signed_streams = ["audit"]').unsigned_streams == (Stream.OPERATIONAL, Stream.SPANS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("operational,spans", "audit is missing: unsigned audit records prove nothing"),
        ("", "audit is missing"),
        ("audit,operation", "'operation' is not audit, operational or spans; did you mean 'operational'?"),
    ],
)
def test_audit_records_are_always_signed_and_other_names_are_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, signed_streams=text)
    assert told in str(refused.value)


def test_own_audit_rules_come_before_the_built_in_ones(tmp_path: Path) -> None:
    toml = '[[audit.rules]]\nname = "billing"\nmatch = { service = "billing" }'
    assert [rule.name for rule in load(tmp_path, toml).audit_rules][:2] == ["billing", "otel-audit"]


def test_built_in_audit_rules_can_be_turned_off(tmp_path: Path) -> None:
    assert load(tmp_path, "[audit]\nbuilt_in_rules = false").audit_rules == ()


def test_public_keys_of_other_writers_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(Signer.generate().public_pem())
    settings = load(tmp_path, public_keys=str(tmp_path / "other.pem"))
    assert len(settings.public_keys.unnamed) == 1


def test_evidence_is_kept_up_without_any_setting(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.signing_key, settings.retired_keys, settings.ml_dsa) == ("", (), False)
    assert (settings.retention_audit, settings.retention_operational, settings.heartbeat) == (400, 30, 600)
    assert (settings.witnesses, settings.timestamp_authority) == ((), None)


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("18250d", 18_250), ("forever", None), ("Forever", None)])
def test_records_are_kept_for_days_or_for_ever(tmp_path: Path, text: str, days: int | None) -> None:
    assert load(tmp_path, retention_audit=text).retention_audit == days


def test_a_file_may_say_true_and_false_as_toml_does(tmp_path: Path) -> None:
    assert load(tmp_path, "ml_dsa = true").ml_dsa
    assert not load(tmp_path, "ml_dsa = false").ml_dsa
    assert load(tmp_path, environ={"LOGNOTARY_ML_DSA": "TRUE"}).ml_dsa


def test_keys_in_tokens_are_named_by_uris(tmp_path: Path) -> None:
    settings = load(
        tmp_path, 'signing_key = "pkcs11:token=a;object=c"\nretired_keys = ["pkcs11:token=a;object=b", "x"]'
    )
    assert settings.signing_key == "pkcs11:token=a;object=c"
    assert settings.retired_keys == ("pkcs11:token=a;object=b", "x")
    assert load(tmp_path, retired_keys=" a ,, b,").retired_keys == ("a", "b")


def test_witnesses_are_separated_by_commas(tmp_path: Path) -> None:
    keys = [VerifierKey(f"w{n}.example", bytes([n]) * 32, KeyType.ED25519_COSIGNATURE) for n in (1, 2)]
    witnesses = load(tmp_path, witnesses=", ".join(f"{key} https://{key.name}/" for key in keys)).witnesses
    assert [(witness.key, witness.url) for witness in witnesses] == [(key, f"https://{key.name}") for key in keys]


def test_a_timestamp_authority_has_its_roots_and_its_interval(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text("")
    flags = {"timestamp_roots": str(tmp_path / "roots.pem"), "timestamp_interval": "60"}
    assert load(tmp_path, None, {}, **flags).timestamp_authority is None
    authority = load(tmp_path, None, {}, timestamp_authority="http://tsa.example/tsr", **flags).timestamp_authority
    assert authority == TimestampAuthority("http://tsa.example/tsr", tmp_path / "roots.pem", 60.0)


def test_variables_that_kubernetes_and_docker_make_for_services_are_not_settings(tmp_path: Path) -> None:
    names = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_OTLP_GRPC", "PORT", "PORT_4317_TCP", "PORT_4317_TCP_ADDR")
    environ = {f"LOGNOTARY_{service}{name}": "tcp://10.0.0.1:4317" for service in ("", "API_") for name in names}
    assert load(tmp_path, environ=environ).ack_timeout == 10


def test_sizes_and_durations_may_have_units(tmp_path: Path) -> None:
    settings = load(tmp_path, 'memory_limit = "1.5GiB"\nheartbeat = 90\nself_verify = "1w"', batch_bytes="10MB")
    assert (settings.memory_limit, settings.batch_bytes, settings.journal_bytes) == (3 << 29, 10_000_000, 1 << 30)
    assert (settings.heartbeat, settings.self_verify, settings.batch_age) == (90, 604_800, 0.25)
    assert load(tmp_path, batch_age="0.5", heartbeat="1h30m", retention_audit="2w").retention_audit == 14


def test_as_many_queries_run_at_the_same_time_as_there_are_processors_and_at_least_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for processors, queries in ((1, 2), (2, 2), (8, 8)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, count=processors: set(range(count)), raising=False)
        assert load(tmp_path).query_concurrency == queries
    assert load(tmp_path, query_concurrency="1").query_concurrency == 1


def test_a_server_url_may_have_its_database_as_a_parameter(tmp_path: Path) -> None:
    assert load(tmp_path, storage="http://host/?database=logs").storage == ServerUrl("host", 8123, False, "logs")


def test_addresses_may_be_ipv6_or_without_a_host() -> None:
    assert parse_address("[::1]:4317") == Address("::1", 4317)
    assert str(parse_address("[::1]:4317")) == "[::1]:4317"
    assert parse_address(":4317").host == "0.0.0.0"


def test_every_setting_has_a_help_text() -> None:
    assert all(setting.help for setting in SETTINGS)
