"""What is done again and again for one log: to have its checkpoint cosigned by a witness, or timestamped.

An task's steps are calls that block, and run off the event loop. Those to a service may take long, and touch
nothing here, so that they can be left behind at any time; those to the log read and write its storage.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from server.notary.checkpoint import Checkpoint
from server.notary.note import SignedNote
from server.witness.calls import Calls
from server.witness.client import WitnessClient, WitnessSize
from server.witness.errors import AnswerError, OtherHistoryError, UnavailableError
from server.witness.timestamps import TimestampClient

__all__ = ["ConfirmableLog", "ConfirmationTask", "CosignatureTask", "TimestampTask"]

_ATTEMPTS = 3  # the witness's size unknown, then known; once more if another asked it in between


class ConfirmableLog(Protocol):
    """A log whose checkpoints are confirmed by others.

    Its methods block, and are called by one thread at a time. They raise ``LogUnavailableError`` when they
    should be tried again later.
    """

    @property
    def origin(self) -> str:
        """The log's name."""

    def latest(self) -> SignedNote | None:
        """Return the last committed checkpoint, without extension lines; None where there is none."""

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the consistency proof between two sizes (RFC 6962, section 2.1.2), 0 < old < new."""

    def keep_cosignatures(self, text: str, lines: str) -> None:
        """Store signature lines of witnesses, verified, over a checkpoint's text."""

    def keep_timestamp(self, text: str, der: bytes) -> None:
        """Store an RFC 3161 response, verified, over a checkpoint's text."""


class ConfirmationTask(Protocol):
    """Something to do for a log whenever it has grown."""

    @property
    def service(self) -> str:
        """Who is asked."""

    @property
    def origin(self) -> str:
        """The log for which."""

    @property
    def interval(self) -> float:
        """Seconds until it is due again."""

    async def run(self, calls: Calls) -> int | None:
        """Do it, if the log has grown since it was done last.

        Returns:
            The size that is now confirmed; None where there was nothing to do.

        Raises:
            WitnessError: it could not be done, and should be tried again.
        """


class CosignatureTask:
    """Has a log's checkpoints cosigned by one witness."""

    def __init__(self, client: WitnessClient, log: ConfirmableLog, interval: float) -> None:
        """Plan it; the first run finds out what the witness has cosigned before.

        Args:
            client: asks the witness.
            log: the log.
            interval: seconds between looks at whether the log has grown.
        """
        self.service = client.name
        self.origin = log.origin
        self.interval = interval
        self._client = client
        self._log = log
        self._witness_size = 0  # as far as is known
        self._kept = ""

    async def run(self, calls: Calls) -> int | None:
        """Send the latest checkpoint, if it was not cosigned yet, and keep the cosignature.

        Raises:
            OtherHistoryError: the witness knows a history that this log does not go on from.
            WitnessError: it could not be done, and should be tried again.
        """
        for _ in range(_ATTEMPTS):
            note = await _grown(self._log, calls, self._kept)
            if note is None:
                return None
            old, new = self._witness_size, Checkpoint.parse(note.text).size
            if old > new:
                self._witness_size = 0
                raise OtherHistoryError(
                    f"witness {self.service} has cosigned {old} entries, and the log has {new}: storage has lost what "
                    "was committed, or another server signs with the log's key"
                )
            proof = await calls.log(partial(self._log.consistency, old, new)) if 0 < old < new else []
            answer = await calls.service(partial(self._client.add_checkpoint, note, old, proof))
            if not isinstance(answer, WitnessSize):
                self._witness_size = new
                await calls.log(partial(self._log.keep_cosignatures, note.text, answer.signature.line()))
                self._kept = note.text
                return new
            if answer.size == old:
                raise AnswerError(f"witness {self.service} says that its size is {old}, but refuses a proof from there")
            self._witness_size = answer.size
        raise UnavailableError(f"witness {self.service} reports a different size each time")


class TimestampTask:
    """Has a log's checkpoints timestamped."""

    def __init__(self, client: TimestampClient, log: ConfirmableLog, interval: float) -> None:
        """Plan it.

        Args:
            client: asks the timestamp authority.
            log: the log.
            interval: seconds between timestamps.
        """
        self.service = client.name
        self.origin = log.origin
        self.interval = interval
        self._client = client
        self._log = log
        self._kept = ""

    async def run(self, calls: Calls) -> int | None:
        """Have the latest checkpoint timestamped, if it was not yet, and keep the timestamp.

        Raises:
            WitnessError: it could not be done, and should be tried again.
        """
        note = await _grown(self._log, calls, self._kept)
        if note is None:
            return None
        stamp = await calls.service(partial(self._client.stamp, note.text))
        await calls.log(partial(self._log.keep_timestamp, note.text, stamp.der))
        self._kept = note.text
        return Checkpoint.parse(note.text).size


async def _grown(log: ConfirmableLog, calls: Calls, kept: str) -> SignedNote | None:
    """Return the log's latest checkpoint; None where it has no entries, or no others than ``kept``."""
    note = await calls.log(log.latest)
    if note is None or note.text == kept or Checkpoint.parse(note.text).size == 0:
        return None
    return note
