"""Signed notes against the examples of their specifications, and against everything that is no note."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from server.notary.errors import MalformedError, VerificationError
from server.notary.keys import VerifierKey
from server.notary.note import NoteSignature, SignedNote, UnknownKeyError, parse_note
from server.notary.signers import Ed25519Key, Signer

# The example of C2SP signed-note.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The example of golang.org/x/mod/sumdb/note, whose private key is public.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_SECOND_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
GO_SECOND_SIGNATURE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

SIGNER = Signer(Ed25519Key(Ed25519PrivateKey.from_private_bytes(bytes(range(32)))))
NAME = "example.org/log"
KEY = SIGNER.verifier_key(NAME)
LINE = f"— {NAME} {base64.b64encode(bytes(68)).decode()}\n"


def test_the_specifications_note_is_read_verified_and_written_back() -> None:
    note = parse_note(SPEC_NOTE)
    key = VerifierKey.parse(SPEC_KEY)
    assert note.text == "This is an example message.\n"
    assert note.verify([key]) == [key]
    assert str(note) == SPEC_NOTE


def test_the_note_of_gos_checksum_database_is_signed_byte_for_byte() -> None:
    signer = Signer(Ed25519Key(Ed25519PrivateKey.from_private_bytes(GO_SEED)))
    assert str(signer.verifier_key("PeterNeumann")) == GO_KEY
    assert str(signer.sign(GO_TEXT, "PeterNeumann")) == f"{GO_TEXT}\n{GO_SIGNATURE}"


def test_a_note_with_two_signatures_names_every_known_signer() -> None:
    note = parse_note(f"{GO_TEXT}\n{GO_SIGNATURE}{GO_SECOND_SIGNATURE}")
    first, second = VerifierKey.parse(GO_KEY), VerifierKey.parse(GO_SECOND_KEY)
    assert note.verify([second, first]) == [first, second]
    assert note.verify([second]) == [second]


def test_unknown_signatures_are_ignored_whatever_their_bytes() -> None:
    signed = SIGNER.sign("text\n", NAME)
    stranger = NoteSignature("someone.else", b"\x00\x01\x02\x03", b"of another algorithm")
    note = parse_note(str(SignedNote(signed.text, (stranger, *signed.signatures, stranger))))
    assert note.verify([KEY]) == [KEY]


def test_a_signature_of_the_same_name_but_another_key_is_unknown() -> None:
    other = Signer.generate()
    with pytest.raises(UnknownKeyError, match=NAME):
        other.sign("text\n", NAME).verify([KEY])


def test_a_note_signed_by_no_known_key_is_refused_and_says_by_whom() -> None:
    with pytest.raises(UnknownKeyError, match=r"PeterNeumann\+c74f20a3"):
        parse_note(f"{GO_TEXT}\n{GO_SIGNATURE}").verify([KEY])
    with pytest.raises(UnknownKeyError):
        parse_note(SPEC_NOTE).verify([])


def test_one_wrong_signature_of_a_known_key_refuses_the_note_although_another_is_right() -> None:
    right = SIGNER.sign("text\n", NAME).signatures[0]
    wrong = NoteSignature(NAME, KEY.key_id, bytes(64))
    for signatures in ((right, wrong), (wrong, right)):
        with pytest.raises(VerificationError, match="wrong"):
            SignedNote("text\n", signatures).verify([KEY])


@pytest.mark.parametrize("length", [1, 63, 65])
def test_a_signature_of_another_length_is_wrong(length: int) -> None:
    with pytest.raises(VerificationError, match="wrong"):
        SignedNote("text\n", (NoteSignature(NAME, KEY.key_id, bytes(length)),)).verify([KEY])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        f"text\n{LINE}",
        f"text\n\n{LINE}".removesuffix("\n"),
        f"text\n\n{LINE}\n",
        f"text\n\n{LINE}garbage\n",
        f"text\x07\n\n{LINE}",
        f"te\rxt\n\n{LINE}",
        f"te\ud800xt\n\n{LINE}",
        f"text\n\n-{LINE[1:]}",
        f"text\n\n {LINE}",
        f"text\n\n{LINE[:-1]} \n",
        "text\n\n— \n",
        "text\n\n— name\n",
        "text\n\n—  AAAAAAAA\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— na\xa0me AAAAAAAA\n",
        "text\n\n— na\x01me AAAAAAAA\n",
        "text\n\n— na\ud800me AAAAAAAA\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— name AAAA*AAA\n",
        "text\n\n— name é\n",
        f"text\n\n{LINE[:-3]}B=\n",  # bits that stand for nothing
        f"text\n\n{LINE[:-1]}=\n",
        "text\n\n— name AAAAAAAA=\n",
        "text\n\n" + 65 * LINE,
        "x" * (1 << 20) + f"\n\n{LINE}",
    ],
)
def test_what_is_no_note_is_malformed(note: str) -> None:
    with pytest.raises(MalformedError):
        parse_note(note)


@pytest.mark.parametrize("count", [1, 16, 64])
def test_a_note_may_have_many_signatures(count: int) -> None:
    assert len(parse_note("text\n\n" + count * LINE).signatures) == count


def test_the_text_may_hold_empty_lines_and_lines_that_look_like_signatures() -> None:
    text = f"one\n\n{LINE}\ntwo\n"
    note = parse_note(str(SIGNER.sign(text, NAME)))
    assert note.text == text
    assert note.verify([KEY]) == [KEY]


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(["text", "\n", "\n\n", LINE, "— "])).map("".join)))
def test_arbitrary_text_is_never_accepted_and_meets_no_other_error(text: str) -> None:
    with pytest.raises(VerificationError):
        parse_note(text).verify([KEY])


_characters = st.one_of(st.characters(), st.sampled_from("\n— +=/\x00\ud800"), st.sampled_from("ABCabc0189"))


@st.composite
def _mutated(draw: st.DrawFn) -> tuple[str, str]:
    text = draw(st.sampled_from(["a\n", "example.org/log\n12\nhash\n", "one\n\ntwo\n"]))
    note = str(SIGNER.sign(text, NAME))
    mutant = note
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(mutant)))
        cut = draw(st.integers(0, 3))
        mutant = mutant[:at] + draw(st.text(_characters, max_size=3)) + mutant[at + cut :]
    return note, mutant


@given(_mutated())
def test_a_mutated_note_is_refused_unless_text_and_signature_are_still_the_same(pair: tuple[str, str]) -> None:
    original, mutant = pair
    assume(original != mutant)
    try:
        note = parse_note(mutant)
        note.verify([KEY])
    except VerificationError:
        return
    # What stays acceptable: signatures of strangers.
    expected = parse_note(original)
    assert note.text == expected.text
    assert expected.signatures[0] in note.signatures
