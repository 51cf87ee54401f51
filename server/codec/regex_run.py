"""Search with a compiled regular expression, in time that is linear in the text.

All ways to match are followed at once, as threads: in front of each byte, there is at most one thread at each
instruction, the preferred one. The same search in C++ is ``native/regex.cpp``.

Sources: Ken Thompson, "Regular Expression Search Algorithm", Communications of the ACM 11 (6), 1968, for the list of
threads; Russ Cox, "Regular Expression Matching: the Virtual Machine Approach",
https://swtch.com/~rsc/regexp/regexp2.html, for Rob Pike's threads with the positions of groups, and their order.
"""

from __future__ import annotations

from server.codec.regex_parse import Assertions
from server.codec.regex_program import Op, Regex

__all__ = ["search", "search_counting", "search_spans"]

_NEWLINE = 0x0A
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")

_Slots = tuple[int, ...]
"""Start and end of each group, as positions in the text; both are -1, an empty slice, if the group took no part."""


def search(regex: Regex, text: bytes) -> tuple[bytes, ...] | None:
    """Search a text for the leftmost match and, of those that begin there, for the preferred one, as Perl and RE2 do.

    Args:
        regex: compiled regular expression.
        text: UTF-8.

    Returns:
        The text of each named group, empty if the group took no part; None if there is no match.
    """
    spans = search_spans(regex, text)
    return None if spans is None else tuple(text[start:end] for start, end in spans)


def search_spans(regex: Regex, text: bytes) -> tuple[tuple[int, int], ...] | None:
    """Search as ``search`` does.

    Returns:
        Start and end of each named group, -1 and -1 if the group took no part; None if there is no match.
    """
    slots = _Run(regex, text).search()
    return None if slots is None else tuple(zip(slots[::2], slots[1::2], strict=True))


def search_counting(regex: Regex, text: bytes) -> tuple[tuple[bytes, ...] | None, int]:
    """Search as ``search`` does.

    Returns:
        The text of each group, or None; and the number of steps: how many instructions threads came to.
    """
    run = _Run(regex, text)
    slots = run.search()
    if slots is None:
        return None, run.steps
    pairs = zip(slots[::2], slots[1::2], strict=True)
    return tuple(text[start:end] for start, end in pairs), run.steps


class _Run:
    """One search in one text.

    Attributes:
        steps: number of instructions that threads came to.
    """

    def __init__(self, regex: Regex, text: bytes) -> None:
        self.steps = 0
        self._regex = regex
        self._text = text
        self._seen = [-1] * len(regex.program)  # the last position at which a thread came to an instruction
        self._threads: list[tuple[int, _Slots]] = []  # the preferred ones first

    def search(self) -> _Slots | None:
        """Return the slots of the match, or None."""
        regex, text = self._regex, self._text
        none = (-1,) * (2 * len(regex.groups))
        matched: _Slots | None = None
        position = 0
        while position <= len(text):
            if matched is None:
                position = position if self._threads else self._next_start(position)
                if self._may_start(position):
                    self._follow(regex.start, none, position)
            if not self._threads and (matched is not None or regex.anchored):
                break
            found = self._step(position)
            matched = matched if found is None else found
            position += 1
        return matched

    def _next_start(self, position: int) -> int:
        """Return the first position from ``position`` on at which a match may start, or the end of the text."""
        regex, text = self._regex, self._text
        if regex.anchored or regex.first is None:
            return position
        if regex.prefix:
            found = text.find(regex.prefix, position)
            return found if found >= 0 else len(text)
        return next((at for at in range(position, len(text)) if text[at] in regex.first), len(text))

    def _may_start(self, position: int) -> bool:
        regex = self._regex
        if regex.anchored and position > 0:
            return False
        return regex.first is None or (position < len(self._text) and self._text[position] in regex.first)

    def _step(self, position: int) -> _Slots | None:
        """Let the threads read the byte at a position; return the slots of the thread that matched in front of it."""
        threads, self._threads = self._threads, []
        byte = self._text[position] if position < len(self._text) else -1
        for index, slots in threads:
            instruction = self._regex.program[index]
            if instruction.op == Op.MATCH:
                return slots  # the threads behind it are not preferred
            for low, high, target in instruction.ranges:
                if low <= byte <= high:
                    self._follow(target, slots, position + 1)
                    break
        return None

    def _follow(self, index: int, slots: _Slots, position: int) -> None:
        """Add the threads that a thread becomes before it reads the next byte."""
        ahead = [(index, slots)]
        while ahead:
            index, slots = ahead.pop()
            if self._seen[index] == position:
                continue
            self._seen[index] = position
            self.steps += 1
            op, following, argument, _ = self._regex.program[index]
            if op == Op.SPLIT:
                ahead += [(argument, slots), (following, slots)]
            elif op == Op.SAVE:
                ahead.append((following, (*slots[:argument], position, *slots[argument + 1 :])))
            elif op == Op.ASSERT:
                if self._holds(argument, position):
                    ahead.append((following, slots))
            else:
                self._threads.append((index, slots))

    def _holds(self, assertion: int, position: int) -> bool:
        text, end = self._text, len(self._text)
        match assertion:
            case Assertions.TEXT_START:
                return position == 0
            case Assertions.TEXT_END:
                return position == end
            case Assertions.LINE_START:
                return position == 0 or text[position - 1] == _NEWLINE
            case Assertions.LINE_END:
                return position == end or text[position] == _NEWLINE
        before = position > 0 and text[position - 1] in _WORD
        after = position < end and text[position] in _WORD
        return (before != after) == (assertion == Assertions.WORD_BOUNDARY)
