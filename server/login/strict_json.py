"""JSON of tokens and providers, read so that no two readers can understand it differently."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["read_object"]


def read_object(text: bytes | str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: the text is not a JSON object, names a member twice, has a number that JSON has not (NaN), or is
            nested too deep.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("the JSON is not an object")  # noqa: TRY004 - callers handle one error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("the JSON names a member twice")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")
