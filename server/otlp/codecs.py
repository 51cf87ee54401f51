"""Which codec a server uses: the compiled one where it is installed, else the reference codec."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.pipeline.rules import Rule

if TYPE_CHECKING:
    from server.pipeline.rows import Codec

__all__ = ["CODECS", "Coding", "build_coding", "why_not_native"]

_logger = logging.getLogger(__name__)

CODECS = ("auto", "native", "reference")
"""What can be chosen; ``auto`` is native where that is installed."""


@dataclass(frozen=True, slots=True)
class Coding:
    """What turns requests into rows, and hashes the nodes above them: None where nothing faster is there."""

    codec: Codec
    hash_pairs: Callable[[bytes], bytes] | None


def why_not_native() -> str:
    """Return why the compiled codec cannot be used, empty if it can."""
    try:
        from server.otlp import _native  # noqa: F401 - it is optional
    except ImportError as error:
        return "it was not built" if "_native" in str(error) else str(error)
    return ""


def build_coding(choice: str, rules: Sequence[Rule]) -> Coding:
    """Make the codec that was chosen; warn once if it is not the one that is wanted.

    Args:
        choice: one of ``CODECS``.
        rules: which records are audit, tried in order.

    Raises:
        ImportError: the compiled codec was chosen and is not installed.
    """
    missing = why_not_native() if choice == "auto" else ""
    if missing:
        _logger.warning(
            "the compiled codec is not installed (%s): the reference codec takes its place, which needs about 30 times "
            "the CPU. Install Lognotary again where a C++17 compiler is present",
            missing,
        )
    # Imported here: every command reads settings, and so this module, but only a server needs a codec.
    if choice == "reference" or missing:
        from server.otlp.reference import ReferenceCodec

        return Coding(ReferenceCodec(rules), None)
    from server.otlp import _native
    from server.otlp.native_codec import NativeCodec

    return Coding(NativeCodec(rules), _native.hash_pairs if _native.HAS_SHA256 else None)
