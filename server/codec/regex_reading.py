"""Reading of a regular expression from left to right: characters, escapes and bracket expressions."""

from __future__ import annotations

import re
from typing import NoReturn

from server.codec.regex_characters import LAST, PERL_CLASSES, POSIX_CLASSES, Ranges, folded, merged, negated
from server.errors.base import LognotaryError

__all__ = ["Reader", "RegexError"]

_LONGEST_QUOTE = 80
_CONTROLS = {"a": 0x07, "f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}
_HEX = re.compile(r"([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\}")
_POSIX = re.compile(r"\[:(\^?)(.*?):\]", re.DOTALL)
_INSTEAD = {
    "Z": r"\Z is not supported: use \z, the end of the text",
    "C": r"\C, a single byte, is not supported: use (?s:.), any character",
    "Q": r"\Q is not supported: put \ in front of each special character",
    "E": r"\E is not supported: put \ in front of each special character",
    "p": "Unicode classes are not supported: list the characters in [ ]",
    "P": "Unicode classes are not supported: list the characters in [^ ]",
    "k": "a back reference takes more than linear time and is not supported: repeat the group's expression",
    "0": r"octal escapes are not supported: use \x with two hexadecimal digits",
    **dict.fromkeys(
        "123456789",
        r"a back reference takes more than linear time and is not supported: repeat the group's expression "
        r"(for a character's number, use \x with two hexadecimal digits)",
    ),
}


class RegexError(LognotaryError):
    """Error in a regular expression; the message says what is wrong, where, and what to do.

    Attributes:
        position: index of the character at which the error is, or None if it is about the whole.
    """

    def __init__(self, pattern: str, position: int | None, problem: str) -> None:
        quote = pattern if len(pattern) <= _LONGEST_QUOTE else pattern[:_LONGEST_QUOTE] + "…"
        where = "" if position is None else f", character {position + 1}"
        super().__init__(f"regular expression {quote!r}{where}: {problem}")
        self.position = position


def _class(ranges: Ranges, ignore_case: bool, negate: bool) -> Ranges:
    ranges = folded(ranges) if ignore_case else ranges
    return negated(ranges) if negate else ranges


class Reader:
    """Reader of a regular expression.

    Attributes:
        pattern: text of the regular expression.
        position: index of the next character.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0

    @property
    def rest(self) -> bool:
        """True if there are more characters."""
        return self.position < len(self.pattern)

    def at(self, *texts: str) -> bool:
        """Return whether one of some texts comes next."""
        return self.pattern.startswith(texts, self.position)

    def take(self, text: str) -> bool:
        """Read a text if it comes next, and return whether it did."""
        found = self.at(text)
        self.position += len(text) * found
        return found

    def take_any(self) -> str:
        """Read one character, which must exist."""
        self.position += 1
        return self.pattern[self.position - 1]

    def take_match(self, form: re.Pattern[str]) -> re.Match[str] | None:
        """Read a text of some form if it comes next."""
        found = form.match(self.pattern, self.position)
        self.position = found.end() if found else self.position
        return found

    def fail(self, position: int, problem: str) -> NoReturn:
        """Raise the error at a position."""
        raise RegexError(self.pattern, position, problem)

    def perl_class(self, ignore_case: bool) -> Ranges | None:
        r"""Read ``\d``, ``\D`` and so on, if one of them comes next."""
        letter = self.pattern[self.position + 1 : self.position + 2]
        if not self.at("\\") or letter.lower() not in PERL_CLASSES:
            return None
        self.position += 2
        return _class(PERL_CLASSES[letter.lower()], ignore_case, letter.isupper())

    def escaped(self) -> int:
        """Read an escape that stands for one character, from the backslash on, and return the code point."""
        start = self.position
        self.position += 1
        if not self.rest:
            self.fail(start, r"the \ at the end escapes nothing: write \\ for the character")
        character = self.take_any()
        if character == "x":
            digits = self.take_match(_HEX)
            point = int(digits[1] or digits[2], 16) if digits else LAST + 1
            if point > LAST:
                self.fail(start, r"\x needs two hexadecimal digits, or up to 10FFFF in braces, such as \x{1F600}")
            return point
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character in _INSTEAD:
            self.fail(start, _INSTEAD[character])
        if not character.isascii() or character.isalnum():
            self.fail(start, f"\\{character} is not a known escape here: without the \\ it is the character itself")
        return ord(character)

    def bracketed(self, ignore_case: bool) -> Ranges:
        """Read a bracket expression, from its ``[`` on."""
        start = self.position
        self.position += 1
        negate = self.take("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self.at("]"):
            if not self.rest:
                self.fail(start, r"[ has no closing ]: add it, or write \[ for the character")
            ranges += self._bracket_item(ignore_case)
            first = False
        self.position += 1
        return negated(merged(ranges)) if negate else merged(ranges)

    def _bracket_item(self, ignore_case: bool) -> Ranges:
        start = self.position
        if (named := self._named_class(ignore_case)) is not None:
            return named
        low = high = self._bracket_character()
        if self.at("-") and not self.at("-]"):
            self.position += 1
            high = self._bracket_character()
            if low > high:
                self.fail(
                    start, f"the range {self.pattern[start : self.position]} is the wrong way round: swap its ends"
                )
        return folded(((low, high),)) if ignore_case else ((low, high),)

    def _named_class(self, ignore_case: bool) -> Ranges | None:
        start = self.position
        if posix := self.take_match(_POSIX):
            if posix[2] not in POSIX_CLASSES:
                self.fail(start, f"there is no class {posix[0]}: use one of {', '.join(POSIX_CLASSES)}")
            return _class(POSIX_CLASSES[posix[2]], ignore_case, bool(posix[1]))
        return self.perl_class(ignore_case)

    def _bracket_character(self) -> int:
        start = self.position
        if not self.rest:
            self.fail(start - 1, "the range has no end: add one, and the closing ]")
        if not self.at("\\"):
            return ord(self.take_any())
        if self.perl_class(ignore_case=False) is not None:
            self.fail(start, "a class cannot be the end of a range: write the - first or last in the brackets")
        return self.escaped()
