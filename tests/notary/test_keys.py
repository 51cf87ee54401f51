"""Verifier keys of each type, against signatures that others made, and against everything that is no key."""

from __future__ import annotations

import base64
import dataclasses
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from server.notary.checkpoint import Checkpoint
from server.notary.cosignature import cosigned_message, timed_message
from server.notary.errors import KeyMaterialError, MalformedError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import parse_note

# The example of C2SP signed-note.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

# Two verifier keys and a checkpoint that they cosigned at TORCHWOOD_TIME, made by filippo.io/torchwood v0.10.0.
TORCHWOOD = Path(__file__).with_name("cosigned_checkpoint.txt").read_text(encoding="utf-8")
TORCHWOOD_ED25519, TORCHWOOD_ML_DSA, TORCHWOOD_NOTE = TORCHWOOD.split("\n", 2)
TORCHWOOD_TIME = 0x6B03C80E
# The private key of both is this seed.
SEED = bytes((7,)) * 32

NAME = "example.org/w1"
TIME = 1_679_315_147
TEXT = Checkpoint("example.org/audit/a", 7, bytes(range(32))).text()

ED25519 = Ed25519PrivateKey.from_private_bytes(SEED)
ML_DSA = MLDSA44PrivateKey.from_seed_bytes(SEED)
KEYS = {
    KeyType.ED25519: VerifierKey(NAME, ED25519.public_key().public_bytes_raw()),
    KeyType.ED25519_COSIGNATURE: VerifierKey(
        NAME, ED25519.public_key().public_bytes_raw(), KeyType.ED25519_COSIGNATURE
    ),
    KeyType.ML_DSA_44: VerifierKey(NAME, ML_DSA.public_key().public_bytes_raw(), KeyType.ML_DSA_44),
}

every_type = pytest.mark.parametrize("key_type", KeyType)
timed_types = pytest.mark.parametrize("key_type", [KeyType.ED25519_COSIGNATURE, KeyType.ML_DSA_44])


def sign(key_type: KeyType, text: str = TEXT, time: int = TIME, name: str = NAME) -> bytes:
    """Sign as each type's specification says, with nothing of the code but the messages."""
    if key_type is KeyType.ED25519:
        return ED25519.sign(text.encode())
    if key_type is KeyType.ED25519_COSIGNATURE:
        return time.to_bytes(8, "big") + ED25519.sign(timed_message(text, time))
    return time.to_bytes(8, "big") + ML_DSA.sign(cosigned_message(text, name, time))


def test_the_specifications_key_is_read_and_written_back() -> None:
    key = VerifierKey.parse(SPEC_KEY)
    assert (key.name, key.key_type) == ("example.com/foo", KeyType.ED25519)
    assert key.key_id == bytes.fromhex("530d903a")
    assert str(key) == SPEC_KEY


def test_cosignatures_that_another_implementation_made_are_verified() -> None:
    keys = [VerifierKey.parse(TORCHWOOD_ED25519), VerifierKey.parse(TORCHWOOD_ML_DSA)]
    note = parse_note(TORCHWOOD_NOTE)
    assert [key.key_type for key in keys] == [KeyType.ED25519_COSIGNATURE, KeyType.ML_DSA_44]
    assert note.verify(keys) == keys
    signatures = [signature.signature for signature in note.signatures]
    times = [key.signed_time(signature) for key, signature in zip(keys, signatures, strict=True)]
    assert times == [TORCHWOOD_TIME, TORCHWOOD_TIME]


def test_the_keys_of_another_implementation_are_written_as_it_writes_them() -> None:
    for text, key_type in ((TORCHWOOD_ED25519, KeyType.ED25519_COSIGNATURE), (TORCHWOOD_ML_DSA, KeyType.ML_DSA_44)):
        name = text.split("+")[0]
        assert str(VerifierKey(name, KEYS[key_type].public_key, key_type)) == text


def test_a_cosigned_text_begins_with_its_domain_and_its_time() -> None:
    assert timed_message("a\nb\n", 12) == b"cosignature/v1\ntime 12\na\nb\n"


def test_a_cosigned_message_is_label_name_time_origin_range_and_root() -> None:
    assert cosigned_message(TEXT, "example.org/w1", 3) == (
        b"subtree/v1\n\0"
        b"\x0eexample.org/w1"
        b"\0\0\0\0\0\0\0\x03"
        b"\x13example.org/audit/a"
        b"\0\0\0\0\0\0\0\0"
        b"\0\0\0\0\0\0\0\x07" + bytes(range(32))
    )


@every_type
def test_the_key_id_is_made_of_name_type_and_key(key_type: KeyType) -> None:
    key = KEYS[key_type]
    material = NAME.encode() + b"\n" + bytes((key_type.value,)) + key.public_key
    assert key.key_id == sha256(material).digest()[:4]


