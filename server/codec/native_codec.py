"""The compiled codec: makes the same rows as the reference codec, without a Python object for each record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from server.codec import _native
from server.codec.annotations import Annotations, by_record
from server.codec.assemble import assemble_rows
from server.codec.audit.program import rules_program
from server.codec.audit.rules import Rule
from server.codec.limits import ROW_LIMITS, MalformedReason, RowLimits, malformed, too_many_members, too_many_records
from server.codec.rows import ALL_STREAMS, Rows
from server.codec.signals import Signal
from server.codec.unread import Level, Unread, UnreadReason, unread_error
from server.errors.ingest import MalformedRequestError
from server.notary.origin import Stream

__all__ = ["NativeCodec"]

# Values of the C++ enum Refusal; the first three are the reasons for malformed bytes.
_WRONG = (MalformedReason.BROKEN, MalformedReason.NOT_UTF8, MalformedReason.TOO_DEEP)
_TOO_MANY_RECORDS = 3
_UNREAD = 5
_MOST_KEPT = 32 << 20  # bytes that an idle encoder may hold for the next request
_TIMES_KEPT = 4


class NativeCodec:
    """Codec that parses requests in C++, without the GIL; implements ``Codec``."""

    name = "native"

    def __init__(
        self, rules: Sequence[Rule], limits: RowLimits = ROW_LIMITS, hashed: Collection[Stream] = ALL_STREAMS
    ) -> None:
        """Build a codec.

        Args:
            rules: audit rules, tried in order.
            limits: limits on the rows of one request.
            hashed: streams whose rows get leaf hashes; audit records get them in any case.
        """
        self._hashed = Stream.OPERATIONAL in hashed, Stream.SPANS in hashed
        self._limits = limits
        self._idle: list[_native.Encoder] = []
        self._rules = _native.Rules(rules_program(tuple(rules)))

    @contextmanager
    def _encoder(self, request: bytes, signal: Signal) -> Iterator[_native.Encoder]:
        # There are as many encoders as threads that encode at the same time.
        try:
            encoder = self._idle.pop()
        except IndexError:
            encoder = _native.Encoder(self._rules, self._limits.records, self._limits.repeated, *self._hashed)
        try:
            yield encoder
        except _native.RefusedError as refused:
            raise _refusal(request, refused, self._limits, signal) from None
        finally:
            # An encoder also keeps lists and texts. Their size is not counted, but it grows with the request's size.
            if max(encoder.capacity, _TIMES_KEPT * len(request)) <= _MOST_KEPT:
                self._idle.append(encoder)

    def encode(self, request: bytes, ingested_at: int, annotations: Annotations = ()) -> list[Rows]:
        """Decode, classify and encode a request; see ``Codec``."""
        with self._encoder(request, Signal.LOGS) as encoder:
            audit, operational = encoder.encode(request, ingested_at, by_record(annotations) if annotations else ())
        tables = ((Stream.AUDIT, audit), (Stream.OPERATIONAL, operational))
        return [assemble_rows(stream, table) for stream, table in tables if table is not None]

    def encode_spans(self, request: bytes, ingested_at: int) -> list[Rows]:
        """Decode and encode a traces request; see ``Codec``."""
        with self._encoder(request, Signal.TRACES) as encoder:
            table = encoder.encode_spans(request, ingested_at)
        return [assemble_rows(Stream.SPANS, table)] if table is not None else []


def _refusal(request: bytes, refused: _native.RefusedError, limits: RowLimits, signal: Signal) -> MalformedRequestError:
    number, reason, field, level, *place = refused.args
    if number < len(_WRONG):
        return malformed(request, _WRONG[number], signal)
    if number == _UNREAD:
        return unread_error(Unread(UnreadReason(reason), field, Level(level), *place), signal)
    return too_many_records(limits, signal) if number == _TOO_MANY_RECORDS else too_many_members()
