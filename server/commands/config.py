"""``lognotary config``: check the settings, and show them with their origins."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence

from server.commands.output import complain, say, say_json
from server.errors.amounts import typed_duration, typed_size
from server.notary.counted import counted
from server.settings.hidden import hide_secrets
from server.settings.settings import Settings, check_settings
from server.settings.shown import computed_defaults
from server.settings.sources import Given, Origin, Sources, gather
from server.settings.table import SETTINGS, Kind, Setting
from server.settings.values import read_size

__all__ = ["check", "show"]

_WIDEST = 60  # characters of a setting before its origin


def check(options: argparse.Namespace) -> int:
    """Say whether the settings are valid, or all that is wrong; return the exit status."""
    sources = gather(vars(options), os.environ)
    _, problems = check_settings(sources)
    where = sources.file or "no settings file"
    if options.json:
        say_json(json.dumps({"file": sources.file, "valid": not problems, "problems": problems}, indent=2))
    elif problems:
        say(*problems, f"✘ {where}: {counted(len(problems), 'problem')}")
    else:
        given = sum(given.origin is not Origin.DEFAULT for given in sources.values.values())
        counts = [f"{counted(given, 'value')} given"]
        if sources.rules:
            counts.append(counted(len(sources.rules), "audit rule"))
        if sources.retention:
            counts.append(counted(len(sources.retention), "rule of retention", "rules of retention"))
        say(f"✔ {where}: the settings are valid ({', '.join(counts)})")
    return _status(sources, problems)


def show(options: argparse.Namespace) -> int:
    """Show each setting with its origin; return the exit status."""
    sources = gather(vars(options), os.environ)
    settings, problems = check_settings(sources)
    if options.json:
        say_json(json.dumps(_as_json(sources, problems), indent=2, default=str))
    else:
        say(*_lines(sources, settings))
        for problem in problems:
            complain(problem)
    return _status(sources, problems)


def _status(sources: Sources, problems: Sequence[str]) -> int:
    """Return the exit status: 1 if something is wrong with the settings, 2 if their file cannot be read."""
    if not sources.readable:
        return 2
    return 1 if problems else 0


def _as_json(sources: Sources, problems: Sequence[str]) -> dict[str, object]:
    settings = {
        name: {"value": hide_secrets(name, given.text), "origin": given.origin.value, "place": given.place}
        for name, given in sources.values.items()
    }
    rules = [{"name": _rule_name(rule), "place": place} for place, rule in sources.rules]
    return {
        "file": sources.file,
        "settings": settings,
        "audit_rules": rules,
        "retention_rules": [{"rule": rule, "place": place} for place, rule in sources.retention],
        "built_in_rules": sources.built_in_rules,
        "problems": list(problems),
    }


def _lines(sources: Sources, settings: Settings | None) -> Iterator[str]:
    yield f"# settings file: {sources.file or 'none'}"
    shown = {setting.name: _assignment(setting, sources.values[setting.name]) for setting in SETTINGS}
    width = min(_WIDEST, max(map(len, shown.values())))
    for setting in SETTINGS:
        given = sources.values[setting.name]
        yield f"{shown[setting.name]:{width}}  # {_origin(setting, given, settings)}".rstrip()
    for place, rule in sources.retention:
        yield f"# rule of retention: {_retention_rule(rule)}  # file {place}"
    if not sources.retention:
        yield "# rules of retention: none"
    names = ", ".join(_rule_name(rule) for _, rule in sources.rules)
    yield f"# audit rules: {names or 'none'}; built-in rules: {'on' if sources.built_in_rules else 'off'}"


def _assignment(setting: Setting, given: Given) -> str:
    text = _with_unit(setting, hide_secrets(setting.name, given.text))
    plain = setting.kind is Kind.TRUTH or (setting.kind is Kind.COUNT and text.isdigit())
    return f"{setting.name} = {text if plain else json.dumps(text, ensure_ascii=False)}"


def _with_unit(setting: Setting, text: str) -> str:
    """Return a size or a duration that was given as a plain number with its unit; other texts as they are."""
    read = {Kind.SIZE: lambda: typed_size(read_size(text)), Kind.DURATION: lambda: typed_duration(float(text))}
    try:
        float(text)
        return read[setting.kind]()
    except (KeyError, ValueError):
        return text


def _origin(setting: Setting, given: Given, settings: Settings | None) -> str:
    if given.origin is Origin.FILE:
        return f"file {given.place.removesuffix(f': {setting.name}')}"
    if given.origin is not Origin.DEFAULT:
        return f"{given.origin.value} {given.place}"
    if settings is None or given.text:
        return "default"
    computed = computed_defaults(settings.storage, settings.memory_limit)
    return " ".join(filter(None, ("default:", computed.get(setting.name, "none"))))


def _retention_rule(rule: object) -> str:
    """Return a rule as the settings file has it, on one line, whether it is valid or not."""
    if not isinstance(rule, dict):
        return json.dumps(rule, ensure_ascii=False, default=str)
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False, default=str)}" for name, value in rule.items())


def _rule_name(rule: object) -> str:
    name = rule.get("name") if isinstance(rule, dict) else None
    return name if isinstance(name, str) else "(without a name)"
