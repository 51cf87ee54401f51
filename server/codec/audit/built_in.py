"""The built-in audit rules: the presets in ``presets/``, in the order of their files."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Rule

__all__ = ["built_in_rules", "native_rules", "otel_rules"]


@cache
def built_in_rules() -> tuple[Rule, ...]:
    """Return the built-in rules, in the order in which they are tried."""
    presets = files("server.codec.audit").joinpath("presets").iterdir()
    written = sorted(
        (preset.name, preset.read_text(encoding="utf-8")) for preset in presets if preset.name.endswith(".toml")
    )
    return tuple(
        rule for _, text in written for rule in parse_rules(tomllib.loads(text)["rules"], generic_fields=False)
    )


def otel_rules() -> tuple[Rule, ...]:
    """Return the rules for the draft OpenTelemetry audit signal: for its attributes first, then for bodies."""
    return tuple(rule for rule in built_in_rules() if rule.name == "otel-audit")


@cache
def native_rules() -> tuple[Rule, ...]:
    """Return the rule for records with the attributes of the draft OpenTelemetry audit signal."""
    return otel_rules()[:1]
