"""Script of one connection: a list of writes, and an end. It can be saved and repeated."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["After", "AnswerError", "Door", "Ending", "Script", "Step", "case_random"]


class AnswerError(Exception):
    """The server did what it must not do; the first line says what, without particulars."""


class Door(StrEnum):
    """Which port."""

    GRPC = "grpc"
    HTTP = "http"


class Ending(StrEnum):
    """Client's end of a connection once all is written.

    ``ANSWERED`` waits for all expected answers, up to the time limit of the script; then the server counts as hanging.
    The others close after a moment, at once, at once with RST, or close the sending side and read until the server
    closes the connection.
    """

    ANSWERED = "answered"
    LISTEN = "listen"
    LEAVE = "leave"
    RESET = "reset"
    HALF_CLOSE = "half-close"


class After(StrEnum):
    """Condition that is waited for."""

    NOTHING = "nothing"
    ANYTHING = "anything"
    ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class Step:
    """One write.

    Attributes:
        data: what is written.
        pause: seconds to wait after it.
        kinds: which cases are complete with it.
        after: what has to have come before it is written.
        paced: it is written frame by frame, as the windows of HTTP/2 permit.
    """

    data: bytes
    pause: float = 0.0
    kinds: tuple[str, ...] = ()
    after: After = After.NOTHING
    paced: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """One connection.

    Attributes:
        door: the port.
        steps: the writes.
        ending: how it ends.
        answers: how many answers were asked for (HTTP).
        streams: which streams must be answered (gRPC).
        head: the last request is HEAD, whose answer has no body.
    """

    door: Door
    steps: tuple[Step, ...]
    ending: Ending
    answers: int = 0
    streams: tuple[int, ...] = ()
    head: bool = False
    number: int = field(default=-1, compare=False)

    @property
    def sent(self) -> bytes:
        """All that is written."""
        return b"".join(step.data for step in self.steps)

    @property
    def kinds(self) -> Iterator[str]:
        """The kinds of its cases."""
        return (kind for step in self.steps for kind in step.kinds)

    def to_json(self) -> bytes:
        """Return it as it is saved."""
        steps = [
            [base64.b64encode(zlib.compress(step.data)).decode(), step.pause, list(step.kinds), step.after, step.paced]
            for step in self.steps
        ]
        return json.dumps(
            {
                "door": self.door,
                "ending": self.ending,
                "answers": self.answers,
                "streams": list(self.streams),
                "head": self.head,
                "number": self.number,
                "steps": steps,
            }
        ).encode()

    @classmethod
    def from_json(cls, saved: bytes | str) -> Script:
        """Read what was saved."""
        raw = json.loads(saved)
        steps = [
            Step(zlib.decompress(base64.b64decode(data)), pause, tuple(kinds), After(after), paced)
            for data, pause, kinds, after, paced in raw["steps"]
        ]
        return cls(
            Door(raw["door"]),
            tuple(steps),
            Ending(raw["ending"]),
            raw["answers"],
            tuple(raw["streams"]),
            raw["head"],
            raw["number"],
        )


def case_random(seed: int, number: int) -> random.Random:
    """Return the chance of one script: the same for the same seed and number, whatever was made before."""
    return random.Random(f"{seed}/{number}")
