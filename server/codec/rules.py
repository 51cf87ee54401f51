"""Audit rules: conditions that make a record an audit record, and the sources of its audit columns.

Rules are tried in order; the first match decides. A rule in the settings looks like the built-in rules
below:

    [[audit.rules]]
    name = "billing"
    match = [{ service = "billing", event_name = "invoice.*" }]
    [audit.rules.fields]
    actor_id = ["log:user.id", "log:enduser.id"]
    action = ["event_name"]
    category = ["=data"]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from server.errors.base import LognotaryError
from server.errors.suggestions import did_you_mean

__all__ = ["BUILT_IN_RULES", "Fields", "Match", "Rule", "RuleError", "parse_rule", "parse_rules"]


class RuleError(LognotaryError):
    """Error of an audit rule in the settings; the message names the rule and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions on a record, all of which must hold. An empty pattern matches everything.

    A pattern is the exact text or, with a ``*`` at its end, a prefix of the text. ``*`` alone matches any
    text that is not empty (for an attribute: any value).

    Attributes:
        event_name: pattern for EventName or, if it is empty, for the ``event.name`` attribute.
        scope: pattern for the instrumentation scope's name.
        service: pattern for service.name.
        severity_min: lowest SeverityNumber.
        attributes: record attribute -> pattern.
    """

    event_name: str = ""
    scope: str = ""
    service: str = ""
    severity_min: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fields:
    """Sources of the audit columns: a list for each column; the first source that is not empty counts.

    A source is ``log:KEY``, ``resource:KEY``, ``scope:KEY`` (attributes), ``event_name``,
    ``scope_name``, ``service_name``, ``body``, or ``=TEXT`` for the text itself.
    """

    record_id: Sequence[str] = ()
    actor_id: Sequence[str] = ()
    actor_type: Sequence[str] = ()
    action: Sequence[str] = ()
    target_id: Sequence[str] = ()
    target_type: Sequence[str] = ()
    source_id: Sequence[str] = ()
    source_type: Sequence[str] = ()
    outcome: Sequence[str] = ()
    category: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """An audit rule: a record is an audit record if any item of ``match`` holds."""

    name: str
    match: tuple[Match, ...]
    fields: Fields


_GENERIC = Fields(
    record_id=("log:audit.record.id", "log:log.record.uid"),
    actor_id=("log:audit.actor.id", "log:user.id", "log:enduser.id", "log:user.name", "log:actor"),
    actor_type=("log:audit.actor.type",),
    action=("log:audit.action", "log:event.action", "event_name", "log:event.name"),
    target_id=("log:audit.target.id",),
    target_type=("log:audit.target.type",),
    source_id=("log:audit.source.id", "log:client.address", "log:source.address", "log:source.ip"),
    source_type=("log:audit.source.type",),
    outcome=("log:audit.outcome", "log:event.outcome"),
    category=("log:audit.category",),
)

BUILT_IN_RULES = (
    # The draft OpenTelemetry audit signal: a record with any of its mandatory attributes.
    Rule(
        "otel-audit",
        tuple(
            Match(attributes={key: "*"})
            for key in (
                "audit.record.id",
                "audit.actor.id",
                "audit.actor.type",
                "audit.action",
                "audit.outcome",
            )
        ),
        _GENERIC,
    ),
    Rule("log-type", (Match(attributes={"log.type": "audit"}),), _GENERIC),
    Rule(
        "kubernetes",
        (Match(attributes={"kind": "Event", "apiVersion": "audit.k8s.io/*"}),),
        Fields(
            record_id=("log:auditID",),
            actor_id=("log:user.username", "log:impersonatedUser.username"),
            action=("log:verb",),
            target_id=("log:requestURI", "log:objectRef.name"),
            target_type=("log:objectRef.resource",),
            source_id=("log:sourceIPs",),
            outcome=("log:responseStatus.code", "log:annotations.authorization.k8s.io/decision"),
        ),
    ),
    Rule(
        "keycloak",
        (Match(scope="org.keycloak.events*"),),
        Fields(
            record_id=("log:id",),
            actor_id=("log:userId", "log:username"),
            actor_type=("=user",),
            action=("log:type", "event_name"),
            target_id=("log:clientId",),
            target_type=("=client",),
            source_id=("log:ipAddress",),
            outcome=("log:error", "=success"),
            category=("=auth",),
        ),
    ),
    Rule("event-name", (Match(event_name="audit.*"),), _GENERIC),
)

_SOURCE_PREFIXES = ("log:", "resource:", "scope:", "=")
_SOURCE_NAMES = ("event_name", "scope_name", "service_name", "body")


def parse_rules(settings: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read rules from settings.

    Raises:
        RuleError: a rule cannot be used.
    """
    return tuple(parse_rule(number, rule) for number, rule in enumerate(settings, 1))


