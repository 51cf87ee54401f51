"""Secrets in texts that are recognized by their form, wherever they are.

Each function looks at one place of a text, at which the scanner of ``redaction_text`` has stopped, and never before
``low``, up to where secrets are replaced already. It reads at most what it returns, or a fixed number of bytes, or a
run of characters that no other call reads again, for ``Ahead`` remembers it: so scanning takes linear time.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass

from server.codec.redaction_ahead import Ahead
from server.codec.redaction_rules import PREFIXES, Characters

__all__ = ["Found", "find_aws_secret", "find_card", "find_jwt", "find_prefixed", "find_private_key", "find_scheme"]


@dataclass(frozen=True, slots=True)
class Found:
    """A secret in a text.

    Attributes:
        start: index of its first byte.
        end: index after its last byte.
        rule: the rule.
        quote: what is put around the mark, for a value of a JSON object that is not a string.
    """

    start: int
    end: int
    rule: str
    quote: bytes = b""


_RUNS = {
    Characters.LETTERS: re.compile(rb"[A-Za-z0-9]*"),
    Characters.WORD: re.compile(rb"\w*"),
    Characters.NAME: re.compile(rb"[\w-]*"),
    Characters.CAPITALS: re.compile(rb"[A-Z0-9]*"),
    Characters.DOTTED: re.compile(rb"[\w.-]*"),
}
_WORD = re.compile(rb"\w")
_ESCAPED = re.compile(rb"\\[bfnrt]|%[0-9A-Fa-f]{2}")
_DIGIT = re.compile(rb"[0-9]")
_DIGITS = re.compile(rb"[0-9]*")
_CREDENTIALS = re.compile(rb"[\w.~+/=-]*")
_BASE64 = re.compile(rb"[\w+/-]*={0,2}")
_SCHEME_GAP = re.compile(rb" {1,4}|%20|\+")
_AWS_GAP = re.compile(rb"[^A-Za-z0-9/+]{1,8}")
_AWS_SECRET = re.compile(rb"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,32}?PRIVATE KEY(?: BLOCK)?-----")
_MIXED = re.compile(rb".+[A-Z]")
_AT_STOP = {
    stop: [(prefix.stop, prefix) for prefix in PREFIXES if prefix.text[prefix.stop] == stop]
    for stop in {prefix.text[prefix.stop] for prefix in PREFIXES}
}
_LONGEST_BASIC = 1024  # bytes of base64
_CARD_GROUPS = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4))
_MAESTRO = (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)


def begins(text: bytes, at: int) -> bool:
    """Return whether a token can begin at an index: behind no letter, digit or underscore, or behind an escape."""
    if at == 0 or not _WORD.match(text, at - 1):
        return True
    return any(_ESCAPED.fullmatch(text, max(0, at - size), at) for size in (2, 3))


def looks_random(text: bytes) -> bool:
    """Return whether a text has a digit, or small and capital letters as no word has them."""
    return any(chr(byte).isdigit() for byte in text if byte < 0x80) or bool(_MIXED.match(text) and text.upper() != text)


def decoded(text: bytes) -> bytes:
    """Decode base64 of either alphabet; what is left at the end is ignored."""
    text = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    text = text[: len(text) - (len(text) % 4 == 1)]
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def find_prefixed(text: bytes, at: int, low: int, on: Collection[str], ahead: Ahead) -> Found | None:
    """Find a token with a prefix whose stop is at an index; ``on`` has the rules that are looked for."""
    for stop, prefix in _AT_STOP.get(text[at], ()):
        start = at - stop
        if start < low or not text.startswith(prefix.text, start) or not begins(text, start):
            continue
        behind = start + len(prefix.text)
        no_digit = ahead.no_digit[prefix.characters]
        if prefix.rule not in on or (prefix.digit and no_digit.has(behind)):
            continue
        most = behind + prefix.longest + 1 if prefix.longest else len(text)
        end = _end(_RUNS[prefix.characters], text, behind, most)
        size = end - behind
        if size < prefix.shortest or (prefix.longest and size > prefix.longest):
            continue
        if prefix.digit and not _DIGIT.search(text, behind, end):
            no_digit.set(behind, end)
            continue
        if prefix.characters is not Characters.CAPITALS or not _WORD.match(text, end):
            return Found(start, end, prefix.rule)
    return None


def find_aws_secret(text: bytes, at: int) -> Found | None:
    """Find the secret key that stands right behind an access key ID, which ends at an index."""
    gap = _AWS_GAP.match(text, at)
    match = gap and _AWS_SECRET.match(text, gap.end())
    return Found(match.start(), match.end(), "aws_secret") if match and looks_random(match[0]) else None


def find_jwt(text: bytes, at: int, low: int, ahead: Ahead) -> Found | None:
    """Find a JSON Web Token whose ``eyJ`` ends at an index: parts with dots between, the first a JOSE header."""
    start = at - 2
    name = _RUNS[Characters.NAME]
    if start < low or not text.startswith(b"eyJ", start) or not begins(text, start):
        return None
    no_header = ahead.no_header[start % 4]
    if ahead.no_jwt.has(start) or no_header.has(start):
        return None
    first = _end(name, text, start)
    end = _end(name, text, first + 1) if text.startswith(b".", first) else first
    if end == first or not text.startswith(b".", end):
        ahead.no_jwt.set(start, first)
        return None
    header = decoded(text[start:first])
    if not header.startswith(b'{"') or b'"alg"' not in header:
        no_header.set(start, first)
        return None
    end = _end(name, text, end + 1)
    for _ in range(2):  # encrypted tokens have five parts
        if text.startswith(b".", end) and (further := _end(name, text, end + 1)) > end + 1:
            end = further
    return Found(start, end, "jwt")


def find_scheme(text: bytes, at: int, on: Collection[str], ahead: Ahead) -> Found | None:
    """Find the credentials behind ``Bearer`` or ``Basic`` at an index; ``on`` has the rules that are looked for."""
    scheme = next((name for name in (b"bearer", b"basic") if text[at : at + len(name)].lower() == name), None)
    if not scheme or scheme.decode() not in on:
        return None
    gap = begins(text, at) and _SCHEME_GAP.match(text, at + len(scheme))
    if not gap:
        return None
    start = gap.end()
    if scheme == b"bearer":
        if ahead.no_bearer.has(start):
            return None
        end = _end(_CREDENTIALS, text, start)
        if end - start >= 8 and looks_random(text[start:end]):
            return Found(start, end, "bearer")
        ahead.no_bearer.set(start, end)
        return None
    end = _end(_BASE64, text, start, start + _LONGEST_BASIC + 1)
    if end - start > _LONGEST_BASIC:
        return None
    pair = decoded(text[start:end])
    return Found(start, end, "basic") if b":" in pair and min(pair) >= 0x20 else None


def find_private_key(text: bytes, at: int, low: int, ahead: Ahead) -> Found | None:
    """Find a private key in PEM whose BEGIN is at an index; without its last line, it goes on to the text's end."""
    start = at - len(b"-----")
    header = _PEM.match(text, start) if start >= low else None
    if not header:
        return None
    if not ahead.footer.has(header.end()):
        found = text.find(b"-----END ", header.end())
        ahead.footer.set(header.end(), found if found >= 0 else len(text))
    footer = ahead.footer.end
    if footer == len(text):
        return Found(start, len(text), "private_key")
    footer += len(b"-----END ")
    last = text.find(b"-----", footer, footer + 64)
    return Found(start, footer if last < 0 else last + 5, "private_key")


