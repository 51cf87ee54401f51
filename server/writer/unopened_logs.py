"""New logs that cannot be opened: they keep no others out, and what goes wrong is logged once for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from server.errors.ingest import RefusedError, StorageRefusedError
from server.notary.origin import LogName, LogOwner
from server.retry.trouble import Trouble

__all__ = ["UnopenedLogs"]

_logger = logging.getLogger(__name__)

_MOST = 256  # owners about each of which something is logged
_APART_FOR = 2.0  # seconds in which logs that cannot be opened together are opened one by one: others wait meanwhile


class UnopenedLogs:
    """The owners of one stream whose logs could not be opened when their records came last.

    One thread at a time uses it.
    """

    def __init__(self, name_of: Callable[[LogOwner], LogName]) -> None:
        """Begin with none; ``name_of`` returns the name of an owner's log."""
        self._name_of = name_of
        self._troubles: dict[LogOwner, Trouble] = {}
        self._others = Trouble(_logger, "logs of further tenants cannot be opened", "logs of further tenants are open")

    def open(
        self, owners: Iterable[LogOwner], open_together: Callable[[Sequence[LogOwner]], Exception | None]
    ) -> dict[LogOwner, RefusedError]:
        """Open logs, together as far as possible; return why that was not possible, for each of which it was not.

        Those that could not be opened before come last, and apart: others must not wait for them.

        Args:
            owners: owners of the logs.
            open_together: function that opens logs, all or none, and returns why that was not possible, None if it was.
        """
        groups: tuple[list[LogOwner], list[LogOwner]] = [], []
        for owner in owners:
            groups[owner in self._troubles].append(owner)
        failures: dict[LogOwner, Exception | None] = {}
        latest = time.monotonic() + _APART_FOR
        for group in filter(None, groups):
            failures |= dict.fromkeys(group, open_together(group))
            for owner in group if len(group) > 1 and failures[group[0]] is not None else ():
                if time.monotonic() < latest:
                    failures[owner] = open_together([owner])
        for owner in (owner for owner, error in failures.items() if error is None):
            self._trouble(owner).ends()
            self._troubles.pop(owner, None)
        return {owner: self.refuse(owner, error) for owner, error in failures.items() if error is not None}

    def refuse(self, owner: LogOwner, error: Exception) -> RefusedError:
        """Note that a log cannot be opened now; return the error for whoever sent its records.

        Args:
            owner: owner of the log.
            error: the reason, which the sender does not get to know.
        """
        if owner not in self._troubles and len(self._troubles) < _MOST:
            log = f"the log {self._name_of(owner).origin}"
            self._troubles[owner] = Trouble(_logger, f"{log} cannot be opened", f"{log} is open")
        self._trouble(owner).goes_on(str(error))
        public = "the log of this tenant cannot be opened now"
        return StorageRefusedError(f"{public}: {error}", retry_after=5.0, public=public)

    def _trouble(self, owner: LogOwner) -> Trouble:
        return self._troubles.get(owner, self._others)
