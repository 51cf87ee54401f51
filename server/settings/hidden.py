"""Values of settings without the secrets in them."""

from __future__ import annotations

import re

from server.settings.table import SETTINGS, Kind
from storage.errors import StorageConfigError
from storage.url import parse_storage_url

__all__ = ["PIN_SOURCE", "PIN_VALUE", "URL_PASSWORD", "hide_secrets"]

URL_PASSWORD = re.compile(r"(//[^/?#]*:)[^/?#]+(?=@)")
"""The password of a URL, after a group with what is before it."""

PIN_VALUE = re.compile(r"(pin-value=)[^&,]+")
"""The PIN of a PKCS #11 URI (RFC 7512), after a group with what is before it."""

PIN_SOURCE = re.compile(r"pin-source=(?:file:)?(?://)?(/[^&,]+)")
"""The absolute path of the file with the PIN of a PKCS #11 URI, which may be encoded (%XX)."""

_PARAMETER = re.compile(r"(?<=[?&])([^=&]*(?:password|token|key|secret)[^=&]*=)[^&]*", re.IGNORECASE)
_BEGIN_OF_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*:/+|/*)", re.IGNORECASE)
_SECRET = frozenset(setting.name for setting in SETTINGS if setting.kind is Kind.SECRET)
_STARS = "***"


def hide_secrets(name: str, text: str) -> str:
    """Return the value of a setting without passwords, PINs and other secrets."""
    if name in _SECRET:
        return _STARS if text else ""
    for secret in (URL_PASSWORD, PIN_VALUE, _PARAMETER):
        text = secret.sub(rf"\1{_STARS}", text)
    return _hide_storage_password(text) if name == "storage" else text


def _hide_storage_password(text: str) -> str:
    """Hide the password of a storage URL, also in a text that is not one, because something in it is misspelt."""
    scheme, url = _split_scheme(text)
    before, at, host = url.rpartition("@")
    user, colon, _ = (before if at else url).partition(":")
    if at and colon:
        return f"{scheme}{user}:{_STARS}@{host}"
    if not (at or colon) or _is_storage_url(text):
        return text
    return f"{scheme}{_STARS}@{host}" if at else f"{scheme}{user}:{_STARS}"


def _split_scheme(text: str) -> tuple[str, str]:
    scheme = _BEGIN_OF_URL.match(text)
    end = scheme.end() if scheme else 0
    return text[:end], text[end:]


def _is_storage_url(text: str) -> bool:
    try:
        parse_storage_url(text)
    except StorageConfigError:
        return False
    return True
