"""Signing notes: keys in memory, one signature or two, and keys that are not what they should be."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from server.notary.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from server.notary.errors import KeyMaterialError, MalformedError, SigningError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import SignedNote, parse_note
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer, SigningKey

NAME = "example.org/audit/a"
CHECKPOINT = Checkpoint(NAME, 7, bytes(range(32)))
ED25519 = Ed25519Key(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
ML_DSA = MlDsa44Key(MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))))
ONE = Signer(ED25519)
TWO = Signer(ED25519, ML_DSA)


@dataclass(frozen=True, slots=True)
class LostKey:
    """A key that was there when it was opened."""

    key_type: KeyType
    public_key: bytes

    def sign(self, message: bytes) -> bytes:
        raise SigningError(f"cannot sign {len(message)} bytes: the token is gone")


def test_a_signer_with_one_key_makes_one_signature() -> None:
    note = sign_checkpoint(CHECKPOINT, ONE)
    assert ONE.verifier_keys(NAME) == (ONE.verifier_key(NAME),)
    assert [s.key_id for s in note.signatures] == [ONE.verifier_key(NAME).key_id]
    assert note.verify(ONE.verifier_keys(NAME)) == [ONE.verifier_key(NAME)]


def test_a_signer_with_two_keys_makes_two_signatures_that_hold_each_alone() -> None:
    _, note = open_checkpoint(str(sign_checkpoint(CHECKPOINT, TWO)))
    ed25519, ml_dsa = TWO.verifier_keys(NAME)
    assert (ed25519.key_type, ml_dsa.key_type) == (KeyType.ED25519, KeyType.ML_DSA_44)
    assert note.verify([ml_dsa, ed25519]) == [ed25519, ml_dsa]
    assert note.verify([ed25519]) == [ed25519]
    assert note.verify([ml_dsa]) == [ml_dsa]


def test_the_first_signature_is_the_same_with_a_second_key_and_without() -> None:
    assert sign_checkpoint(CHECKPOINT, TWO).signatures[0] == sign_checkpoint(CHECKPOINT, ONE).signatures[0]


def test_a_logs_own_ml_dsa_signature_says_nothing_about_time() -> None:
    signature = sign_checkpoint(CHECKPOINT, TWO).signatures[1].signature
    assert signature[:8] == bytes(8)
    assert TWO.verifier_keys(NAME)[1].signed_time(signature) is None


def test_extension_lines_are_signed_by_ed25519_alone() -> None:
    text = f"{CHECKPOINT.text()}said\n"
    note = TWO.sign(text, NAME)
    assert note.verify(TWO.verifier_keys(NAME)) == [TWO.verifier_key(NAME)]
    borrowed = sign_checkpoint(CHECKPOINT, TWO).signatures[1]
    with pytest.raises(VerificationError, match="extension lines"):
        SignedNote(text, (*note.signatures, borrowed)).verify(TWO.verifier_keys(NAME))


@pytest.mark.parametrize("text", ["text\n", "a\n1\nroot\n", CHECKPOINT.text().replace("\n7\n", "\n07\n")])
def test_what_is_no_checkpoint_is_not_signed_where_two_signatures_are_due(text: str) -> None:
    assert ONE.sign(text, NAME).verify([ONE.verifier_key(NAME)])
    with pytest.raises(MalformedError):
        TWO.sign(text, NAME)


@pytest.mark.parametrize("signer", [ONE, TWO])
@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "nul\x00\n", "\ud800\n"])
def test_what_cannot_stand_in_a_note_is_not_signed(signer: Signer, text: str) -> None:
    with pytest.raises(MalformedError):
        signer.sign(text, NAME)


@given(
    st.text(st.characters(exclude_categories=("Z", "C"), exclude_characters="+"), min_size=1, max_size=60),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_every_checkpoint_is_verified_by_both_keys_and_altered_by_neither(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    keys = TWO.verifier_keys(origin)
    opened, note = open_checkpoint(str(sign_checkpoint(checkpoint, TWO)))
    assert opened == checkpoint
    assert note.verify(keys) == list(keys)
    other = Checkpoint(origin, size ^ 1, root).text()
    for key in keys:
        with pytest.raises(VerificationError, match="wrong"):
            SignedNote(other, note.signatures).verify([key])


@pytest.mark.parametrize("lost", [KeyType.ED25519, KeyType.ML_DSA_44])
def test_a_note_is_signed_by_all_keys_or_not_at_all(lost: KeyType) -> None:
    keys: dict[KeyType, SigningKey] = {KeyType.ED25519: ED25519, KeyType.ML_DSA_44: ML_DSA}
    keys[lost] = LostKey(lost, keys[lost].public_key)
    signer = Signer(keys[KeyType.ED25519], keys[KeyType.ML_DSA_44])
    assert signer.verifier_keys(NAME) == TWO.verifier_keys(NAME)
    with pytest.raises(SigningError, match="gone"):
        sign_checkpoint(CHECKPOINT, signer)


def test_keys_in_each_others_place_are_refused() -> None:
    with pytest.raises(KeyMaterialError, match="first key must be an Ed25519 key"):
        Signer(ML_DSA)
    with pytest.raises(KeyMaterialError, match="second key must be an ML-DSA-44 key"):
        Signer(ED25519, ED25519)


def test_a_key_survives_its_pem() -> None:
    assert Ed25519Key.from_pem(ED25519.to_pem()).public_key == ED25519.public_key
    assert MlDsa44Key.from_pem(ML_DSA.to_pem()).public_key == ML_DSA.public_key
    assert Signer.from_pem(ED25519.to_pem()).verifier_keys(NAME) == ONE.verifier_keys(NAME)


def test_every_generated_key_is_another() -> None:
    assert Ed25519Key.generate().public_key != Ed25519Key.generate().public_key
    assert MlDsa44Key.generate().public_key != MlDsa44Key.generate().public_key
    assert Signer.generate().verifier_key(NAME) != Signer.generate().verifier_key(NAME)


def test_the_public_pem_is_the_ed25519_key() -> None:
    public = serialization.load_pem_public_key(TWO.public_pem())
    assert public == ED25519.private_key.public_key()


def _unknown_algorithm() -> bytes:
    """A PKCS #8 key of the algorithm 1.2.3.4, which there is not."""
    der = bytes.fromhex("300f020100300506032a03040403020100")
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der) + b"\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        _unknown_algorithm(),
        ONE.public_pem(),
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        MLDSA65PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        ED25519.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        ),
    ],
    ids=["empty", "begin", "garbage", "unknown algorithm", "public", "P-256", "ML-DSA-65", "locked"],
)
def test_a_pem_that_is_no_such_key_is_refused(pem: bytes) -> None:
    for read in (Ed25519Key.from_pem, MlDsa44Key.from_pem, Signer.from_pem):
        with pytest.raises(KeyMaterialError):
            read(pem)


