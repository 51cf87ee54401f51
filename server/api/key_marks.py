"""Marks of compromised keys in a request to verify, and the operator's."""

from __future__ import annotations

import time
from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import evidence_pb2
from server.api.errors import InvalidArgumentError
from server.api.messages import to_nanos
from server.api.time_ranges import CLOCKS
from server.notary.statement import StatementRow
from server.notary.trust import TrustedKeys, fingerprint
from server.verification.foreign_logs import key_names

__all__ = ["check_marked_keys", "read_marks"]

_MOST_KEYS = 5  # that are named
_DIGITS = 16  # of a fingerprint


def read_marks(request: evidence_pb2.VerifyRequest, own: TrustedKeys) -> dict[str, int]:
    """Return the time since which each key is compromised: the earlier of the request's and the operator's mark.

    Raises:
        InvalidArgumentError: a time is in the future, so that the mark would change nothing.
    """
    marks = dict(own.compromised)
    end = time.time_ns() + CLOCKS
    for name, since in request.compromised_keys.items():
        if to_nanos(since) > end:
            raise InvalidArgumentError(
                f"the key {name[:_DIGITS]!r} is marked as compromised since a time in the future, so nothing can "
                "have been signed since then"
            )
        marks[name] = min(_nanos(since), marks.get(name, _nanos(since)))
    return marks


def check_marked_keys(request: evidence_pb2.VerifyRequest, keys: TrustedKeys, rows: Iterable[StatementRow]) -> None:
    """Check that a request marks only keys that may have signed a log: a misspelled mark would find nothing.

    Args:
        request: the request.
        keys: all trusted keys, given or learned.
        rows: the rows of ``log_statements`` that name keys, trusted or not.

    Raises:
        InvalidArgumentError: a key is neither trusted, nor does a log name it.
    """
    if not request.compromised_keys:
        return
    spans = (span for made in keys.spans.values() for span in made)
    verifier_keys = (*keys.named, *(key for span in spans for key in span.keys))
    of_owners = (key for some in keys.of_owners.values() for key in some)
    known = {fingerprint(key) for key in (*keys.unnamed, *of_owners, *(key.public_key for key in verifier_keys))}
    known |= set(key_names(rows).values())
    for name in sorted(request.compromised_keys.keys() - known):
        others = sorted(known)
        listed = ", ".join(others[:_MOST_KEYS]) + (" and others" if len(others) > _MOST_KEYS else "")
        raise InvalidArgumentError(
            f"no log has a signature of the key {name[:_DIGITS]!r}, which is marked as compromised: give the "
            f"fingerprint of a key that signs (known: {listed or 'none'})"
        )


def _nanos(timestamp: Timestamp) -> int:
    return min(max(to_nanos(timestamp), 0), (1 << 63) - 1)
