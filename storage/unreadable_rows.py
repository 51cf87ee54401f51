"""Rows that cannot be understood, in tables that servers share: someone wrote or altered them by hand.

Such a row must neither stop a server nor harm requests, so it is kept, read as its reader says, and told once.
"""

from __future__ import annotations

import logging
from functools import lru_cache

__all__ = ["tell_once"]

_logger = logging.getLogger(__name__)


@lru_cache(1000)
def tell_once(table: str, row: str, wrong: str, meaning: str) -> None:
    """Log that a row cannot be read, unless that was logged before.

    Args:
        table: name of the table.
        row: name of the row, as it is in the table.
        wrong: why it cannot be read.
        meaning: the meaning that the row is given, as a clause.
    """
    _logger.error(
        "the row %.200r of the table %s cannot be read (%s), so %s: it was altered, or a later version of Lognotary "
        "wrote it",
        row,
        table,
        wrong,
        meaning,
    )
