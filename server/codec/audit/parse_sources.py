"""Sources of fields in settings: ``log:user.id``, ``=text``, ``${log:namespace}/${log:name}``."""

from __future__ import annotations

import re
from collections.abc import Collection

from server.codec.audit.errors import RuleError
from server.codec.audit.paths import parse_path
from server.codec.audit.rules import Place, Source, Template

__all__ = ["parse_source", "parse_template"]

_PATHS = (Place.LOG, Place.RESOURCE, Place.SCOPE, Place.BODY, Place.PAIRS)
_NAMES = (Place.EVENT_NAME, Place.SCOPE_NAME, Place.SERVICE_NAME, Place.SEVERITY_TEXT, Place.BODY)
_PART = re.compile(r"\$\{([^}]*)\}")
_FORMS = (
    "use log:KEY, resource:KEY, scope:KEY, body:KEY, pairs:KEY, regex:GROUP, =TEXT, "
    f"{', '.join(place.value for place in _NAMES)}, or a text with such sources in ${{…}}"
)


def parse_source(field: str, given: object, groups: Collection[str] = ()) -> Source:
    """Read one source.

    Args:
        field: what the value is for, in messages.
        given: the source as it is written.
        groups: names of the groups of the rule's regular expressions.

    Raises:
        RuleError: the source cannot be read.
    """
    if isinstance(given, str):
        if given.startswith("="):
            return Source(Place.TEXT, text=given[1:].encode())
        name, colon, rest = given.partition(":")
        for place in _PATHS:
            if colon and name == place.value:
                return Source(place, parse_path(rest))
        for place in _NAMES:
            if given == place.value:
                return Source(place)
        if colon and name == Place.GROUP.value:
            group, dot, path = rest.partition(".")
            if group not in groups:
                raise RuleError(
                    f"{field} cannot come from {given!r}: no regular expression of 'extract' has a group "
                    f"named {group!r}, such as (?P<{group or 'user'}>[a-z]+)"
                )
            return Source(Place.GROUP, parse_path(path) if dot else None, group.encode())
    raise RuleError(f"{field} cannot come from {given!r}; {_FORMS}")


def parse_template(field: str, given: object, groups: Collection[str] = ()) -> Template:
    """Read the source of a field, or a text with sources in it.

    Raises:
        RuleError: a source cannot be read.
    """
    if not isinstance(given, str) or given.startswith("=") or "${" not in given:
        return (parse_source(field, given, groups),)
    parts: list[Source] = []
    at = 0
    for match in _PART.finditer(given):
        if match.start() > at:
            parts.append(Source(Place.TEXT, text=given[at : match.start()].encode()))
        parts.append(parse_source(field, match[1], groups))
        at = match.end()
    if "${" in given[at:]:
        raise RuleError(f"{field}: {given!r} has a '${{' without a '}}' behind it")
    if given[at:]:
        parts.append(Source(Place.TEXT, text=given[at:].encode()))
    return tuple(parts)
