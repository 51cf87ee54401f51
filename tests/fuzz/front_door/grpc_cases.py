"""Connections to the OTLP/gRPC port."""

from __future__ import annotations

import random

from tests.fuzz.front_door.frames import ACK, PREFACE, settings
from tests.fuzz.front_door.grpc_calls import any_call, bomb_call, valid_call
from tests.fuzz.front_door.grpc_connections import bytes_of_a_call, connection_fault, wrong_preface
from tests.fuzz.front_door.grpc_wire import Call
from tests.fuzz.front_door.script import After, Door, Ending, Script, Step

__all__ = ["grpc_script"]

_HANDSHAKE = (Step(PREFACE + settings()), Step(settings(flags=ACK), after=After.ANYTHING))


def grpc_script(chance: random.Random, *, bombs: bool = False) -> Script:
    """Make a connection.

    Args:
        chance: everything is taken from it.
        bombs: let it be one of those few that cost the server a second.
    """
    if bombs:
        step = Step(bomb_call(1, chance).frames, 0.0, ("bomb",), paced=True)
        return Script(Door.GRPC, (*_HANDSHAKE, step), Ending.ANSWERED, streams=(1,))
    draw = chance.random()
    if draw < 0.06:
        ending = chance.choice((Ending.HALF_CLOSE, Ending.LISTEN, Ending.RESET, Ending.LEAVE))
        return Script(Door.GRPC, (Step(wrong_preface(chance), 0.0, ("preface",)),), ending)
    if draw < 0.16:
        ending = chance.choice((Ending.HALF_CLOSE, Ending.LISTEN, Ending.LISTEN, Ending.RESET))
        return Script(Door.GRPC, (Step(bytes_of_a_call(chance), 0.0, ("bytes",)),), ending)
    if draw < 0.24:
        return _cut(chance)
    return _calls(chance)


def _calls(chance: random.Random) -> Script:
    """Several calls on one connection, and often at its end what the connection cannot survive."""
    calls, number = _some_calls(chance, chance.choice((1, 2, 4, 8, 16)))
    steps = [*_HANDSHAKE, *(Step(call.frames, 0.0, (call.kind,)) for call in calls)]
    promised = tuple(stream for stream, call in _numbered(calls) if call.certain)
    if chance.random() < 0.5:
        return Script(Door.GRPC, tuple(steps), Ending.ANSWERED, streams=promised)
    kind, data = connection_fault(number, chance)
    after = chance.choice((After.ANSWERS, After.ANSWERS, After.NOTHING))
    steps.append(Step(data, 0.0, (kind,), after))
    ending = chance.choice((Ending.LISTEN, Ending.HALF_CLOSE, Ending.HALF_CLOSE, Ending.RESET, Ending.LEAVE))
    return Script(Door.GRPC, tuple(steps), ending, streams=promised)


def _some_calls(chance: random.Random, count: int) -> tuple[list[Call], int]:
    """Return calls, and the next stream number."""
    calls: list[Call] = []
    number = 1
    for _ in range(count):
        calls.append(valid_call(number, chance) if chance.random() < 0.1 else any_call(number, chance))
        number += 2 * calls[-1].streams
    return calls, number


def _numbered(calls: list[Call]) -> list[tuple[int, Call]]:
    number, numbered = 1, []
    for call in calls:
        numbered.append((number, call))
        number += 2 * call.streams
    return numbered


def _cut(chance: random.Random) -> Script:
    """A connection that ends somewhere in a call."""
    calls, _ = _some_calls(chance, chance.choice((0, 1, 2)))
    whole = b"".join((*(call.frames for call in calls), valid_call(2 * len(calls) + 1, chance).frames))
    ending = chance.choice((Ending.RESET, Ending.RESET, Ending.LEAVE, Ending.HALF_CLOSE))
    start = whole[: chance.randint(0, min(len(whole), 70_000))]
    if chance.random() < 0.05:  # byte by byte
        pieces = [start[at : at + 1] for at in range(len(start[:400]))] or [b""]
        steps = (*(Step(piece) for piece in pieces[:-1]), Step(pieces[-1], 0.0, ("cut",)))
        return Script(Door.GRPC, (*_HANDSHAKE, *steps), ending)
    return Script(Door.GRPC, (*_HANDSHAKE, Step(start, chance.choice((0.0, 0.0, 0.05)), ("cut",))), ending)
