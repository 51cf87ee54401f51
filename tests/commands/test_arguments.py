"""The command line: wrong usage, and help."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from server.cli import build_parser, main
from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.overview import COMMANDS

NAMES = [name for group in COMMANDS.values() for name in group]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that is refused, and return the message."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert hint.startswith("see 'lognotary")
    return message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trce"], "lognotary: unknown command 'trce'; did you mean 'trace'?"),
        (["--verson"], "lognotary: unknown option --verson; did you mean '--version'?"),
        (["fly"], "lognotary: unknown command 'fly'; there are serve, demo"),
        (["keys", "exprt"], "lognotary keys: unknown action 'exprt'; did you mean 'export'?"),
        (["serve", "--batch-agee", "1"], "lognotary serve: unknown option --batch-agee; did you mean '--batch-age'?"),
        (["serve", "--batch_age=1"], "lognotary serve: unknown option --batch_age; did you mean '--batch-age'?"),
        (["audit", "--acto", "alice"], "lognotary audit: unknown option --acto; did you mean '--actor'?"),
        (["audit", "alice"], "lognotary audit: unexpected argument 'alice'"),
        (["audit", "--actor", "a", "--actor", "b"], "lognotary audit: --actor is given twice: give it once"),
        (["audit", "--actor", ""], "lognotary audit: --actor: the text is empty: leave the filter out"),
        (["audit", "--limit", "few"], "lognotary audit: --limit: 'few' is not a whole number"),
        (["audit", "--limit", "0"], "lognotary audit: --limit: 0 is too small: give 1 or more"),
        (["near", "a/audit/b#1", "-n", "501"], "lognotary near: --count: 501 is more than 500"),
        (["facets", "--limit", "1001"], "lognotary facets: --limit: 1001 is more than 1,000"),
        (["facets", "--names", "", "--limit", "10001"], "lognotary facets: --limit: 10001 is more than 10,000"),
        (["histogram", "--groups", "101"], "lognotary histogram: --groups: 101 is more than 100"),
        *(
            (
                [command, *words, "--stream", "span"],
                f"lognotary {command}: --stream: 'span' is not audit, operational or spans; did you mean 'spans'?",
            )
            for command, *words in (["search"], ["near", "x"], ["traces"], ["histogram"], ["facets"])
        ),
        (
            ["audit", "--outcome", "failed"],
            "lognotary audit: --outcome: 'failed' is not success, failure or unknown; did you mean 'failure'?",
        ),
        (["audit", "--category", "foo"], "lognotary audit: --category: 'foo' is not admin, data, auth or system"),
        (["audit", "--since", "some day"], "lognotary audit: --since: 'some day' is not a time: give 2026-11-28, "),
        (["audit", "--since", "2h", "--until", "3h"], "lognotary audit: --since is not before --until"),
        (["audit", "--actor", "*ice"], "lognotary audit: --actor: '*ice' has a '*' that is not at its end"),
        (["audit", "--target-type", "a*b*"], "lognotary audit: --target-type: 'a*b*' has a '*' that is not at its end"),
        (["verify", "--since", "2100-01-01T00:00:00Z"], "lognotary verify: --since is in the future"),
        (
            ["verify", "--compromised", f"{'1' * 16}=2100-01-01T00:00:00Z"],
            f"lognotary verify: --compromised {'1' * 16}: ",
        ),
        (
            ["keys", "compromised", "1" * 16, "--since", "2100-01-01T00:00:00Z"],
            "lognotary keys compromised: --since is",
        ),
        (
            ["--api", "host:7317", "status"],
            "lognotary: --api comes before the command: give it after 'lognotary status'",
        ),
        (["--api=host:7317", "keys", "list"], "lognotary: --api comes before the command: give it after 'lognotary"),
        (["--verson", "status"], "lognotary: unknown option --verson; did you mean '--version'?"),
        (["help", "fly"], "lognotary: unknown command 'fly'"),
        (["verify", "--since", "1d", "--until", "2d"], "lognotary verify: --since is not before --until"),
        (["verify", "--resume", "f", "--since", "1d"], "lognotary verify: --resume verifies whole logs"),
        (["verify", "--compromised", "abc=now"], "lognotary verify: --compromised: 'abc=now' is not a fingerprint"),
        (["prove", "log"], "lognotary prove: RECORD: 'log' is not a record: give LOG#LEAF"),
        (["checkpoint", "--origins"], "lognotary checkpoint: --origins requires --list"),
        (
            ["checkpoint", "--list", "-o", "f"],
            "lognotary checkpoint: --output with --list writes the names of the logs",
        ),
        (["checkpoint", "--list", "--size", "3"], "lognotary checkpoint: --list lists all logs: do not combine it"),
        (["completion", "tcsh"], "lognotary completion: bash|zsh|fish: 'tcsh' is not bash, zsh or fish"),
    ],
)
def test_wrong_usage_is_refused_with_what_was_probably_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert refused(arguments, capsys).startswith(message)


@pytest.mark.parametrize(
    "command", [["search"], ["histogram"], ["facets"], ["traces"], ["actor", "a"], ["near", "x"], ["tail"], ["export"]]
)
@pytest.mark.parametrize(
    "word", ["-outcome:success", "-name:x", '-"out of stock"', '-"refused"', "-(a OR b)", "-outcome:>=5", "-a.b:c=d"]
)
def test_a_word_of_a_query_may_begin_with_a_minus(command: list[str], word: str) -> None:
    parser = build_parser()
    required = ["-o", "f"] if command == ["export"] else []
    for words in ([word, "b"], ["action:user.*", word]):
        options = parser.parse_args([*command, *words, "--utc", *required])
        assert options.query == words


def test_a_misspelled_option_is_no_word_of_a_query(capsys: pytest.CaptureFixture[str]) -> None:
    meant = "lognotary search: unknown option --sinse; did you mean '--since'?"
    assert refused(["search", "a", "--sinse=2026-11-28T10:00:00Z"], capsys) == meant
    assert refused(["search", "a", "--sinse", "7d"], capsys) == meant
    assert refused(["search", "-x"], capsys).startswith("lognotary search: unknown option -x")
    assert refused(["audit", "-outcome:success"], capsys).startswith("lognotary audit: unknown option -outcome:success")


def test_wrong_usage_cannot_deceive_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\\x1b[31m" in refused(["audit", "--since", "\x1b[31m"], capsys)


def test_an_outcome_may_be_in_upper_case() -> None:
    assert build_parser().parse_args(["audit", "--outcome", "FAILURE"]).outcome == "failure"


def test_a_zone_that_was_assumed_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--since", "2026-11-28", "--api", "nonsense"]) == 2
    note, _ = capsys.readouterr().err.splitlines()
    assert note.startswith("lognotary: --since is 2026-11-28T00:00:00")
    assert "the local time zone" in note


@pytest.mark.parametrize("arguments", [[], ["keys"], ["journal"], ["config"]])
def test_without_a_command_there_is_an_overview(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("usage: lognotary")
    assert "examples:" in shown


@pytest.mark.parametrize("words", [[], ["verify"], ["keys"], ["keys", "list"]])
def test_help_is_a_command_too(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    shown = []
    for arguments in (["help", *words], [*words, "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        shown.append(capsys.readouterr())
    assert shown[0] == shown[1]
    assert shown[0].out.startswith(" ".join(["usage: lognotary", *words]))


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


def test_every_option_and_command_has_a_help_text() -> None:
    for parser in parsers(build_parser()):
        for action in parser._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert action.help, (parser.prog, action.dest)
        assert parser.description or parser.prog == "lognotary", parser.prog


@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_takes_a_token_names_the_variables_of_the_server(name: str) -> None:
    command = build_parser().command(name)
    assert command is not None
    text = command.format_help()
    if "--token-file" in text:
        assert [variable for variable, _ in API_VARIABLES if f"\n  {variable} " not in text] == []


def test_settings_are_helped_in_groups_with_their_kinds() -> None:
    [serve] = [parser for parser in parsers(build_parser()) if parser.prog == "lognotary serve"]
    text = serve.format_help()
    for line in ("addresses:", "limits:", "--batch-bytes SIZE", "--batch-age DURATION", "--ack commit|journal"):
        assert line in text
    assert "LOGNOTARY_BATCH_AGE is --batch-age" in text


@pytest.mark.parametrize("address", ["127.0.0.1", "http://127.0.0.1:7317", "localhost:", "host:port", "::1:7317"])
def test_an_api_address_without_host_and_port_is_refused(capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert main(["trace", "1" * 32, "--api", address]) == 2
    message = capsys.readouterr().err
    assert f"--api: '{address}' is not host:port, such as 127.0.0.1:7317" in message


def test_the_api_address_may_be_a_variable(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOGNOTARY_API", "nonsense")
    assert main(["trace", "1" * 32]) == 2
    assert "LOGNOTARY_API: 'nonsense' is not host:port" in capsys.readouterr().err
    monkeypatch.setenv("LOGNOTARY_APII", "x")
    assert main(["trace", "1" * 32, "--api", "127.0.0.1:1"]) == 2
    assert "LOGNOTARY_APII: there is no setting" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [["verify"], ["findings", "list"], ["audit"], ["checkpoint", "--list"], ["prove", "shop/audit/node-1#0"]],
)
def test_a_data_directory_without_storage_is_refused_because_a_server_would_answer(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--data-dir", "data", "--api", "127.0.0.1:1"]) == 2
    expected = "lognotary: --data-dir requires --storage: a server uses its own keys and checkpoints\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("command", [["verify"], ["findings", "list"], ["audit"]])
def test_a_server_is_not_asked_silently_if_a_variable_names_the_storage(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGNOTARY_STORAGE", "http://clickhouse:8123/lognotary")
    note = "LOGNOTARY_STORAGE is a setting of 'lognotary serve' and is not used here: the server at 127.0.0.1:7317"
    for given, noted in ([], True), (["--api", "nonsense"], False):
        monkeypatch.setenv("LOGNOTARY_NO_SUCH", "x")  # so that no server is asked
        assert main([*command, *given]) == 2
        assert (note in capsys.readouterr().err) is noted