def find_card(text: bytes, at: int) -> tuple[Found | None, int]:
    """Find the number of a card that begins with the digits at an index; also return where these digits end."""
    end = _end(_DIGITS, text, at)
    fraction = at >= 2 and text[at - 1] == 0x2E and text[at - 2 : at - 1].isdigit()
    if not begins(text, at) or fraction:
        return None, end
    if 13 <= end - at <= 19 and _is_card(text, end, text[at:end]):
        return Found(at, end, "card"), end
    if end - at == 4:
        for groups in _CARD_GROUPS:
            last = _end_of_groups(text, at, groups)
            if last and _is_card(text, last, text[at:last].replace(text[end : end + 1], b"")):
                return Found(at, last, "card"), end
    return None, end


def _end_of_groups(text: bytes, at: int, groups: tuple[int, ...]) -> int:
    """Return the end of groups of digits with a space or a hyphen between each two, 0 if there are none."""
    separator = text[at + 4 : at + 5]
    if separator not in (b" ", b"-"):
        return 0
    for number, size in enumerate(groups):
        if number:
            if not text.startswith(separator, at):
                return 0
            at += 1
        if _end(_DIGITS, text, at) - at != size:
            return 0
        at += size
    return at


def _is_card(text: bytes, end: int, digits: bytes) -> bool:
    follows = text[end : end + 2]
    if _WORD.match(follows) or (follows[:1] == b"." and follows[1:].isdigit()):
        return False
    return _has_issuer(digits) and _is_luhn(digits)


def _has_issuer(digits: bytes) -> bool:
    """Return whether a number has a prefix of a card network, and a length of its cards."""
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    if two // 10 == 4:
        return size in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if two in (34, 37):
        return size == 15
    if 300 <= three <= 305 or four == 3095 or two in (36, 38, 39):
        return size in (14, 16)
    if four == 6011 or two in (62, 65) or 644 <= three <= 649 or 3528 <= four <= 3589:
        return size >= 16
    return four in _MAESTRO


def _is_luhn(digits: bytes) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = digit - 0x30
        total += value if place % 2 == 0 else 2 * value - 9 * (value > 4)
    return total % 10 == 0


def _end(run: re.Pattern[bytes], text: bytes, at: int, most: int = sys.maxsize) -> int:
    match = run.match(text, at, most)
    return match.end() if match else at
