"""The streams that a request to verify declares as not signed."""

from __future__ import annotations

from lognotary.v1 import evidence_pb2
from server.api.errors import InvalidArgumentError
from server.errors.suggestions import not_one_of
from server.notary.origin import Stream

__all__ = ["read_unsigned_streams"]


def read_unsigned_streams(request: evidence_pb2.VerifyRequest) -> frozenset[Stream]:
    """Return the streams.

    Raises:
        InvalidArgumentError: a stream does not exist, or is audit.
    """
    valid = [stream.value for stream in Stream if stream is not Stream.AUDIT]
    for name in request.unsigned_streams:
        if name == Stream.AUDIT.value:
            raise InvalidArgumentError("unsigned_streams: audit records are always signed")
        if name not in valid:
            raise InvalidArgumentError(f"unsigned_streams: {not_one_of(name, valid)}")
    return frozenset(map(Stream, request.unsigned_streams))
