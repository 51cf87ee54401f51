from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from server.codec.audit.built_in import built_in_rules
from server.codec.redaction_rules import Mode, Redaction
from server.notary.keys import KeyType, VerifierKey
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.settings.settings import SETTINGS, ConfigError, Settings, load_settings
from server.settings.values import Address, parse_address
from server.witness.settings import TimestampAuthority
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


def test_secrets_are_removed_unless_something_else_is_set(tmp_path: Path) -> None:
    assert load(tmp_path).redaction == Redaction(Mode.REMOVE)
    assert load(tmp_path).redaction_key_file is None
    (tmp_path / "key").touch()
    settings = load(
        tmp_path,
        'redaction_keys = ["internal.code", "shoeSize"]\nredaction_keep = "order.number"',
        redaction="Hash",
        redaction_patterns="Card, jwt",
        redaction_key_file=str(tmp_path / "key"),
    )
    own = ("internal.code", "shoeSize"), ("order.number",), ("card", "jwt")
    assert settings.redaction == Redaction(Mode.HASH, *own)
    assert settings.redaction_key_file == tmp_path / "key"
    assert load(tmp_path, redaction="off", redaction_patterns="none").redaction == Redaction(Mode.OFF, patterns=())


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("redaction", "drop", "'drop' is not off, remove, hash or disclose"),
        ("redaction_patterns", "card,jwts", "did you mean 'jwt'?"),
        ("redaction_patterns", "all,card", "'all' is not"),
        ("redaction_keys", "a,--", "'--' has no word"),
        ("redaction_modes", "card", "'card' is not RULE=MODE"),
        ("redaction_modes", "key.passwort=off", "did you mean 'key.password'?"),
        ("redaction_modes", "card=hsah", "card: 'hsah' is not off, remove, hash or disclose; did you mean 'hash'?"),
        ("redaction_modes", "card=hash,Card=off", "card has two modes: give it one"),
        ("redaction_modes", "key.custom=disclose", "has no words: name keys in redaction_keys"),
        ("redaction_keys", "record id", "covers audit.record.id, by which audit records are told apart"),
        ("redaction_key_file", "/nowhere/key", "the file /nowhere/key does not exist"),
    ],
)
def test_a_redaction_that_cannot_be_is_refused(name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({name: text}, {})
    assert told in str(refused.value)


def test_rules_have_modes_of_their_own(tmp_path: Path) -> None:
    modes = {"key.custom": Mode.DISCLOSE, "card": Mode.OFF}
    file = 'redaction_modes = ["key.custom=disclose", "Card = off"]\nredaction_keys = ["user email"]'
    assert load(tmp_path, file).redaction == Redaction(keys=("user email",), modes=modes)
    own = load(tmp_path, redaction="off", redaction_modes="jwt=hash", redaction_patterns="jwt").redaction
    assert own == Redaction(Mode.OFF, patterns=("jwt",), modes={"jwt": Mode.HASH})


def test_a_mode_that_cannot_have_an_effect_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, 'redaction_patterns = "jwt"\nredaction_modes = "card=hash,basic=off"')
    assert ":2: redaction_modes: card cannot be hash, because redaction_patterns does not have it" in str(refused.value)
    assert "basic" not in str(refused.value)


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


def test_links_of_a_trace_have_names_and_urls(tmp_path: Path) -> None:
    tempo, kibana = "https://tempo.example/{trace_id}", "http://[::1]:5601/app#/?q={trace_id}&c=a%2Cb&t={trace_id}"
    expected = (("Tempo", tempo), ("Kibana logs", kibana))
    assert load(tmp_path).trace_links == ()
    assert load(tmp_path, trace_links=f" Tempo = {tempo} ,,Kibana logs={kibana},").trace_links == expected
    assert load(tmp_path, f'trace_links = ["Tempo={tempo}", "Kibana logs={kibana}"]').trace_links == expected
    assert load(tmp_path, trace_links=f"{'ä' * 64}={tempo}").trace_links == (("ä" * 64, tempo),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://a/{trace_id}", "'https://a/{trace_id}' is not a link: give NAME=URL, such as Tempo=https://"),
        ("=https://a/{trace_id}", "is not a link: give NAME=URL"),
        ("A=", "'A=' is not a link: give NAME=URL"),
        (
            "A=https://a/{trace_id}?c=1,2",
            "'2' is not a link: give NAME=URL, such as Tempo=https://tempo.example/trace/",
        ),
        ("A=https://a/{trace_id}?c=1,d=2", "not '2': give NAME=URL, .*; a comma in a URL is written %2C"),
        ("A=https://a/?c=1,2&t={trace_id}", "the URL of 'A' has no {trace_id}, .*; a comma in a URL is written %2C"),
        ("A=https://a/{traceid}", "the URL of 'A' has no {trace_id}, which stands for the ID of the trace"),
        ("A=ftp://a/{trace_id}", "the URL of 'A' must begin with http://<host> or https://<host>, not 'ftp://a/"),
        ("A=javascript:x({trace_id})", "the URL of 'A' must begin with http://<host> or https://<host>"),
        ("A=https:///{trace_id}", "the URL of 'A' must begin with http://<host> or https://<host>"),
        ("A=https://a:{trace_id}/", "the URL of 'A' must begin with http://<host> or https://<host>"),
        ("A=https://me:pw@a/{trace_id}", "the URL of 'A' has a user name or password, which everybody .*: remove it"),
        ("A=https://a/${trace_id}", "the URL of 'A' has ${trace_id}: write {trace_id}, without the dollar sign"),
        ("A=https://a/%{trace_id}", "the URL of 'A' has a '%' that takes digits of {trace_id}: write %25"),
        ("A=https://a/%4{trace_id}", "the URL of 'A' has a '%' that takes digits of {trace_id}: write %25"),
        ("A=https://a/{{trace_id}}", "the URL of 'A' must not have '{' in it: write %7B"),
        ("A=https://a/b c/{trace_id}", "the URL of 'A' must not have ' ' in it: write %20"),
        ("A=https://a/ü/{trace_id}", "the URL of 'A' must not have 'ü' in it: write %C3%BC"),
        ("A=https://a/\udcff/{trace_id}", r"the URL of 'A' must not have '\udcff' in it: write %FF"),
        ('A=https://a/"/{trace_id}', "the URL of 'A' must not have '\"' in it: write %22"),
        ("A=https://a/100%/{trace_id}", "the URL of 'A' must not have '%' in it: write %25"),
        ("A=https://a/{trace_id},A=https://b/{trace_id}", "two links have the name 'A': give each link a name of its"),
        ("A\nB=https://a/{trace_id}", r"the name 'A\nB' has a character that cannot be printed: remove it"),
        (f"{'a' * 65}=https://a/{{trace_id}}", "has 65 characters: give at most 64"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    pattern = "--trace-links: .*" + ".*".join(map(re.escape, told.split(".*")))
    with pytest.raises(ConfigError, match=pattern):
        load(tmp_path, trace_links=text)


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


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the settings file: there is no file .*nowhere\.toml: check the path"):
        load(tmp_path, config=str(tmp_path / "nowhere.toml"))


def test_addresses_may_be_ipv6_or_without_a_host() -> None:
    assert parse_address("[::1]:4317") == Address("::1", 4317)
    assert str(parse_address("[::1]:4317")) == "[::1]:4317"
    assert parse_address(":4317").host == "0.0.0.0"


def test_every_setting_has_a_help_text() -> None:
    assert all(setting.help for setting in SETTINGS)


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
