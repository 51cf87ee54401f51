"""Records in files, each with the explanation of its classification."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from server.codec.audit.explain import Explanation, explain
from server.codec.audit.facts import facts_of
from server.codec.audit.rules import Rule
from server.codec.audit.split import events_in
from server.codec.records import RecordColumns
from server.commands.otlp_files import ReadRequest
from server.notary.origin import Stream

__all__ = ["Explained", "explain_requests"]


@dataclass(frozen=True, slots=True)
class Explained:
    """A record, or an event in a record that is a list of events, with the explanation of its classification.

    Attributes:
        request: the request that has the record.
        number: number of the record in its request, from 1.
        event: number of the event in its record, from 1; 0 for the record itself.
        events: number of events in the record.
        body: text of the body, or of the event.
        explanation: the explanation.
    """

    request: ReadRequest
    number: int
    event: int
    events: int
    body: bytes
    explanation: Explanation

    @property
    def place(self) -> str:
        """The place of the record, for people."""
        event = f", event {self.event} of {self.events}" if self.event else ""
        return f"{self.request.place}, record {self.number}{event}"

    @property
    def stream(self) -> Stream | None:
        """The stream in which it is stored; None for an event that is stored only within its list."""
        if self.explanation.is_audit:
            return Stream.AUDIT
        return None if self.event else Stream.OPERATIONAL


def explain_requests(
    requests: Iterable[ReadRequest], rules: Sequence[Rule], wanted: Collection[str]
) -> Iterator[Explained]:
    """Yield the records of requests, a record that is a list of events before its events.

    Args:
        requests: the requests.
        rules: the audit rules.
        wanted: names of rules; see ``explain``.
    """
    for request in requests:
        for row in range(len(request.records)):
            yield from _explain_record(request, row, rules, wanted)


def _explain_record(
    request: ReadRequest, row: int, rules: Sequence[Rule], wanted: Collection[str]
) -> Iterator[Explained]:
    records = request.records
    explanation = _explain(records, row, rules, wanted)
    events = [] if explanation.is_audit else list(events_in(records, row, rules))
    yield Explained(request, row + 1, 0, len(events), records.body_text[row], explanation)
    for number, event in enumerate(events, 1):
        explained = _explain(event, 0, rules, wanted)
        yield Explained(request, row + 1, number, len(events), event.body_text[0], explained)


def _explain(records: RecordColumns, row: int, rules: Sequence[Rule], wanted: Collection[str]) -> Explanation:
    return explain(facts_of(records, row), rules, wanted)
