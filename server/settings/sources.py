"""Sources of settings: options, ``LOGNOTARY_*`` variables, the settings file, defaults; the first one wins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from server.errors.files import unreadable
from server.errors.suggestions import did_you_mean
from server.settings.huge_numbers import has_huge_number, line_of_huge_number
from server.settings.load_toml import load_toml
from server.settings.regular_files import read_regular
from server.settings.table import DEFAULT_FILE, PREFIX, SETTINGS, Kind, Setting
from server.settings.toml_lines import HEADER, KEY, Lines

__all__ = ["CLIENT_VARIABLES", "Given", "Origin", "Sources", "gather", "gather_rules", "unknown_variables"]

CLIENT_VARIABLES = (
    "LOGNOTARY_CONFIG",
    "LOGNOTARY_API",
    "LOGNOTARY_API_CA",
    "LOGNOTARY_API_CERT",
    "LOGNOTARY_API_KEY",
    "LOGNOTARY_TOKEN",
)
"""Variables that are not settings: the path of the settings file; the server that commands ask, its TLS, a token."""

# Kubernetes sets these in every pod for a service named lognotary or lognotary-…, and Docker for its links.
_OF_OTHERS = re.compile(
    r"LOGNOTARY(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_AUDIT = ("built_in_rules", "rules")
_SECTIONS = ("audit", "retention", "roles", "tenants")
_MOST_BYTES = 4 << 20  # of a settings file
_TEXT, _TEXTS = "a text in quotes", "a text in quotes, or a list of them"
_TOML_TYPES: Mapping[Kind, tuple[tuple[type, ...], str]] = {
    Kind.COUNT: ((int, str), "a whole number"),
    Kind.SIZE: ((int, str), 'a number of bytes, or a size such as "10MB" or "1GiB"'),
    Kind.DURATION: ((int, float, str), 'a number of seconds, or a duration such as "250ms" or "1h"'),
    Kind.INTERVAL: ((str,), 'an interval in quotes, such as "12h" or "7d", or "off"'),
    Kind.DAYS: ((str,), 'a number of days or weeks in quotes, such as "30d" or "4w", or "forever"'),
    Kind.TRUTH: ((bool, str), "true or false"),
    Kind.FILES: ((str, list), _TEXTS),
    Kind.LIST: ((str, list), _TEXTS),
}


class Origin(Enum):
    """Source of a value."""

    DEFAULT = "default"
    FILE = "file"
    VARIABLE = "variable"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Given:
    """Value of a setting.

    Attributes:
        text: the value, as it would be typed.
        origin: its source.
        place: where exactly: the option, the variable, or the file with the line and the name.
    """

    text: str
    origin: Origin
    place: str


@dataclass(slots=True)
class Sources:
    """All that the sources give, and all that is wrong with it so far.

    Attributes:
        file: the settings file; empty if there is none.
        values: value of each setting, by name.
        built_in_rules: True if the built-in audit rules apply.
        rules: audit rules of the file, each with its place.
        retention: rules of retention of the file, each with its place.
        roles: rules of roles of the file, each with its place.
        tenants: rules of tenants of the file, each with its place.
        lines: lines of the keys and sections of the file.
        problems: what is wrong, one sentence each.
        readable: False if there is a settings file, but it cannot be read.
    """

    file: str = ""
    values: dict[str, Given] = field(default_factory=dict)
    built_in_rules: bool = True
    rules: list[tuple[str, Any]] = field(default_factory=list)
    retention: list[tuple[str, Any]] = field(default_factory=list)
    roles: list[tuple[str, Any]] = field(default_factory=list)
    tenants: list[tuple[str, Any]] = field(default_factory=list)
    lines: Lines = field(default_factory=lambda: Lines(""))
    problems: list[str] = field(default_factory=list)
    readable: bool = True


def gather(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Sources:
    """Gather the values of all settings; problems are returned, not raised.

    Args:
        flags: name -> value, None for a flag that was not given; ``config`` is the path of the settings file.
        environ: environment variables.
    """
    named = flags.get("config") or environ.get(PREFIX + "CONFIG")
    sources = Sources(str(named) if named else DEFAULT_FILE if Path(DEFAULT_FILE).exists() else "")
    sources.problems += unknown_variables(environ)
    text = _read(sources) if sources.file else ""
    content = _parse(text, sources)
    lines = sources.lines = Lines(text)
    _check_names(content, lines, sources)
    for setting in SETTINGS:
        sources.values[setting.name] = _given(setting, flags, environ, content, lines, sources)
    _take_audit(content.get("audit", {}), lines, sources)
    _take_retention(content.get("retention", []), lines, sources)
    sources.roles = _tables("roles", content, lines, sources)
    sources.tenants = _tables("tenants", content, lines, sources)
    return sources


def gather_rules(file: str) -> Sources:
    """Gather the audit rules of a settings file alone; problems are returned, not raised."""
    sources = Sources(file)
    text = _read(sources) if file else ""
    sources.lines = Lines(text)
    _take_audit(_parse(text, sources).get("audit", {}), sources.lines, sources)
    return sources


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence about each ``LOGNOTARY_*`` variable that is no setting's."""
    known = {*CLIENT_VARIABLES, *(setting.variable for setting in SETTINGS)}
    return [
        f"{name}: there is no setting of this name{did_you_mean(name, known)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and not _OF_OTHERS.fullmatch(name)
    ]


def _read(sources: Sources) -> str:
    try:
        return read_regular(sources.file, _MOST_BYTES).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        sources.problems.append(f"the settings file: {unreadable(sources.file, error)}")
        sources.readable = False
    except UnicodeDecodeError as error:
        sources.problems.append(f"the settings file {sources.file} is not UTF-8: {error}")
    return ""


