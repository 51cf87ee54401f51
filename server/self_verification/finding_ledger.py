"""What was found, remembered, so that it is told once and not in every walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from server.notary.findings import Finding

__all__ = ["MORE", "FindingLedger", "Notice", "notice_of"]

MORE = "MORE"
"""The kind of the notice that there are more findings than are told one by one."""

_MOST = 10_000  # findings that are told one by one
_LONGEST = 1000  # characters of a message


@dataclass(frozen=True, slots=True)
class Notice:
    """A finding as it is told: without the record, and small, for there may be many.

    Attributes:
        key: the same for the same finding in every walk, 32 hexadecimal digits.
        kind: the name of the finding's kind, or ``MORE``.
        message: a sentence for people, of one line.
        log_id: the log, empty where none is named.
        origin: the log's origin, empty where none is known.
        batch_id: the batch, empty where it is about no single one.
        sequence: the number of the batch or the statement, 0 where unknown.
        leaves: the first and the last leaf of the record, else of the section that was verified; None for neither.
        record_count: how many records it is about.
    """

    key: str
    kind: str
    message: str
    log_id: str = ""
    origin: str = ""
    batch_id: str = ""
    sequence: int = 0
    leaves: tuple[int, int] | None = None
    record_count: int = 0


def notice_of(finding: Finding, section: tuple[int, int] | None = None) -> Notice:
    """Return how a finding is told.

    Args:
        finding: the finding.
        section: the first and the last leaf that were verified as it was found, None where it is about none.
    """
    leaf = finding.leaf_index
    batch_id = str(finding.batch_id or "")
    # Not the message and no numbers of records: they may be others each time, while a log grows.
    parts = (finding.kind.value, finding.log_id, finding.origin, batch_id, finding.sequence, leaf)
    return Notice(
        key=_digest(*parts),
        kind=finding.kind.value,
        message=_one_line(finding.message),
        log_id=_one_line(finding.log_id),
        origin=_one_line(finding.origin),
        batch_id=batch_id,
        sequence=finding.sequence,
        leaves=section if leaf is None else (leaf, leaf),
        record_count=finding.record_count,
    )


class FindingLedger:
    """The notices of a walk and of the one before.

    Attributes:
        unsent: by key, those that are not on record yet.
    """

    def __init__(self, recorded: Mapping[str, str] | None = None, seen: Iterable[str] = ()) -> None:
        """Go on.

        Args:
            recorded: key -> kind of those that are on record already.
            seen: keys that were found again in this walk.
        """
        self.unsent: dict[str, Notice] = {}
        self._kinds = dict(recorded or {})
        self._seen = set(seen) & self._kinds.keys()

    def is_new(self, notice: Notice) -> bool:
        """Tell whether a notice would be told."""
        return notice.key not in self._kinds and _more().key not in self._kinds

    def take(self, found: Iterable[Notice]) -> list[Notice]:
        """Take what was found, and return what of it is new."""
        new = []
        for notice in found:
            if notice.key not in self._kinds and len(self._kinds) >= _MOST:
                notice = _more()
            self._seen.add(notice.key)
            if notice.key not in self._kinds:
                self._kinds[notice.key] = notice.kind
                self.unsent[notice.key] = notice
                new.append(notice)
        return new

    def sent(self, notices: Iterable[Notice]) -> None:
        """Note that notices are on record."""
        for notice in notices:
            self.unsent.pop(notice.key, None)

    def end_walk(self) -> int:
        """Forget what was not found again in this walk; returns how many that were."""
        gone = self._kinds.keys() - self._seen
        for key in gone:
            del self._kinds[key]
        self._seen.clear()
        return len(gone)

    def by_kind(self) -> dict[str, int]:
        """Return how many findings stand, by kind."""
        return dict(Counter(self._kinds.values()))

    def recorded(self) -> dict[str, str]:
        """Return key -> kind of those that are on record."""
        return {key: kind for key, kind in self._kinds.items() if key not in self.unsent}

    def seen(self) -> list[str]:
        """Return the keys that were found in this walk and are on record."""
        return sorted(self._seen - self.unsent.keys())


def _more() -> Notice:
    what = f"there are more than {_MOST} findings; 'lognotary verify' lists them all"
    return Notice(_digest(MORE), MORE, what)


def _digest(*parts: object) -> str:
    return sha256("\0".join(map(str, parts)).encode(errors="surrogatepass")).hexdigest()[:32]


def _one_line(text: str) -> str:
    """Return a text that cannot be taken for more than one line of a log: names in it come from storage."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:_LONGEST])
