"""The reference codec: the readable definition of a request's rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from server.codec.annotations import Annotations, annotate
from server.codec.audit.classify import AuditFields, classify
from server.codec.audit.digest import rules_digest
from server.codec.audit.rules import Rule
from server.codec.audit.split import with_events
from server.codec.decode import decode
from server.codec.decode_spans import decode_spans
from server.codec.disclosures import salts_of, with_actors
from server.codec.encode import encode_records
from server.codec.encode_spans import encode_spans
from server.codec.limits import ROW_LIMITS, RowLimits, too_many_disclosed
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.records import RecordColumns
from server.codec.redaction import Redactor
from server.codec.redaction_rules import NO_REDACTION, Redaction
from server.codec.rows import ALL_STREAMS, Rows, with_disclosures
from server.notary.commitment import random_salt
from server.notary.origin import Stream

__all__ = ["ReferenceCodec"]


class ReferenceCodec:
    """Codec that decodes with the official protobuf classes and encodes in plain Python; implements ``Codec``."""

    name = "reference"

    def __init__(
        self,
        rules: Sequence[Rule],
        limits: RowLimits = ROW_LIMITS,
        hashed: Collection[Stream] = ALL_STREAMS,
        redaction: Redaction = NO_REDACTION,
        seeds: Callable[[], bytes] = random_salt,
    ) -> None:
        """Build a codec.

        Args:
            rules: audit rules, tried in order.
            limits: limits on the rows of one request.
            hashed: streams whose rows get leaf hashes; audit records get them in any case.
            redaction: redaction of secrets.
            seeds: returns random bytes for each request, from which salts follow.
        """
        self._seeds = seeds
        self._hashed = {Stream.AUDIT, *hashed}
        self._limits = limits
        self._rules = tuple(rules)
        self._digest = rules_digest(self._rules)
        self._redactor = Redactor(redaction)

    def encode(
        self,
        request: bytes,
        ingested_at: int,
        annotations: Annotations = (),
        provenance: Provenance = NO_PROVENANCE,
    ) -> list[Rows]:
        """Decode, classify and encode a request; see ``Codec``."""
        redactor = self._redactor.anew(salts_of(self._seeds()), self._limits.disclosed)
        sent = decode(request, self._limits, redactor)
        annotate(sent, annotations)
        records = with_events(sent, self._rules, self._limits)
        audit = classify(records, self._rules)
        if redactor.has_too_many:
            raise too_many_disclosed(self._limits)
        rows = encode_records(records, audit, ingested_at, self._hashed, self._digest, provenance)
        return with_disclosures(rows, with_actors(redactor.disclosures, _actors(records, audit)))

    def encode_spans(self, request: bytes, ingested_at: int, provenance: Provenance = NO_PROVENANCE) -> list[Rows]:
        """Decode and encode a traces request; see ``Codec``."""
        redactor = self._redactor.anew(salts_of(self._seeds()), self._limits.disclosed)
        spans = decode_spans(request, self._limits, redactor)
        if redactor.has_too_many:
            raise too_many_disclosed(self._limits)
        rows = encode_spans(spans, ingested_at, hashed=Stream.SPANS in self._hashed, provenance=provenance)
        return with_disclosures(rows, redactor.disclosures)


def _actors(
    records: RecordColumns, audit: Sequence[AuditFields | None]
) -> Iterator[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
    for commitments, fields in zip(records.commitments, audit, strict=True):
        if fields is not None:
            yield commitments.own, (fields.actor_id, fields.actor_name, fields.effective_actor_id)
