"""Memory of what a scan of one text has read ahead: so that no byte is read for each of many keys before it.

What follows a key, or the beginning of a token, may turn out to be no secret only at its end. Then the next one, a few
bytes later, would be read to the same end. Whoever sends texts could make that as slow as he likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from server.codec.redaction_rules import Characters

__all__ = ["Ahead", "Stretch"]


@dataclass(slots=True)
class Stretch:
    """A stretch of a text with something that holds for each place in it.

    Attributes:
        start: index of its first place.
        end: index behind its last place.
    """

    start: int = 0
    end: int = 0

    def has(self, at: int) -> bool:
        """Return whether an index is in the stretch."""
        return self.start <= at < self.end

    def set(self, start: int, end: int) -> None:
        """Go on with another stretch."""
        self.start, self.end = start, end


@dataclass(slots=True)
class Ahead:
    """Stretches of one text.

    Attributes:
        word: a word that starts within it ends where it ends.
        no_bearer: what starts within it is no bearer token.
        no_jwt: what starts within it is no JSON Web Token, as too few parts follow.
        no_header: what starts within it is no JSON Web Token, by the start's remainder of four, for base64 is read in
            fours: it has no JOSE header.
        behind_authority: what can stand behind the authority of a URL, up to an at sign, ends where it ends.
        first_curl: index of the first ``curl``, the text's size if there is none; negative if it was not looked for.
        curl: index of the last ``curl`` that was found; negative if there is none.
        searched: index up to which it was looked for.
        footer: the next last line of a private key begins where it ends, at the text's end if there is none.
        no_digit: a run of these characters that starts within it has no digit.
    """

    word: Stretch = field(default_factory=Stretch)
    no_bearer: Stretch = field(default_factory=Stretch)
    no_jwt: Stretch = field(default_factory=Stretch)
    no_header: tuple[Stretch, ...] = field(default_factory=lambda: tuple(Stretch() for _ in range(4)))
    behind_authority: Stretch = field(default_factory=Stretch)
    first_curl: int = -1
    curl: int = -1
    searched: int = 0
    footer: Stretch = field(default_factory=Stretch)
    no_digit: dict[Characters, Stretch] = field(default_factory=lambda: {each: Stretch() for each in Characters})
