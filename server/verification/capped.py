"""A limit on findings of which anyone who may insert rows can cause any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from server.notary.findings import Finding, FindingKind

__all__ = ["capped"]

_Other = TypeVar("_Other")
_SEVERAL = 2


def capped(
    steps: Iterable[Finding | _Other], most: int, kinds: Collection[FindingKind] | None = None
) -> Iterator[Finding | _Other]:
    """Yield steps; of each kind of finding only the first ones, and at last a finding that counts the others.

    Args:
        steps: findings, and anything else, which is yielded.
        most: maximum number of findings of each kind.
        kinds: the kinds that are limited; None for all.
    """
    told: Counter[FindingKind] = Counter()
    left: dict[FindingKind, set[tuple[str, tuple[str, ...]]]] = {}
    for step in steps:
        if isinstance(step, Finding) and (kinds is None or step.kind in kinds):
            told[step.kind] += 1
            if told[step.kind] > most:
                if len(about := left.setdefault(step.kind, set())) < _SEVERAL:
                    about.add((step.log_id, step.signers))
                continue
        yield step
    for kind, count in told.items():
        if count > most:
            what = f"{count - most} further findings of this kind are not told one by one"
            [(log_id, signers), *others] = left[kind]
            # If unknown keys signed a whole log, that is told once for all: see ``foreign_logs``.
            foreign = bool(signers) and not others
            yield Finding(kind, what, log_id=log_id if foreign else "", signers=signers if foreign else ())
