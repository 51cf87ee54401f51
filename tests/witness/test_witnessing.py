"""Requests to witnesses and their answers, byte by byte, and every answer that must not be believed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from harness.witness import SmallWitness
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import MalformedError, VerificationError
from server.notary.note import NoteSignature, UnknownKeyError
from server.notary.witnessing import (
    add_checkpoint_body,
    open_cosignatures,
    read_cosignature,
    read_witness_size,
)
from tests.witness.growing_log import GrowingLog

LOG = GrowingLog().grow(5)
NOTE = LOG.checkpoint()
WITNESS = SmallWitness(Path("not-written"), {}, clock=lambda: 1700000000)
SECOND = SmallWitness(Path("not-written"), {}, name="w2", key=MLDSA44PrivateKey.generate(), clock=lambda: 1700000001)


def line_of(witness: SmallWitness, text: str = NOTE.text) -> str:
    return witness.cosign(open_checkpoint(f"{text}\n{NOTE.signatures[0].line()}")[0], text).line()


LINE, SECOND_LINE = line_of(WITNESS), line_of(SECOND)


class TestRequest:
    def test_it_is_the_old_size_the_proof_an_empty_line_and_the_checkpoint(self) -> None:
        proof = [bytes([n]) * 32 for n in range(2)]
        lines = add_checkpoint_body(NOTE, 3, proof).decode().split("\n", 4)
        assert lines == ["old 3", *(base64.b64encode(node).decode() for node in proof), "", str(NOTE)]

    def test_without_a_proof_only_the_empty_line_is_left(self) -> None:
        assert add_checkpoint_body(NOTE, 0, []) == f"old 0\n\n{NOTE}".encode()

    @pytest.mark.parametrize(
        ("old", "proof"), [(-1, []), (6, []), (1, [bytes(31)]), (1, [bytes(33)]), (1, [bytes(32)] * 64)]
    )
    def test_what_cannot_be_asked_is_not_written(self, old: int, proof: list[bytes]) -> None:
        with pytest.raises(MalformedError):
            add_checkpoint_body(NOTE, old, proof)

    def test_a_checkpoint_with_extension_lines_is_not_sent(self) -> None:
        extended = LOG.signer.sign(f"{NOTE.text}more\n", LOG.origin)
        with pytest.raises(MalformedError, match="extension"):
            add_checkpoint_body(extended, 0, [])


class TestCosignatures:
    @pytest.mark.parametrize(
        ("witness", "time"), [(WITNESS, 1700000000), (SECOND, 1700000001)], ids=["ed25519", "ml-dsa-44"]
    )
    def test_the_witness_s_line_is_found_among_others(self, witness: SmallWitness, time: int) -> None:
        answer = (LINE + SECOND_LINE + NOTE.signatures[0].line()).encode()
        found = read_cosignature(answer, NOTE.text, witness.verifier_key)
        assert (found.key, found.time, found.signature.line()) == (witness.verifier_key, time, line_of_same(witness))

    def test_an_answer_by_others_only_is_refused(self) -> None:
        with pytest.raises(UnknownKeyError, match=r"witness\.example/w1"):
            read_cosignature(SECOND_LINE.encode(), NOTE.text, WITNESS.verifier_key)

    def test_a_cosignature_of_another_checkpoint_is_wrong(self) -> None:
        other = GrowingLog(LOG.origin, LOG.signer).grow(6).checkpoint().text
        for witness, line in ((WITNESS, LINE), (SECOND, SECOND_LINE)):
            with pytest.raises(VerificationError, match="wrong"):
                read_cosignature(line.encode(), other, witness.verifier_key)

    def test_one_wrong_line_spoils_the_right_one(self) -> None:
        key = WITNESS.verifier_key
        wrong = NoteSignature(key.name, key.key_id, bytes(7) + b"\1" + bytes(64)).line()
        with pytest.raises(VerificationError, match="wrong"):
            read_cosignature((LINE + wrong).encode(), NOTE.text, key)

    @pytest.mark.parametrize("key", [None, MLDSA44PrivateKey.generate()], ids=["ed25519", "ml-dsa-44"])
    def test_a_cosignature_says_when_it_was_made(self, key: MLDSA44PrivateKey | None) -> None:
        timeless = SmallWitness(Path("not-written"), {}, key=key, clock=lambda: 0)
        with pytest.raises(VerificationError, match="when"):
            read_cosignature(line_of(timeless).encode(), NOTE.text, timeless.verifier_key)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param("", id="nothing"),
            pytest.param("\n", id="an empty line"),
            pytest.param("ok\n", id="a word"),
            pytest.param(LINE[:-1], id="no newline"),
            pytest.param(f"{LINE}\n{LINE}", id="an empty line between"),
            pytest.param(f"\n{LINE}", id="an empty line before"),
            pytest.param(f"{LINE}\n", id="an empty line after"),
            pytest.param(f"{LINE}\udcff\n", id="no UTF-8"),
            pytest.param(LINE.replace("—", "-"), id="a hyphen"),
            pytest.param(LINE * 65, id="65 lines"),
        ],
    )
    def test_what_is_not_signature_lines_is_malformed(self, answer: str) -> None:
        with pytest.raises(MalformedError):
            read_cosignature(answer.encode(errors="surrogateescape"), NOTE.text, WITNESS.verifier_key)

    @given(
        st.binary(max_size=200)
        | st.builds(lambda at, bit: flip(LINE.encode(), at, bit), st.integers(0), st.integers(0, 7))
    )
    def test_bytes_of_any_kind_give_a_verification_error_or_the_signature(self, answer: bytes) -> None:
        try:
            found = read_cosignature(answer, NOTE.text, WITNESS.verifier_key)
        except VerificationError:
            return
        assert found.signature.line() == LINE

    def test_stored_lines_of_several_witnesses_are_checked_together(self) -> None:
        lines = (LINE + SECOND_LINE).encode()
        keys = [SECOND.verifier_key, WITNESS.verifier_key]
        assert [found.key for found in open_cosignatures(lines, NOTE.text, keys)] == keys[::-1]
        assert open_cosignatures(lines, NOTE.text, []) == []


class TestSize:
    @pytest.mark.parametrize("size", [0, 1, 20852014, (1 << 63) - 1])
    def test_a_size_is_read(self, size: int) -> None:
        assert read_witness_size(b"%d\n" % size) == size

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"\n",
            b"5",
            b"05\n",
            b"-1\n",
            b"+5\n",
            b" 5\n",
            b"5\r\n",
            b"5\n\n",
            b"\xd9\xa5\n",
            b"9" * 19 + b"\n",
            b"1" * 5000 + b"\n",
        ],
    )
    def test_what_is_no_size_is_malformed(self, answer: bytes) -> None:
        with pytest.raises(MalformedError):
            read_witness_size(answer)


def line_of_same(witness: SmallWitness) -> str:
    return LINE if witness is WITNESS else SECOND_LINE


def flip(data: bytes, at: int, bit: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
