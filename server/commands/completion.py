"""``lognotary completion``: scripts that complete commands, options and values in bash, zsh and fish."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from server.commands.arguments.overview import COMMANDS

__all__ = ["SHELLS", "completion_script"]

SHELLS = ("bash", "zsh", "fish")

_FILES = {"FILE", "FILES", "DIR", "DIRECTORY", "PATH", "BUNDLE", "KEY"}


@dataclass(frozen=True, slots=True)
class _Word:
    """A command or an option.

    Attributes:
        path: the commands before it, such as ``keys list``; empty for the first.
        name: the word itself.
        kind: what it is.
        help: its help text, in one line.
        values: words that may follow an option.
        takes_value: True if something follows an option.
        takes_file: True if a path follows an option.
    """

    path: str
    name: str
    kind: Literal["command", "option"]
    help: str
    values: tuple[str, ...] = ()
    takes_value: bool = False
    takes_file: bool = False


def completion_script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script of a shell.

    Args:
        shell: one of ``SHELLS``.
        parser: parser of the whole command line.
    """
    words = list(_words(parser, "", {name: text for group in COMMANDS.values() for name, text in group.items()}))
    if shell == "fish":
        return _fish(words)
    bash = _bash(words)
    # zsh runs bash's completions as they are.
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash}" if shell == "zsh" else bash


def _words(parser: argparse.ArgumentParser, path: str, helps: dict[str, str]) -> Iterator[_Word]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = helps or {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield _Word(path, name, "command", _line(helps.get(name, "")))
                yield from _words(command, f"{path} {name}".strip(), {})
            continue
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        values = tuple(map(str, action.choices or ())) or (tuple(metavar.split("|")) if "|" in metavar else ())
        if action.option_strings:
            for name in action.option_strings:
                yield _Word(
                    path, name, "option", _line(action.help or ""), values, action.nargs != 0, metavar in _FILES
                )
        else:
            for value in values:
                yield _Word(path, value, "command", "")


def _line(text: str) -> str:
    return re.sub(r"[^\w .,:;/()-]", " ", " ".join(text.split()))[:80].strip()


def _bash(words: list[_Word]) -> str:
    paths = dict.fromkeys(word.path for word in words)
    offered = "\n".join(
        f"    '{path}') below='{_names(words, path, 'command')}' flags='{_names(words, path, 'option')}' ;;"
        for path in paths
    )
    values = "\n".join(
        f"    '{word.path}:{word.name}') offer='{' '.join(word.values)}' ;;"
        for word in words
        if word.kind == "option" and word.values
    )
    files = "|".join(sorted({word.name for word in words if word.takes_file}))
    others = "|".join(sorted({word.name for word in words if word.takes_value} - set(files.split("|"))))
    known = " ".join(path.replace(" ", "/") for path in paths if path)
    return f"""\
# completion of lognotary, made by 'lognotary completion'
_lognotary() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  local place='' offer='' below='' flags='' next at
  for ((at = 1; at < COMP_CWORD; at++)); do
    next="${{place:+$place/}}${{COMP_WORDS[at]}}"
    case ' {known} ' in
      *" $next "*) place=$next ;;
    esac
  done
  place=${{place//\\// }}
  case "$place:$previous" in
{values}
  esac
  if [[ -z $offer ]]; then
    case "$previous" in
      {files}) COMPREPLY=($(compgen -f -- "$word")); return ;;
      {others}) COMPREPLY=(); return ;;
    esac
    case "$place" in
{offered}
    esac
    offer=$below
    if [[ $word == -* ]]; then offer=$flags; fi
  fi
  COMPREPLY=($(compgen -W "$offer" -- "$word"))
  if [[ -z $offer ]]; then COMPREPLY=($(compgen -f -- "$word")); fi
}}
complete -F _lognotary lognotary
"""


def _names(words: list[_Word], path: str, kind: str) -> str:
    return " ".join(word.name for word in words if word.path == path and word.kind == kind)


def _fish(words: list[_Word]) -> str:
    lines = ["# fish completion of lognotary, made by 'lognotary completion fish'", "complete -c lognotary -f"]
    below: dict[str, list[str]] = {}
    for word in words:
        if word.kind == "command":
            below.setdefault(word.path, []).append(word.name)
    for word in words:
        condition = _fish_condition(word, below)
        help_text = f" -d '{word.help}'" if word.help else ""
        if word.kind == "command":
            lines.append(f"complete -c lognotary -n '{condition}' -a '{word.name}'{help_text}")
            continue
        dash = f"-l {word.name[2:]}" if word.name.startswith("--") else f"-s {word.name[1:]}"
        takes = " -r" if word.takes_value else ""
        takes += " -F" if word.takes_file else ""
        takes += f" -a '{' '.join(word.values)}'" if word.values else ""
        lines.append(f"complete -c lognotary -n '{condition}' {dash}{takes}{help_text}")
    return "\n".join(lines) + "\n"


def _fish_condition(word: _Word, below: dict[str, list[str]]) -> str:
    names = word.path.split()
    parts = [f"__fish_seen_subcommand_from {name}" for name in names]
    if word.kind == "command" or not names:
        others = " ".join(below.get(word.path, ()))
        parts.append(f"not __fish_seen_subcommand_from {others}" if others else "true")
    return "; and ".join(parts)