def _parse(text: str, sources: Sources) -> dict[str, Any]:
    try:
        content = load_toml(text)
    except (RecursionError, MemoryError):
        sources.problems.append(
            f"{sources.file}: the file cannot be read, because its lists or tables are nested too deep"
        )
        return {}
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)", str(error))
        line = found[1] if found else text.count("\n") + (not text.endswith("\n"))
        lines = text.splitlines()
        what = _twice(error, lines[int(line) - 1] if int(line) <= len(lines) else "")
        sources.problems.append(f"{sources.file}:{line}: {what or f'the file is not TOML: {error}'}")
        return {}
    except ValueError:  # a number of thousands of digits
        content = None
    if content is None or has_huge_number(content):
        place = f"{sources.file}:{line_of_huge_number(text)}".removesuffix(":")
        sources.problems.append(f"{place}: a number of TOML has at most 64 bits: from -2^63 to 2^63-1")
        return {}
    return content


def _twice(error: tomllib.TOMLDecodeError, line: str) -> str:
    """Return a sentence if a key or a section is given twice, which TOML does not permit; else an empty text."""
    header, key = HEADER.fullmatch(line), KEY.match(line)
    if "overwrite" in str(error) and key:
        return f"{key[2]} is given twice: remove one of the lines"
    if "twice" in str(error) and header:
        return f"the section [{header[1]}] is given twice: put its lines into one"
    return ""


def _check_names(content: Mapping[str, Any], lines: Lines, sources: Sources) -> None:
    names = [setting.name for setting in SETTINGS]
    for name in content.keys() - {*names, *_SECTIONS}:
        place = f"{sources.file}{lines.of(name)}"
        if isinstance(content[name], dict) or _is_tables(content[name]):
            more = ("; did you mean [[audit.rules]]?" if name == "rules" else did_you_mean(name, _SECTIONS)) or (
                "; settings stand before the first section, and [audit], [[retention]], [[roles]] and [[tenants]] are "
                "the only"
            )
            sources.problems.append(f"{place}: unknown section [{name}]{more}")
        else:
            sources.problems.append(f"{place}: unknown setting {name}{did_you_mean(name, names)}")


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _given(
    setting: Setting,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    content: Mapping[str, Any],
    lines: Lines,
    sources: Sources,
) -> Given:
    flag = flags.get(setting.name)
    if flag is not None:
        return Given(flag, Origin.OPTION, setting.flag)
    if setting.variable in environ:
        return Given(environ[setting.variable], Origin.VARIABLE, setting.variable)
    if setting.name not in content:
        return Given(setting.default, Origin.DEFAULT, setting.name)
    value, place = content[setting.name], f"{sources.file}{lines.of(setting.name)}: {setting.name}"
    types, expected = _TOML_TYPES.get(setting.kind, ((str,), _TEXT))
    fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if not fits or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
        shown = "this value" if setting.kind is Kind.SECRET else _toml(value)
        sources.problems.append(f"{place}: {shown} is not {expected}")
        return Given(setting.default, Origin.DEFAULT, setting.name)
    return Given(_text(value), Origin.FILE, place)


def _take_audit(audit: object, lines: Lines, sources: Sources) -> None:
    place = f"{sources.file}{lines.of('audit')}"
    if not isinstance(audit, dict):
        sources.problems.append(f"{place}: [audit] may only contain the settings 'rules' and 'built_in_rules'")
        return
    for name in audit.keys() - set(_AUDIT):
        at = lines.of(f"audit.{name}") or lines.of("audit")
        sources.problems.append(
            f"{sources.file}{at}: unknown setting {name} in [audit]"
            f"{did_you_mean(name, _AUDIT) or '; it may only contain rules and built_in_rules'}"
        )
    built_in = audit.get("built_in_rules", True)
    if not isinstance(built_in, bool):
        at = lines.of("audit.built_in_rules")
        sources.problems.append(
            f"{sources.file}{at}: built_in_rules: {_toml(built_in)} is not true or false, without quotes"
        )
    else:
        sources.built_in_rules = built_in
    rules = audit.get("rules", [])
    if not isinstance(rules, list):
        at = lines.of("audit.rules")
        sources.problems.append(f"{sources.file}{at}: rules must be tables, each under [[audit.rules]]")
        return
    sources.rules = [(f"{sources.file}{lines.of('audit.rules', number)}", rule) for number, rule in enumerate(rules, 1)]


def _take_retention(rules: object, lines: Lines, sources: Sources) -> None:
    place = f"{sources.file}{lines.of('retention')}"
    if not isinstance(rules, list):
        sources.problems.append(
            f"{place}: retention must be tables, each under [[retention]]; the default of a stream is set with "
            "retention_audit, retention_operational or retention_spans"
        )
        return
    places = (f"{sources.file}{lines.of('retention', number)}" for number in range(1, len(rules) + 1))
    sources.retention = list(zip(places, rules, strict=True))


def _tables(name: str, content: Mapping[str, Any], lines: Lines, sources: Sources) -> list[tuple[str, Any]]:
    """Return the tables ``[[name]]``, each with its place."""
    tables = content.get(name, [])
    if not isinstance(tables, list):
        sources.problems.append(f"{sources.file}{lines.of(name)}: {name} must be tables, each under [[{name}]]")
        return []
    places = (f"{sources.file}{lines.of(name, number)}" for number in range(1, len(tables) + 1))
    return list(zip(places, tables, strict=True))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    return "this list" if isinstance(value, list) else repr(value)[:80]
