"""Values within texts, each of which is read once, however many rules and paths look into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.codec.audit.paths import Path, Segment
from server.codec.audit.texts import events_of, find, members_of
from server.codec.regex import Regex, search_spans

__all__ = ["Lookup"]


class Lookup:
    """Memory of what was found in the texts of a record, or of what the events in a record have in common.

    Attributes:
        bytes_read: bytes of the texts that were read, each as often as it was read.
    """

    def __init__(self) -> None:
        self.bytes_read = 0
        self._members: dict[tuple[bytes, bool], Mapping[bytes, bytes | None]] = {}
        self._found: dict[tuple[bytes, tuple[Segment, ...], bool], bytes | None] = {}
        self._spans: dict[tuple[bytes, str], tuple[tuple[int, int], ...]] = {}

    def find(self, text: bytes, segments: tuple[Segment, ...], *, pairs_too: bool = False) -> bytes | None:
        """Return the text of the value to which a path leads, as ``texts.find`` does."""
        key = text, segments, pairs_too
        if key not in self._found:
            self._found[key] = find(text, segments, pairs_too=pairs_too, read=self._read)
        return self._found[key]

    def events(self, text: bytes, path: Path) -> Iterator[bytes]:
        """Yield the elements of a list, as ``texts.events_of`` does."""
        return events_of(text, path, read=self._read)

    def search(self, regex: Regex, text: bytes) -> tuple[tuple[int, int], ...]:
        """Return start and end of each named group, none if there is no match."""
        key = text, regex.pattern
        if key not in self._spans:
            self._spans[key] = search_spans(regex, text) or ()
        return self._spans[key]

    def _read(self, text: bytes, pairs_too: bool) -> Mapping[bytes, bytes | None]:
        key = text, pairs_too
        if key not in self._members:
            self.bytes_read += len(text)
            self._members[key] = members_of(text, pairs_too)
        return self._members[key]