def parse_rule(number: int, settings: Mapping[str, Any]) -> Rule:
    """Read a rule from settings.

    Args:
        number: number of the rule, from 1, which names a rule without a name.
        settings: the table of the rule.

    Raises:
        RuleError: the rule cannot be used.
    """
    if not isinstance(settings, Mapping):
        raise RuleError(f"audit rule {number} is not a table")
    name = settings.get("name")
    if not isinstance(name, str) or not name:
        raise RuleError(f"audit rule {number} has no name")
    _refuse_unknown(f"audit rule {name!r}: unknown setting", settings, ("name", "match", "fields"))
    matches = settings.get("match")
    matches = [matches] if isinstance(matches, Mapping) else matches
    if not isinstance(matches, Sequence) or isinstance(matches, str) or not matches:
        raise RuleError(f"audit rule {name!r}: 'match' must be a table of conditions, or a list of them")
    return Rule(name, tuple(_parse_match(name, match) for match in matches), _parse_fields(name, settings))


def _parse_match(name: str, match: object) -> Match:
    if not isinstance(match, Mapping):
        raise RuleError(f"audit rule {name!r}: 'match' must be a table of conditions, or a list of them")
    _refuse_unknown(f"audit rule {name!r}: unknown condition", match, [item.name for item in fields(Match)])
    attributes = match.get("attributes", {})
    patterns = [match.get(key, "") for key in ("event_name", "scope", "service")]
    if not isinstance(attributes, Mapping):
        raise RuleError(f"audit rule {name!r}: 'attributes' must be a table of attribute = pattern")
    for pattern in (*patterns, *attributes.values()):
        if not isinstance(pattern, str) or "*" in pattern[:-1]:
            raise RuleError(f"audit rule {name!r}: a pattern must be text, with '*' only at the end")
    least = match.get("severity_min", 0)
    if not isinstance(least, int) or isinstance(least, bool):
        raise RuleError(f"audit rule {name!r}: severity_min must be a number, such as 17 for ERROR")
    parsed = Match(**match)
    if parsed == Match():
        raise RuleError(f"audit rule {name!r}: a match without conditions would make every record audit")
    return parsed


def _parse_fields(name: str, settings: Mapping[str, Any]) -> Fields:
    chosen = settings.get("fields", {})
    if not isinstance(chosen, Mapping):
        raise RuleError(f"audit rule {name!r}: 'fields' must be a table")
    parsed = {}
    for item in fields(Fields):
        sources = chosen.get(item.name, getattr(_GENERIC, item.name))
        sources = sources if isinstance(sources, (list, tuple)) else [sources]
        for source in sources:
            if not isinstance(source, str) or not (source.startswith(_SOURCE_PREFIXES) or source in _SOURCE_NAMES):
                raise RuleError(
                    f"audit rule {name!r}: {item.name} cannot come from {source!r}; use log:KEY, resource:KEY, "
                    f"scope:KEY, =TEXT, {', '.join(_SOURCE_NAMES)}"
                )
        parsed[item.name] = tuple(sources)
    _refuse_unknown(f"audit rule {name!r}: unknown field", chosen, parsed)
    return Fields(**parsed)


def _refuse_unknown(subject: str, given: Mapping[str, Any], valid: Collection[str]) -> None:
    unknown = sorted(given.keys() - set(valid))
    if unknown:
        meant = "".join(did_you_mean(name, valid) for name in unknown)
        raise RuleError(f"{subject} {', '.join(unknown)}{meant or '; valid are ' + ', '.join(valid)}")
