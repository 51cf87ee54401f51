"""The reference codec: the readable definition of a request's rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from server.codec.annotations import Annotations, annotate
from server.codec.audit.classify import classify
from server.codec.audit.digest import rules_digest
from server.codec.audit.rules import Rule
from server.codec.audit.split import with_events
from server.codec.decode import decode
from server.codec.decode_spans import decode_spans
from server.codec.encode import encode_records
from server.codec.encode_spans import encode_spans
from server.codec.limits import ROW_LIMITS, RowLimits
from server.codec.rows import ALL_STREAMS, Rows
from server.notary.origin import Stream

__all__ = ["ReferenceCodec"]


class ReferenceCodec:
    """Codec that decodes with the official protobuf classes and encodes in plain Python; implements ``Codec``."""

    name = "reference"

    def __init__(
        self, rules: Sequence[Rule], limits: RowLimits = ROW_LIMITS, hashed: Collection[Stream] = ALL_STREAMS
    ) -> None:
        """Build a codec.

        Args:
            rules: audit rules, tried in order.
            limits: limits on the rows of one request.
            hashed: streams whose rows get leaf hashes; audit records get them in any case.
        """
        self._hashed = {Stream.AUDIT, *hashed}
        self._limits = limits
        self._rules = tuple(rules)
        self._digest = rules_digest(self._rules)

    def encode(self, request: bytes, ingested_at: int, annotations: Annotations = ()) -> list[Rows]:
        """Decode, classify and encode a request; see ``Codec``."""
        sent = decode(request, self._limits)
        annotate(sent, annotations)
        records = with_events(sent, self._rules, self._limits)
        return encode_records(records, classify(records, self._rules), ingested_at, self._hashed, self._digest)

    def encode_spans(self, request: bytes, ingested_at: int) -> list[Rows]:
        """Decode and encode a traces request; see ``Codec``."""
        return encode_spans(decode_spans(request, self._limits), ingested_at, hashed=Stream.SPANS in self._hashed)
