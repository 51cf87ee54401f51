"""The audit rules by which a running server classifies, which it reads again when it receives SIGHUP."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from server.codec.audit.digest import rules_digest
from server.codec.audit.rules import Rule
from server.settings.errors import ConfigError
from server.settings.settings import Settings, reread_rules
from server.settings.table import DEFAULT_FILE

__all__ = ["RulesInForce"]

_logger = logging.getLogger(__name__)

_MOST_NAMES = 20  # of rules that are gone


class RulesInForce:
    """The audit rules in force. The digest of the rules stands in every audit record, so each change shows there.

    Attributes:
        rules: the rules.
        problem: reason why the rules could not be reloaded the last time; empty if they could.
    """

    def __init__(self, settings: Settings, use: Callable[[Sequence[Rule]], object]) -> None:
        """Begin with the rules of the settings.

        Args:
            settings: the settings.
            use: called with other rules, which are to be used from then on.
        """
        self.problem = ""
        # Without a settings file at start, one may be written later, in the same place.
        self._file = settings.file or str(Path(DEFAULT_FILE).absolute())
        self._must_exist = bool(settings.file)
        self._use = use
        self.rules = tuple(settings.audit_rules)
        self._digest = rules_digest(self.rules)
        _logger.info("audit rules in force: %d, digest %s", len(settings.audit_rules), self._digest)

    def reload(self) -> None:
        """Read the rules again, and use them if they can be used; otherwise the old ones stay in force."""
        if not self._must_exist and not Path(self._file).exists():
            # This is logged at every start, too, and must not sound like a fault.
            optional = f"there is no settings file {self._file}, and none is needed"
            _logger.info("the audit rules are those in force, digest %s (%s)", self._digest, optional)
            return
        self._must_exist = True
        try:
            rules = reread_rules(self._file)
            if rules != self.rules:
                self._use(rules)
        except (ConfigError, ValueError, RecursionError, MemoryError) as error:
            self.problem = str(error) or type(error).__name__
            _logger.error("the audit rules could not be reloaded, so the old ones stay in force: %s", self.problem)  # noqa: TRY400 - told whole
            return
        self.problem = ""
        if rules == self.rules:
            _logger.info("the audit rules are those in force, digest %s", self._digest)
            return
        digest = rules_digest(rules)
        _logger.info("audit rules were read anew: %d, digest %s, before that %s", len(rules), digest, self._digest)
        if len(rules) < len(self.rules):
            _logger.warning(
                "there are %d audit rules now, and there were %d: %s gone. If that is not what you want, the settings "
                "file may have been read while it was being written: write a new file and rename it, then reload again",
                *(len(rules), len(self.rules), _gone(self.rules, rules)),
            )
        self.rules, self._digest = rules, digest


def _gone(before: Sequence[Rule], after: Sequence[Rule]) -> str:
    """Return the names of rules that there are no longer, with a verb; several rules may have one name."""
    gone = Counter(rule.name for rule in before) - Counter(rule.name for rule in after)
    names = [f"{name} ({count} rules)" if count > 1 else name for name, count in gone.items()]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more} {'is' if gone.total() == 1 else 'are'}"
