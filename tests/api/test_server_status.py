"""The status of a server that is not well."""

from __future__ import annotations

from server.api.server_status import StatusSource, get_settings, get_status
from server.commands.output import Style
from server.commands.status import is_good, status_lines
from server.notary.trust import TrustedKeys
from server.self_verification.status import SelfVerification
from server.settings.shown import ShownSetting
from storage.deferred import DeferredEngine


def test_while_storage_is_away_the_status_says_so() -> None:
    source = StatusSource("http://me@host:8123/logs", lambda: "waiting for storage")
    status = get_status(DeferredEngine(), TrustedKeys, source)
    assert (status.not_ready, status.storage) == ("waiting for storage", "http://me@host:8123/logs")
    assert status.storage_problem == "storage has not been reached yet"
    assert not status.HasField("self_verification")
    assert not is_good(status)
    server, storage, problem, verification, logs = status_lines(status, Style(colour=False))
    assert server.endswith("✘ not ready: waiting for storage")
    assert storage == "storage            http://me@host:8123/logs"
    assert problem.strip() == "✘ storage has not been reached yet"
    assert (verification, logs) == ("self-verification  off", "logs               unknown")


def test_audit_rules_that_could_not_be_reloaded_are_in_the_status() -> None:
    status = get_status(DeferredEngine(), TrustedKeys, StatusSource(rules_problem=lambda: "lognotary.toml:2: no name"))
    status.storage_problem = ""
    assert not is_good(status)
    line = "audit rules        ✘ not reloaded, older rules are in force: lognotary.toml:2: no name"
    assert line in list(status_lines(status, Style(colour=False)))
    status.audit_rules_problem = ""
    assert is_good(status)
    assert not any("rules" in line for line in status_lines(status, Style(colour=False)))


def test_settings_are_told_in_their_order_with_their_origins() -> None:
    given = [
        ShownSetting("storage", "chdb:///x", "option", "--storage"),
        ShownSetting("ack", "commit", "default", "ack"),
    ]
    answer = get_settings(StatusSource(settings=given, settings_file="/etc/lognotary.toml"))
    assert answer.file == "/etc/lognotary.toml"
    assert [(each.name, each.value, each.origin, each.place) for each in answer.settings] == [
        ("storage", "chdb:///x", "option", "--storage"),
        ("ack", "commit", "default", "ack"),
    ]


def test_findings_of_self_verification_are_in_the_status() -> None:
    state = SelfVerification(
        3600, {"RECORD_CHANGED": 2, "TILE_ALTERED": 0}, walk_started=1.5, walk_finished=2.5, walks=1, is_behind=True
    )
    status = get_status(DeferredEngine(), TrustedKeys, StatusSource(self_verification=lambda: state))
    status.storage_problem = ""
    assert status.self_verification.pass_finished.ToNanoseconds() == 2_500_000_000
    assert not is_good(status)
    [line] = [line for line in status_lines(status, Style(colour=False)) if line.startswith("self-verification")]
    assert line == (
        "self-verification  ✘ 2 findings (RECORD_CHANGED), last pass finished 1970-01-01T00:00:02.500Z, "
        "a pass takes longer than the interval"
    )


def test_values_of_storage_cannot_deceive_in_the_status() -> None:
    status = get_status(DeferredEngine(), TrustedKeys, StatusSource())
    status.logs.add(origin="\x1b[31mx", tree_size=1, sequence=1, problem="\n✔ verified")
    assert not any("\x1b" in line or "\n" in line for line in status_lines(status, Style(colour=False)))


def test_the_status_says_whether_the_disks_of_storage_are_encrypted() -> None:
    status = get_status(DeferredEngine(), TrustedKeys, StatusSource("chdb:///data"))
    for encryption, end in (("all", "encrypted disks"), ("some", "some disks are not encrypted"), ("none", "data")):
        status.disk_encryption = encryption
        _, storage, *_ = status_lines(status, Style(colour=False))
        assert storage.endswith(end)
