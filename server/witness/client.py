"""HTTP client of one witness (C2SP tlog-witness, ``add-checkpoint``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.notary.errors import VerificationError
from server.notary.note import SignedNote
from server.notary.witnessing import Cosignature, add_checkpoint_body, read_cosignature, read_witness_size
from server.witness.errors import AnswerError, OtherHistoryError, UnavailableError, WitnessRefusedError
from server.witness.post import Answer, HttpService
from server.witness.settings import Witness

__all__ = ["WitnessClient", "WitnessSize"]

_MAX_ANSWER = 1 << 16  # bytes; a line of ML-DSA-44 takes 3300


@dataclass(frozen=True, slots=True)
class WitnessSize:
    """A witness's answer that the request named a different size than its own, which is this one."""

    size: int


class WitnessClient:
    """Client of one witness. Thread-safe."""

    def __init__(self, witness: Witness, timeout: float) -> None:
        """Create a client without connecting.

        Args:
            witness: the witness.
            timeout: seconds for connecting, and for each wait for an answer.
        """
        self._key = witness.key
        self._service = HttpService(f"{witness.url}/add-checkpoint", timeout=timeout, max_answer=_MAX_ANSWER)

    @property
    def name(self) -> str:
        """Name of the witness's key."""
        return self._key.name

    def add_checkpoint(self, note: SignedNote, old: int, proof: Sequence[bytes]) -> Cosignature | WitnessSize:
        """Have a checkpoint cosigned. Blocks.

        Args:
            note: the signed checkpoint, without extension lines.
            old: size of the checkpoint that the witness cosigned last, 0 if unknown.
            proof: the consistency proof from ``old`` to the checkpoint.

        Returns:
            The verified cosignature, or the size to prove consistency from if that is not ``old``.

        Raises:
            UnavailableError: the witness does not answer, or asks to retry later.
            OtherHistoryError: the witness rejects the proof from what it cosigned before.
            WitnessRefusedError: the witness does not cosign this log, or not with this key.
            AnswerError: the answer violates the protocol, or its signature is invalid.
            MalformedError: the arguments form no valid request.
        """
        answer = self._service.post(add_checkpoint_body(note, old, proof), "text/plain; charset=utf-8")
        try:
            if answer.status == 200:
                return read_cosignature(answer.body, note.text, self._key)
            if answer.status == 409 and answer.content_type == "text/x.tlog.size":
                return WitnessSize(read_witness_size(answer.body))
        except VerificationError as error:
            raise AnswerError(f"witness {self.name}: {error}") from error
        raise self._error(answer)

    def _error(self, answer: Answer) -> Exception:
        who, status = f"witness {self.name}", answer.status
        if status == 403:
            return WitnessRefusedError(
                f"{who} does not accept the log's signature: add the log's current key to the witness"
            )
        if status == 404:
            return WitnessRefusedError(f"{who} does not know the log: add the log's origin and key to the witness")
        if status == 422:
            return OtherHistoryError(
                f"{who} refuses a checkpoint that is inconsistent with what the witness cosigned before"
            )
        if status == 429 or status >= 500:
            return UnavailableError(f"{who} answers with status {status}")
        if 300 <= status < 400:
            return AnswerError(f"{who} redirects to another URL: configure the witness with that URL")
        return AnswerError(f"{who} answers with status {status} {answer.content_type}: {answer.body[:80]!r}")
