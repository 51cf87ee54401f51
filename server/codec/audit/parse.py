"""Audit rules in settings.

[[audit.rules]]
name = "billing"
match = [{ service = "billing", event_name = "invoice.*" }]
[audit.rules.fields]
actor_id = ["log:user.id", "log:enduser.id"]
action = ["event_name"]
[audit.rules.values.outcome]
"0" = "success"
"1.." = "failure"
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from server.codec.audit.errors import RuleError
from server.codec.audit.generic import GENERIC_FIELDS
from server.codec.audit.parse_sources import parse_source, parse_template
from server.codec.audit.parse_tests import check_literal, parse_tests, parse_values
from server.codec.audit.paths import ALL, Path, parse_path
from server.codec.audit.rules import FIELD_NAMES, Condition, Extract, Fields, Match, Place, Rule, Source, Template
from server.codec.regex import RegexError, compile_regex
from server.errors.suggestions import did_you_mean

__all__ = ["parse_rule", "parse_rules"]

_SETTINGS = ("name", "match", "unless", "extract", "fields", "values", "absent", "split", "generic_fields")
_TABLES = {
    "attributes": Place.LOG,
    "resource": Place.RESOURCE,
    "scope_attributes": Place.SCOPE,
    "body": Place.BODY,
    "pairs": Place.PAIRS,
}
_COLUMNS = {
    "event_name": Place.EVENT_NAME,
    "scope": Place.SCOPE_NAME,
    "service": Place.SERVICE_NAME,
    "severity_text": Place.SEVERITY_TEXT,
    "body": Place.BODY,
}
_CONDITIONS = ("event_name", "scope", "service", "severity_min", "severity_text", *_TABLES)
_TEST_TABLE = {"regex", "contains", "min", "max"}
MOST_ABSENT_BYTES = 64
_MOST_NAME_BYTES = 256  # of a rule's name, which stands in each of its records
_ABSENT = ("", "-", "?", "null", "(null)")
_MOST_SEVERITY = 255
_ONE_OR_MORE = "must be a table of conditions, or a list of them"


def parse_rules(settings: Sequence[Mapping[str, Any]], *, generic_fields: bool = True) -> tuple[Rule, ...]:
    """Read rules from settings; see ``parse_rule``.

    Raises:
        RuleError: a rule cannot be used.
    """
    return tuple(parse_rule(number, rule, generic_fields=generic_fields) for number, rule in enumerate(settings, 1))


def parse_rule(number: int, settings: Mapping[str, Any], *, generic_fields: bool = True) -> Rule:
    """Read a rule from settings.

    Args:
        number: number of the rule, from 1, which names a rule without a name.
        settings: the table of the rule.
        generic_fields: fields that the rule does not name have the sources of the draft audit signal, unless the rule
            itself says otherwise.

    Raises:
        RuleError: the rule cannot be used.
    """
    if not isinstance(settings, Mapping):
        raise RuleError(f"audit rule {number} is not a table")
    name = settings.get("name")
    if not isinstance(name, str) or not name:
        raise RuleError(f"audit rule {number} has no name")
    if len(name.encode()) > _MOST_NAME_BYTES:
        raise RuleError(f"audit rule {number} has a name of more than {_MOST_NAME_BYTES} bytes: {name[:40]!r} …")
    try:
        return _parse_rule(name, settings, generic_fields)
    except (ValueError, RuleError, RegexError) as error:
        raise RuleError(f"audit rule {name!r}: {error}") from error


def _parse_rule(name: str, settings: Mapping[str, Any], generic_fields: bool) -> Rule:
    _refuse_unknown("unknown setting", settings, _SETTINGS)
    match = _parse_matches("match", settings.get("match"))
    unless = _parse_matches("unless", settings["unless"]) if "unless" in settings else ()
    extract = _parse_extract(settings.get("extract", []))
    groups = {group for item in extract for group in item.regex.groups}
    generic = settings.get("generic_fields", generic_fields)
    if not isinstance(generic, bool):
        raise RuleError("generic_fields must be true or false")
    values = _parse_value_maps(settings.get("values", {}))
    fields = _parse_fields(settings, GENERIC_FIELDS if generic else Fields(), groups)
    for field in FIELD_NAMES:
        for template in getattr(fields, field):
            if len(template) == 1 and template[0].place is Place.TEXT:
                check_literal(field, template[0].text, values.get(field))
    return Rule(
        name=name,
        match=match,
        fields=fields,
        unless=unless,
        extract=extract,
        values=values,
        absent=_parse_absent(settings.get("absent", _ABSENT)),
        split=_parse_split(settings.get("split")),
    )


def _parse_matches(setting: str, given: object) -> tuple[Match, ...]:
    matches = [given] if isinstance(given, Mapping) else given
    if not isinstance(matches, Sequence) or isinstance(matches, str) or not matches:
        raise RuleError(f"'{setting}' {_ONE_OR_MORE}")
    return tuple(_parse_match(setting, match) for match in matches)


def _parse_match(setting: str, match: object) -> Match:
    if not isinstance(match, Mapping):
        raise RuleError(f"'{setting}' {_ONE_OR_MORE}")
    _refuse_unknown("unknown condition", match, _CONDITIONS)
    conditions: list[Condition] = []
    for key, given in match.items():
        if key == "severity_min":
            continue
        if key in _TABLES and isinstance(given, Mapping) and not (key == "body" and _TEST_TABLE.issuperset(given)):
            conditions += (
                Condition(Source(_TABLES[key], parse_path(path)), parse_tests(f"{key} {path}", test))
                for path, test in given.items()
            )
        elif key not in _COLUMNS:
            raise RuleError(f"{key!r} must be a table of attribute = pattern")
        elif given != "":
            conditions.append(Condition(Source(_COLUMNS[key]), parse_tests(key, given)))
    least = match.get("severity_min", 0)
    if not isinstance(least, int) or isinstance(least, bool) or not 0 <= least <= _MOST_SEVERITY:
        raise RuleError(f"severity_min must be a number up to {_MOST_SEVERITY}, such as 17 for ERROR")
    if not conditions and least <= 0:
        consequence = "make every record audit" if setting == "match" else "hold for every record"
        raise RuleError(f"a {setting} without conditions would {consequence}")
    return Match(tuple(conditions), least)


def _parse_extract(given: object) -> tuple[Extract, ...]:
    items = [given] if isinstance(given, Mapping) else given
    form = "'extract' must be a table with 'regex' and, unless it is for the body, 'from', or a list of them"
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise RuleError(form)
    extract = []
    for item in items:
        if not isinstance(item, Mapping):
            raise RuleError(form)
        _refuse_unknown("unknown setting of 'extract'", item, ("from", "regex"))
        regex = item.get("regex")
        if not isinstance(regex, str):
            raise RuleError(form)
        extract.append(Extract(parse_source("extract", item.get("from", "body")), compile_regex(regex)))
        if not extract[-1].regex.groups:
            raise RuleError(f"the regular expression {regex!r} has no named group, such as (?P<user>[a-z]+)")
    return tuple(extract)


def _parse_fields(settings: Mapping[str, Any], defaults: Fields, groups: Collection[str]) -> Fields:
    chosen = settings.get("fields", {})
    if not isinstance(chosen, Mapping):
        raise RuleError("'fields' must be a table")
    _refuse_unknown("unknown field", chosen, FIELD_NAMES)
    parsed: dict[str, tuple[Template, ...]] = {}
    for name in FIELD_NAMES:
        if name not in chosen:
            parsed[name] = getattr(defaults, name)
            continue
        sources = chosen[name]
        sources = sources if isinstance(sources, (list, tuple)) else [sources]
        parsed[name] = tuple(parse_template(name, source, groups) for source in sources)
    if "category" in settings.get("values", {}) and "category" not in chosen:
        parsed["category"] = parsed["action"]
    return Fields(**parsed)


def _parse_value_maps(given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise RuleError("'values' must be a table of fields")
    _refuse_unknown("unknown field of 'values'", given, FIELD_NAMES)
    return {field: parse_values(field, table) for field, table in given.items()}


def _parse_absent(given: object) -> frozenset[bytes]:
    if not isinstance(given, (list, tuple)) or not all(isinstance(text, str) for text in given):
        raise RuleError("'absent' must be a list of texts that stand for nothing, such as \"-\"")
    if any(len(text.encode()) > MOST_ABSENT_BYTES for text in given):
        raise RuleError(f"'absent' can only have texts of at most {MOST_ABSENT_BYTES} bytes")
    return frozenset(text.encode() for text in ("", *given))


def _parse_split(given: object) -> Path | None:
    if given is None:
        return None
    form = (
        '\'split\' must be the path to a list in the body, such as "body:items", "body" if it is a list itself, or '
        'the path to a member of its elements, such as "body:logEvents[*].message"'
    )
    if given == "body":
        return Path(b"", ())
    if not isinstance(given, str) or not given.startswith("body:"):
        raise RuleError(form)
    path = parse_path(given.removeprefix("body:"))
    *before, last = path.segments
    keys = [*before[:-1], last] if len(before) > 1 and before[-1] == ALL else path.segments
    if not all(isinstance(segment, bytes) for segment in keys):
        raise RuleError(form)
    return path


def _refuse_unknown(subject: str, given: Mapping[str, Any], valid: Collection[str]) -> None:
    unknown = sorted(given.keys() - set(valid))
    if unknown:
        meant = "".join(did_you_mean(name, valid) for name in unknown)
        raise RuleError(f"{subject} {', '.join(unknown)}{meant or '; valid are ' + ', '.join(valid)}")
