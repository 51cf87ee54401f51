"""Retention of a stream's records: a default, and rules of which the first one that matches a record counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.notary.counted import counted
from server.notary.origin import Stream

__all__ = ["MOST_DAYS", "Policy", "Record", "RetentionRule", "days_words", "policy_from_text", "shortest"]

MOST_DAYS = 18_250
"""Longest retention in days, 50 years: a TTL beyond 2106, the end of ClickHouse's DateTime, would wrap to the past."""

ATTRIBUTES = {Stream.AUDIT: "LogAttributes", Stream.OPERATIONAL: "LogAttributes", Stream.SPANS: "SpanAttributes"}
"""Column of the attributes of a stream's records."""

Record = Mapping[str, str | int | Mapping[str, str]]
"""The columns of a record, by name; times in nanoseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """A rule: records that have all that it names are kept for a number of days.

    Attributes:
        days: retention in days; None for forever.
        category: category of audit records; empty for any.
        service: name of a service; empty for any.
        attribute: key and value of an attribute of the record or its resource; None for any.
    """

    days: int | None
    category: str = ""
    service: str = ""
    attribute: tuple[str, str] | None = None

    def matches(self, stream: Stream, record: Record) -> bool:
        """Return whether a record has all that the rule names; the definition of the rule's SQL."""
        if self.category and record.get("Category") != self.category:
            return False
        if self.service and record.get("ServiceName") != self.service:
            return False
        if self.attribute is None:
            return True
        key, value = self.attribute
        maps = (record.get(column) for column in (ATTRIBUTES[stream], "ResourceAttributes"))
        return any(isinstance(pairs, Mapping) and pairs.get(key) == value for pairs in maps)

    def covers(self, other: RetentionRule) -> bool:
        """Return whether the rule matches every record that another rule matches."""
        return (
            self.category in ("", other.category)
            and self.service in ("", other.service)
            and self.attribute in (None, other.attribute)
        )

    def __str__(self) -> str:
        attribute = f"attribute {'='.join(self.attribute)}" if self.attribute else ""
        named = (
            f"category {self.category}" if self.category else "",
            f"service {self.service}" if self.service else "",
        )
        return f"{' and '.join(filter(None, (*named, attribute)))}: {days_words(self.days)}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Retention of the records of a stream.

    Attributes:
        days: retention of records that no rule matches, in days; None for forever.
        rules: the rules; the first one that matches counts.
        cold_volume: volume of storage to which old parts are moved; empty for none.
        cold_after: days after which parts are moved.
    """

    days: int | None
    rules: tuple[RetentionRule, ...] = ()
    cold_volume: str = ""
    cold_after: int = 0

    @property
    def shortest(self) -> int | None:
        """Days after which a record may be gone, whichever rule matches it; None for never."""
        return shortest([self.days, *(rule.days for rule in self.rules)])

    @property
    def longest(self) -> int | None:
        """Days after which every record is gone, None for never."""
        every = [self.days, *(rule.days for rule in self.rules)]
        return None if None in every else max(days for days in every if days is not None)

    def may_remove_earlier(self, other: Policy) -> bool:
        """Return whether a record may be removed earlier than by another policy; if unsure, True."""
        mine, its = (self.days, other.days) if self.rules == other.rules else (self.shortest, other.longest)
        return mine is not None and (its is None or mine < its)

    def text(self) -> str:
        """Return the policy as JSON, always the same text for the same policy."""
        rules = [
            {
                "days": rule.days,
                **({"category": rule.category} if rule.category else {}),
                **({"service": rule.service} if rule.service else {}),
                **({"attribute": list(rule.attribute)} if rule.attribute else {}),
            }
            for rule in self.rules
        ]
        cold = {"cold": {"volume": self.cold_volume, "after": self.cold_after}} if self.cold_volume else {}
        return json.dumps({"days": self.days, "rules": rules, **cold}, separators=(",", ":"), ensure_ascii=False)

    def __str__(self) -> str:
        rules = "; ".join(map(str, self.rules))
        kept = f"{rules}; all others: {days_words(self.days)}" if rules else days_words(self.days)
        cold = f", after {days_words(self.cold_after)} on the volume {self.cold_volume}" if self.cold_volume else ""
        return kept + cold


def policy_from_text(text: str) -> Policy:
    """Read the result of ``Policy.text``.

    Raises:
        ValueError: the text is not a policy.
    """
    try:
        content = json.loads(text)
        rules = [
            RetentionRule(
                _days(rule["days"]),
                str(rule.get("category", "")),
                str(rule.get("service", "")),
                (str(rule["attribute"][0]), str(rule["attribute"][1])) if "attribute" in rule else None,
            )
            for rule in content["rules"]
        ]
        for rule in rules:
            "".join((rule.category, rule.service, *(rule.attribute or ()))).encode()  # half a surrogate pair fails
        cold = content.get("cold")
        volume = (str(cold["volume"]), _days(cold["after"]) or 0) if cold else ("", 0)
        return Policy(_days(content["days"]), tuple(rules), *volume)
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is not a policy of retention: {text[:200]!r}") from error


def shortest(every: Sequence[int | None]) -> int | None:
    """Return the smallest number of days; None, which stands for forever, is the largest."""
    return min((days for days in every if days is not None), default=None)


def days_words(days: int | None) -> str:
    """Return a retention in words."""
    return "forever" if days is None else counted(days, "day")


def _days(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_DAYS):
        return value
    raise ValueError(f"{str(value)[:100]!r} is not a number of days")
