"""PKCS #11 URIs (RFC 7512) of keys in hardware tokens, and the PIN that they name.

pkcs11:token=lognotary;object=signing-key?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/lognotary/pin
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from server.notary.errors import KeyMaterialError

__all__ = ["Pkcs11Uri"]

_SCHEME = "pkcs11:"
_ENCODED = r"%[0-9A-Fa-f]{2}"
_AVAILABLE = r"A-Za-z0-9\-._~:\[\]@!$'()*+,="
_PATH_VALUE = re.compile(rf"(?:[{_AVAILABLE}&]|{_ENCODED})+")
_QUERY_VALUE = re.compile(rf"(?:[{_AVAILABLE}/?|]|{_ENCODED})+")
_PATH_NAMES = ("token", "serial", "object", "id", "type")
_QUERY_NAMES = ("module-path", "pin-source", "pin-value")


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """Location of a private or secret key in a token, and how to access it.

    Attributes:
        module: the token's PKCS #11 library, an absolute path.
        token: the token's label; empty for any.
        serial: the token's serial number; empty for any.
        label: the key's label; empty for any.
        key_id: the key's ID; empty for any.
        pin_file: the file that holds the PIN.
        pin_value: the PIN, if there is no file.
    """

    module: Path
    token: str = ""
    serial: str = ""
    label: str = ""
    key_id: bytes = b""
    pin_file: Path | None = None
    pin_value: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return a description of the key, without the PIN."""
        token = " ".join(filter(None, (self.token, self.serial)))
        key = " ".join(filter(None, (self.label, self.key_id.hex())))
        return f"key {key!r} of token {token!r} ({self.module})"

    @classmethod
    def parse(cls, text: str, kind: str = "private") -> Pkcs11Uri:
        """Read a PKCS #11 URI; unknown parts are refused, never ignored.

        Args:
            text: the URI.
            kind: type of the key, ``private`` or ``secret-key``.

        Raises:
            KeyMaterialError: the text is not such a URI, or is incomplete. The message does not contain the PIN.
        """
        if not text.startswith(_SCHEME):
            raise KeyMaterialError(f"a PKCS #11 URI must begin with {_SCHEME!r}")
        path_text, _, query_text = text.removeprefix(_SCHEME).partition("?")
        path = _attributes(path_text, ";", _PATH_NAMES, _PATH_VALUE)
        query = _attributes(query_text, "&", _QUERY_NAMES, _QUERY_VALUE)
        if not ("token" in path or "serial" in path):
            raise KeyMaterialError("the PKCS #11 URI names no token: add token=LABEL or serial=NUMBER")
        if not ("object" in path or "id" in path):
            raise KeyMaterialError("the PKCS #11 URI names no key: add object=LABEL or id=%01")
        if path.get("type", kind.encode()) != kind.encode():
            name = kind.partition("-")[0]
            raise KeyMaterialError(f"the PKCS #11 URI must name a {name} key: omit type, or write type={kind}")
        if "module-path" not in query:
            raise KeyMaterialError("the PKCS #11 URI names no library: add ?module-path=/path/to/library.so")
        if ("pin-source" in query) == ("pin-value" in query):
            raise KeyMaterialError("the PKCS #11 URI needs either pin-source=file:/path/to/pin or pin-value=PIN")
        return cls(
            module=_absolute("module-path", _text(query, "module-path")),
            token=_text(path, "token"),
            serial=_text(path, "serial"),
            label=_text(path, "object"),
            key_id=path.get("id", b""),
            pin_file=_pin_file(_text(query, "pin-source")) if "pin-source" in query else None,
            pin_value=_text(query, "pin-value"),
        )

    def read_pin(self) -> str:
        """Return the PIN; one trailing line break in the file is not part of it.

        Raises:
            KeyMaterialError: the file cannot be read, or contains no PIN.
        """
        if self.pin_file is None:
            return self.pin_value
        try:
            content = self.pin_file.read_bytes()
        except OSError as error:
            raise KeyMaterialError(f"the PIN file {self.pin_file} cannot be read: {error.strerror}") from error
        pin = _decode(content, f"the PIN file {self.pin_file}").removesuffix("\n")
        if not pin:
            raise KeyMaterialError(f"the PIN file {self.pin_file} is empty: write the token's user PIN into it")
        return pin


def _attributes(
    text: str, separator: str, known: tuple[str, ...], value_pattern: re.Pattern[str]
) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        # The part itself may hold a PIN, so it is in no message.
        if not equals or name not in known:
            names = ", ".join(known)
            raise KeyMaterialError(
                f"a part of the PKCS #11 URI between {separator!r} is not NAME=VALUE with one of {names}"
            )
        if name in found:
            raise KeyMaterialError(f"the PKCS #11 URI has {name} twice")
        if not value_pattern.fullmatch(value):
            raise KeyMaterialError(
                f"the value of {name} in the PKCS #11 URI is empty or has characters that must be written as %XX"
            )
        found[name] = unquote_to_bytes(value)
    return found


def _text(attributes: Mapping[str, bytes], name: str) -> str:
    return _decode(attributes.get(name, b""), f"the value of {name} in the PKCS #11 URI")


def _decode(value: bytes, what: str) -> str:
    # No decoding error is raised: it would hold the value, which may be a PIN.
    text = value.decode(errors="replace")
    if text.encode() != value:
        raise KeyMaterialError(f"{what} is not UTF-8 text")
    if "\0" in text:
        raise KeyMaterialError(f"{what} contains a zero byte")
    return text


def _absolute(name: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise KeyMaterialError(f"{name} in the PKCS #11 URI is not an absolute path: {text!r}")
    return path


def _pin_file(source: str) -> Path:
    if source.startswith("|"):
        raise KeyMaterialError("pin-source cannot be a program: write the PIN to a file, pin-source=file:/path")
    path = source.removeprefix("file:")
    if path.startswith("//"):
        path = path.removeprefix("//") if path.startswith("///") else f"not on this host: {path}"
    return _absolute("pin-source", path)
