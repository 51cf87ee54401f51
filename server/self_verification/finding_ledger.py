"""Ledger of findings, so that each finding is reported once and not in every pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from server.escaping.visible import visible
from server.notary.findings import Finding, FindingKind

__all__ = ["MORE", "MOST_REPORTED", "FindingLedger", "Notice", "notice_of"]

MORE = "MORE"
"""Kind of the notice that there are more findings than are reported one by one."""

MOST_REPORTED = 10_000
"""Findings that are reported one by one."""

_LONGEST = 1000  # characters of a message


@dataclass(frozen=True, slots=True)
class Notice:
    """A finding in the form in which it is reported: without the record, and small, because there may be many.

    Attributes:
        key: identifies the finding across passes, 32 hexadecimal digits.
        kind: the name of the finding's kind, or ``MORE``.
        message: a sentence for people, of one line.
        log_id: the log, empty where none is named.
        origin: the log's origin, empty where none is known.
        batch_id: the batch, empty if the finding is not about a single batch.
        sequence: the number of the batch or the statement, 0 where unknown.
        leaves: the first and last leaf of the record, else of the verified section; None for neither.
        record_count: number of records affected.
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
    """Return the notice of a finding.

    Args:
        finding: the finding.
        section: the first and last leaf of the verified section, None if the finding is about no section.
    """
    leaf = finding.leaf_index
    batch_id = str(finding.batch_id or "")
    # Not the message and no numbers of records: they may be others each time, while a log grows.
    parts: tuple[object, ...] = (
        *(finding.kind.value, finding.log_id, finding.origin, batch_id, finding.sequence, leaf),
        # Nothing else tells two differences of tables apart.
        *((finding.message,) if finding.kind is FindingKind.TABLE_ALTERED else ()),
    )
    return Notice(
        key=_digest(*parts),
        kind=finding.kind.value,
        message=visible(finding.message, _LONGEST),
        log_id=visible(finding.log_id, _LONGEST),
        origin=visible(finding.origin, _LONGEST),
        batch_id=batch_id,
        sequence=finding.sequence,
        leaves=section if leaf is None else (leaf, leaf),
        record_count=finding.record_count,
    )


class FindingLedger:
    """Notices of the current pass and of the previous one.

    Attributes:
        unsent: notices that are not recorded as audit records yet, by key.
    """

    def __init__(
        self, recorded: Mapping[str, str] | None = None, seen: Iterable[str] = (), most: int = MOST_REPORTED
    ) -> None:
        """Restore a ledger.

        Args:
            recorded: key -> kind of the findings that are recorded already.
            seen: keys of the findings that were found again in this pass.
            most: number of findings that are reported one by one; a single notice stands for all others.
        """
        self.unsent: dict[str, Notice] = {}
        self._most = most
        self._more = _more(most)
        self._kinds = dict(recorded or {})
        self._seen = set(seen) & self._kinds.keys()

    def is_new(self, notice: Notice) -> bool:
        """Return whether a notice would be reported."""
        return notice.key not in self._kinds and self._more.key not in self._kinds

    def take(self, found: Iterable[Notice]) -> list[Notice]:
        """Add findings, and return the new ones."""
        new = []
        for notice in found:
            if notice.key not in self._kinds and len(self._kinds) >= self._most:
                notice = self._more
            self._seen.add(notice.key)
            if notice.key not in self._kinds:
                self._kinds[notice.key] = notice.kind
                self.unsent[notice.key] = notice
                new.append(notice)
        return new

    def sent(self, notices: Iterable[Notice]) -> None:
        """Mark notices as recorded."""
        for notice in notices:
            self.unsent.pop(notice.key, None)

    def end_walk(self) -> int:
        """Forget findings that were not found again in this pass; returns their number."""
        gone = self._kinds.keys() - self._seen
        for key in gone:
            del self._kinds[key]
        self._seen.clear()
        return len(gone)

    def by_kind(self) -> dict[str, int]:
        """Return the number of current findings, by kind."""
        return dict(Counter(self._kinds.values()))

    def recorded(self) -> dict[str, str]:
        """Return key -> kind of the recorded findings."""
        return {key: kind for key, kind in self._kinds.items() if key not in self.unsent}

    def seen(self) -> list[str]:
        """Return the keys of recorded findings that were found in this pass."""
        return sorted(self._seen - self.unsent.keys())


def _more(most: int) -> Notice:
    what = f"there are more than {most} findings; 'lognotary verify' lists them all"
    return Notice(_digest(MORE), MORE, what)


def _digest(*parts: object) -> str:
    return sha256("\0".join(map(str, parts)).encode(errors="surrogatepass")).hexdigest()[:32]
