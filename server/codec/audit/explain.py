"""Explanation of a record's classification: its rule, the source of each field, and the rules that nearly matched.

Everything is decided by the functions with which records are classified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from enum import Enum
from fractions import Fraction
from itertools import takewhile

from server.codec.audit.classify import Extraction, Way, is_map
from server.codec.audit.digest import template_text, text_of_test
from server.codec.audit.facts import Facts
from server.codec.audit.matching import first_match, has_events, matches, passes_one
from server.codec.audit.parse_tests import MOST_NUMBER
from server.codec.audit.paths import Path
from server.codec.audit.rules import Match, Place, Range, Rule, Source, Template, Test

__all__ = ["MOST_NEAR", "Checked", "Explanation", "FieldOrigin", "Trial", "Unused", "Why", "explain"]

MOST_NEAR = 3
"""Number of rules that nearly matched, of which an explanation tells."""

_LIST = "a list of events"


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition, and the value on which it was tried.

    Attributes:
        source: source of the value; None for the severity number.
        wanted: tests of which the value must pass one, as people read them.
        value: the value; None if there is none.
        holds: True if the condition holds.
    """

    source: Source | None
    wanted: tuple[str, ...]
    value: bytes | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule that was tried on a record.

    Attributes:
        rule: name of the rule.
        matches: True if the rule matches.
        checked: the conditions of its match that holds, or else of the one of which most conditions hold.
        alternatives: number of its matches.
        exception: the conditions of the first exception (``unless``) that holds, if that match holds; otherwise empty.
    """

    rule: str
    matches: bool
    checked: tuple[Checked, ...]
    alternatives: int
    exception: tuple[Checked, ...] = ()

    @property
    def share(self) -> Fraction:
        """The share of the conditions that hold; an exception that holds counts as one that does not."""
        return Fraction(sum(each.holds for each in self.checked), len(self.checked) + bool(self.exception))


class Why(Enum):
    """Reason why a source of a field was not used; the value is the reason in words."""

    MISSING = "no value"
    ABSENT = "stands for nothing"
    MAP = "a map"
    MAPS = "a list of maps"
    UNKNOWN = "not a known value"
    CUT = "not used, because the end of the body is missing"


@dataclass(frozen=True, slots=True)
class Unused:
    """A source of a field that was not used.

    Attributes:
        source: the source, as it is written in settings.
        why: the reason.
        value: the value that it has; empty if it has none.
    """

    source: str
    why: Why
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """The value of a field, and where it came from.

    Attributes:
        name: name of the field.
        value: what the column holds.
        way: how it came about.
        source: the source, as it is written in settings; empty if the value is not from one.
        sent: the value of the source.
        test: the test of ``values`` that this value passed; empty if there is none.
        unused: the sources before this one, which were tried and not used.
    """

    name: str
    value: bytes
    way: Way
    source: str
    sent: bytes
    test: str
    unused: tuple[Unused, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Explanation of how one record is classified.

    Attributes:
        trial: the rule that matched; None if no rule did.
        split: path in the body to the events of a record that is a list of events; None for all other records.
        fields: the fields of an audit record; empty for others.
        near: the rules of which some conditions hold, the largest share first, at most ``MOST_NEAR``; if a rule
            matched, only rules before it with another name, of which more than half of the conditions hold. Or the
            rules that were asked for.
    """

    trial: Trial | None
    split: Path | None
    fields: tuple[FieldOrigin, ...]
    near: tuple[Trial, ...]

    @property
    def is_audit(self) -> bool:
        """True for an audit record."""
        return self.trial is not None and self.split is None