@every_type
def test_a_key_is_read_back_as_it_was_written(key_type: KeyType) -> None:
    assert VerifierKey.parse(str(KEYS[key_type])) == KEYS[key_type]
    assert VerifierKey.parse(f"  {KEYS[key_type]}\n") == KEYS[key_type]


@every_type
def test_a_signature_is_verified_by_its_key_and_by_no_other_type_name_or_text(key_type: KeyType) -> None:
    signature = sign(key_type)
    KEYS[key_type].verify(TEXT, signature)
    for other in set(KeyType) - {key_type}:
        with pytest.raises(VerificationError, match="wrong"):
            KEYS[other].verify(TEXT, signature)
    with pytest.raises(VerificationError, match="wrong"):
        KEYS[key_type].verify(TEXT.replace("7", "8"), signature)
    with pytest.raises(VerificationError, match="wrong"):
        KEYS[key_type].verify(TEXT.replace("audit", "other"), signature)


@every_type
@pytest.mark.parametrize("broken", ["", "empty", "cut", "longer", "first bit", "last bit", "time"])
def test_a_broken_signature_is_wrong(key_type: KeyType, broken: str) -> None:
    signature = sign(key_type)
    mutants = {
        "": bytes(len(signature)),
        "empty": b"",
        "cut": signature[:-1],
        "longer": signature + b"\0",
        "first bit": bytes((signature[0] ^ 1,)) + signature[1:],
        "last bit": signature[:-1] + bytes((signature[-1] ^ 1,)),
        "time": signature[:8],
    }
    with pytest.raises(VerificationError, match="wrong"):
        KEYS[key_type].verify(TEXT, mutants[broken])


@timed_types
def test_a_time_is_signed_too(key_type: KeyType) -> None:
    signature = sign(key_type)
    with pytest.raises(VerificationError, match="wrong"):
        KEYS[key_type].verify(TEXT, (TIME + 1).to_bytes(8, "big") + signature[8:])


@timed_types
@given(time=st.integers(0, 2**63 - 1))
def test_every_time_that_is_signed_is_read_back_and_zero_says_none(key_type: KeyType, time: int) -> None:
    signature = sign(key_type, time=time)
    KEYS[key_type].verify(TEXT, signature)
    assert KEYS[key_type].signed_time(signature) == (time or None)


@timed_types
def test_a_time_that_no_cosigner_may_give_is_wrong(key_type: KeyType) -> None:
    signature = sign(key_type, time=2**63)
    with pytest.raises(VerificationError, match="wrong"):
        KEYS[key_type].verify(TEXT, signature)
    with pytest.raises(VerificationError, match="out of range"):
        KEYS[key_type].signed_time(signature)


@timed_types
@pytest.mark.parametrize("length", [0, 7, 8])
def test_a_signature_too_short_for_a_time_has_none(key_type: KeyType, length: int) -> None:
    with pytest.raises(VerificationError, match="too short"):
        KEYS[key_type].signed_time(bytes(length))


def test_a_plain_signature_has_no_time() -> None:
    assert KEYS[KeyType.ED25519].signed_time(sign(KeyType.ED25519)) is None


def test_an_ed25519_cosignature_is_over_extension_lines_too() -> None:
    text = f"{TEXT}said\n"
    signature = sign(KeyType.ED25519_COSIGNATURE, text)
    KEYS[KeyType.ED25519_COSIGNATURE].verify(text, signature)
    for other in (TEXT, f"{TEXT}denied\n"):
        with pytest.raises(VerificationError, match="wrong"):
            KEYS[KeyType.ED25519_COSIGNATURE].verify(other, signature)


def test_an_ml_dsa_signature_lends_no_credit_to_extension_lines() -> None:
    with pytest.raises(MalformedError, match="extension lines"):
        KEYS[KeyType.ML_DSA_44].verify(f"{TEXT}never signed\n", sign(KeyType.ML_DSA_44))
    with pytest.raises(MalformedError, match="extension lines"):
        cosigned_message(f"{TEXT}never signed\n", NAME, 0)


def test_an_ml_dsa_signature_is_over_the_name_of_its_key() -> None:
    other = dataclasses.replace(KEYS[KeyType.ML_DSA_44], name="example.org/w2")
    with pytest.raises(VerificationError, match="wrong"):
        other.verify(TEXT, sign(KeyType.ML_DSA_44))


@pytest.mark.parametrize("text", ["", "\n", "text\n", "a\n1\nroot\n", "a\n01\n" + TEXT.split("\n")[2] + "\n"])
def test_an_ml_dsa_signature_of_what_is_no_checkpoint_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        KEYS[KeyType.ML_DSA_44].verify(text, sign(KeyType.ML_DSA_44))


