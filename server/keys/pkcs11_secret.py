"""AES keys in a PKCS #11 token, which encrypt other keys (CKM_AES_GCM, PKCS #11 v2.40, section 2.12.7)."""

from __future__ import annotations

import secrets
from typing import Any

import pkcs11
from pkcs11 import Attribute, GCMParams, Mechanism, ObjectClass

from server.keys.pkcs11_token import CALLS, explained, open_session
from server.keys.pkcs11_uri import Pkcs11Uri
from server.notary.errors import KeyMaterialError, SigningError

__all__ = ["SecretKey", "generate_secret"]

_NONCE = 12  # bytes
_CONTEXT = b"Lognotary journal key"


class SecretKey:
    """An AES-256 key in a token, for few and short messages; each call has a session of its own."""

    def __init__(self, uri: Pkcs11Uri) -> None:
        """Find the key, and try it.

        Raises:
            KeyMaterialError: the PIN cannot be read, or the key is not an AES key that encrypts and decrypts.
            SigningError: the token, the key or its library cannot be reached.
        """
        self._uri = uri
        message = secrets.token_bytes(_NONCE)
        if self.decrypt(self.encrypt(message)) != message:
            raise KeyMaterialError(f"{uri}: the token does not decrypt what it encrypted")

    def encrypt(self, message: bytes) -> bytes:
        """Encrypt a message.

        Raises:
            SigningError: the token cannot be reached, or the key cannot encrypt.
        """
        nonce = secrets.token_bytes(_NONCE)
        with CALLS, explained(self._uri), open_session(self._uri, self._uri.read_pin()) as session:
            encrypted: bytes = _find(session, self._uri).encrypt(
                message, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, aad=_CONTEXT)
            )
        return nonce + encrypted

    def decrypt(self, data: bytes) -> bytes | None:
        """Decrypt a message; None if it was encrypted with another key.

        Raises:
            SigningError: the token cannot be reached, or the key cannot decrypt.
        """
        parameters = GCMParams(data[:_NONCE], aad=_CONTEXT)
        with CALLS, explained(self._uri), open_session(self._uri, self._uri.read_pin()) as session:
            key = _find(session, self._uri)
            try:
                message: bytes = key.decrypt(data[_NONCE:], mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
            except (pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange, pkcs11.GeneralError):
                return None
        return message


def generate_secret(uri: Pkcs11Uri) -> None:
    """Generate a non-extractable AES-256 key in a token.

    Raises:
        KeyMaterialError: the PIN cannot be read, or the key exists already.
        SigningError: the token or its library cannot be reached, or cannot generate the key.
    """
    with CALLS, explained(uri), open_session(uri, uri.read_pin(), rw=True) as session:
        if _all(session, uri):
            raise KeyMaterialError(f"{uri} already exists: give the new key another label or ID")
        session.generate_key(
            pkcs11.KeyType.AES,
            256,
            id=uri.key_id or None,
            label=uri.label or None,
            store=True,
            template={
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.PRIVATE: True,
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
            },
        )


def _all(session: pkcs11.Session, uri: Pkcs11Uri) -> list[Any]:
    wanted: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: pkcs11.KeyType.AES}
    if uri.label:
        wanted[Attribute.LABEL] = uri.label
    if uri.key_id:
        wanted[Attribute.ID] = uri.key_id
    return list(session.get_objects(wanted))


def _find(session: pkcs11.Session, uri: Pkcs11Uri) -> Any:  # of no class with all operations
    found = _all(session, uri)
    if not found:
        raise SigningError(f"{uri}: the token has no such AES key; create one with `lognotary journal key`")
    if len(found) > 1:
        raise SigningError(f"{uri}: several keys in the token match: select one with id=%01")
    return found[0]
