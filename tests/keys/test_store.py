"""The keys of a data directory: making and publishing them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from harness.lacking import lacking
from server.keys.store import KeyStore, KeyStoreError
from server.notary.keys import KeyType
from server.notary.signers import Ed25519Key, MlDsa44Key
from server.notary.trust import parse_public_keys
from tests.keys.key_stores import NAMES, mode_of, public


class TestFiles:
    def test_the_signing_key_is_made_once_and_only_its_owner_can_read_it(self, keys: Path) -> None:
        first = public(keys)
        assert public(keys) == first
        assert mode_of(keys) == 0o700
        assert mode_of(keys / "signing-key.pem") == 0o600
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
        assert mode_of(keys / "ml-dsa-44-key.pem") == 0o600
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
