"""Classification of single records, by rules that are written as in settings."""

from __future__ import annotations

from typing import Any

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import AuditFields, classify
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Rule
from tests.codec.building import records


def one(rules: tuple[Rule, ...] = built_in_rules(), **columns: Any) -> AuditFields | None:
    (fields,) = classify(records(1, **columns), rules)
    return fields


def audit(rules: tuple[Rule, ...] = built_in_rules(), **columns: Any) -> AuditFields:
    fields = one(rules, **columns)
    assert fields is not None
    return fields


def rule(match: dict[str, Any], name: str = "r", **settings: Any) -> Rule:
    others = {key: settings.pop(key) for key in ("unless", "extract", "values", "absent") if key in settings}
    return parse_rules([{"name": name, "match": match, "fields": settings} | others])[0]
