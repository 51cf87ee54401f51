"""Redaction: secrets are replaced in records and spans before they are classified, signed and stored.

A mark stands for a secret: ``[redacted:RULE]``, ``[hmac:RULE:DIGITS]`` with the first digits of the HMAC-SHA-256 of the
secret's bytes as they were sent (of a value that is not a string: of its text), or ``[redacted:RULE:sha256:DIGITS]``
with a commitment to them (``server.notary.commitment``). A mark that a record already has is left as it is.

- The value of a secret key (``redaction_keys``) is replaced as a whole by a string, whatever its type; but not an empty
  value, a boolean, or a text that says that there is none.
- In all other strings the secrets are replaced that ``redaction_text`` finds, and all else is kept byte for byte.
- A number that is the number of a card is replaced by a string.

This covers the body, the attributes of everything, and the message of a span's status; of structured values, all that
is within them. Bytes that are UTF-8 text are searched as strings are, and stay bytes. Nothing is looked for in keys,
names, and other bytes.

``Redactions`` is a compact JSON object of the rules with the number of secrets that each has replaced in the record,
its scope and its resource, sorted by rule; empty if there are none.
"""

from __future__ import annotations

import hmac
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from typing import Protocol

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.disclosures import Disclosure
from server.codec.redaction_forms import find_card
from server.codec.redaction_keys import SecretKeys
from server.codec.redaction_rules import MARK_DIGITS, NO_REDACTION, RULES, KeyWord, Mode, Redaction
from server.codec.redaction_text import TextScanner
from server.codec.values import as_string
from server.notary.commitment import commitment_mark, random_salt

__all__ = ["UNREDACTED", "CompiledTexts", "Redactor", "redactions_text", "total_redactions"]

_RULE = b"|".join(re.escape(rule.encode()) for rule in RULES)
_MARK = re.compile(
    rb"\[(?:redacted:(?:%b)(?::sha256:[0-9a-f]{64})?|hmac:(?:%b):[0-9a-f]{%d})\]" % (_RULE, _RULE, MARK_DIGITS)
)


def redactions_text(found: Counter[str]) -> bytes:
    """Return the ``Redactions`` column of a record in which each rule has replaced a number of secrets."""
    members = [f'"{rule}":{found[rule]}' for rule in RULES if found[rule]]
    return f"{{{','.join(members)}}}".encode() if members else b""


def total_redactions(texts: Iterable[bytes]) -> tuple[tuple[str, int], ...]:
    """Return the sum of ``Redactions`` columns, sorted by rule."""
    total: Counter[str] = Counter()
    for text in texts:
        if text:
            total.update(json.loads(text))
    return tuple(sorted(total.items()))


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_parts(value: AnyValue) -> bool:
    """Return whether a value is a key-value list, or an array that begins with one."""
    first = next(iter(value.array_value.values), value)
    return first.HasField("kvlist_value")


class CompiledTexts(Protocol):
    """Interface of compiled redaction of texts, for one thread at a time."""

    def keeps(self, key: bytes) -> bool:
        """Return whether the values of a key are never redacted."""

    def find(self, key: bytes) -> KeyWord | None:
        """Return what makes a key secret, None if it is not."""

    def redact(self, text: bytes) -> bytes:
        """Return a text without its secrets, the text itself if it has none."""


