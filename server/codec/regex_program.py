"""Programs of regular expressions: a tree becomes instructions over bytes.

Source: Russ Cox, "Regular Expression Matching: the Virtual Machine Approach",
https://swtch.com/~rsc/regexp/regexp2.html, with the successor of each instruction in place of jumps.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import NamedTuple, NoReturn

from server.codec.regex_characters import ByteSequence, byte_sequences, merged
from server.codec.regex_parse import Assertion, Assertions, Characters, Choice, Group, Node, Repeat, Sequence
from server.codec.regex_reading import RegexError

__all__ = ["MAX_INSTRUCTIONS", "MOST_BYTES", "MOST_STEPS", "Instruction", "Op", "Regex", "assemble"]

MAX_INSTRUCTIONS = 500

MAX_WORK = 200 * MAX_INSTRUCTIONS
"""Parts of an expression and ranges of its characters, as often as they are repeated: not all become instructions."""

MOST_BYTES = 8192
"""Bytes of a value that a regular expression searches."""

MOST_STEPS = 1 << 21
"""Steps that a search may take: a larger program searches fewer bytes."""


class Op(IntEnum):
    """Kinds of instructions; Regex in native/regex.hpp has the same numbers."""

    MATCH = 0
    BYTES = 1
    SPLIT = 2
    SAVE = 3
    ASSERT = 4


class Instruction(NamedTuple):
    """An instruction of a program.

    Attributes:
        op: kind of the instruction.
        next: index of the next instruction; of ``SPLIT``, the preferred one. ``MATCH`` and ``BYTES`` have none.
        argument: of ``SPLIT``, the index of the other instruction; of ``SAVE``, the slot: twice the group's number,
            plus 1 for its end; of ``ASSERT``, the number in ``Assertions``.
        ranges: of ``BYTES``, what it reads: first and last value of a byte, and index of the next instruction.
    """

    op: Op
    next: int = 0
    argument: int = 0
    ranges: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled regular expression.

    Attributes:
        pattern: text of the regular expression.
        groups: names of the groups, in order.
        program: instructions.
        start: index of the first instruction.
        anchored: True if a match can begin only at the start of the text.
        prefix: bytes with which every match begins.
        first: values of the bytes with which a match can begin, or None if a match can be empty.
    """

    pattern: str
    groups: tuple[str, ...]
    program: tuple[Instruction, ...]
    start: int
    anchored: bool
    prefix: bytes
    first: frozenset[int] | None

    def __reduce__(self) -> tuple[Callable[[str], Regex], tuple[str]]:
        """Pickle the pattern alone: settings with many regular expressions are sent to workers."""
        from server.codec.regex import compile_regex

        return compile_regex, (self.pattern,)

    @property
    def most_bytes(self) -> int:
        """Number of bytes of a value that are searched."""
        return min(MOST_BYTES, MOST_STEPS // len(self.program))

    def encoded(self) -> list[int]:
        """Return all that the search in C++ needs.

        Returns:
            Number of groups, start, anchored (0 or 1); length of the prefix, its bytes; 0 or 1 + number of first
            bytes, first bytes; number of instructions; instructions, each as its op, next, argument, number of
            ranges, and three numbers for each range.
        """
        numbers = [len(self.groups), self.start, int(self.anchored), len(self.prefix), *self.prefix]
        numbers += [0] if self.first is None else [1 + len(self.first), *sorted(self.first)]
        numbers.append(len(self.program))
        for op, following, argument, ranges in self.program:
            numbers += [op, following, argument, len(ranges)]
            numbers += [number for items in ranges for number in items]
        return numbers


def assemble(pattern: str, node: Node, groups: tuple[str, ...]) -> Regex:
    """Return the program of a tree.

    Args:
        pattern: text of the regular expression.
        node: tree that was parsed from the text.
        groups: names of the groups, in order.

    Raises:
        RegexError: the program would be too long.
    """
    assembler = _Assembler(pattern)
    start = assembler.add(node, assembler.emit(Instruction(Op.MATCH)))
    program = tuple(assembler.program)
    anchored = not any(reached.op in (Op.BYTES, Op.MATCH) for reached in _reach(program, start, to_text_start=True))
    return Regex(pattern, groups, program, start, anchored, _prefix(program, start), _first(program, start))


class _Assembler:
    """Assembler of a program from its end, so that an instruction knows the index of the next one.

    Instructions that are the same, and go on in the same way, are one instruction. This does not change the result:
    of two threads at one instruction, only the preferred one counts.
    """

    def __init__(self, pattern: str) -> None:
        self.program: list[Instruction] = []
        self._pattern = pattern
        self._known: dict[Instruction, int] = {}
        self._work = 0

    def emit(self, instruction: Instruction) -> int:
        """Return the index of an instruction, after adding it if it is new."""
        if instruction not in self._known:
            self._known[instruction] = self._append(instruction)
        return self._known[instruction]

    def add(self, node: Node, following: int) -> int:
        """Add the instructions of a node, after which comes ``following``, and return the index of the first."""
        self._count_work(1)
        match node:
            case Characters(ranges):
                return self._bytes(list(byte_sequences(ranges)), following)
            case Assertion(kind):
                return self.emit(Instruction(Op.ASSERT, following, kind))
            case Group(number, inner):
                end = self.emit(Instruction(Op.SAVE, following, 2 * number + 1))
                return self.emit(Instruction(Op.SAVE, self.add(inner, end), 2 * number))
            case Sequence(nodes):
                for item in reversed(nodes):
                    following = self.add(item, following)
                return following
            case Choice(nodes):
                start, *others = [self.add(item, following) for item in reversed(nodes)]
                for other in others:
                    start = self._split(other, start, greedy=True)
                return start
            case Repeat():
                return self._repeat(node, following)

    def _append(self, instruction: Instruction) -> int:
        if len(self.program) == MAX_INSTRUCTIONS:
            self._fail(
                f"its program would have more than {MAX_INSTRUCTIONS} instructions: use smaller counts in {{ }}, * in "
                "place of a large count, or several tests in place of one with many alternatives"
            )
        self.program.append(instruction)
        return len(self.program) - 1

    def _count_work(self, parts: int) -> None:
        self._work += parts
        if self._work > MAX_WORK:
            self._fail("its counts in { } repeat too much: use smaller counts, or * in place of a large count")

    def _fail(self, problem: str) -> NoReturn:
        raise RegexError(self._pattern, None, problem)

    def _bytes(self, sequences: Items[ByteSequence], following: int) -> int:
        self._count_work(len(sequences))
        ranges: list[tuple[int, int, int]] = []
        for (low, high), group in groupby(sequences, key=lambda sequence: sequence[0]):
            rests = [sequence[1:] for sequence in group]
            target = self._bytes(rests, following) if rests[0] else following
            if ranges and ranges[-1][1:] == (low - 1, target):
                low = ranges.pop()[0]
            ranges.append((low, high, target))
        return self.emit(Instruction(Op.BYTES, ranges=tuple(ranges)))

    def _repeat(self, repeat: Repeat, following: int) -> int:
        node, least, greedy = repeat.node, repeat.least, repeat.greedy
        if repeat.most is None:
            following = self._loop(node, following, at_least_once=least > 0, greedy=greedy)
            least -= 1
        else:
            end = following
            for _ in range(repeat.most - least):
                following = self._split(self.add(node, following), end, greedy=greedy)
        for _ in range(least):
            following = self.add(node, following)
        return following

    def _loop(self, node: Node, following: int, *, at_least_once: bool, greedy: bool) -> int:
        loop = self._append(Instruction(Op.SPLIT))  # whose targets are not known yet
        start = self.add(node, loop)
        self.program[loop] = _split(start, following, greedy=greedy)
        if at_least_once:
            return start
        # A node that can be empty may come back to the split without reading a byte, and end there, since the thread
        # has been there. Then the preferences would be wrong, as RE2's compiler explains: x* becomes (x+)?.
        return self._split(start, following, greedy=greedy) if _can_be_empty(node) else loop

    def _split(self, repeated: int, end: int, *, greedy: bool) -> int:
        return self.emit(_split(repeated, end, greedy=greedy))


def _split(repeated: int, end: int, *, greedy: bool) -> Instruction:
    return Instruction(Op.SPLIT, repeated, end) if greedy else Instruction(Op.SPLIT, end, repeated)


def _can_be_empty(node: Node) -> bool:
    match node:
        case Characters():
            return False
        case Assertion():
            return True
        case Group(_, inner):
            return _can_be_empty(inner)
        case Sequence(nodes):
            return all(map(_can_be_empty, nodes))
        case Choice(nodes):
            return any(map(_can_be_empty, nodes))
        case Repeat(inner, least):
            return least == 0 or _can_be_empty(inner)


def _reach(program: Items[Instruction], start: int, *, to_text_start: bool) -> list[Instruction]:
    """Return the instructions that threads reach before they read a byte, or before they must be at a text's start."""
    reached: dict[int, Instruction] = {}
    ahead = [start]
    while ahead:
        index = ahead.pop()
        if index in reached:
            continue
        instruction = reached[index] = program[index]
        if instruction.op == Op.SPLIT:
            ahead.append(instruction.argument)
        stops = to_text_start and instruction.op == Op.ASSERT and instruction.argument == Assertions.TEXT_START
        if instruction.op not in (Op.BYTES, Op.MATCH) and not stops:
            ahead.append(instruction.next)
    return list(reached.values())


def _first(program: Items[Instruction], start: int) -> frozenset[int] | None:
    reached = _reach(program, start, to_text_start=False)
    if any(instruction.op == Op.MATCH for instruction in reached):
        return None
    ranges = [(low, high) for instruction in reached for low, high, _ in instruction.ranges]
    return frozenset(byte for low, high in merged(ranges) for byte in range(low, high + 1))


def _prefix(program: Items[Instruction], start: int) -> bytes:
    prefix = bytearray()
    index = start
    while True:
        match program[index]:
            case Instruction(Op.SAVE | Op.ASSERT, following):
                index = following
            case Instruction(Op.BYTES, ranges=((low, high, following),)) if low == high:
                prefix.append(low)
                index = following
            case _:
                return bytes(prefix)
