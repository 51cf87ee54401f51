"""Secrets in what callers ask for: they must not be kept, so that nobody finds them by looking for who looked."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import cache

from server.codec.choose import build_look, chosen_codec
from server.codec.redaction import Redactor
from server.codec.redaction_rules import Redaction

__all__ = ["without_open_secrets", "without_secrets"]

_TOKEN = re.compile(r"lgn_[A-Za-z0-9_-]{8,}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PROBE = "Zq8ntK3vTe5mWb71"  # what follows the beginning of a secret
_MOST_TERMS = 64  # of a query that are looked at
_LOCK = threading.Lock()


@cache
def _redactor() -> Redactor:
    return build_look(chosen_codec("auto"), Redaction()).redactor()


def without_secrets(text: str) -> str:
    """Return a text without the secrets that built-in redaction finds, and without tokens of Lognotary."""
    with _LOCK:
        found = _redactor().redacted(text.encode(errors="backslashreplace"), Counter())
    return _TOKEN.sub("[redacted:token]", found.decode(errors="backslashreplace"))


def without_open_secrets(query: str) -> str:
    """Return a query in which no quoted term is the beginning of a secret, for which redaction would take the rest."""
    left = _MOST_TERMS

    def closed(term: re.Match[str]) -> str:
        nonlocal left
        left -= 1
        return '"[redacted:term]"' if left < 0 or _is_open(term.group()) else term.group()

    return _QUOTED.sub(closed, query)


def _is_open(term: str) -> bool:
    return any(
        _PROBE not in without_secrets(f"{term[:-1]}{between}{_PROBE}") for between in ("", '" AND "', '\\" AND ')
    )
