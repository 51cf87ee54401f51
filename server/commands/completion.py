"""``lognotary completion``: scripts that complete commands, options and values in bash, zsh and fish."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from server.commands.arguments.overview import COMMANDS
from server.commands.arguments.parser import CommandParser
from server.commands.arguments.values import COMPLETE, is_known, wanted
from server.commands.arguments.verify import MAY_BE_UNSIGNED
from server.notary.origin import Stream

__all__ = ["SHELLS", "completion_script"]

SHELLS = ("bash", "zsh", "fish")

_FILES = {"FILE", "FILES", "DIR", "DIRECTORY", "PATH", "BUNDLE", "KEY"}

_UNSIGNED = tuple(
    some for number in range(1, len(MAY_BE_UNSIGNED) + 1) for some in combinations(MAY_BE_UNSIGNED, number)
)
_LISTS = {
    "--signed-streams": tuple(",".join((Stream.AUDIT.value, *some)) for some in ((), *_UNSIGNED)),
    "--unsigned-streams": tuple(map(",".join, _UNSIGNED)),
}
"""Option -> all lists that it takes."""


_BASH = r"""# completion of lognotary, made by 'lognotary completion'

# Values from a server, printed as words of a command line without quotes.
_lognotary_values() {
  local found typed=${parts[${#parts[@]}-1]}
  COMPREPLY=()
  while IFS= read -r found; do
    case $typed in
      \'*) if [[ $found == *\'* ]]; then continue; fi ;;
      \"*) if [[ $found == *[\"\\\$\`]* ]]; then continue; fi ;;
      *) printf -v found %q "$found" ;;
    esac
    if [[ -n ${ZSH_VERSION-} ]]; then
      if [[ $found != *: ]]; then found+='\ '; fi
    elif [[ $typed != [\'\"]* && $typed == *:* ]]; then
      # bash replaces only what is after the last colon.
      found=${found#"${typed%:*}:"}
    fi
    if [[ $found != "''" ]]; then COMPREPLY+=("$found"); fi
  done <<< "$("${parts[0]}" @complete "${parts[@]:1}" 2> /dev/null < /dev/null)"
  if [[ -z ${ZSH_VERSION-} && ${COMPREPLY[0]-} == *: ]]; then compopt -o nospace 2> /dev/null || :; fi
}

_lognotary() {
  local place='' offer='' below='' flags='' literal='' next at part lead line=${COMP_LINE:0:$COMP_POINT} first=1
  local parts=()
  # bash treats colons as separate words.
  for part in "${COMP_WORDS[@]:0:$((COMP_CWORD + 1))}"; do
    lead=${line%%[![:space:]]*}
    line=${line#"$lead"}
    if [[ $line != "$part"* ]]; then part=$line; fi
    if [[ -n $lead || -n $first ]]; then parts+=("$part"); else parts[${#parts[@]}-1]+=$part; fi
    line=${line#"$part"} first=''
  done
  local word=${parts[${#parts[@]}-1]} previous=${parts[${#parts[@]}-2]-}
  for ((at = 1; at < ${#parts[@]} - 1; at++)); do
    if [[ ${parts[at]} == -- ]]; then literal=1; fi
    next="${place:+$place/}${parts[at]}"
    case ' @commands ' in
      *" $next "*) place=$next ;;
    esac
  done
  place=${place//\// }
  case "$place:$previous" in
@values
  esac
  if [[ -z $offer ]]; then
    case "$place:$previous" in
      @known_options) _lognotary_values; return ;;
    esac
    case "$previous" in
      @files) COMPREPLY=($(compgen -f -- "$word")); return ;;
      @others) COMPREPLY=(); return ;;
    esac
    case "$place" in
@offered
    esac
    offer=$below
    if [[ $word == -* && -z $literal ]]; then offer=$flags; fi
    case "$place" in
      @known_commands) if [[ -z $offer ]]; then _lognotary_values; return; fi ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$offer" -- "$word"))
  if [[ -n ${ZSH_VERSION-} ]]; then
    for ((at = 0; at < ${#COMPREPLY[@]}; at++)); do COMPREPLY[at]+='\ '; done
  fi
  if [[ -z $offer ]]; then COMPREPLY=($(compgen -f -- "$word")); fi
}
complete@options -F _lognotary lognotary
"""


_FISH_VALUES = "(__lognotary_values)"
_FISH = """# fish completion of lognotary, made by 'lognotary completion fish'
function __lognotary_values
  set -l words (commandline -opc)
  $words[1] @complete $words[2..-1] (commandline -ct) 2> /dev/null < /dev/null
end
complete -c lognotary -f
"""


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
        known: True if a server knows the values of an option, or the arguments of a command.
    """

    path: str
    name: str
    kind: Literal["command", "option"]
    help: str
    values: tuple[str, ...] = ()
    takes_value: bool = False
    takes_file: bool = False
    known: bool = False


def completion_script(shell: str, parser: CommandParser) -> str:
    """Return the script of a shell.

    Args:
        shell: one of ``SHELLS``.
        parser: parser of the whole command line.
    """
    words = list(_words(parser, "", {name: text for group in COMMANDS.values() for name, text in group.items()}))
    if shell == "fish":
        return _fish(words)
    script = _bash(words)
    if shell == "bash":
        return script.replace("@options", "")
    # zsh runs bash's completions. With this option, it puts a space only where a word has one at its end.
    return f"autoload -U +X bashcompinit && bashcompinit\n{script}".replace("@options", " -o nospace")


def _words(parser: CommandParser, path: str, helps: dict[str, str]) -> Iterator[_Word]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = helps or {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                known = any(wanted(name, command, given) for given in ((), ("x",)))
                yield _Word(path, name, "command", _line(helps.get(name, "")), known=known)
                yield from _words(command, f"{path} {name}".strip(), {})
            continue
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        values = tuple(map(str, action.choices or ())) or (tuple(metavar.split("|")) if "|" in metavar else ())
        values = tuple(value for value in values if not value.isupper())  # N is a number
        if action.option_strings:
            for name in action.option_strings:
                yield _Word(
                    path,
                    name,
                    "option",
                    _line(action.help or ""),
                    values=_LISTS.get(name, values),
                    takes_value=action.nargs != 0,
                    takes_file=metavar in _FILES,
                    known=is_known(path, name),
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
    return (
        _BASH.replace("@complete", COMPLETE)
        .replace("@commands", " ".join(path.replace(" ", "/") for path in paths if path))
        .replace("@values", values)
        .replace("@known_options", _alternatives(f"{one.path}:{one.name}" for one in _known(words, "option")))
        .replace("@known_commands", _alternatives(one.name for one in _known(words, "command")))
        .replace("@files", files)
        .replace("@others", others)
        .replace("@offered", offered)
    )


def _known(words: list[_Word], kind: str) -> Iterator[_Word]:
    return (word for word in words if word.kind == kind and word.known)


def _alternatives(texts: Iterable[str]) -> str:
    return "|".join(f"'{text}'" for text in texts)


def _names(words: list[_Word], path: str, kind: str) -> str:
    return " ".join(word.name for word in words if word.path == path and word.kind == kind)


def _fish(words: list[_Word]) -> str:
    lines = _FISH.replace("@complete", COMPLETE).splitlines()
    below: dict[str, list[str]] = {}
    for word in words:
        if word.kind == "command":
            below.setdefault(word.path, []).append(word.name)
    for word in words:
        condition = _fish_condition(word, below)
        help_text = f" -d '{word.help}'" if word.help else ""
        if word.kind == "command":
            lines.append(f"complete -c lognotary -n '{condition}' -a '{word.name}'{help_text}")
            if word.known:
                lines.append(f"complete -c lognotary -n '__fish_seen_subcommand_from {word.name}' -a '{_FISH_VALUES}'")
            continue
        dash = f"-l {word.name[2:]}" if word.name.startswith("--") else f"-s {word.name[1:]}"
        # -x: without -f, fish adds names of files to the values.
        takes = " -r -F" if word.takes_file else " -x" if word.takes_value else ""
        takes += f" -a '{' '.join(word.values)}'" if word.values else f" -a '{_FISH_VALUES}'" if word.known else ""
        lines.append(f"complete -c lognotary -n '{condition}' {dash}{takes}{help_text}")
    return "\n".join(lines) + "\n"


def _fish_condition(word: _Word, below: dict[str, list[str]]) -> str:
    names = word.path.split()
    parts = [f"__fish_seen_subcommand_from {name}" for name in names]
    if word.kind == "command" or not names:
        others = " ".join(below.get(word.path, ()))
        parts.append(f"not __fish_seen_subcommand_from {others}" if others else "true")
    return "; and ".join(parts)
