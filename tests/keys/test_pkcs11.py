"""Signing keys in a PKCS #11 token: a real one in software, and everything that can be wrong with one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
import pytest

from harness.lacking import require_tools
from harness.softhsm import MODULE, PIN, TOKEN, SoftToken, add_token
from server.keys.pkcs11 import generate_key, open_key
from server.keys.pkcs11_token import Pkcs11Key
from server.keys.pkcs11_uri import Pkcs11Uri
from server.notary.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from server.notary.errors import KeyMaterialError, SigningError
from server.notary.keys import KeyType, VerifierKey
from server.notary.signers import MlDsa44Key, Signer, SigningKey

ORIGIN = "example.org/audit/a"
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))


@pytest.fixture
def key(token: SoftToken) -> Iterator[Pkcs11Key]:
    generate_key(token.uri())
    opened = open_key(token.uri())
    yield opened
    opened.close()


def test_a_checkpoint_signed_in_the_token_is_verified_by_its_verifier_key(key: Pkcs11Key) -> None:
    signer = Signer(key)
    checkpoint, note = open_checkpoint(str(sign_checkpoint(CHECKPOINT, signer)))
    assert checkpoint == CHECKPOINT
    assert note.verify([VerifierKey(ORIGIN, key.public_key)]) == [signer.verifier_key(ORIGIN)]


def test_a_checkpoint_signed_in_the_token_is_verified_by_openssl(key: Pkcs11Key, tmp_path: Path) -> None:
    require_tools("openssl")
    signer = Signer(key)
    note = sign_checkpoint(CHECKPOINT, signer)
    files = {"text": note.text.encode(), "signature": note.signatures[0].signature, "public.pem": signer.public_pem()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-inkey",
        "public.pem",
        "-in",
        "text",
        "-sigfile",
        "signature",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    (tmp_path / "text").write_bytes(files["text"].replace(b"7", b"8"))
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=60).returncode == 1


def test_the_token_signs_beside_an_ml_dsa_key_in_memory(key: Pkcs11Key) -> None:
    signer = Signer(key, MlDsa44Key.generate())
    keys = signer.verifier_keys(ORIGIN)
    assert sign_checkpoint(CHECKPOINT, signer).verify(keys) == list(keys)


def test_a_new_key_is_the_one_that_is_opened_and_cannot_leave_the_token(token: SoftToken) -> None:
    public_key = generate_key(token.uri())
    opened: SigningKey = open_key(token.uri())
    assert (opened.public_key, opened.key_type) == (public_key, KeyType.ED25519)
    with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open() as session:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="signing-key")
        assert private[pkcs11.Attribute.SENSITIVE]
        assert not private[pkcs11.Attribute.EXTRACTABLE]


def test_there_is_no_second_key_of_the_same_name(token: SoftToken) -> None:
    public_key = generate_key(token.uri())
    with pytest.raises(KeyMaterialError, match="already"):
        generate_key(token.uri())
    assert open_key(token.uri()).public_key == public_key


def test_a_key_made_by_opensc_is_used_by_its_id(token: SoftToken) -> None:
    require_tools("pkcs11-tool")
    made = ["--keypairgen", "--key-type", "EC:edwards25519", "--id", "0a", "--label", "other"]
    command = ["pkcs11-tool", "--module", str(MODULE), "--token-label", TOKEN, "--login", "--pin", PIN, *made]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    uri = token.uri().replace("object=signing-key", "id=%0a;type=private")
    opened = open_key(uri)
    VerifierKey("n", opened.public_key).verify("text\n", opened.sign(b"text\n"))


def test_several_threads_sign_with_several_keys_at_once(token: SoftToken) -> None:
    public = {label: generate_key(token.uri(label)) for label in ("a", "b")}
    keys = {label: open_key(token.uri(label)) for label in public}

    def sign(number: int) -> None:
        label = "ab"[number % 2]
        text = f"{number}\n"
        VerifierKey(label, public[label]).verify(text, keys[label].sign(text.encode()))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sign, range(200)))


def test_a_session_that_was_lost_is_opened_again(key: Pkcs11Key) -> None:
    pkcs11.lib(str(MODULE)).finalize()
    VerifierKey("n", key.public_key).verify("text\n", key.sign(b"text\n"))


def test_a_key_signs_although_another_one_of_its_token_was_closed(token: SoftToken) -> None:
    for label in ("a", "b"):
        generate_key(token.uri(label))
    first, second = open_key(token.uri("a")), open_key(token.uri("b"))
    first.close()
    VerifierKey("n", second.public_key).verify("text\n", second.sign(b"text\n"))
    VerifierKey("n", first.public_key).verify("text\n", first.sign(b"text\n"))


def test_nothing_is_signed_while_the_token_is_gone_and_everything_after_it_is_back(
    key: Pkcs11Key, token: SoftToken
) -> None:
    away = token.directory.rename(token.directory.with_name("away"))
    for _ in range(2):
        with pytest.raises(SigningError, match=TOKEN):
            sign_checkpoint(CHECKPOINT, Signer(key))
    away.rename(token.directory)
    VerifierKey("n", key.public_key).verify("text\n", key.sign(b"text\n"))


def test_a_token_that_comes_back_with_another_key_signs_nothing(key: Pkcs11Key, token: SoftToken) -> None:
    token.directory.rename(token.directory.with_name("away"))
    token.directory.mkdir()
    add_token(TOKEN)
    pkcs11.lib(str(MODULE)).finalize()
    generate_key(token.uri())
    with pytest.raises(SigningError, match="a different key"):
        key.sign(b"text\n")


def test_a_wrong_pin_says_so_and_shows_no_pin(token: SoftToken) -> None:
    generate_key(token.uri())
    with pytest.raises(SigningError, match="refused the PIN") as refused:
        open_key(token.uri(pin="wrong-pin"))
    assert "wrong-pin" not in str(refused.value)


def test_a_pin_that_was_refused_is_not_tried_again_until_it_is_corrected(key: Pkcs11Key, token: SoftToken) -> None:
    pkcs11.lib(str(MODULE)).finalize()
    token.pin_file.write_text("wrong-pin\n")
    with pytest.raises(SigningError, match="refused the PIN"):
        key.sign(b"text\n")
    with pytest.raises(SigningError, match="to try it again"):
        key.sign(b"text\n")
    token.pin_file.write_text(f"{PIN}\n")
    assert len(key.sign(b"text\n")) == 64


def test_a_pin_file_that_was_removed_refuses_signatures_only_when_it_is_needed(
    key: Pkcs11Key, token: SoftToken
) -> None:
    token.pin_file.unlink()
    assert len(key.sign(b"text\n")) == 64
    pkcs11.lib(str(MODULE)).finalize()
    with pytest.raises(SigningError, match="cannot be read"):
        key.sign(b"text\n")


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"\n", "empty"), (b"\xff", "UTF-8"), (None, "cannot be read")]
)
def test_a_pin_file_without_a_pin_says_why(token: SoftToken, content: bytes | None, why: str) -> None:
    token.pin_file.unlink()
    if content is not None:
        token.pin_file.write_bytes(content)
    with pytest.raises(KeyMaterialError, match=why):
        open_key(token.uri())


def test_a_token_that_is_not_there_says_how_to_list_those_that_are(token: SoftToken) -> None:
    with pytest.raises(SigningError, match=r"no token matches.*--list-slots"):
        open_key(token.uri().replace(TOKEN, "another"))


def test_a_key_that_is_not_there_says_so(token: SoftToken) -> None:
    generate_key(token.uri())
    with pytest.raises(SigningError, match="no such Ed25519 key"):
        open_key(token.uri("another"))


def test_several_tokens_of_one_name_have_to_be_told_apart(token: SoftToken) -> None:
    generate_key(token.uri())
    serial = pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).serial.decode()
    pkcs11.lib(str(MODULE)).finalize()
    add_token(TOKEN)
    with pytest.raises(SigningError, match="several tokens match"):
        open_key(token.uri())
    assert open_key(token.uri().replace("token=", f"serial={serial};token=")).public_key


def test_several_keys_of_one_name_have_to_be_told_apart(token: SoftToken) -> None:
    uris = [token.uri().replace("?", f";id=%0{number}?") for number in (1, 2)]
    public = [generate_key(uri) for uri in uris]
    with pytest.raises(SigningError, match="several keys in the token match"):
        open_key(token.uri())
    with pytest.raises(KeyMaterialError, match="already"):
        generate_key(token.uri())
    assert [open_key(uri).public_key for uri in uris] == public


def test_a_key_of_another_curve_is_refused(token: SoftToken) -> None:
    ed448 = bytes.fromhex("06032b6571")
    with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN) as session:
        session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS, {pkcs11.Attribute.EC_PARAMS: ed448}, local=True
        ).generate_keypair(store=True, label="signing-key", mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
    with pytest.raises(KeyMaterialError, match="not an Ed25519 key"):
        open_key(token.uri())


@pytest.mark.parametrize("module", ["/nowhere/libtoken.so", "/etc/passwd"])
def test_a_library_that_cannot_be_loaded_is_named(token: SoftToken, module: str) -> None:
    for use in (open_key, generate_key):
        with pytest.raises(SigningError, match=f"{module}.*module-path"):
            use(token.uri(module=Path(module)))


def test_neither_the_key_nor_its_uri_shows_the_pin(token: SoftToken) -> None:
    generate_key(token.uri())
    opened = open_key(token.uri(pin=PIN))
    parsed = Pkcs11Uri.parse(token.uri(pin=PIN))
    assert PIN not in f"{opened!r} {Signer(opened)!r} {parsed!r} {parsed}"
    assert "signing-key" in repr(opened)


def test_without_the_optional_package_the_message_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['pkcs11'] = None\n"
        "from server.notary.errors import KeyMaterialError\n"
        "from server.keys.pkcs11 import generate_key, open_key\n"
        "for use in (generate_key, open_key):\n"
        "    try: use('pkcs11:token=t;object=o?module-path=/m&pin-value=1')\n"
        "    except KeyMaterialError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.count("pip install 'lognotary[pkcs11]'") == 2
