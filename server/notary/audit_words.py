"""Values of audit columns: the fixed ones, and patterns of the others."""

from __future__ import annotations

__all__ = ["ACCESS_SCOPE", "CATEGORIES", "OUTCOMES", "OWN_SENDER", "parse_pattern"]

OUTCOMES = ("success", "failure", "unknown")
"""Values of the column Outcome."""

CATEGORIES = ("admin", "data", "auth", "system")
"""Values of the column Category."""

OWN_SENDER = "server"
"""Value of the column Sender in the server's own records, which no sender has."""

ACCESS_SCOPE = "lognotary.access"
"""Value of the column ScopeName in the server's records of who looked."""


def parse_pattern(text: str) -> tuple[str, bool]:
    r"""Return the text that a value is or, with True, begins with; ``\*`` is an asterisk.

    Raises:
        ValueError: there is an asterisk that is not at the end.
    """
    pieces = text.replace("\\*", "\0").split("*")
    if len(pieces) > 2 or (len(pieces) == 2 and pieces[1]):
        raise ValueError(
            f"{text[:80]!r} has a '*' that is not at its end: give the whole value, or a beginning followed by '*' (an "
            "asterisk itself is written '\\*')"
        )
    return pieces[0].replace("\0", "*"), len(pieces) == 2
