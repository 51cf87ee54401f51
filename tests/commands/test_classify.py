"""``lognotary classify``."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from server.cli import main
from server.codec.audit.built_in import native_rules
from server.codec.audit.digest import rules_digest
from server.settings.settings import load_settings

RULES = """\
[audit]
built_in_rules = false

[[audit.rules]]
name = "batch"
match = { body = { items = "*" } }
split = "body:items"

[[audit.rules]]
name = "billing"
match = [{ service = "billing", attributes = { type = "pay*", amount = { min = 1 } } }, { severity_min = 17 }]
unless = { attributes = { draft = true } }
[audit.rules.fields]
actor_id = "log:user"
actor_name = "log:user"
action = "log:type"
outcome = "log:status"
source_id = "log:address"
[audit.rules.values.outcome]
"0" = "success"
"400.." = "failure"

[[audit.rules]]
name = "item"
match = { body = { id = "*" } }
generic_fields = false
[audit.rules.fields]
action = "body:id"
"""


def record(*, body: str = "", severity: int = 0, **attributes: str) -> dict[str, Any]:
    listed = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    return {"body": {"stringValue": body}, "severityNumber": severity, "attributes": listed}


def written(*records: dict[str, Any]) -> str:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "billing"}}]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}) + "\n"


ONLY_RULES = "--rules prints the rules and classifies nothing: leave out the files, --raw and --rule"
PAID = record(type="payment", amount="7", user="alice", status="403", address="10.0.0.1:443")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a settings file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "lognotary.toml").write_text(RULES)
    return tmp_path


def classified(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    assert main(["classify", *arguments]) == status
    return capsys.readouterr().out.splitlines()


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    assert main(["classify", *arguments]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_an_audit_record_is_explained(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "records.json").write_text(written(PAID))
    assert classified(capsys, "records.json") == [
        "records.json:1, record 1: audit, by the rule billing",
        "  ✔ service name is billing",
        "  ✔ attribute type is payment, wanted pay*",
        "  ✔ attribute amount is 7, wanted 1..",
        "  actor_id   log:user                       alice",
        "  action     log:type                       payment",
        "  source_id  log:address                    10.0.0.1 (10.0.0.1:443)",
        "  outcome    log:status                     failure (403, values.outcome 400..)",
        "  category   (from action and target_type)  data",
        "  empty: record_id, actor_name, actor_type, effective_actor_id, session_id, target_id, target_type, "
        "source_type, source_host, description",
    ]


def test_raw_lines_are_explained(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "events").write_text('{"id": "a"}\nhello\n')
    lines = classified(capsys, "events", "--raw")
    assert lines[0] == "events:1, record 1: audit, by the rule item"
    assert lines[-1] == "2 records: 1 audit (item 1), 1 operational"
    (directory / "empty").write_text("\n")
    assert complaint(capsys, "--raw", "empty", status=1) == "lognotary: there is no line in empty\n"


def test_lines_are_cut_to_the_terminal_unless_all_is_asked_for(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    (directory / "records.json").write_text(written(record(body="y" * 200)))
    assert classified(capsys, "records.json")[1] == f"  body: {'y' * 51}…"
    assert classified(capsys, "records.json", "-v")[1] == f"  body: {'y' * 200}"


def test_sources_of_empty_fields_are_shown_on_request(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "records.json").write_text(written(record(type="payment", amount="7", status="9", user="bob")))
    lines = classified(capsys, "records.json", "--verbose")
    assert "  outcome             (no source has a known value)  unknown (log:status is 9, not a known value)" in lines
    assert "  record_id           empty: no value in log:audit.record.id, log:log.record.uid" in lines
    assert "  actor_name          empty: log:user is bob, which another field has" in lines


def test_maps_and_lists_of_maps_are_told_apart(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written_record = record(type="payment", amount="7", user='[{"name":"alice"}]', address='{"ip":"10.0.0.1"}')
    (directory / "records.json").write_text(written(written_record))
    lines = classified(capsys, "records.json", "--verbose")
    assert any('log:user is [{"name":"alice"}], a list of maps' in line for line in lines)
    assert any('log:address is {"ip":"10.0.0.1"}, a map' in line for line in lines)


def test_records_that_nearly_match_are_explained(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = record(body="x" * 300, type="refund")
    draft = record(type="payment", amount="1", draft="true")
    (directory / "records.json").write_text(written(near, draft))
    assert classified(capsys, "records.json") == [
        "records.json:1, record 1: operational, no rule matches",
        f"  body: {'x' * 120}… (180 more characters)",
        "  the rule billing nearly matches: 1 of 3 conditions holds, in the closest of 2 alternatives",
        "    ✔ service name is billing",
        "    ✘ attribute type is refund, wanted pay*",
        "    ✘ there is no attribute amount, wanted 1..",
        "records.json:1, record 2: operational, no rule matches",
        "  the rule billing nearly matches: 3 of 3 conditions hold, but so does an exception, in the closest of "
        "2 alternatives",
        "    ✔ service name is billing",
        "    ✔ attribute type is payment, wanted pay*",
        "    ✔ attribute amount is 1, wanted 1..",
        "    ✘ unless: attribute draft is true",
        "2 records: 0 audit, 2 operational",
    ]


def test_a_rule_that_is_asked_for_is_explained_and_no_other(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "records.json").write_text(written(record(body='{"id":"a"}', severity=17)))
    lines = classified(capsys, "records.json", "--rule", "item", "--rule", "batch")
    assert lines[0] == "records.json:1, record 1: audit, by the rule billing"
    assert lines[-5:] == [
        "  the rule batch does not match: 0 of 2 conditions hold",
        "    ✘ there is no items in the body",
        "    ✘ there is no items in the body, wanted a list of events",
        "  the rule item matches too, but billing is tried before it",
        "    ✔ id in the body is a",
    ]
    problem = complaint(capsys, "records.json", "--rule", "biling")
    assert problem == "lognotary: --rule: 'biling' is not batch, billing or item; did you mean 'billing'?\n"


def test_events_in_a_list_are_explained_each(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"items": [{"id": "a"}, {"name": "b"}, {"items": [1]}]})
    (directory / "records.json").write_text(written(record(body=body)))
    lines = classified(capsys, "records.json")
    assert [line for line in lines if line.startswith(("records", "2", "  action"))] == [
        "records.json:1, record 1: operational, a list of 3 events by the rule batch",
        "records.json:1, record 1, event 1 of 3: audit, by the rule item",
        "  action    body:id                        a",
        "records.json:1, record 1, event 2 of 3: no rule matches, so it is stored only in its list",
        "records.json:1, record 1, event 3 of 3: by the rule batch a list itself, so it is stored only in its list",
        "2 records: 1 audit (item 1), 1 operational; 2 events only in a list",
    ]


def test_json_has_an_object_for_each_record(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "records.json").write_text(written(PAID) + written(record(body='{"items":[{"id":"a"}]}')))
    paid, listed, event = map(json.loads, classified(capsys, "records.json", "--json"))
    assert (paid["file"], paid["line"], paid["record"]) == ("records.json", 1, 1)
    assert (paid["stream"], paid["rule"], paid["near"]) == ("audit", "billing", [])
    assert paid["conditions"][2] == {"source": "log:amount", "wanted": ["1.."], "value": "7", "holds": True}
    assert paid["fields"]["outcome"] == {
        "value": "failure",
        "way": "values",
        "source": "log:status",
        "sent": "403",
        "test": "400..",
        "unused": [],
    }
    assert paid["fields"]["session_id"]["unused"][0] == {"source": "log:audit.session.id", "why": "no value"}
    assert (listed["line"], listed["stream"], listed["rule"], "fields" in listed) == (2, "operational", "batch", False)
    assert (event["event"], event["stream"], event["rule"]) == ([1, 1], "audit", "item")
    (directory / "records.json").write_text(written(record(type="refund")))
    [near] = map(json.loads, classified(capsys, "records.json", "--json"))
    assert (near["stream"], near["rule"]) == ("operational", None)
    [trial] = near["near"]
    assert (trial["rule"], trial["matches"], [each["holds"] for each in trial["conditions"]]) == (
        "billing",
        False,
        [True, False, False],
    )


def test_nothing_in_a_record_changes_the_terminal(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = record(type="pay\x1b[2J\n\u202e", amount="1", user="\x07", body="\x1b]0;x\x07")
    (directory / "records.json").write_text(written(bad))
    lines = classified(capsys, "records.json")
    assert all(line.isprintable() for line in lines)
    assert "  ✔ attribute type is pay\\x1b[2J\\n\\u202e, wanted pay*" in lines


def test_the_rules_in_force_are_printed_as_the_text_that_has_the_digest(
    directory: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for text in (RULES, RULES.replace("false", "true", 1).replace('"pay*"', '"zählen*"')):
        (directory / "lognotary.toml").write_text(text)
        assert main(["classify", "--rules"]) == 0
        printed = capsysbinary.readouterr().out
        assert sha256(printed).hexdigest() == rules_digest(load_settings({}, {}).audit_rules)


def test_the_digest_of_records_that_the_audit_endpoint_checked_comes_from_the_printed_rules(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "lognotary.toml").unlink()
    assert main(["classify", "--rules"]) == 0
    printed = json.loads(capsys.readouterr().out)
    first = next(rule for rule in printed["rules"] if rule["name"] == "otel-audit")
    text = json.dumps({"version": printed["version"], "rules": [first]}, separators=(",", ":"))
    assert sha256(text.encode()).hexdigest() == rules_digest(native_rules())


def test_rules_come_from_the_settings_that_are_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "records.json").write_text(written(PAID))
    (directory / "other.toml").write_text(RULES.replace('"billing"', '"paying"', 1))
    assert classified(capsys, "records.json", "--config", "other.toml")[0].endswith("audit, by the rule paying")
    monkeypatch.setenv("LOGNOTARY_CONFIG", "other.toml")
    assert classified(capsys, "records.json")[0].endswith("audit, by the rule paying")


def test_own_rules_are_tried_before_built_in_rules(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "lognotary.toml").write_text(RULES.replace("false", "true", 1))
    both = record(audit__action="x", type="payment", amount="1")
    both["attributes"][0]["key"] = "audit.action"
    (directory / "records.json").write_text(written(both, record(body="x")))
    lines = classified(capsys, "records.json")
    assert lines[0] == "records.json:1, record 1: audit, by the rule billing"
    both["attributes"] = both["attributes"][:1]
    (directory / "records.json").write_text(written(both))
    assert classified(capsys, "records.json")[0] == "records.json:1, record 1: audit, by the rule otel-audit"


def test_rules_that_cannot_be_used_are_named_with_their_place(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "records.json").write_text(written(PAID))
    (directory / "lognotary.toml").write_text(RULES.replace("service =", "servce ="))
    expected = "lognotary: lognotary.toml:9: audit rule 'billing': unknown condition servce; did you mean 'service'?\n"
    assert complaint(capsys, "records.json") == expected
    assert complaint(capsys, "--rules") == expected
    expected = "lognotary: the settings file: there is no file none.toml: check the path\n"
    assert complaint(capsys, "records.json", "--config", "none.toml") == expected


def test_secrets_are_redacted_before_as_a_server_does(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "records.json").write_text(written(record(type="payment", amount="7", user="password=hunter2")))
    assert "password=[redacted:key.password]" in "\n".join(classified(capsys, "records.json"))
    (directory / "lognotary.toml").write_text('redaction = "off"\n' + RULES)
    assert "password=hunter2" in "\n".join(classified(capsys, "records.json"))
    (directory / "lognotary.toml").write_text('redaction = "of"\n' + RULES)
    assert "did you mean 'off'" in complaint(capsys, "records.json")


def test_settings_that_are_not_about_rules_are_not_read(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "lognotary.toml").write_text('public_keys = "/none.pem"\nbatch_age = "x"\n' + RULES)
    (directory / "records.json").write_text(written(PAID))
    assert classified(capsys, "records.json")[0].endswith("by the rule billing")


def test_several_files_and_the_standard_input_are_explained(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "records.json").write_text(written(PAID, PAID))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(written(PAID).encode())))
    lines = classified(capsys, "records.json", "-")
    assert [line.partition(":")[0] for line in lines if ", record " in line] == ["records.json"] * 2 + [
        "standard input"
    ]
    assert lines[-1] == "3 records: 3 audit (billing 3), 0 operational"


def test_a_file_without_records_is_told(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "empty.json").write_text("")
    (directory / "none.json").write_text("{}\n{}\n")
    problem = complaint(capsys, "empty.json", "none.json", status=1)
    assert problem == "lognotary: there is no log record in empty.json, none.json\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "name a file with OTLP logs requests, or - for the standard input"),
        (["-", "-"], "- is given twice: the standard input can be read once"),
        (["--raw"], "name a file with lines of a log, or - for the standard input"),
        (["a.json", "--rules"], ONLY_RULES),
        (["--rules", "--rule", "a"], ONLY_RULES),
        (["--rules", "--raw"], ONLY_RULES),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["classify", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[0] == f"lognotary classify: {problem}"
