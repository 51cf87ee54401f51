"""Explanations of classifications as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from server.codec.audit.classify import Way
from server.codec.audit.explain import Checked, FieldOrigin, Trial, Unused, Why
from server.codec.audit.rules import Place, Source
from server.commands.explained import Explained
from server.commands.output import Style
from server.commands.units import cells, cut, padded
from server.escaping.visible import VALUE_LIMIT, visible
from server.notary.counted import counted

__all__ = ["explained_lines"]

_WIDEST = 36  # columns of a source, so that most values begin in one column
_INDENT = "  "
_SHORT_LIMIT = 120  # characters of a body, or of a value in a condition

_NAMES = {
    Place.LOG: "attribute",
    Place.RESOURCE: "resource attribute",
    Place.SCOPE: "scope attribute",
    Place.BODY: "body",
    Place.PAIRS: "pair",
    Place.EVENT_NAME: "event name",
    Place.SCOPE_NAME: "scope name",
    Place.SERVICE_NAME: "service name",
    Place.SEVERITY_TEXT: "severity text",
}


def explained_lines(
    one: Explained, style: Style, *, asked: bool = False, width: int | None = None, verbose: bool = False
) -> Iterator[str]:
    """Format an explanation.

    Args:
        one: the record and its explanation.
        style: style of the text.
        asked: True if the explanation has the rules that were asked for, rather than those that nearly match.
        width: columns of a line; None for any number.
        verbose: show lines and long values in full, and the sources of fields without a value.
    """
    limit = VALUE_LIMIT if verbose else _SHORT_LIMIT
    explanation = one.explanation
    yield style.paint(f"{visible(one.place)}: {_verdict(one)}", "1")
    lines = [f"body: {_shown(one.body, limit)}"] if one.body else []
    lines += [*_conditions(explanation.trial, limit), *_fields(explanation.fields, verbose=verbose)]
    for trial in explanation.near:
        lines += [_heading(trial, one, asked=asked), *(f"  {line}" for line in _conditions(trial, limit))]
    room = None if width is None or verbose else width - len(_INDENT)
    yield from (_INDENT + cut(line, room) for line in lines)


def _verdict(one: Explained) -> str:
    trial, split = one.explanation.trial, one.explanation.split
    if trial is None:
        if one.event:
            return "no rule matches, so it is stored only in its list"
        several = f", but its body has {counted(one.events, 'object')}, each of which is tried" if one.events else ""
        return f"operational, no rule matches{several}"
    name = visible(trial.rule)
    if split is None:
        return f"audit, by the rule {name}"
    if one.event:
        return f"by the rule {name} a list itself, so it is stored only in its list"
    return f"operational, a list of {counted(one.events, 'event')} by the rule {name}"


def _conditions(trial: Trial | None, limit: int) -> Iterator[str]:
    for each in trial.checked if trial else ():
        yield f"{'✔' if each.holds else '✘'} {_condition(each, limit)}"
    if trial and trial.exception:
        yield f"✘ unless: {'; '.join(_condition(each, limit) for each in trial.exception)}"


def _condition(each: Checked, limit: int) -> str:
    name = _name(each.source)
    wanted = " or ".join(visible(text) for text in each.wanted)
    if each.value is None:
        return f"there is no {name}" + (f", wanted {wanted}" if wanted != "*" else "")
    value = _shown(each.value, limit)
    shown = f"{name} is {value or 'empty'}"
    return shown if wanted in ("*", value) else f"{shown}, wanted {wanted}"


def _name(source: Source | None) -> str:
    if source is None:
        return "severity number"
    if not source.path:
        return _NAMES[source.place]
    path = visible(source.path.text.decode())
    return f"{path} in the body" if source.place is Place.BODY else f"{_NAMES[source.place]} {path}"


def _heading(trial: Trial, one: Explained, *, asked: bool) -> str:
    first = one.explanation.trial
    another = first is not None and first.rule == trial.rule
    name = f"another rule {visible(trial.rule)}" if another else f"the rule {visible(trial.rule)}"
    if trial.matches and first:
        return f"{name} matches too, but {visible(first.rule)} is tried before it"
    held = sum(each.holds for each in trial.checked)
    holds = f"{held} of {counted(len(trial.checked), 'condition')} {'holds' if held == 1 else 'hold'}"
    exception = ", but so does an exception" if trial.exception else ""
    closest = f", in the closest of {trial.alternatives} alternatives" if trial.alternatives > 1 else ""
    return f"{name} {'does not match' if asked else 'nearly matches'}: {holds}{exception}{closest}"


def _fields(fields: tuple[FieldOrigin, ...], *, verbose: bool) -> Iterator[str]:
    shown = [(each, _source(each)) for each in fields if each.value]
    empty = [each for each in fields if not each.value]
    names = max((len(each.name) for each in (fields if verbose else [each for each, _ in shown])), default=0)
    sources = min(_WIDEST, max((cells(source) for _, source in shown), default=0))
    for each, source in shown:
        column = source if cells(source) > sources else padded(source, sources)
        yield f"{each.name:{names}}  {column}  {_value(each)}"
    if verbose:
        yield from (f"{each.name:{names}}  {_why_empty(each)}" for each in empty)
    elif empty:
        yield f"empty: {', '.join(each.name for each in empty)}"


def _source(each: FieldOrigin) -> str:
    if each.way is Way.DERIVED:
        return "(from action and target_type)"
    return visible(each.source) or "(no source has a known value)"


def _value(each: FieldOrigin) -> str:
    notes = [_shown(each.sent)] if each.sent and each.sent != each.value else []
    if each.test:
        notes.append(f"values.{each.name} {visible(each.test)}")
    if each.way is Way.NONE:
        notes += [_unused(unused) for unused in each.unused if unused.why is not Why.MISSING]
    return f"{_shown(each.value)} ({', '.join(notes)})" if notes else _shown(each.value)


def _why_empty(each: FieldOrigin) -> str:
    if each.way is Way.SAME:
        return f"empty: {visible(each.source)} is {_shown(each.sent)}, which another field has"
    missing = ", ".join(visible(unused.source) for unused in each.unused if unused.why is Why.MISSING)
    others = [_unused(unused) for unused in each.unused if unused.why is not Why.MISSING]
    parts = [*others, f"no value in {missing}"] if missing else others
    return f"empty: {'; '.join(parts) or 'the rule names no source'}"


def _unused(unused: Unused) -> str:
    if unused.why is Why.CUT:
        return f"{visible(unused.source)} is {unused.why.value}"
    return f"{visible(unused.source)} is {_shown(unused.value)}, {unused.why.value}"


def _shown(value: bytes, limit: int = VALUE_LIMIT) -> str:
    return visible(value.decode(errors="replace"), limit)
