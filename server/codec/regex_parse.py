"""Parser of regular expressions: text to a tree.

The syntax is a part of RE2's, https://github.com/google/re2/wiki/Syntax; ``regex.py`` lists it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn

from server.codec.regex_characters import ANY, Ranges, folded, negated
from server.codec.regex_reading import Reader, RegexError

__all__ = [
    "MAX_DEPTH",
    "MAX_GROUPS",
    "MAX_LENGTH",
    "MAX_REPEAT",
    "Assertion",
    "Assertions",
    "Characters",
    "Choice",
    "Group",
    "Node",
    "Repeat",
    "Sequence",
    "parse",
]

MAX_LENGTH = 1000
"""Characters of a regular expression."""

MAX_GROUPS = 16
"""Named groups."""

MAX_DEPTH = 50
"""Groups within groups."""

MAX_REPEAT = 1000
"""Largest count in braces, as in RE2."""


class Assertions(IntEnum):
    """Conditions on a position in the text; Regex in native/regex.hpp has the same numbers."""

    TEXT_START = 0
    TEXT_END = 1
    LINE_START = 2
    LINE_END = 3
    WORD_BOUNDARY = 4
    NO_WORD_BOUNDARY = 5


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Assertion:
    """A condition on the position."""

    kind: Assertions


@dataclass(frozen=True, slots=True)
class Group:
    """A named group.

    Attributes:
        number: number of the group among named groups, from 0.
        node: expression in the group.
    """

    number: int
    node: Node


@dataclass(frozen=True, slots=True)
class Sequence:
    """Expressions one after another; without any, the empty text."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, the preferred one first."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition.

    Attributes:
        node: repeated expression, which is not an empty ``Sequence``.
        least: smallest number of times.
        most: largest number of times, or None if there is none.
        greedy: True if more times are preferred.
    """

    node: Node
    least: int
    most: int | None
    greedy: bool


Node = Characters | Assertion | Group | Sequence | Choice | Repeat

_EMPTY = Sequence(())
_COUNTS = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_NAME = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_FLAGS = re.compile(r"\(\?([ims]*)(-([ims]+))?([:)])")
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_ESCAPES = {
    r"\A": Assertions.TEXT_START,
    r"\z": Assertions.TEXT_END,
    r"\b": Assertions.WORD_BOUNDARY,
    r"\B": Assertions.NO_WORD_BOUNDARY,
}
_UNSUPPORTED = {
    ("(?=", "(?!", "(?<=", "(?<!"): "look-around takes more than linear time and is not supported: match the text "
    "around too, and name the group that is wanted",
    ("(?P=",): "a back reference takes more than linear time and is not supported: repeat the group's expression",
    ("(?P<", "(?<"): "a group's name must consist of ASCII letters, digits and _, and end with >, "
    "such as (?P<actor_id>…)",
}


def parse(pattern: str) -> tuple[Node, tuple[str, ...]]:
    """Parse a regular expression.

    Returns:
        The tree, and the names of groups in order.

    Raises:
        RegexError: the regular expression is wrong, or not supported.
    """
    if len(pattern) > MAX_LENGTH:
        raise RegexError(pattern, None, f"{len(pattern)} characters are too many: use at most {MAX_LENGTH}")
    parser = _Parser(pattern)
    return parser.parse(), tuple(parser.names)


class _Parser:
    """Recursive descent, one method for each level of precedence.

    Attributes:
        names: names of the groups so far.
    """

    def __init__(self, pattern: str) -> None:
        self.names: list[str] = []
        self._reader = Reader(pattern)
        self._flags: frozenset[str] = frozenset()
        self._depth = 0

    def parse(self) -> Node:
        node = self._choice()
        if self._reader.rest:
            self._reader.fail(self._reader.position, r"there is no ( for this ): add it, or write \) for the character")
        return node

    def _choice(self) -> Node:
        nodes = [self._sequence()]
        while self._reader.take("|"):
            nodes.append(self._sequence())
        return Choice(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _sequence(self) -> Node:
        nodes: list[Node] = []
        while self._reader.rest and not self._reader.at("|", ")"):
            if not self._set_flags():
                nodes.append(self._repeated())
        nodes = [node for node in nodes if node != _EMPTY]
        return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))

    def _repeated(self) -> Node:
        reader, start = self._reader, self._reader.position
        if self._counts():
            reader.fail(
                start, rf"there is nothing to repeat before {self._since(start)}: write \ before it for the text"
            )
        node = self._item()
        start = reader.position
        if not (counts := self._counts()):
            return node
        least, most = counts
        if max(least, most or 0) > MAX_REPEAT:
            reader.fail(start, f"{self._since(start)} repeats too often: use counts up to {MAX_REPEAT}")
        if most is not None and least > most:
            reader.fail(start, f"{self._since(start)} is the wrong way round: write the smaller count first")
        greedy = not reader.take("?")
        again = reader.position
        if self._counts():
            reader.fail(again, f"{self._since(again)} repeats a repetition: put the inner one into a group, (?:…)")
        return _EMPTY if most == 0 or node == _EMPTY else Repeat(node, least, most, greedy)

    def _counts(self) -> tuple[int, int | None] | None:
        """Read how often something is repeated, if that comes next: least and most."""
        if braces := self._reader.take_match(_COUNTS):
            least = int(braces[1])
            return least, least if not braces[2] else int(braces[3]) if braces[3] else None
        return _SIGNS[self._reader.take_any()] if self._reader.at(*_SIGNS) else None

    def _since(self, start: int) -> str:
        return self._reader.pattern[start : self._reader.position]

    def _item(self) -> Node:
        reader = self._reader
        for text, assertion in _ESCAPES.items():
            if reader.take(text):
                return Assertion(assertion)
        if reader.at("("):
            return self._group()
        if reader.at("["):
            return Characters(reader.bracketed("i" in self._flags))
        if (ranges := reader.perl_class("i" in self._flags)) is not None:
            return Characters(ranges)
        if reader.at("\\"):
            return self._character(reader.escaped())
        character = reader.take_any()
        if character == ".":
            return Characters(ANY if "s" in self._flags else negated(((10, 10),)))
        if character == "^":
            return Assertion(Assertions.LINE_START if "m" in self._flags else Assertions.TEXT_START)
        if character == "$":
            return Assertion(Assertions.LINE_END if "m" in self._flags else Assertions.TEXT_END)
        return self._character(ord(character))

    def _character(self, point: int) -> Characters:
        return Characters(folded(((point, point),)) if "i" in self._flags else ((point, point),))

    def _set_flags(self) -> bool:
        """Read flags for the rest of the group, such as ``(?i)``, if they come next."""
        flags = _FLAGS.match(self._reader.pattern, self._reader.position)
        if not flags or flags[4] == ":":
            return False
        self._reader.take(flags[0])
        self._flags = self._changed_flags(flags)
        return True

    def _changed_flags(self, flags: re.Match[str]) -> frozenset[str]:
        return (self._flags | set(flags[1])) - set(flags[3] or "")

    def _group(self) -> Node:
        reader, start, outside = self._reader, self._reader.position, self._flags
        number = None
        if flags := reader.take_match(_FLAGS):
            self._flags = self._changed_flags(flags)
        elif name := reader.take_match(_NAME):
            number = self._add_name(start, name[1])
        elif reader.at("(?"):
            self._refuse_group()
        else:
            reader.take("(")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            reader.fail(start, f"groups are nested too deeply: use at most {MAX_DEPTH} levels")
        node = self._choice()
        if not reader.take(")"):
            reader.fail(start, r"this ( has no closing ): add it, or write \( for the character")
        self._depth -= 1
        self._flags = outside
        return node if number is None else Group(number, node)

    def _add_name(self, start: int, name: str) -> int:
        if name in self.names:
            self._reader.fail(start, f"there are two groups {name!r}: give each group a name of its own")
        if len(self.names) == MAX_GROUPS:
            self._reader.fail(start, f"there are too many named groups: use at most {MAX_GROUPS}")
        self.names.append(name)
        return len(self.names) - 1

    def _refuse_group(self) -> NoReturn:
        for beginnings, why in _UNSUPPORTED.items():
            if self._reader.at(*beginnings):
                self._reader.fail(self._reader.position, why)
        self._reader.fail(
            self._reader.position,
            "a group must begin with (, (?:, (?P<name> or (?<name>, or with flags, such as (?i) or (?s:, of i, m and s",
        )
