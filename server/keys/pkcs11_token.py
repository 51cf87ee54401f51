"""Ed25519 keys in a PKCS #11 token (CKM_EDDSA, PKCS #11 v3.0, section 2.3): a session, signatures, a new key."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pkcs11
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pkcs11 import Attribute, Mechanism, ObjectClass

from server.keys.pkcs11_uri import Pkcs11Uri
from server.notary.errors import KeyMaterialError, NotaryError, SigningError
from server.notary.keys import KeyType

__all__ = ["CALLS", "Pkcs11Key", "explained", "generate", "open_session"]

# A library is initialised once for the whole process and without locks of its own, so calls must not overlap,
# whichever key they are for.
CALLS = threading.RLock()
"""The lock of all calls to PKCS #11 libraries."""

_ED25519_OID = bytes.fromhex("06032b6570")  # 1.3.101.112, RFC 8410
# The public key itself, or as an OCTET STRING or a BIT STRING: tokens differ.
_POINT_PREFIXES = (b"", b"\x04\x20", b"\x03\x21\x00")
# No note: the text of a note ends with a newline.
_SELF_TEST = b"Lognotary tries whether this key signs"
_REFUSED_PIN = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.PinExpired,
    pkcs11.UserPinNotInitialized,
)


class Pkcs11Key:
    """An Ed25519 private key in a token; a :class:`server.notary.signers.SigningKey`.

    A session is kept open. If the token is lost, the next signature tries once to reopen the session, and so does every
    later one.
    """

    def __init__(self, uri: Pkcs11Uri) -> None:
        """Open the key, read its public key, and make a test signature.

        Raises:
            KeyMaterialError: the PIN cannot be read, or the key is not an Ed25519 key.
            SigningError: the token, the key or its library cannot be reached, or the key cannot sign.
        """
        self._uri = uri
        self._refused_pin = ""
        self._public_key = b""
        self._session: pkcs11.Session | None = None
        self._private_key: pkcs11.SignMixin | None = None
        with CALLS:
            self._sign(_SELF_TEST)

    def __repr__(self) -> str:
        return f"<Pkcs11Key: {self._uri}>"

    @property
    def key_type(self) -> KeyType:
        """Ed25519."""
        return KeyType.ED25519

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """Sign a message; the signature has 64 bytes and has been verified.

        Raises:
            SigningError: the token cannot be reached or did not sign, even in a new session.
        """
        with CALLS:
            if self._session is not None:
                with contextlib.suppress(SigningError):
                    return self._sign(message)
            try:
                return self._sign(message)
            except KeyMaterialError as error:
                raise SigningError(str(error)) from error

    def close(self) -> None:
        """End the session with the token."""
        with CALLS:
            self._drop()

    def _sign(self, message: bytes) -> bytes:
        """Sign in the open session, or in a new one; an error closes the session."""
        try:
            with explained(self._uri):
                private_key = self._private_key or self._open()
                signature = private_key.sign(message, mechanism=Mechanism.EDDSA)
                # A stale handle may by now be another key's, and a broken token may sign wrongly.
                Ed25519PublicKey.from_public_bytes(self._public_key).verify(signature, message)
        except InvalidSignature as error:
            self._drop()
            raise SigningError(f"{self._uri}: the token's signature does not match its public key") from error
        except NotaryError:
            self._drop()
            raise
        return signature

    def _open(self) -> pkcs11.SignMixin:
        self._session = self._log_in()
        public_key = _read_public_key(self._session, self._uri)
        if public_key != (self._public_key or public_key):
            raise SigningError(f"{self._uri} is a different key than at startup: restart with the right token")
        self._public_key = public_key
        self._private_key = _find_private_key(self._session, self._uri)
        return self._private_key

    def _log_in(self) -> pkcs11.Session:
        pin = self._uri.read_pin()
        # Tokens lock themselves after a few wrong PINs, so one that was refused is never tried again.
        if pin == self._refused_pin:
            raise SigningError(f"{self._uri}: the token refused the PIN; correct it, or restart to try it again")
        try:
            return open_session(self._uri, pin)
        except _REFUSED_PIN:
            self._refused_pin = pin
            raise

    def _drop(self) -> None:
        if self._session is not None:
            with contextlib.suppress(pkcs11.PKCS11Error):
                self._session.close()
        self._session = self._private_key = None


