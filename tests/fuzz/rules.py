"""Audit rules of the fuzzing target: conditions and sources of every kind. Short keys are found sooner."""

from __future__ import annotations

from typing import Any

from server.codec.audit.parse import parse_rules
from server.codec.audit.program import rules_program

__all__ = ["program_header"]

_RULES: list[dict[str, Any]] = [
    {
        "name": "attributes",
        "match": [
            {"attributes": {"audit": "*"}},
            {"attributes": {"a": "x*", "b": ""}},
            {"attributes": {"a.b[0]": ["*y", {"min": 1, "max": 9}]}, "severity_min": 200},
            {"resource": {"a": "*"}, "scope_attributes": {"b": "*c*"}},
        ],
        "unless": [{"attributes": {"c": "*"}}],
        "extract": [{"regex": "(?P<who>[a-z]+)=(?P<rest>.*)"}, {"from": "resource:a", "regex": "(?P<who>[0-9]+)"}],
        "fields": {
            "actor_id": ["regex:who", "log:a", "resource:a", "scope:a", "body"],
            "action": ["body:a.b", "body:a[*].b", "regex:rest.a"],
            "target_id": ["${log:a}/${body:b}", "body:a[-1]"],
            "source_id": ["log:a", "body"],
        },
        "values": {"outcome": {"0": "success", "1..9": "failure", "*": "unknown"}, "category": {"a*": "auth"}},
    },
    {"name": "list", "match": [{"body": {"l": "*"}}], "split": "body:l"},
    {"name": "item", "match": [{"body": {"i": "*"}}, {"body": {"regex": "^e=(a|b)+$"}}]},
    {
        "name": "texts",
        "match": [{"event_name": "audit.*"}, {"scope": "s*", "service": "v"}, {"scope": "*", "severity_min": 17}],
        "fields": {"action": ["event_name"], "actor_type": ["=user"], "outcome": ["log:code", "=200"]},
    },
]


def program_header() -> str:
    """Return a C++ header with the program of the rules."""
    program = ", ".join(map(str, rules_program(parse_rules(_RULES))))
    return f"inline constexpr unsigned char kRulesProgram[] = {{{program}}};\n"
