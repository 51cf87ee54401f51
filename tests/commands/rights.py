"""Running a part of a test as a user without rights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_privileges"]

_NOBODY = 65534


@contextmanager
def without_privileges() -> Iterator[None]:
    """Give up root's rights for a while, to which no mode of a file applies; modules must be imported before."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
