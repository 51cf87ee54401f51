"""Proof that records are the server's own when they arrive: a token that only its processes have.

Any sender can give records the names that the server gives its own. With the token come a mark in ``OtlpDetails``,
which is signed with the record and which no sender can forge, and the right to be stored without a producer's
signature.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.annotations import Annotations, annotation
from server.codec.decode_parts import parse
from server.codec.provenance import Provenance
from server.codec.signals import Signal
from server.notary.origin import ACCESS
from storage.hold_records import OWN_MARK

__all__ = ["LOG_KEY", "TENANT_KEY", "TOKEN_KEY", "has_token", "new_token", "own_marks", "own_provenance"]

TOKEN_KEY = "lognotary-own-records"  # noqa: S105 - the name of it
"""Key of the token in the metadata of a call."""

LOG_KEY = "lognotary-own-log"
"""Key of the kind of log in the metadata of a call with the token: ``access`` for records of who looked."""

TENANT_KEY = "lognotary-own-tenant"
"""Key of the tenant whose log it is, in the metadata of a call with the token."""


def new_token() -> str:
    """Return a token for the processes of a server."""
    return secrets.token_hex(32)


def has_token(metadata: Iterable[tuple[str, str | bytes]] | None, token: str) -> bool:
    """Return whether a call's metadata have the token; an empty one is no token."""
    sent = [value for key, value in metadata or () if key == TOKEN_KEY and isinstance(value, str)]
    return bool(token) and any(hmac.compare_digest(value.encode(), token.encode()) for value in sent)


def own_provenance(metadata: Iterable[tuple[str, str | bytes]] | None, sender: str) -> Provenance:
    """Return the provenance of records of the server's own, given the metadata of a call that has the token."""
    said = {key: value for key, value in metadata or () if isinstance(value, str)}
    if said.get(LOG_KEY) != ACCESS:
        return Provenance(sender=sender)
    return Provenance(said.get(TENANT_KEY, ""), sender, access=True)


def own_marks(request: bytes) -> Annotations:
    """Return the marks of the server's own records.

    Args:
        request: a serialized ``ExportLogsServiceRequest``.

    Raises:
        MalformedRequestError: the bytes are not such a request.
    """
    message = parse(ExportLogsServiceRequest, request, Signal.LOGS)
    parts = [
        scope.scope.name
        for resource in message.resource_logs
        for scope in resource.scope_logs
        for _ in scope.log_records
    ]
    return [annotation(number, OWN_MARK, {"part": part}) for number, part in enumerate(parts)]
