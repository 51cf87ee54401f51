"""The bodies of add-checkpoint, and what is believed of a witness's answer (C2SP tlog-witness)."""

from __future__ import annotations

import base64

import pytest

from harness.bundles import Cosigner
from server.notary.checkpoint import Checkpoint
from server.notary.errors import MalformedError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import NoteSignature, UnknownKeyError, parse_note
from server.notary.signers import Signer
from server.notary.witnessing import (
    MAX_PROOF_LINES,
    Cosignature,
    add_checkpoint_body,
    open_cosignatures,
    read_cosignature,
    read_witness_size,
)

ORIGIN = "shop/audit/node-1"
SIGNER = Signer.generate()
NOTE = SIGNER.sign(Checkpoint(ORIGIN, 7, bytes(32)).text(), ORIGIN)
WITNESS, OTHER = Cosigner("witness.example/w1", 1), Cosigner("witness.example/w2", 2)
PQ_WITNESS = Cosigner("witness.example/w3", 3, KeyType.ML_DSA_44)
TIME = 1_750_000_000


def lines(*cosigners: Cosigner, time: int = TIME) -> bytes:
    """Return the signature lines of some witnesses."""
    note = NOTE
    for cosigner in cosigners:
        note = cosigner.cosign(note, time)
    return "".join(signature.line() for signature in note.signatures[len(NOTE.signatures) :]).encode()


class TestAsking:
    def test_a_request_is_the_old_size_the_proof_and_the_note(self) -> None:
        proof = [bytes([n]) * 32 for n in range(3)]
        nodes = "".join(f"{base64.b64encode(node).decode()}\n" for node in proof)
        assert add_checkpoint_body(NOTE, 5, proof) == f"old 5\n{nodes}\n{NOTE}".encode()

    def test_a_first_request_has_the_old_size_0_and_no_proof(self) -> None:
        assert add_checkpoint_body(NOTE, 0, []) == f"old 0\n\n{NOTE}".encode()

    def test_a_proof_may_have_as_many_hashes_as_a_tree_has_levels(self) -> None:
        assert add_checkpoint_body(NOTE, 5, [bytes(32)] * MAX_PROOF_LINES).count(b"\n") > MAX_PROOF_LINES
        with pytest.raises(MalformedError, match="at most 63 hashes"):
            add_checkpoint_body(NOTE, 5, [bytes(32)] * (MAX_PROOF_LINES + 1))

    def test_a_hash_of_another_size_is_refused(self) -> None:
        with pytest.raises(MalformedError, match="32 bytes"):
            add_checkpoint_body(NOTE, 5, [bytes(31)])

    @pytest.mark.parametrize("old", [-1, 8])
    def test_an_old_size_that_the_checkpoint_cannot_follow_on_is_refused(self, old: int) -> None:
        with pytest.raises(MalformedError, match="cannot follow"):
            add_checkpoint_body(NOTE, old, [])

    def test_a_checkpoint_with_extension_lines_is_not_sent(self) -> None:
        extended = SIGNER.sign(Checkpoint(ORIGIN, 7, bytes(32)).text() + "more\n", ORIGIN)
        with pytest.raises(MalformedError, match="extension lines"):
            add_checkpoint_body(extended, 0, [])


class TestAnswer:
    @pytest.mark.parametrize("witness", [WITNESS, PQ_WITNESS], ids=["ed25519", "ml-dsa-44"])
    def test_a_cosignature_has_its_key_and_its_time(self, witness: Cosigner) -> None:
        key = VerifierKey.parse(str(witness.verifier_key))
        found = read_cosignature(lines(witness), NOTE.text, key)
        assert (found.key, found.time, found.signature.name) == (key, TIME, witness.name)

    def test_lines_of_others_are_ignored(self) -> None:
        assert read_cosignature(lines(OTHER, WITNESS), NOTE.text, WITNESS.verifier_key).key == WITNESS.verifier_key
        with pytest.raises(UnknownKeyError, match=r"witness\.example/w1"):
            read_cosignature(lines(OTHER), NOTE.text, WITNESS.verifier_key)

    def test_each_known_witness_is_found_in_the_order_of_the_lines(self) -> None:
        found = open_cosignatures(
            lines(PQ_WITNESS, OTHER, WITNESS), NOTE.text, [WITNESS.verifier_key, PQ_WITNESS.verifier_key]
        )
        assert [cosignature.key for cosignature in found] == [PQ_WITNESS.verifier_key, WITNESS.verifier_key]
        assert all(isinstance(cosignature, Cosignature) for cosignature in found)

    def test_a_cosignature_of_another_checkpoint_is_wrong(self) -> None:
        other = Checkpoint(ORIGIN, 8, bytes(32)).text()
        with pytest.raises(VerificationError, match="wrong"):
            open_cosignatures(lines(WITNESS), other, [WITNESS.verifier_key])

    def test_a_signature_that_does_not_say_when_it_was_made_is_no_cosignature(self) -> None:
        key = SIGNER.verifier_key(ORIGIN)
        own = "".join(signature.line() for signature in NOTE.signatures).encode()
        with pytest.raises(VerificationError, match="does not say when"):
            open_cosignatures(own, NOTE.text, [key])

    @pytest.mark.parametrize(
        "answer", [b"", b"nonsense\n", b"\xff\n", lines(OTHER) + b"\n" + lines(WITNESS), lines(WITNESS)[:-1]]
    )
    def test_what_does_not_consist_of_signature_lines_is_malformed(self, answer: bytes) -> None:
        with pytest.raises(MalformedError):
            open_cosignatures(answer, NOTE.text, [WITNESS.verifier_key])


class TestSize:
    @pytest.mark.parametrize("size", [0, 1, 20852163, 2**63 - 1])
    def test_the_size_that_a_witness_knows_is_a_number_on_a_line(self, size: int) -> None:
        assert read_witness_size(b"%d\n" % size) == size

    @pytest.mark.parametrize("answer", [b"", b"7", b"07\n", b"-1\n", b"7\n\n", b"7 \n", b"%d\n" % 2**63, b"x\n"])
    def test_anything_else_is_malformed(self, answer: bytes) -> None:
        with pytest.raises(MalformedError, match="not a tree size"):
            read_witness_size(answer)


def test_a_note_with_its_cosignatures_is_read_again() -> None:
    note = WITNESS.cosign(NOTE, TIME)
    assert parse_note(str(note)) == note
    assert isinstance(note.signatures[-1], NoteSignature)
