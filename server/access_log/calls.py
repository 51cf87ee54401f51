"""The call in progress, as its record says it: what was asked for, how many records the answer has, how it ended."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

from google.protobuf.message import Message

from server.access.callers import Caller, CallerKind
from server.access.networks import network_of
from server.access_log.access_log import AccessLog
from server.access_log.actions import Action
from server.access_log.asked import asked_text
from server.access_log.bursts import Skipped
from server.access_log.counts import add_records
from server.access_log.event import AccessEvent, Actor, Outcome, actor_of
from server.own_records.sender import NotRecordedError

__all__ = ["RecordedCall", "RecordedCalls", "note_answer", "note_request", "recording"]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_STOPPING = "the server is stopping"
_DENIED_A_MINUTE = 60  # denied calls of one host, for one reason, that are recorded one by one
_NONE = Skipped()


class RecordedCalls:
    """Calls of one protocol, each of which is recorded."""

    def __init__(self, log: AccessLog, protocol: str) -> None:
        """Record calls in a log; the protocol is "grpc" or "http"."""
        self.log = log
        self.protocol = protocol
        self.is_stopping = False
        self._lock = threading.Lock()
        self._open: set[RecordedCall] = set()

    def begin(self, action: Action, address: str, traceparent: str, target: str = "") -> RecordedCall:
        """Return the record of a call.

        Args:
            action: what the call does.
            address: address of the caller, before anybody is authenticated.
            traceparent: the call's header of W3C Trace Context; empty if there is none.
            target: what the action is done to, if the request will not say it.
        """
        call = RecordedCall(self, action, address, traceparent, target)
        with self._lock:
            self._open.add(call)
        return call

    def take(self, call: RecordedCall) -> bool:
        """Return whether the end of a call is still to be recorded, which it is once."""
        with self._lock:
            was_open = call in self._open
            self._open.discard(call)
        return was_open

    def stop(self) -> None:
        """Record the end of all calls in progress, for nothing is recorded after this; let no more calls begin."""
        self.is_stopping = True
        with self._lock:
            left = list(self._open)
        for call in left:
            # Whether the caller gets the answer is not known yet, but a tail ends like this.
            call.end(Outcome.SUCCESS if call.action.is_endless else Outcome.BEGUN, _STOPPING)


class RecordedCall:
    """The record of one call."""

    def __init__(self, calls: RecordedCalls, action: Action, address: str, traceparent: str, target: str) -> None:
        """Begin; see ``RecordedCalls.begin``."""
        self._calls = calls
        self.action = action
        self._began = time.monotonic()
        self._actor = Actor(address=address)
        self._target = target
        self._asked = ""
        self._records = 0
        self._call = secrets.token_hex(8)
        found = _TRACEPARENT.fullmatch(traceparent)
        self._trace_id, self._span_id = (found[1], found[2]) if found else ("", "")

    def check_may_begin(self) -> None:
        """Check that calls may begin; raises NotRecordedError if the server is stopping."""
        if self._calls.is_stopping:
            self.end(Outcome.FAILED, _STOPPING)
            raise NotRecordedError(f"{_STOPPING}, and there would be no record of this call")

    def let_in(self, caller: Caller) -> None:
        """Note who calls."""
        self._actor = actor_of(caller)

    def asked(self, request: Message) -> None:
        """Note the request."""
        self._asked = asked_text(request)
        name = self.action.target
        if name in request.DESCRIPTOR.fields_by_name:
            self._target = str(getattr(request, name)) or self._target

    def answered(self, answer: Message) -> None:
        """Note an answer, or a step of it."""
        self._records = add_records(self._records, answer)

    @property
    def has_begin(self) -> bool:
        """True if the call has a record when it begins: long answers, and changes if records are required."""
        return self.action.is_long or (self.action.is_change and self._calls.log.is_required)

    async def keep_begin(self) -> None:
        """Record that a call begins; raises NotRecordedError if that is required and fails."""
        await self._calls.log.keep(self._event(Outcome.BEGUN))

    async def keep(self, outcome: Outcome, reason: str = "") -> None:
        """Record how the call ended, before it is answered; raises NotRecordedError if that is required and fails."""
        event = self._last(outcome, reason)
        if event is not None:
            await self._calls.log.keep(event)

    def end(self, outcome: Outcome, reason: str = "") -> None:
        """Record how the call ended, unless that is recorded."""
        event = self._last(outcome, reason)
        if event is not None:
            self._calls.log.note(event)

    def leave_out(self) -> None:
        """Record nothing of this call."""
        self._calls.take(self)

    def _last(self, outcome: Outcome, reason: str) -> AccessEvent | None:
        if not self._calls.take(self):
            return None
        skipped: Skipped | None = _NONE
        if outcome is Outcome.DENIED and self._actor.kind in ("", CallerKind.LOCAL.value):
            # Whoever is not let in must not decide how much is recorded.
            host = network_of(self._actor.address)
            skipped = self._calls.log.denied.take(("call", host, reason), _DENIED_A_MINUTE)
        return None if skipped is None else self._event(outcome, reason, skipped)

    def _event(self, outcome: Outcome, reason: str = "", skipped: Skipped = _NONE) -> AccessEvent:
        is_unknown = self._actor.kind == "" and outcome is Outcome.DENIED
        return AccessEvent(
            action=self.action.name,
            outcome=outcome,
            actor=self._actor,
            protocol=self._calls.protocol,
            target=self._target,
            target_type=self.action.target_type or "path",
            category="auth" if is_unknown else self.action.category,
            asked=self._asked,
            records=self._records,
            reason=reason,
            trace_id=self._trace_id,
            span_id=self._span_id,
            call=self._call,
            seconds=None if outcome is Outcome.BEGUN else time.monotonic() - self._began,
            repeated=skipped.same,
            others=skipped.others,
        )


_CALL: ContextVar[RecordedCall | None] = ContextVar("recorded_call", default=None)


@contextlib.contextmanager
def recording(call: RecordedCall) -> Iterator[None]:
    """Let those who answer note what they read, until the block ends."""
    before = _CALL.get()
    _CALL.set(call)
    try:
        yield
    finally:
        _CALL.set(before)  # by value: the block may end in another context


def note_request(request: Message) -> None:
    """Note the request of the call in progress, if that is recorded."""
    if (call := _CALL.get()) is not None:
        call.asked(request)


def note_answer(answer: Message) -> None:
    """Note the answer of the call in progress, or a step of it, if that is recorded."""
    if (call := _CALL.get()) is not None:
        call.answered(answer)
