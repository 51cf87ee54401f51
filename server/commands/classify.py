"""``lognotary classify``: explain what the audit rules make of records in files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence

from server.codec.audit.digest import rules_text
from server.codec.audit.rules import Rule
from server.codec.redaction import Redactor
from server.commands.explained import Explained, explain_requests
from server.commands.explained_json import explained_json
from server.commands.explained_lines import explained_lines
from server.commands.otlp_files import read_raw_lines, read_requests, shown_name
from server.commands.output import Style, complain, say, say_json, say_signed
from server.commands.units import line_width
from server.errors.suggestions import not_one_of
from server.escaping.visible import visible
from server.notary.counted import counted
from server.notary.origin import Stream
from server.settings.errors import ConfigError
from server.settings.redaction import read_redaction
from server.settings.settings import check_rules
from server.settings.sources import gather

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    sources = gather(vars(options), os.environ)
    rules, problems = check_rules(sources)
    redaction = read_redaction(sources.values, problems)
    if redaction is None or problems:
        raise ConfigError(*problems)
    if options.rules:
        # Elsewhere than on a terminal, the text is exactly the one that has the digest.
        say_signed(rules_text(rules) + "\n" * sys.stdout.isatty())
        return 0
    _check_names(options.rule, rules)
    redactor = Redactor(redaction)  # without the key of a deployment: digits of hashes differ from those that it stores
    totals = _Totals()
    for file in options.files:
        requests = read_raw_lines(file, redactor) if options.raw else read_requests(file, redactor)
        for one in explain_requests(requests, rules, options.rule):
            totals.add(one)
            if options.json:
                say_json(json.dumps(explained_json(one)))
            else:
                _say(one, options)
    if not totals.records:
        what = "line" if options.raw else "log record"
        complain(f"there is no {what} in {', '.join(map(shown_name, options.files))}")
        return 1
    if not options.json and totals.records > 1:
        say(totals.line())
    return 0


def _check_names(wanted: Sequence[str], rules: Sequence[Rule]) -> None:
    names = [rule.name for rule in rules]
    for name in wanted:
        if name not in names:
            raise ConfigError(f"--rule: {not_one_of(name, dict.fromkeys(names))}")


def _say(one: Explained, options: argparse.Namespace) -> None:
    style = Style.of(sys.stdout, utc=True)
    width = None if options.verbose else line_width(sys.stdout)
    say(*explained_lines(one, style, asked=bool(options.rule), width=width, verbose=options.verbose))


class _Totals:
    """Number of records by what became of them."""

    def __init__(self) -> None:
        self.records = 0
        self._audit: Counter[str] = Counter()
        self._operational = self._unstored = 0

    def add(self, one: Explained) -> None:
        """Count a record, or an event in one."""
        self.records += one.stream is not None
        self._operational += one.stream is Stream.OPERATIONAL
        self._unstored += one.stream is None
        if one.stream is Stream.AUDIT and one.explanation.trial:
            self._audit[one.explanation.trial.rule] += 1

    def line(self) -> str:
        """Return the counts as a sentence."""
        by_rule = ", ".join(f"{visible(name)} {count:,}" for name, count in self._audit.most_common())
        audit = f"{self._audit.total():,} audit" + (f" ({by_rule})" if by_rule else "")
        unstored = f"; {counted(self._unstored, 'event')} only in a list" if self._unstored else ""
        return f"{counted(self.records, 'record')}: {audit}, {self._operational:,} operational{unstored}"
