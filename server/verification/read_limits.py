"""Limits on what verification reads at once and keeps in memory."""

from __future__ import annotations

from dataclasses import dataclass

from server.notary.row_blocks import BLOCK_LIMITS, BlockLimits

__all__ = ["READ_LIMITS", "ReadLimits"]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Sizes of the parts in which a log is verified; except for ``blocks``, the findings do not depend on them.

    Attributes:
        page: batches read at once.
        window: records read at once, unless one batch has more. Rows are not stored in the order of leaves, so that
            storage reads many more than those of a small window. Each takes 33 bytes meanwhile.
        window_batches: batches of a window.
        hashed: records hashed at once if no batch determines their number.
        group: records whose stored hashes are read at once, unless one batch has more.
        touched: records read at once of batches that are not as they were signed, unless one batch has more.
        pending: records out of place that are kept, to be matched with those of other batches.
        junk: rows of no log, and groups of rows of no batch, that are looked at; the others are counted.
        told: findings of one kind about rows of batches or statements of a log that are told one by one.
        blocks: limits on rows of records; a batch with a longer row is not verified, which is a finding.
        logs: logs of any name; if there are more, only those with a valid batch count as logs.
    """

    page: int = 1000
    window: int = 1 << 22
    window_batches: int = 100_000
    hashed: int = 1 << 22
    group: int = 500_000
    touched: int = 100_000
    pending: int = 100_000
    junk: int = 10_000
    told: int = 400
    blocks: BlockLimits = BLOCK_LIMITS
    logs: int = 1000


READ_LIMITS = ReadLimits()
"""The limits that verification has."""
