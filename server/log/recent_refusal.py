"""The reason why records were refused last, for readiness."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from server.errors.ingest import BatchOutcomeUnknownError, JournalFullError, RefusedError
from server.log.open_log import Outcomes

__all__ = ["RecentRefusal"]

# Seconds for which a refusal counts: a server that is not ready may get no more batches to try again with.
_COUNTS = 15.0


class RecentRefusal:
    """Reason why nothing was taken lately, until a batch is taken; any thread may read it."""

    def __init__(self, give_up: threading.Event) -> None:
        """Begin without a refusal; after ``give_up`` is set, refusals do not count."""
        self._give_up = give_up
        self._last = 0.0, ""  # time of the last refusal, and its reason; replaced as a whole

    @property
    def reason(self) -> str:
        """The reason; empty if a batch was taken since, or the refusal is too long ago."""
        refused_at, why = self._last
        return why if time.monotonic() - refused_at < _COUNTS else ""

    @contextlib.contextmanager
    def noting(self, outcomes: Outcomes | None = None) -> Iterator[None]:
        """Note a RefusedError that is raised, or that is the outcome of every log; otherwise forget earlier ones."""
        try:
            yield
        except RefusedError as error:
            self._note(error)
            raise
        decided = () if outcomes is None else tuple(outcomes.values())
        refusals = [outcome for outcome in decided if isinstance(outcome, RefusedError)]
        if not refusals or len(refusals) < len(decided):
            self._last = 0.0, ""
        else:
            self._note(refusals[0])

    def _note(self, error: RefusedError) -> None:
        # Retries have a reason of their own.
        if not isinstance(error, JournalFullError | BatchOutcomeUnknownError) and not self._give_up.is_set():
            self._last = time.monotonic(), str(error)
