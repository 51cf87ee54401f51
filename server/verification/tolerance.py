"""Tolerance of tables that cannot be read because they were altered: verification goes on with what can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from server.notary.findings import Finding, FindingKind
from storage.errors import (
    AccessDeniedError,
    InconsistentAnswerError,
    LimitExceededError,
    StorageError,
    UnreadableTableError,
)

__all__ = ["Tolerance"]

_Step = TypeVar("_Step")


class Tolerance:
    """Turns errors of altered tables into findings; other errors are raised.

    Attributes:
        tables_altered: a table is not as migrations made it, so that errors are its fault.
    """

    def __init__(self) -> None:
        """Start with tables that are as migrations made them."""
        self.tables_altered = False

    def trying(self, subject: str, steps: Iterable[_Step], table: str = "") -> Iterator[_Step | Finding]:
        """Yield steps up to the first that meets a table that cannot be read because it was altered.

        Args:
            subject: what the steps verify, for the finding's message.
            steps: the steps.
            table: the table that they read, if it is one.

        Raises:
            StorageError: storage cannot be read for another reason.
        """
        try:
            yield from steps
        except StorageError as error:
            altered = self.tables_altered or isinstance(error, (UnreadableTableError, InconsistentAnswerError))
            if not altered or isinstance(error, LimitExceededError):
                raise
            where = f"; the table {table} cannot be read" if table else ""
            # A right that is missing is one on what another object in the table's place reads: no advice to grant it.
            cause = "this user may not read what stands in the place of a table"
            yield Finding(
                FindingKind.TABLE_ALTERED,
                f"{subject} cannot be verified{where}: {cause if isinstance(error, AccessDeniedError) else error}",
            )
