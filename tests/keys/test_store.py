"""The keys of a data directory: making, replacing and marking them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from harness.lacking import lacking
from server.keys.store import KeyStore, KeyStoreError, StoredKey
from server.notary.errors import KeyMaterialError, SigningError
from server.notary.keys import KeyType, VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, SigningKey
from server.notary.trust import fingerprint, parse_public_keys

NAMES = [LogName("shop", stream, "node-1") for stream in Stream]
ORIGIN = NAMES[0].origin
SECOND = 10**9
TOKEN, FORMER = "pkcs11:token=a;object=now", "pkcs11:token=a;object=before"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


class Tokens:
    """Opener of keys in tokens that remembers which keys were opened."""

    def __init__(self) -> None:
        self.keys: dict[str, SigningKey] = {uri: Ed25519Key.generate() for uri in (TOKEN, FORMER)}
        self.opened: list[str] = []

    def open(self, uri: str) -> SigningKey:
        self.opened.append(uri)
        if uri not in self.keys:
            raise SigningError(f"there is no key {uri}")
        return self.keys[uri]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def public(directory: Path, *, ml_dsa: bool = False) -> list[VerifierKey]:
    return [*KeyStore(directory, ml_dsa=ml_dsa).signer().verifier_keys(ORIGIN)]


def listed(store: KeyStore) -> list[StoredKey]:
    return store.keys()


class TestFiles:
    def test_the_signing_key_is_made_once_and_only_its_owner_can_read_it(self, keys: Path) -> None:
        first = public(keys)
        assert public(keys) == first
        assert mode(keys) == 0o700
        assert mode(keys / "signing-key.pem") == 0o600
        assert [file.name for file in keys.iterdir()] == ["signing-key.pem"]

    def test_a_store_that_was_never_used_has_no_keys_and_makes_none_when_it_is_looked_at(self, keys: Path) -> None:
        store = KeyStore(keys, ml_dsa=True)
        assert store.keys() == []
        assert store.trusted().unnamed == ()
        assert store.compromised() == {}
        assert not keys.exists()

    def test_a_second_key_is_made_when_it_is_wanted_and_not_used_when_not(self, keys: Path) -> None:
        [ed25519] = public(keys)
        both = public(keys, ml_dsa=True)
        assert [key.key_type for key in both] == [KeyType.ED25519, KeyType.ML_DSA_44]
        assert both[0] == ed25519
        assert mode(keys / "ml-dsa-44-key.pem") == 0o600
        assert public(keys, ml_dsa=True) == both
        assert public(keys) == [ed25519]

    @pytest.mark.parametrize("file", ["signing-key.pem", "ml-dsa-44-key.pem", "retired/0123456789abcdef.pem"])
    @pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", "another"])
    def test_a_damaged_key_is_refused_and_left_as_it_is(self, keys: Path, file: str, content: bytes | str) -> None:
        public(keys, ml_dsa=True)
        (keys / "retired").mkdir()
        if content == "another":  # of a kind that does not belong there
            if file.startswith("retired"):
                content = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
            else:
                kind = MlDsa44Key if file == "signing-key.pem" else Ed25519Key
                content = kind.generate().to_pem()
        assert isinstance(content, bytes)
        (keys / file).write_bytes(content)
        (keys / file).chmod(0o600)
        store = KeyStore(keys, ml_dsa=True)
        with pytest.raises(KeyStoreError, match=rf"{file.replace('.', '[.]')} cannot be used, .* from a backup"):
            store.keys()
        with pytest.raises(KeyStoreError):
            store.trusted()
        if not file.startswith("retired"):
            with pytest.raises(KeyStoreError):
                store.signer()
            with pytest.raises(KeyStoreError):
                store.rotate()
        assert (keys / file).read_bytes() == content

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666, 0o777])
    @pytest.mark.parametrize("file", ["signing-key.pem", "ml-dsa-44-key.pem", "retired"])
    def test_a_private_key_that_others_can_read_is_refused_with_what_to_do(
        self, keys: Path, file: str, mode: int
    ) -> None:
        store = KeyStore(keys, ml_dsa=True)
        store.signer()
        store.rotate()
        path = next((keys / file).iterdir()) if file == "retired" else keys / file
        path.chmod(mode)
        for read in (store.keys, store.trusted):
            with pytest.raises(KeyStoreError, match=f"{path} can be read by others .mode {mode:04o}.*chmod 600 {path}"):
                read()
        path.chmod(0o400)
        assert len(store.keys()) == 4

    def test_a_key_of_another_owner_may_be_readable_by_its_group_but_not_by_everyone(self, keys: Path) -> None:
        if os.getuid() != 0:
            lacking("only root can give a file to another owner")
        store = KeyStore(keys)
        store.signer()
        os.chown(keys / "signing-key.pem", 12345, -1)
        (keys / "signing-key.pem").chmod(0o440)
        store.signer()
        (keys / "signing-key.pem").chmod(0o444)
        with pytest.raises(KeyStoreError, match="can be read by others"):
            store.signer()

    @pytest.mark.parametrize("left", ["public-key.pem", "retired"])
    def test_a_key_that_was_lost_is_not_replaced_by_a_new_one(self, keys: Path, left: str) -> None:
        store = KeyStore(keys)
        store.signer()
        if left == "retired":
            store.rotate()
        else:
            store.publish(NAMES)
        (keys / "signing-key.pem").unlink()
        before = {file: file.read_bytes() for file in keys.rglob("*") if file.is_file()}
        with pytest.raises(KeyStoreError, match=r"signing-key\.pem is missing, but .*restore it"):
            KeyStore(keys).signer()
        assert {file: file.read_bytes() for file in keys.rglob("*") if file.is_file()} == before

    def test_a_key_that_is_in_use_is_not_replaced_by_a_new_one(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.signer()
        shutil.rmtree(keys)
        with pytest.raises(KeyStoreError, match=r"signing-key\.pem is missing, but this server signs with it: restore"):
            store.signer()
        assert not (keys / "signing-key.pem").exists()

    def test_a_second_key_that_was_published_is_not_replaced_by_a_new_one(self, keys: Path) -> None:
        store = KeyStore(keys, ml_dsa=True)
        store.publish(NAMES)
        (keys / "ml-dsa-44-key.pem").unlink()
        with pytest.raises(KeyStoreError, match=r"ml-dsa-44-key\.pem is missing, but its public key was published"):
            KeyStore(keys, ml_dsa=True).signer()
        assert KeyStore(keys).signer().ml_dsa is None

    def test_a_directory_that_everybody_may_write_is_refused(self, keys: Path) -> None:
        KeyStore(keys).signer()
        keys.chmod(0o777)
        with pytest.raises(KeyStoreError, match=r"everybody may write the directory of keys .*0777.* chmod 700"):
            KeyStore(keys).signer()
        for mode in (0o1777, 0o750):  # a mounted secret is sticky
            keys.chmod(mode)
            assert KeyStore(keys).signer()

    def test_a_directory_that_cannot_be_made_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(KeyStoreError, match="keys cannot be written: not a directory"):
            KeyStore(tmp_path / "file" / "keys").signer()

    def test_where_cryptography_cannot_do_ml_dsa_it_is_said(self, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Unable:
            @staticmethod
            def generate() -> None:
                raise UnsupportedAlgorithm("no ML-DSA here")

        monkeypatch.setattr("server.notary.signers.MLDSA44PrivateKey", Unable)
        with pytest.raises(KeyStoreError, match="no ML-DSA here"):
            KeyStore(keys, ml_dsa=True).signer()


class TestPublish:
    def test_public_keys_are_written_as_pem_and_as_verifier_keys_of_all_logs(self, keys: Path) -> None:
        store = KeyStore(keys, ml_dsa=True)
        store.publish(NAMES)
        signer = store.signer()
        assert (keys / "public-key.pem").read_bytes() == signer.public_pem()
        read = parse_public_keys([(keys / "verifier-keys.txt").read_text()])
        assert list(read.named) == [key for name in NAMES for key in signer.verifier_keys(name.origin)]

    def test_after_a_rotation_the_new_ones_are_written(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.publish(NAMES)
        before = (keys / "public-key.pem").read_text()
        store.rotate()
        store.publish(NAMES)
        assert (keys / "public-key.pem").read_text() != before

    def test_what_cannot_be_written_is_an_error(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.signer()
        (keys / "public-key.pem").mkdir()
        with pytest.raises(KeyStoreError, match="cannot be written"):
            store.publish(NAMES)


class TestRotation:
    def test_the_old_key_is_kept_and_the_new_one_signs(self, keys: Path) -> None:
        store = KeyStore(keys)
        [old] = store.signer().verifier_keys(ORIGIN)
        before, after = store.rotate()
        [new] = store.signer().verifier_keys(ORIGIN)
        assert (before.public_key, after.public_key) == (old.public_key, new.public_key)
        assert old != new
        retired = keys / "retired" / f"{before.fingerprint}.pem"
        assert (mode(retired), mode(retired.parent), mode(keys / "signing-key.pem")) == (0o600, 0o700, 0o600)
        assert [(key.fingerprint, key.current) for key in listed(store)] == [
            (after.fingerprint, True),
            (before.fingerprint, False),
        ]
        assert store.trusted().unnamed == (new.public_key, old.public_key)

    def test_the_second_key_is_replaced_too(self, keys: Path) -> None:
        store = KeyStore(keys, ml_dsa=True)
        old = store.signer().verifier_keys(ORIGIN)
        store.rotate()
        new = store.signer().verifier_keys(ORIGIN)
        assert not set(old) & set(new)
        assert len(list((keys / "retired").iterdir())) == 2
        assert [(key.algorithm, key.current) for key in listed(store)][:2] == [("Ed25519", True), ("ML-DSA-44", True)]

    def test_signatures_can_be_made_by_all_keys_there_ever_were(self, keys: Path) -> None:
        store = KeyStore(keys, ml_dsa=True)
        generations = [store.signer().verifier_keys(ORIGIN)]
        for _ in range(3):
            store.rotate()
            generations.append(store.signer().verifier_keys(ORIGIN))
        for generation in generations:
            signer = KeyStore(keys).signer_of(generation)
            assert signer.verifier_keys(ORIGIN) == generation
            assert signer.sign(f"{ORIGIN}\n1\n{43 * 'A'}=\n", "a-name").verify(signer.verifier_keys("a-name"))
        assert KeyStore(keys).signer_of(generations[0][:1]).verifier_keys(ORIGIN) == generations[0][:1]

    def test_a_key_that_is_not_here_is_named_with_what_to_do(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.signer()
        wanted = VerifierKey(ORIGIN, Ed25519Key.generate().public_key)
        with pytest.raises(KeyStoreError, match=rf"{ORIGIN}.*{fingerprint(wanted.public_key)}.*'retired'"):
            store.signer_of([wanted])

    def test_there_is_nothing_to_rotate_before_the_first_start(self, keys: Path) -> None:
        with pytest.raises(KeyStoreError, match="at its first start"):
            KeyStore(keys).rotate()
        assert not keys.exists()

    def test_a_rotation_that_cannot_keep_the_old_key_leaves_it_in_place(self, keys: Path) -> None:
        [old] = public(keys)
        (keys / "retired").write_text("in the way")
        with pytest.raises(KeyStoreError):
            KeyStore(keys).rotate()
        (keys / "retired").unlink()
        assert public(keys) == [old]


class TestCompromised:
    def test_a_mark_is_remembered_to_the_second(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.signer()
        old, new = store.rotate()
        store.mark_compromised(old.fingerprint, 1_790_000_000 * SECOND + 5)
        assert KeyStore(keys).compromised() == {old.fingerprint: 1_790_000_000 * SECOND}
        assert (keys / "compromised").read_text() == f"{old.fingerprint} 2026-09-21T14:13:20+00:00\n"
        assert store.trusted().compromised == store.compromised()
        assert {key.fingerprint: key.compromised for key in listed(store)} == {
            old.fingerprint: 1_790_000_000 * SECOND,
            new.fingerprint: None,
        }

    def test_marks_are_kept_together_and_may_be_corrected(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.signer()
        old, new = store.rotate()
        store.mark_compromised(old.fingerprint, 5 * SECOND)
        store.mark_compromised(new.fingerprint, 6 * SECOND)
        store.mark_compromised(old.fingerprint, 4 * SECOND)
        assert store.compromised() == {old.fingerprint: 4 * SECOND, new.fingerprint: 6 * SECOND}

    def test_an_unknown_key_cannot_be_marked(self, keys: Path) -> None:
        store = KeyStore(keys)
        store.signer()
        with pytest.raises(KeyStoreError, match=r"no key 0123456789abcdef.*keys list"):
            store.mark_compromised("0123456789abcdef", 0)
        assert not (keys / "compromised").exists()

    @pytest.mark.parametrize("text", ["one", "a b c", "a yesterday", "\x00", "0123456789abcdef 2026-99-01"])
    def test_a_damaged_file_is_refused(self, keys: Path, text: str) -> None:
        store = KeyStore(keys)
        store.signer()
        (keys / "compromised").write_text(text)
        for read in (store.compromised, store.trusted, store.keys):
            with pytest.raises(KeyStoreError, match="compromised cannot be read"):
                read()


class TestTokens:
    def test_the_key_of_a_token_signs_and_is_opened_once(self, keys: Path) -> None:
        tokens = Tokens()
        store = KeyStore(keys, token_uri=TOKEN, former_uris=[FORMER], open_token=tokens.open)
        for _ in range(2):
            assert store.signer().ed25519 is tokens.keys[TOKEN]
            store.publish(NAMES)
        assert store.trusted().unnamed == (tokens.keys[TOKEN].public_key, tokens.keys[FORMER].public_key)
        assert tokens.opened == [TOKEN, FORMER]
        assert not (keys / "signing-key.pem").exists()

    def test_they_are_listed_with_their_uris(self, keys: Path) -> None:
        store = KeyStore(keys, token_uri=TOKEN, former_uris=[FORMER], open_token=Tokens().open)
        assert [(key.place, key.current) for key in listed(store)] == [(TOKEN, True), (FORMER, False)]

    def test_a_key_in_a_file_that_moved_to_a_token_counts_as_replaced(self, keys: Path) -> None:
        [old] = public(keys)
        tokens = Tokens()
        store = KeyStore(keys, token_uri=TOKEN, open_token=tokens.open)
        assert [key.current for key in listed(store)] == [True, False]
        assert store.signer_of([old]).verifier_keys(ORIGIN) == (old,)

    def test_the_second_key_is_in_a_file_beside_it(self, keys: Path) -> None:
        signer = KeyStore(keys, token_uri=TOKEN, ml_dsa=True, open_token=Tokens().open).signer()
        assert len(signer.verifier_keys(ORIGIN)) == 2
        assert [file.name for file in keys.iterdir()] == ["ml-dsa-44-key.pem"]

    def test_it_is_replaced_by_hand(self, keys: Path) -> None:
        with pytest.raises(KeyStoreError, match="create another there"):
            KeyStore(keys, token_uri=TOKEN, open_token=Tokens().open).rotate()

    @pytest.mark.parametrize("error", [SigningError("the token is away"), KeyMaterialError("the URI is wrong")])
    def test_a_token_that_cannot_be_used_is_said_and_tried_again(self, keys: Path, error: Exception) -> None:
        trouble: list[Exception] = [error]

        def open_token(_: str) -> SigningKey:
            if trouble:
                raise trouble.pop()
            return Ed25519Key.generate()

        store = KeyStore(keys, token_uri=TOKEN, open_token=open_token)
        with pytest.raises(KeyStoreError, match=str(error)):
            store.signer()
        assert store.signer().verifier_keys(ORIGIN) == store.signer().verifier_keys(ORIGIN)

    def test_without_support_for_tokens_it_is_said(self, keys: Path) -> None:
        with pytest.raises(KeyStoreError, match="keys in tokens cannot be used here"):
            KeyStore(keys, token_uri=TOKEN).signer()