def test_a_pem_of_the_other_algorithm_is_refused() -> None:
    with pytest.raises(KeyMaterialError, match="not an Ed25519 key"):
        Ed25519Key.from_pem(ML_DSA.to_pem())
    with pytest.raises(KeyMaterialError, match="not an ML-DSA-44 key"):
        MlDsa44Key.from_pem(ED25519.to_pem())


def test_a_signed_note_of_two_signatures_is_written_and_read_back() -> None:
    note = sign_checkpoint(CHECKPOINT, TWO)
    assert parse_note(str(note)) == note
    assert [VerifierKey.parse(str(key)) for key in TWO.verifier_keys(NAME)] == list(TWO.verifier_keys(NAME))


class NoMlDsa:
    """A ``cryptography`` whose OpenSSL has no ML-DSA, as those before 3.5."""

    @staticmethod
    def generate() -> None:
        raise UnsupportedAlgorithm("no ML-DSA here")

    @staticmethod
    def from_public_bytes(data: bytes) -> None:
        raise UnsupportedAlgorithm(f"no ML-DSA here, and {len(data)} bytes of a key")


def test_where_cryptography_has_no_ml_dsa_no_key_is_made_and_no_signature_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note = sign_checkpoint(CHECKPOINT, TWO)
    monkeypatch.setattr("server.notary.signers.MLDSA44PrivateKey", NoMlDsa)
    with pytest.raises(KeyMaterialError, match="no ML-DSA here"):
        MlDsa44Key.generate()
    monkeypatch.setattr("server.notary.keys.MLDSA44PublicKey", NoMlDsa)
    with pytest.raises(VerificationError, match="cannot be checked: no ML-DSA here"):
        note.verify(TWO.verifier_keys(NAME))
    assert note.verify(ONE.verifier_keys(NAME)) == [ONE.verifier_key(NAME)]
