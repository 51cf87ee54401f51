"""Audit records in requests: which requests are checked for them, and the answers with receipts.

Over HTTP, ``POST /v1/audit`` takes audit records only. With ``audit_strict``, requests for logs are checked as well,
over gRPC too, if they have records with the keys of the draft OpenTelemetry audit signal. A request is accepted as a
whole or refused as a whole: there is no partial success.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.json_format import MessageToJson

from lognotary.v1 import receipts_pb2 as pb
from server.access.senders import ANONYMOUS, Sender
from server.admission.admission import Ticket
from server.audit_ids.receipt_message import receipt_message
from server.codec.audit.strict_records import may_have_native_keys
from server.codec.provenance import Provenance
from server.codec.signals import Signal
from server.pipeline.audit_ingest import AuditIngest, AuditReceipt
from server.pipeline.ingest import Ingest

__all__ = ["AuditReceiving", "answer", "submit"]

_MOST_RECEIPTS = 8_000
"""Receipts in one answer: clients take no more than 4 MiB (OTLP specification, "Message size"; gRPC's default)."""


@dataclass(frozen=True, slots=True)
class AuditReceiving:
    """Receipt of audit records by a server.

    Attributes:
        ingest: takes requests with audit records.
        strict: True if requests for logs are checked for audit records, too.
    """

    ingest: AuditIngest
    strict: bool


async def submit(
    ingest: Ingest,
    audit: AuditReceiving | None,
    request: bytes,
    ticket: Ticket,
    signal: Signal,
    sender: Sender = ANONYMOUS,
    *,
    every: bool = False,
) -> Sequence[AuditReceipt]:
    """Submit a request, and return the receipts of its audit records if it was checked for them.

    Args:
        ingest: takes all other requests.
        audit: how audit records are received; None if they are records like others.
        request: the serialized request.
        ticket: ticket of its admission.
        signal: its signal.
        sender: who has sent it.
        every: True if all its records must be audit records.

    Raises:
        IngestError: the request was refused.
    """
    checks = every or (audit is not None and audit.strict and signal is Signal.LOGS and may_have_native_keys(request))
    provenance = Provenance(sender.tenant, sender.name)
    if audit is not None and checks:
        return await audit.ingest.submit_audit(
            request, ticket, every=every, provenance=provenance, streams=sender.streams
        )
    await ingest.submit(request, ticket, signal, provenance=provenance, streams=sender.streams)
    return ()


def answer(receipts: Sequence[AuditReceipt], *, as_json: bool) -> bytes:
    """Return the body of the answer to a request that was accepted.

    To clients that do not expect receipts it is an ``ExportLogsServiceResponse`` with nothing set: on success "the
    server MUST leave the partial_success field unset" (OTLP specification, "Full Success").
    """
    omitted = len(receipts) > _MOST_RECEIPTS
    messages = [
        receipt_message(each.record_id, each.integrity_hash, each.received, each.origin, each.leaf_index)
        for each in (() if omitted else receipts)
    ]
    message = pb.AuditExportResponse(receipts=messages, receipts_omitted=omitted)
    if as_json:
        # With fields that are zero, for a receipt may name leaf 0; but without any if there are no receipts at all.
        always = bool(receipts)
        return MessageToJson(message, indent=None, always_print_fields_with_no_presence=always).encode()
    serialized: bytes = message.SerializeToString()
    return serialized
