"""The keys of a data directory, of which some are in PKCS #11 tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.keys.store import KeyStore, KeyStoreError
from server.notary.errors import KeyMaterialError, SigningError
from server.notary.signers import Ed25519Key, SigningKey
from tests.keys.key_stores import NAMES, ORIGIN, listed, public

TOKEN, FORMER = "pkcs11:token=a;object=now", "pkcs11:token=a;object=before"


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
