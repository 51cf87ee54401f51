"""Choice of the codec: the compiled codec if it is installed, otherwise the reference codec."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from server.codec.audit.rules import Rule
from server.codec.limits import ROW_LIMITS, RowLimits
from server.codec.redaction_rules import NO_REDACTION, Mode, Redaction
from server.notary.origin import Stream

if TYPE_CHECKING:
    from server.codec.request_look import RequestLook
    from server.codec.rows import Codec

__all__ = ["CODECS", "build_codec", "build_look", "build_search", "chosen_codec", "why_not_native"]

CODECS = ("auto", "native", "reference")
"""Values of the ``codec`` setting; ``auto`` is ``native`` if the compiled codec is installed."""


def why_not_native(redaction: Redaction = NO_REDACTION) -> str:
    """Return why the compiled codec cannot be used with a redaction, or an empty string if it can."""
    try:
        from server.codec import _native  # it is optional
    except ImportError as error:
        return "it was not built" if "_native" in str(error) else str(error)
    if redaction.uses(Mode.HASH, Mode.DISCLOSE) and not _native.HAS_SHA256:
        return "it was built without libcrypto, and cannot hash what is redacted"
    return ""


def chosen_codec(choice: str, redaction: Redaction = NO_REDACTION) -> str:
    """Return ``native`` or ``reference`` for one of ``CODECS``."""
    if choice == "auto":
        return "reference" if why_not_native(redaction) else "native"
    return choice


def build_codec(
    choice: str,
    rules: Sequence[Rule],
    limits: RowLimits = ROW_LIMITS,
    hashed: Collection[Stream] | None = None,
    redaction: Redaction = NO_REDACTION,
) -> Codec:
    """Build the chosen codec.

    Args:
        choice: one of ``CODECS``.
        rules: audit rules, tried in order.
        limits: limits on the rows of one request.
        hashed: streams whose rows get leaf hashes, audit records in any case; None for all.
        redaction: redaction of secrets.

    Raises:
        ImportError: ``native`` was chosen, but the compiled codec is not installed.
    """
    streams = frozenset(Stream if hashed is None else hashed)
    # Imported here: every command reads settings, and so this module, but only a server needs a codec.
    if chosen_codec(choice, redaction) == "reference":
        from server.codec.reference import ReferenceCodec

        return ReferenceCodec(rules, limits, streams, redaction)
    from server.codec.native_codec import NativeCodec

    return NativeCodec(rules, limits, streams, redaction)


def build_look(choice: str, redaction: Redaction = NO_REDACTION, limits: RowLimits = ROW_LIMITS) -> RequestLook:
    """Build the look at requests of the chosen codec.

    Args:
        choice: one of ``CODECS``.
        redaction: redaction of secrets.
        limits: limits on the rows of one request.
    """
    if chosen_codec(choice, redaction) == "reference":
        from server.codec.request_look import RequestLook

        return RequestLook(redaction, limits)
    from server.codec.native_codec import NativeLook

    return NativeLook(redaction, limits)


def build_search(choice: str) -> Callable[[bytes, bytes], bool]:
    """Build the search of the chosen codec: does a request have some bytes, of which there are more than none?

    Args:
        choice: one of ``CODECS``.
    """
    if chosen_codec(choice) == "reference":
        return operator.contains
    from server.codec._native import has_text

    return has_text