def explain(facts: Facts, rules: Sequence[Rule], wanted: Collection[str] = ()) -> Explanation:
    """Explain how a record is classified.

    Args:
        facts: values of the record.
        rules: the audit rules, in the order in which they are tried.
        wanted: names of rules; if there are any, ``near`` has these, unless they matched, and no others.
    """
    record = _Record(**{each.name: getattr(facts, each.name) for each in dataclass_fields(Facts)})
    rule = first_match(record, rules)
    if wanted:
        near = tuple(_trial(each, record) for each in rules if each.name in wanted and each is not rule)
    else:
        trials = [_trial(each, record) for each in takewhile(lambda each: each is not rule, rules)]
        if rule:
            some = [trial for trial in trials if trial.share > Fraction(1, 2) and trial.rule != rule.name]
        else:
            some = [trial for trial in trials if trial.share > 0]
        near = tuple(sorted(some, key=lambda trial: -trial.share)[:MOST_NEAR])
    if rule is None:
        return Explanation(None, None, (), near)
    fields = tuple(_fields(Extraction(rule, record), rule)) if rule.split is None else ()
    return Explanation(_trial(rule, record), rule.split, fields, near)


@dataclass(frozen=True, slots=True)
class _Record(Facts):
    """Values of one record; a value that several rules have in their conditions is looked up once."""

    known: dict[Source, bytes | None] = field(default_factory=dict)

    def value(self, source: Source) -> bytes | None:
        if source not in self.known:
            self.known[source] = Facts.value(self, source)
        return self.known[source]


def _trial(rule: Rule, facts: Facts) -> Trial:
    checked = max((_checked(match, facts, rule) for match in rule.match), key=_share)
    exceptions = (_checked(match, facts) for match in rule.unless) if _share(checked) == 1 else ()
    exception = next((each for each in exceptions if _share(each) == 1), ())
    return Trial(rule.name, matches(rule, facts), checked, len(rule.match), exception)


def _checked(match: Match, facts: Facts, rule: Rule | None = None) -> tuple[Checked, ...]:
    """Return the conditions of a match, with that for a list of events if its rule has one."""
    return tuple(_conditions(match, facts, rule))


def _conditions(match: Match, facts: Facts, rule: Rule | None) -> Iterator[Checked]:
    number = facts.severity_number
    if match.severity_min:
        yield Checked(None, (f"{match.severity_min}..",), b"%d" % number, number >= match.severity_min)
    for condition in match.conditions:
        value = facts.value(condition.source)
        yield Checked(condition.source, tuple(map(_test_text, condition.tests)), value, passes_one(condition, value))
    if rule and rule.split:
        source = Source(Place.BODY, rule.split if rule.split.segments else None)
        yield Checked(source, (_LIST,), facts.value(source), has_events(rule, facts))


def _share(checked: tuple[Checked, ...]) -> Fraction:
    return Fraction(sum(each.holds for each in checked), len(checked))


def _fields(extraction: Extraction, rule: Rule) -> Iterator[FieldOrigin]:
    for name, found in extraction.found().items():
        templates = getattr(rule.fields, name)
        unused = templates[: templates.index(found.template)] if found.template else templates
        yield FieldOrigin(
            name=name,
            value=found.text,
            way=found.way,
            source=template_text(found.template) if found.template else "",
            sent=found.sent,
            test=_test_text(found.test) if found.test else "",
            unused=tuple(
                Unused(template_text(template), Why.CUT)
                if extraction.is_doubtful(name, number, template)
                else _unused(extraction, rule, template)
                for number, template in enumerate(unused)
            ),
        )


def _unused(extraction: Extraction, rule: Rule, template: Template) -> Unused:
    text = template_text(template)
    if value := extraction.value(template):
        return Unused(text, Why.UNKNOWN, value)
    for source in template:
        sent = extraction.sent(source)
        if sent and sent in rule.absent:
            return Unused(text, Why.ABSENT, sent)
        if sent and source.path and is_map(sent):
            return Unused(text, Why.MAPS if sent.lstrip().startswith(b"[") else Why.MAP, sent)
    return Unused(text, Why.MISSING)


def _test_text(test: Test) -> str:
    """Return a test as people read it; a range without a bound on one side is open there."""
    if not isinstance(test, Range):
        return text_of_test(test)
    low = "" if test.low == -MOST_NUMBER else test.low
    high = "" if test.high == MOST_NUMBER else test.high
    return f"{low}..{high}"