class Redactor:
    """Replaces secrets in the messages of a request."""

    def __init__(self, redaction: Redaction) -> None:
        """Create a redactor."""
        self._modes = {rule: redaction.mode_of(rule) for rule in RULES}
        self._salts: Callable[[], bytes] = random_salt
        self.disclosures: list[Disclosure] = []
        """Values replaced by commitments, in order of their commitments."""
        self._most = sys.maxsize
        self.has_too_many = False
        """True if there were more secrets to commit to than at most; those were left out."""
        self._off = redaction.is_off
        self._cards = self._modes["card"] is not Mode.OFF
        self._key = redaction.key
        secret_keys = SecretKeys(redaction)
        self._keys: SecretKeys | CompiledTexts = secret_keys
        self._scanner = TextScanner(redaction, secret_keys, _MARK)
        self._compiled: CompiledTexts | None = None

    def anew(self, salts: Callable[[], bytes], most: int = sys.maxsize) -> Redactor:
        """Return the redactor for another request.

        Args:
            salts: function that returns a new salt for each commitment.
            most: maximum number of commitments.
        """
        redactor = copy(self)
        redactor._most = most
        redactor._salts = salts
        redactor.disclosures = []
        return redactor

    def commitments(self, start: int) -> tuple[bytes, ...]:
        """Return the commitments made in place of the disclosures from a number on, in hexadecimal."""
        return tuple(disclosure.commitment.encode() for disclosure in self.disclosures[start:])

    def compiled(self, texts: CompiledTexts) -> Redactor:
        """Return a redactor that leaves keys and texts to compiled code, and does not count the secrets in texts."""
        redactor = copy(self)
        redactor._keys = redactor._compiled = texts
        return redactor

    def without_secrets(self, record: LogRecord) -> LogRecord:
        """Return a copy of a record in which secrets are marked, the record itself without redaction."""
        if self._off:
            return record
        copied = LogRecord()
        copied.CopyFrom(record)
        found: Counter[str] = Counter()
        self.redact_attributes(copied.attributes, found)
        self.redact_value(copied.body, found)
        return copied

    def redact_attributes(self, attributes: Iterable[KeyValue], found: Counter[str]) -> None:
        """Replace the secrets in attributes, or in the members of a key-value list, and count them."""
        if self._off:
            return
        for attribute in attributes:
            key = attribute.key.encode()
            if self._keys.keeps(key):
                continue
            word = self._keys.find(key)
            if word is None or not self._redact_whole(word, attribute.value, found):
                self.redact_value(attribute.value, found)

    def redact_value(self, value: AnyValue, found: Counter[str]) -> None:
        """Replace the secrets in a value, and count them."""
        if self._off:
            return
        match value.WhichOneof("value"):
            case "string_value":
                text = value.string_value.encode()
                redacted = self.redacted(text, found)
                if redacted is not text:
                    value.string_value = redacted.decode()
            case "bytes_value" if _is_text(value.bytes_value):
                value.bytes_value = self.redacted(value.bytes_value, found)
            case "int_value" | "double_value":
                text = as_string(value)[0]
                card, end = find_card(text, 0)
                if self._cards and card and end == len(text):
                    value.string_value = self._mark("card", text, found).decode()
            case "array_value":
                for element in value.array_value.values:
                    self.redact_value(element, found)
            case "kvlist_value":
                members = sorted(value.kvlist_value.values, key=lambda member: member.key.encode())
                self.redact_attributes(members, found)

    def redacted(self, text: bytes, found: Counter[str]) -> bytes:
        """Return a text without its secrets, which are counted; the text itself if it has none."""
        if self._off:
            return text
        if self._compiled is not None:
            return self._compiled.redact(text)
        parts: list[bytes] = []
        done = 0
        for secret in self._scanner.find(text):
            mark = self._mark(secret.rule, text[secret.start : secret.end], found)
            parts += text[done : secret.start], secret.quote, mark, secret.quote
            done = secret.end
        return b"".join((*parts, text[done:])) if parts else text

    def _redact_whole(self, word: KeyWord, value: AnyValue, found: Counter[str]) -> bool:
        """Replace the value of a secret key; return False if it is none."""
        kind = value.WhichOneof("value")
        if word.parameter or kind in (None, "bool_value", "string_value_strindex"):
            return False
        if word.counts and kind in ("int_value", "double_value"):
            return False
        if word.parts and _has_parts(value):
            return False
        text = as_string(value)[0]
        if not self._scanner.is_secret(word, text):
            return False
        value.string_value = self._mark(word.rule, text, found).decode()
        return True

    def _mark(self, rule: str, secret: bytes, found: Counter[str]) -> bytes:
        found[rule] += 1
        mode = self._modes[rule]
        if mode is Mode.DISCLOSE:
            if len(self.disclosures) >= self._most:
                self.has_too_many = True
                return b""  # the request is refused once it is read, so its texts need not grow any more
            disclosure = Disclosure(rule, self._salts(), secret)
            self.disclosures.append(disclosure)
            return commitment_mark(rule, disclosure.commitment)
        if mode is Mode.REMOVE:
            return b"[redacted:%b]" % rule.encode()
        digest = hmac.digest(self._key, secret, "sha256").hex()[:MARK_DIGITS]
        return b"[hmac:%b:%b]" % (rule.encode(), digest.encode())


UNREDACTED = Redactor(NO_REDACTION)
"""Redactor that replaces nothing."""
