"""Comparison of the two codecs on the requests of one signal."""

from __future__ import annotations

from collections.abc import Sequence

from server.codec.annotations import Annotations
from server.codec.audit.rules import Rule
from server.codec.limits import ROW_LIMITS, MalformedReason, RowLimits, malformed
from server.codec.native_codec import NativeCodec
from server.codec.provenance import Provenance
from server.codec.redaction_rules import NO_REDACTION, Redaction
from server.codec.reference import ReferenceCodec
from server.codec.rows import Codec, Rows
from server.codec.signals import Signal
from server.errors.ingest import PipelineError

__all__ = ["NOW", "Outcome", "Parity"]

NOW = 1_800_000_000 * 10**9
"""When requests are received, in nanoseconds since the epoch."""


_PROVENANCE = Provenance("acme", "token:shop")


def _seed() -> bytes:
    return b"seed" * 8


Outcome = list[Rows] | tuple[type[Exception], str]
"""The rows of a request, or the error with which it is refused."""


class Parity:
    """Both codecs with the same rules."""

    def __init__(
        self,
        signal: Signal,
        rules: Sequence[Rule] = (),
        limits: RowLimits = ROW_LIMITS,
        redaction: Redaction = NO_REDACTION,
    ) -> None:
        """Build the codecs."""
        self._signal = signal
        self.reference = ReferenceCodec(rules, limits, redaction=redaction, seeds=_seed)
        self.native = NativeCodec(rules, limits, redaction=redaction, seeds=_seed)

    def outcome(self, codec: Codec, request: bytes, annotations: Annotations = ()) -> Outcome:
        """Return what one of the codecs makes of a request."""
        try:
            if self._signal is Signal.TRACES:
                return codec.encode_spans(request, NOW, _PROVENANCE)
            return codec.encode(request, NOW, annotations, _PROVENANCE)
        except PipelineError as error:
            return type(error), str(error)

    def assert_same(self, request: bytes, annotations: Annotations = ()) -> Outcome:
        """Return what the reference codec makes of a request, if the compiled codec makes the same."""
        expected, made = (self.outcome(codec, request, annotations) for codec in (self.reference, self.native))
        if not (
            isinstance(expected, tuple)
            and isinstance(made, tuple)
            and {expected[1], made[1]} == self._words_for_a_long_text(request)
        ):
            assert made == expected
        return expected

    def _words_for_a_long_text(self, request: bytes) -> set[str]:
        # Of a text that runs out of its message, upb looks at the bytes first, and then at the length.
        return {
            str(malformed(request, reason, self._signal))
            for reason in (MalformedReason.NOT_UTF8, MalformedReason.BROKEN)
        }
