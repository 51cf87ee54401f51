"""Keys in hardware: entry point to PKCS #11 tokens.

The library that accesses tokens is optional, and is loaded only when such a key is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.keys.pkcs11_uri import Pkcs11Uri
from server.notary.errors import KeyMaterialError

if TYPE_CHECKING:
    from server.keys.pkcs11_secret import SecretKey
    from server.keys.pkcs11_token import Pkcs11Key

__all__ = ["generate_key", "generate_secret_key", "open_key", "open_secret_key"]


def open_key(uri: str) -> Pkcs11Key:
    """Open the Ed25519 key that a PKCS #11 URI names, and make a test signature.

    Raises:
        KeyMaterialError: the URI is invalid, the key is not an Ed25519 key, or PKCS #11 support is not installed.
        SigningError: the token, the key or its library cannot be reached, or the key cannot sign.
    """
    parsed = Pkcs11Uri.parse(uri)
    _require_support()
    from server.keys.pkcs11_token import Pkcs11Key

    return Pkcs11Key(parsed)


def generate_key(uri: str) -> bytes:
    """Generate an Ed25519 key in a token, under the label and ID that a PKCS #11 URI names.

    The private key is generated in the token and cannot leave it.

    Returns:
        The raw public key, 32 bytes.

    Raises:
        KeyMaterialError: the URI is invalid, the key exists already, or PKCS #11 support is not installed.
        SigningError: the token or its library cannot be reached, or cannot generate the key.
    """
    parsed = Pkcs11Uri.parse(uri)
    _require_support()
    from server.keys.pkcs11_token import generate

    return generate(parsed)


def open_secret_key(uri: str) -> SecretKey:
    """Open the AES key that a PKCS #11 URI names, and try it.

    Raises:
        KeyMaterialError: the URI is invalid, the key is not an AES key, or PKCS #11 support is not installed.
        SigningError: the token, the key or its library cannot be reached, or the key cannot encrypt.
    """
    parsed = Pkcs11Uri.parse(uri, "secret-key")
    _require_support()
    from server.keys.pkcs11_secret import SecretKey

    return SecretKey(parsed)


def generate_secret_key(uri: str) -> None:
    """Generate an AES-256 key in a token, under the label and ID that a PKCS #11 URI names; it cannot leave the token.

    Raises:
        KeyMaterialError: the URI is invalid, the key exists already, or PKCS #11 support is not installed.
        SigningError: the token or its library cannot be reached, or cannot generate the key.
    """
    parsed = Pkcs11Uri.parse(uri, "secret-key")
    _require_support()
    from server.keys.pkcs11_secret import generate_secret

    generate_secret(parsed)


def _require_support() -> None:
    try:
        import pkcs11  # noqa: F401 - whether it is there
    except ImportError as error:
        raise KeyMaterialError(
            "keys in hardware need PKCS #11 support, which is not installed: pip install 'lognotary[pkcs11]'"
        ) from error
