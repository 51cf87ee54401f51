"""Secrets in what callers ask for: they must not be kept, so that nobody finds them by looking for who looked."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import cache

from server.codec.choose import build_look, chosen_codec
from server.codec.redaction import Redactor
from server.codec.redaction_rules import Redaction

__all__ = ["without_secrets"]

_TOKEN = re.compile(r"lgn_[A-Za-z0-9_-]{8,}")
_LOCK = threading.Lock()


@cache
def _redactor() -> Redactor:
    return build_look(chosen_codec("auto"), Redaction()).redactor()


def without_secrets(text: str) -> str:
    """Return a text without the secrets that built-in redaction finds, and without tokens of Lognotary."""
    with _LOCK:
        found = _redactor().redacted(text.encode(errors="backslashreplace"), Counter())
    return _TOKEN.sub("[redacted:token]", found.decode(errors="backslashreplace"))
