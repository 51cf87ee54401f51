"""Values of settings without the secrets in them."""

from __future__ import annotations

import re

from server.settings.table import SETTINGS, Kind

__all__ = ["PIN_SOURCE", "PIN_VALUE", "URL_PASSWORD", "hide_secrets"]

URL_PASSWORD = re.compile(r"(//[^/?#]*:)[^/?#]+(?=@)")
"""The password of a URL, after a group with what is before it."""

PIN_VALUE = re.compile(r"(pin-value=)[^&,]+")
"""The PIN of a PKCS #11 URI (RFC 7512), after a group with what is before it."""

PIN_SOURCE = re.compile(r"pin-source=(?:file:)?(?://)?(/[^&,]+)")
"""The absolute path of the file with the PIN of a PKCS #11 URI, which may be encoded (%XX)."""

_PARAMETER = re.compile(r"(?<=[?&])([^=&]*(?:password|token|key|secret)[^=&]*=)[^&]*", re.IGNORECASE)
_STORAGE_PASSWORD = re.compile(r"(//[^:@]*:).*(?=@)")  # even if it has characters that a URL cannot have
_SECRET = frozenset(setting.name for setting in SETTINGS if setting.kind is Kind.SECRET)
_STARS = "***"


def hide_secrets(name: str, text: str) -> str:
    """Return the value of a setting without passwords, PINs and other secrets."""
    if name in _SECRET:
        return _STARS if text else ""
    if name == "storage":
        text = _STORAGE_PASSWORD.sub(rf"\1{_STARS}", text)
    for secret in (URL_PASSWORD, PIN_VALUE, _PARAMETER):
        text = secret.sub(rf"\1{_STARS}", text)
    return text
