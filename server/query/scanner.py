"""The characters of a query, as words, phrases and signs."""

from __future__ import annotations

from server.query.errors import QueryError
from server.query.tree import Phrase, Present, Spot, Wildcard, Word

__all__ = ["KEYWORDS", "MOST_ASTERISKS", "SIGNS", "Scanner"]

KEYWORDS = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR", "NOT": "NOT", "TO": "TO"}
"""Words that are operators, if they are written like this, without an escape."""

SIGNS = '()[]{}"'
"""Characters that end a word."""

MOST_ASTERISKS = 16
"""Maximum number of asterisks in a word: comparing a text with the word takes this many times as long."""


class Scanner:
    """A place in a query, which only moves forward."""

    def __init__(self, query: str) -> None:
        """Begin at the first character."""
        self.query = query
        self.at = 0

    def skip_space(self) -> None:
        """Move to the next character that is not white space."""
        while self.at < len(self.query) and self.query[self.at].isspace():
            self.at += 1

    def peek(self, ahead: int = 0) -> str:
        """Return a character that follows, empty after the end."""
        return self.query[self.at + ahead : self.at + ahead + 1]

    def take(self, sign: str) -> bool:
        """Move behind a sign; return whether the sign is there."""
        if self.query.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def keyword(self) -> str:
        """Return the operator that begins here, as ``KEYWORDS`` names it; empty if there is none."""
        for text, name in KEYWORDS.items():
            end = self.at + len(text)
            if self.query.startswith(text, self.at) and (end == len(self.query) or self._ends_word(self.query[end])):
                return name
        return ""

    def take_keyword(self, name: str) -> bool:
        """Move behind an operator; return whether the operator is there."""
        if self.keyword() != name:
            return False
        while self.at < len(self.query) and not self._ends_word(self.query[self.at]):
            self.at += 1
        return True

    def phrase(self) -> Phrase:
        """Move behind the phrase that begins here.

        Raises:
            QueryError: the phrase does not end.
        """
        start = self.at
        self.at += 1
        letters = []
        while (letter := self.peek()) != '"':
            if not letter:
                raise QueryError("the quotes are not closed: add a '\"'", self.query, start)
            letters.append(self._letter())
        self.at += 1
        return Phrase("".join(letters), Spot(start, self.at))

    def word(self, *, with_colons: bool) -> Word | Wildcard | Present:
        """Move behind the word that begins here.

        Args:
            with_colons: True if colons belong to the word.

        Raises:
            QueryError: nothing follows a backslash, or there are too many asterisks.
        """
        start = self.at
        pieces: list[list[str]] = [[]]
        while (letter := self.peek()) and not self._ends_word(letter) and (with_colons or letter != ":"):
            if letter == "*":
                pieces.append([])
                self.at += 1
            else:
                pieces[-1].append(self._letter())
        spot = Spot(start, self.at)
        first, *others = ("".join(letters) for letters in pieces)
        if not others:
            return Word(first, spot)
        last = others.pop()
        inner = [piece for piece in others if piece]  # two asterisks in succession are one
        if len(inner) >= MOST_ASTERISKS:
            raise QueryError(
                f"a word has more than {MOST_ASTERISKS} asterisks, which takes too long: write several words",
                self.query,
                start,
            )
        if not (first or inner or last):
            return Present(spot)
        return Wildcard((first, *inner, last), spot)

    def _letter(self) -> str:
        """Move behind one character, or a backslash and the character that it escapes."""
        letter = self.peek()
        if letter == "\\":
            self.at += 1
            letter = self.peek()
            if not letter:
                raise QueryError(
                    "nothing follows the backslash: write '\\\\' for a backslash itself", self.query, self.at - 1
                )
        self.at += 1
        return letter

    @staticmethod
    def _ends_word(letter: str) -> bool:
        return letter.isspace() or letter in SIGNS
