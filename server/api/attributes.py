"""Attributes in messages of the public API: of a repeated key, the value that was sent last, and all values beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lognotary.v1 import correlation_pb2
from server.notary.canonical import Pairs
from server.notary.sent_order import SentOrder

__all__ = ["Texts", "counting", "repeated", "sent_texts", "texts_of"]

Texts = Mapping[str, Sequence[str]]
"""Key -> its values in the order in which they were sent."""


def sent_texts(order: SentOrder, pairs: Pairs, *path: str) -> Texts:
    """Return the attributes of a stored map; args as for ``SentOrder.values``."""
    values = order.values(pairs, *path)
    return texts_of((_text(key), _text(value)) for key, several in values.items() for value in several)


def texts_of(pairs: Iterable[tuple[str, str]]) -> Texts:
    """Return attributes in the order in which they were sent, by key."""
    texts: dict[str, list[str]] = {}
    for key, value in pairs:
        texts.setdefault(key, []).append(value)
    return texts


def counting(texts: Texts) -> dict[str, str]:
    """Return the value that counts for each key."""
    return {key: values[-1] for key, values in texts.items()}


def repeated(place: str, texts: Texts) -> Iterator[correlation_pb2.RepeatedAttribute]:
    """Yield the attributes that were sent more than once, in the order of their keys."""
    for key in sorted(texts):
        if len(texts[key]) > 1:
            yield correlation_pb2.RepeatedAttribute(place=place, key=key, values=texts[key])


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