@pytest.mark.parametrize(("length", "possible"), [(255, True), (256, False)])
def test_ml_dsa_signs_names_of_at_most_255_bytes(length: int, possible: bool) -> None:
    origin = "é" * (length // 2) + "x" * (length % 2)
    text = Checkpoint(origin, 7, bytes(32)).text()
    if possible:
        assert cosigned_message(text, origin, 0).count(b"\xff" + origin.encode()) == 2
        assert VerifierKey(origin, KEYS[KeyType.ML_DSA_44].public_key, KeyType.ML_DSA_44)
        return
    with pytest.raises(MalformedError, match="255 bytes"):
        cosigned_message(text, NAME, 0)
    with pytest.raises(KeyMaterialError, match="255 bytes"):
        VerifierKey(origin, KEYS[KeyType.ML_DSA_44].public_key, KeyType.ML_DSA_44)


@every_type
def test_a_text_that_cannot_be_encoded_has_no_signature(key_type: KeyType) -> None:
    with pytest.raises(VerificationError):
        KEYS[key_type].verify(TEXT.replace("audit", "\ud800"), sign(key_type))


@given(st.sampled_from(KeyType), st.binary(max_size=100), st.text(max_size=40))
def test_arbitrary_signatures_are_wrong_and_meet_no_other_error(key_type: KeyType, signature: bytes, text: str) -> None:
    with pytest.raises(VerificationError):
        KEYS[key_type].verify(text, signature)
    with pytest.raises(VerificationError):
        KEYS[key_type].verify(TEXT, signature)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_a_public_key_that_is_no_point_verifies_nothing(public_key: bytes, signature: bytes) -> None:
    with pytest.raises(VerificationError):
        VerifierKey(NAME, public_key).verify(TEXT, signature)


def _vkey(material: bytes) -> str:
    return f"name+530d903a+{base64.b64encode(material).decode()}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "looks like"),
        ("name", "looks like"),
        ("name+530d903a", "looks like"),
        ("name+530d903a+***", "looks like"),
        ("name+530d903a+é", "looks like"),
        ("name+530d903a+", "type 0 cannot be used"),
        (_vkey(b"\x02" + bytes(32)), "type 2 cannot be used"),
        (_vkey(b"\x05" + bytes(32)), "type 5 cannot be used"),
        (_vkey(b"\xff" + bytes(32)), "type 255 cannot be used"),
        (_vkey(b"\x01" + bytes(31)), "Ed25519 public key has 32 bytes, not 31"),
        (_vkey(b"\x01" + bytes(33)), "Ed25519 public key has 32 bytes, not 33"),
        (_vkey(b"\x04" + bytes(31)), "Ed25519 public key has 32 bytes, not 31"),
        (_vkey(b"\x06" + bytes(32)), "ML-DSA-44 public key has 1312 bytes, not 32"),
        (_vkey(b"\x01"), "32 bytes, not 0"),
        (_vkey(b"\x06" + bytes(1312)), "mistyped"),
        (SPEC_KEY.replace("foo", "bar"), "mistyped"),
        (SPEC_KEY.replace("530d903a", "530d903b"), "mistyped"),
        (SPEC_KEY.replace("530d903a", "530D903A"), "mistyped"),
        (SPEC_KEY.replace("3U2k", "3U2l"), "mistyped"),
        (SPEC_KEY.replace("+Ae", "+BO"), "mistyped"),
        ("na me" + SPEC_KEY.removeprefix("example.com/foo"), "spaces"),
        ("na\x01me" + SPEC_KEY.removeprefix("example.com/foo"), "control character"),
        ("na\ud800me" + SPEC_KEY.removeprefix("example.com/foo"), "key name"),
        (SPEC_KEY.removeprefix("example.com/foo"), "not be empty"),
    ],
)
def test_what_is_no_verifier_key_says_why(text: str, why: str) -> None:
    with pytest.raises(KeyMaterialError, match=why):
        VerifierKey.parse(text)


@given(st.text(max_size=80))
def test_arbitrary_text_is_no_verifier_key_and_meets_no_other_error(text: str) -> None:
    with pytest.raises(KeyMaterialError):
        VerifierKey.parse(text)


_key_names = st.text(st.characters(exclude_categories=("Z", "C"), exclude_characters="+"), min_size=1, max_size=60)


@given(_key_names, st.sampled_from(KeyType), st.binary(min_size=32, max_size=32))
def test_every_key_is_read_back_as_it_was_written(name: str, key_type: KeyType, block: bytes) -> None:
    public_key = block * (key_type.public_key_size // 32)
    key = VerifierKey(name, public_key, key_type)
    assert VerifierKey.parse(str(key)) == key


@given(st.sampled_from(KeyType), st.data())
def test_a_mutated_verifier_key_is_refused(key_type: KeyType, data: st.DataObject) -> None:
    text = str(KEYS[key_type])
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.characters(exclude_categories=["Cs"]).filter(lambda character: character != text[at]))
    mutant = text[:at] + put + text[at + 1 :]
    try:
        parsed = VerifierKey.parse(mutant)
    except KeyMaterialError:
        return
    # What stays acceptable: base64 that spells the same bytes otherwise.
    assert parsed == KEYS[key_type]
