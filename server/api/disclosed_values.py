"""Reading of disclosed values, by whoever may: the caller has checked that."""

from __future__ import annotations

import re

from lognotary.v1 import disclosures_pb2 as messages
from server.api.errors import InvalidArgumentError
from storage.disclosures import find_disclosures
from storage.engine import Engine

__all__ = ["disclosed_values"]

_COMMITMENT = re.compile(r"[0-9a-f]{64}")
_MOST = 1000


def disclosed_values(engine: Engine, request: messages.DiscloseRequest) -> messages.DiscloseResponse:
    """Return the values of commitments that are still disclosed; raises ApiError and StorageError."""
    if len(request.commitments) > _MOST:
        raise InvalidArgumentError(f"commitments: {len(request.commitments)} are more than {_MOST}: ask repeatedly")
    for commitment in request.commitments:
        if not _COMMITMENT.fullmatch(commitment):
            raise InvalidArgumentError("commitments: give 64 hexadecimal digits of each, as the record has them")
    return messages.DiscloseResponse(
        values=[
            messages.DisclosedValue(commitment=commitment, salt=each.salt, value=each.value, rule=each.rule)
            for commitment, each in find_disclosures(engine, request.commitments).items()
        ]
    )