def generate(uri: Pkcs11Uri) -> bytes:
    """Generate a non-extractable Ed25519 key in a token, and return its raw public key.

    Raises:
        KeyMaterialError: the PIN cannot be read, or the key exists already.
        SigningError: the token or its library cannot be reached, or cannot generate the key.
    """
    with CALLS, explained(uri), open_session(uri, uri.read_pin(), rw=True) as session:
        if _all(session, uri, ObjectClass.PRIVATE_KEY):
            raise KeyMaterialError(f"{uri} already exists: give the new key another label or ID")
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519_OID}, local=True
        )
        private = {
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.PRIVATE: True,
            Attribute.SIGN: True,
        }
        parameters.generate_keypair(
            id=uri.key_id or None,
            label=uri.label or None,
            store=True,
            mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            private_template=private,
        )
        return _read_public_key(session, uri)


@contextlib.contextmanager
def explained(uri: Pkcs11Uri) -> Iterator[None]:
    """Translate every error of the library into one that says what to do."""
    try:
        yield
    except pkcs11.PKCS11Error as error:
        raise SigningError(f"{uri}: {_explain(error, uri)}") from error


def _explain(error: pkcs11.PKCS11Error, uri: Pkcs11Uri) -> str:
    match error:
        case pkcs11.NoSuchToken():
            return f"no token matches; list the tokens with `pkcs11-tool --module {uri.module} --list-slots`"
        case pkcs11.MultipleTokensReturned():
            return "several tokens match: select one with serial=NUMBER"
        case pkcs11.PinLocked():
            return "the token locked its PIN after wrong attempts: its security officer must unlock it"
        case pkcs11.PinExpired() | pkcs11.UserPinNotInitialized():
            return "the token requires a new user PIN: set one"
        case pkcs11.PinIncorrect() | pkcs11.PinInvalid() | pkcs11.PinLenRange():
            return "the token refused the PIN: correct pin-source's file or pin-value"
        case pkcs11.MechanismInvalid():
            return "the token does not support Ed25519 (CKM_EDDSA)"
    return "the token failed: " + " ".join(filter(None, (type(error).__name__, str(error))))


def open_session(uri: Pkcs11Uri, pin: str, *, rw: bool = False) -> pkcs11.Session:
    """Log in to the token of a URI, within ``explained`` and with ``CALLS`` held."""
    try:
        library = pkcs11.lib(str(uri.module))
    except pkcs11.PKCS11Error as error:
        raise SigningError(
            f"{uri}: the library cannot be loaded: {error}; module-path must name the token's PKCS #11 library"
        ) from error
    try:
        token = library.get_token(
            token_label=uri.token or None, token_serial=uri.serial.encode() if uri.serial else None
        )
        try:
            return token.open(rw=rw, user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            # Another key of this process has logged in; that holds for all sessions with the token.
            return token.open(rw=rw)
    except pkcs11.PKCS11Error:
        # A library that lost its token often finds it again only after a new start. Other keys' sessions end with
        # this, and are opened again by their next signatures.
        with contextlib.suppress(pkcs11.PKCS11Error):
            library.finalize()
        raise


def _all(session: pkcs11.Session, uri: Pkcs11Uri, kind: ObjectClass) -> list[pkcs11.Object]:
    wanted: dict[Attribute, Any] = {Attribute.CLASS: kind, Attribute.KEY_TYPE: pkcs11.KeyType.EC_EDWARDS}
    if uri.label:
        wanted[Attribute.LABEL] = uri.label
    if uri.key_id:
        wanted[Attribute.ID] = uri.key_id
    return list(session.get_objects(wanted))


def _find(session: pkcs11.Session, uri: Pkcs11Uri, kind: ObjectClass) -> pkcs11.Object:
    found = _all(session, uri, kind)
    if not found:
        raise SigningError(f"{uri}: the token has no such Ed25519 key pair; create one with `lognotary keys generate`")
    if len(found) > 1:
        raise SigningError(f"{uri}: several keys in the token match: select one with id=%01")
    return found[0]


def _find_private_key(session: pkcs11.Session, uri: Pkcs11Uri) -> pkcs11.SignMixin:
    key = _find(session, uri, ObjectClass.PRIVATE_KEY)
    if not isinstance(key, pkcs11.SignMixin):
        raise KeyMaterialError(f"{uri} is not allowed to sign (CKA_SIGN)")
    return key


def _read_public_key(session: pkcs11.Session, uri: Pkcs11Uri) -> bytes:
    point: bytes = _find(session, uri, ObjectClass.PUBLIC_KEY)[Attribute.EC_POINT]
    for prefix in _POINT_PREFIXES:
        if point.startswith(prefix) and len(point) == len(prefix) + KeyType.ED25519.public_key_size:
            return point[len(prefix) :]
    raise KeyMaterialError(f"{uri} is not an Ed25519 key: its public key has {len(point)} bytes")
