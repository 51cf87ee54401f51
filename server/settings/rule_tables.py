"""Tables of rules in the settings file, such as ``[[roles]]``: checks that all kinds of rules share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.errors.suggestions import did_you_mean

__all__ = ["misshapen"]


def misshapen(table: Any, section: str, names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence if a rule is not a table, or for each name in the table that rules do not have.

    Args:
        table: the rule, as the settings file has it.
        section: name of the tables, such as "roles".
        names: names that a rule may have.
    """
    if not isinstance(table, Mapping):
        yield f"a rule of {section} must be a table under [[{section}]]"
        return
    for name in table.keys() - set(names):
        meant = did_you_mean(name, names) or f"; a rule may have {', '.join(names)}"
        yield f"unknown setting {name} in [[{section}]]{meant}"
