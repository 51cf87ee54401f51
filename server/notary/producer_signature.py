"""The result of checking a producer's signature, as ``OtlpDetails`` has it: a member, whose first member is the result.

Names in ``OtlpDetails`` that senders choose, such as the keys of attributes, have types and numbers as values. So
nothing that a sender writes can look like a result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

__all__ = ["NO_SIGNATURE", "PRODUCER", "RESULTS", "SIGNATURES", "as_stored", "producer_signature"]

PRODUCER = "producer"
"""Name of the member."""

RESULTS = ("verified", "failed", "untrusted")
"""Results of signed records."""

NO_SIGNATURE = "none"
"""Word for records without a result: they were not signed, or signatures are not checked."""

SIGNATURES = (*RESULTS, NO_SIGNATURE)
"""Words by which records can be searched."""

_BEGINNING = f'"{PRODUCER}":{{"result":'


def as_stored(result: str) -> str:
    """Return the text that the details of exactly the records with a result have in them."""
    return f'{_BEGINNING}"{result}"'


def producer_signature(otlp_details: bytes) -> Mapping[str, str]:
    """Return the members of the result in the details of a record; empty if there is none.

    Args:
        otlp_details: ``OtlpDetails`` as stored.
    """
    if _BEGINNING.encode() not in otlp_details:  # most records
        return {}
    try:
        details = json.loads(otlp_details.decode())
    except (ValueError, RecursionError):
        return {}
    found = details.get(PRODUCER) if isinstance(details, dict) else None
    if not isinstance(found, dict) or found.get("result") not in RESULTS:
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)}
