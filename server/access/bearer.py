"""Credentials in ``Authorization``, of HTTP headers and of gRPC metadata."""

from __future__ import annotations

from collections.abc import Iterable

from server.access.errors import Denial, UnauthenticatedError

__all__ = ["bearer_of"]

_SCHEME = "bearer"


def bearer_of(values: Iterable[str]) -> str:
    """Return the token of ``Authorization: Bearer``, or the value itself if it has no scheme; empty without a value.

    Args:
        values: all values of the header.

    Raises:
        UnauthenticatedError: there are different values, or the scheme is another one.
    """
    # A proxy may have repeated the header. Of two different values, one part of a system could check the one and
    # another part the other.
    given = {value.strip() for value in values}
    if not given:
        return ""
    if len(given) > 1:
        raise UnauthenticatedError(Denial.MALFORMED)
    scheme, space, token = given.pop().partition(" ")
    if not space and scheme.lower() != _SCHEME:
        return scheme
    if scheme.lower() != _SCHEME or not token.strip():
        raise UnauthenticatedError(Denial.MALFORMED)
    return token.strip()
