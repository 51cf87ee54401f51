"""Completion scripts, run by the shells that they are for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.lacking import require_tools
from server.cli import build_parser
from server.commands.completion import SHELLS, completion_script

ASK = """
{script}
COMP_WORDS=({words})
COMP_LINE="${{COMP_WORDS[*]}}"
COMP_POINT=${{#COMP_LINE}}
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_lognotary
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    """Ask bash for completions of the last word."""
    require_tools("bash")
    quoted = " ".join(f"'{word}'" for word in ("lognotary", *words))
    script = ASK.format(script=completion_script("bash", build_parser()), words=quoted)
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tr",), ["trace", "traces"]),
        (("check",), ["check", "checkpoint"]),
        (("keys", ""), ["list", "rotate", "generate", "export", "compromised"]),
        (("keys", "list", "--data"), ["--data-dir"]),
        (("config", "sh"), ["show"]),
        (("audit", "--out"), ["--outcome"]),
        (("audit", "--outcome", ""), ["success", "failure", "unknown"]),
        (("audit", "--actor", ""), []),
        (("serve", "--ack", "j"), ["journal"]),
        (("serve", "--log-level", "w"), ["warning"]),
        (("serve", "--signed-streams", "audit,o"), ["audit,operational", "audit,operational,spans"]),
        (("verify", "--unsigned-streams", ""), ["operational", "spans", "operational,spans"]),
        (("completion", ""), list(SHELLS)),
        (("--ver",), ["--version"]),
    ],
)
def test_bash_completes_commands_options_and_values(words: tuple[str, ...], expected: list[str]) -> None:
    assert completed(*words) == expected


def test_bash_completes_files(tmp_path: Path) -> None:
    assert f"{tmp_path}" in completed("verify", "--public-key", f"{tmp_path}")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_one_that_its_shell_can_read(shell: str) -> None:
    require_tools(shell)
    script = completion_script(shell, build_parser())
    subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True)


def test_fish_gets_every_command_and_option() -> None:
    script = completion_script("fish", build_parser())
    assert "-a 'trace' -d 'show a trace as a timeline'" in script
    assert "__fish_seen_subcommand_from audit' -l outcome -x -a 'success failure unknown'" in script


def test_zsh_completes_with_the_same_script() -> None:
    require_tools("zsh")
    script = completion_script("zsh", build_parser())
    ask = (
        'COMP_WORDS=(lognotary audit --outcome f); COMP_CWORD=3; COMP_LINE="${COMP_WORDS[*]}"; '
        "COMP_POINT=${#COMP_LINE}; _lognotary; print -l -- ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", f"autoload -U compinit && compinit -u -D\n{script}\nemulate ksh -c '{ask}'"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.replace("\\", "").split() == ["success", "failure", "unknown"]  # zsh takes those that fit


def test_fish_completes_commands_and_values(tmp_path: Path) -> None:
    require_tools("fish")
    (tmp_path / "lognotary.fish").write_text(completion_script("fish", build_parser()))
    for line, expected in (("tr", "trace"), ("audit --outcome f", "failure"), ("keys exp", "export")):
        ask = f"source {tmp_path}/lognotary.fish; complete -C 'lognotary {line}'"
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(["fish", "-N", "-c", ask], capture_output=True, text=True, check=True, env=environment)
        assert expected in [found.split("\t")[0] for found in done.stdout.splitlines()], line


def test_fish_completes_files_only_where_a_file_is_wanted(tmp_path: Path) -> None:
    require_tools("fish")
    (tmp_path / "lognotary.fish").write_text(completion_script("fish", build_parser()))
    (tmp_path / "spans.pem").touch()
    streams = {"spans", "operational", "operational,spans"}
    for line, expected in (
        ("search --stream s", {"spans"}),
        ("search --limit s", set()),
        ("verify --unsigned-streams o", {"operational", "operational,spans"}),
        ("verify --public-key s", {"spans.pem"}),
    ):
        ask = f"source {tmp_path}/lognotary.fish; complete -C 'lognotary {line}'"
        environment = {**os.environ, "HOME": str(tmp_path)}
        command = ["fish", "-N", "-c", ask]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
        found = {one.split("\t")[0] for one in done.stdout.splitlines()}
        assert found & (streams | {"spans.pem"}) == expected, line
