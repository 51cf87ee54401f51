"""Senders over raw OTLP/gRPC that know the outcome of each attempt, and retry with the same bytes."""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Protocol

import grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from harness.otlp_load import ID, log_record, refusal_of, request_of
from tests.faults.ledger import Ledger, Outcome, SentRequest

__all__ = ["EXPORT", "Habits", "RawSenders", "Sender", "export_outcome", "fast_reconnecting", "make_request"]

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

_UNSTATED_PAUSE = 0.1  # seconds before the next attempt if the server states none
_RETRY_SECONDS = 0.5  # the longest pause before an attempt, so that a schedule of seconds has many


class Sender(Protocol):
    """A sender, which sends until ``finish`` is called."""

    def start(self) -> None:
        """Start sending."""

    def finish(self, deadline: float) -> list[str]:
        """Finish the requests in flight, without sending new ones, and stop.

        Args:
            deadline: time by ``time.monotonic()`` at which the sender gives up.

        Returns:
            Sentences about requests that should have been acknowledged by then, and were not.
        """


@dataclass(frozen=True, slots=True)
class Habits:
    """Habits of raw senders.

    Attributes:
        threads: number of senders; each has a connection of its own.
        records: number of records in a request.
        large: share of requests with 200 times as many records.
        timeout: seconds after which an attempt is given up.
        impatient: share of requests that are sent once, whatever the outcome.
        again: share of requests that are sent again after they were acknowledged.
        pause: seconds between requests.
    """

    threads: int = 6
    records: int = 4
    large: float = 0.02
    timeout: float = 5.0
    impatient: float = 0.15
    again: float = 0.03
    pause: float = 0.1


class RawSenders:
    """Several threads that send audit and operational records."""

    def __init__(self, address: str, ledger: Ledger, habits: Habits, seed: int) -> None:
        self._address = address
        self._ledger = ledger
        self._habits = habits
        self._finishing = threading.Event()
        self._deadline = 0.0
        self._late: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(f"raw-{number}", random.Random(f"{seed}/{number}")), daemon=True)
            for number in range(habits.threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self, deadline: float) -> list[str]:
        self._deadline = deadline
        self._finishing.set()
        for thread in self._threads:
            thread.join()
        return self._late

    def _run(self, name: str, choose: random.Random) -> None:
        habits = self._habits
        with fast_reconnecting(self._address) as channel:
            # Without a serializer: all attempts send the same bytes.
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
            count = 0
            while not self._finishing.is_set():
                records = habits.records * (200 if choose.random() < habits.large else 1)
                ids = tuple(f"{name}-{count}-{place}" for place in range(records))
                count += 1
                sent = self._ledger.add(SentRequest(name, ids, patient=choose.random() >= habits.impatient))
                body = make_request(ids)
                self._deliver(call, sent, body)
                if sent.acknowledged and choose.random() < habits.again:
                    self._attempt(call, sent, body)
                self._finishing.wait(habits.pause)

    def _deliver(self, call: grpc.UnaryUnaryMultiCallable[bytes, bytes], sent: SentRequest, body: bytes) -> None:
        while True:
            pause = self._attempt(call, sent, body)
            if sent.acknowledged or not sent.patient:
                return
            if self._finishing.is_set() and time.monotonic() > self._deadline:
                self._late.append(f"{sent.sender} was not told OK in time: {sent.outcomes[-1].value}")
                return
            time.sleep(pause)  # as the refusal asks: a sender that did not wait would be another sender

    def _attempt(self, call: grpc.UnaryUnaryMultiCallable[bytes, bytes], sent: SentRequest, body: bytes) -> float:
        """Send once, and return the seconds after which to send again."""
        try:
            call(body, timeout=self._habits.timeout)
        except grpc.RpcError as error:
            sent.note(*export_outcome(error))
            return min(refusal_of(error).retry or _UNSTATED_PAUSE, _RETRY_SECONDS)
        sent.note(Outcome.ACKNOWLEDGED)
        return 0.0


def make_request(ids: tuple[str, ...]) -> bytes:
    """Return a request of records with these IDs: the first is an audit record, the others are operational."""
    trace_id = uuid.uuid4().hex
    audit = log_record("paid", trace_id=trace_id, audit_actor_id="eve", audit_action="pay")
    records = [audit, *(log_record("a line", trace_id=trace_id) for _ in ids[1:])]
    for record, name in zip(records, ids, strict=True):
        record.attributes.append(KeyValue(key=ID, value=AnyValue(string_value=name)))
    return request_of(records).SerializeToString()


def fast_reconnecting(address: str) -> grpc.Channel:
    """Return a channel with a connection of its own, which reconnects soon after its server has started again."""
    return grpc.insecure_channel(
        address,
        options=[
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
        ],
    )


def export_outcome(error: grpc.RpcError) -> tuple[Outcome, str]:
    """Return the outcome of a failed call, and its message: the server's own refusals have a RetryInfo."""
    refusal = refusal_of(error)
    why = f"{refusal.code.name} {refusal.details}"
    if refusal.retry is not None:
        return Outcome.REFUSED, why
    if "failed to connect" in refusal.details.lower():
        return Outcome.NOT_SENT, why
    return Outcome.UNKNOWN, why
