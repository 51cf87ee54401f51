"""The keys of a data directory: replacing and marking them."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.keys.store import KeyStore, KeyStoreError
from server.notary.keys import VerifierKey
from server.notary.signers import Ed25519Key
from server.notary.trust import fingerprint
from tests.keys.key_stores import ORIGIN, listed, mode_of, public

SECOND = 10**9


class TestRotation:
    def test_the_old_key_is_kept_and_the_new_one_signs(self, keys: Path) -> None:
        store = KeyStore(keys)
        [old] = store.signer().verifier_keys(ORIGIN)
        before, after = store.rotate()
        [new] = store.signer().verifier_keys(ORIGIN)
        assert (before.public_key, after.public_key) == (old.public_key, new.public_key)
        assert old != new
        retired = keys / "retired" / f"{before.fingerprint}.pem"
        assert (mode_of(retired), mode_of(retired.parent), mode_of(keys / "signing-key.pem")) == (0o600, 0o700, 0o600)
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
