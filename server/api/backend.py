"""What the API answers, whatever the transport: one method for each call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.correlation import get_trace, search_audit
from server.api.errors import InvalidArgumentError
from server.api.messages import to_nanos, verify_response
from server.api.verification import Scope, verify
from server.notary.chain import TrustedKeys, check_checkpoint, parse_public_keys
from server.notary.checkpoint import Checkpoint
from server.notary.errors import NotaryError
from storage.engine import Engine

__all__ = ["Backend"]


class Backend:
    """Answers calls from one storage. Every method blocks; call it in a thread."""

    def __init__(
        self, engine: Engine, keys: TrustedKeys, remembered: Callable[[], Sequence[Checkpoint]] = tuple
    ) -> None:
        """Answer from a storage.

        Args:
            engine: the storage.
            keys: the public keys to believe.
            remembered: returns the checkpoints that are known without storage, which verification
                holds storage against.
        """
        self._engine = engine
        self._keys = keys
        self._remembered = remembered

    def get_trace(self, request: correlation_pb2.GetTraceRequest) -> correlation_pb2.GetTraceResponse:
        """Answer ``GetTrace``; raises ApiError and StorageError."""
        return get_trace(self._engine, self._keys, request)

    def search_audit_events(
        self, request: correlation_pb2.SearchAuditEventsRequest
    ) -> correlation_pb2.SearchAuditEventsResponse:
        """Answer ``SearchAuditEvents``; raises ApiError and StorageError."""
        return search_audit(self._engine, self._keys, request)

    def verify(self, request: evidence_pb2.VerifyRequest) -> Iterator[evidence_pb2.VerifyResponse]:
        """Answer ``Verify``; raises ApiError at once, StorageError while it goes on."""
        try:
            keys = parse_public_keys(request.public_keys) if request.public_keys else self._keys
            scope = _scope(request, keys, self._remembered())
        except NotaryError as error:
            raise InvalidArgumentError(str(error)) from error
        return map(verify_response, verify(self._engine, keys, scope))


def _scope(request: evidence_pb2.VerifyRequest, keys: TrustedKeys, remembered: Sequence[Checkpoint]) -> Scope:
    given = [check_checkpoint(note, keys) for note in request.checkpoints]
    return Scope(
        since=_nanos(request.since) if request.HasField("since") else None,
        until=_nanos(request.until) if request.HasField("until") else None,
        checkpoints=(*given, *(checkpoint for checkpoint in remembered if checkpoint not in given)),
    )


def _nanos(timestamp: Timestamp) -> int:
    return min(max(to_nanos(timestamp), 0), (1 << 63) - 1)
