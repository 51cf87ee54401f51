"""Logins on the command line: the device authorization grant (RFC 8628), and renewed tokens (RFC 6749, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.login.errors import ProviderError
from server.login.fetching import Fetcher
from server.login.provider import DISCOVERY, Metadata, parse_metadata
from server.settings.secure_urls import is_safe_url

__all__ = ["Device", "Tokens", "begin_device", "discover", "renew", "revoke", "wait_for_tokens"]

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0  # seconds between two questions, if the provider does not say: RFC 8628, section 3.2
_SLOWER = 5.0  # seconds more after slow_down: section 3.5
_LONGEST = 3600.0  # seconds


@dataclass(frozen=True, slots=True, repr=False)
class Device:
    """Login that waits for a person; without ``repr``, so that its code gets into no message.

    Attributes:
        code: secret of the waiting program.
        user_code: code that the person enters.
        page: page on which the person enters it.
        page_with_code: page that has the code already; empty if there is none.
        seconds: seconds that the person has.
        interval: seconds between two questions.
    """

    code: str
    user_code: str
    page: str
    page_with_code: str
    seconds: float
    interval: float


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """Tokens of a person; without ``repr``, so that they get into no message.

    Attributes:
        id_token: token that the server accepts.
        refresh_token: token that gives new ones; empty if there is none.
    """

    id_token: str
    refresh_token: str


def discover(fetcher: Fetcher, issuer: str) -> Metadata:
    """Return the metadata of a provider.

    Raises:
        ProviderError: the provider cannot be used.
    """
    try:
        return parse_metadata(fetcher.get(issuer.rstrip("/") + DISCOVERY), issuer)
    except ValueError as error:
        raise ProviderError(f"the OpenID provider {issuer} cannot be used: {error}") from error


def begin_device(fetcher: Fetcher, metadata: Metadata, client_id: str, scopes: Sequence[str]) -> Device:
    """Return a login that has begun.

    Raises:
        ProviderError: the provider has no such logins, or not for this client.
    """
    if not metadata.device_authorization_endpoint:
        raise ProviderError(f"the OpenID provider {metadata.issuer} has no device authorization grant (RFC 8628)")
    form = {"client_id": client_id, "scope": " ".join(scopes)}
    answer = fetcher.post(metadata.device_authorization_endpoint, form)
    page = _text(answer, "verification_uri")
    with_code = answer.get("verification_uri_complete", "")
    return Device(
        code=_text(answer, "device_code"),
        user_code=_text(answer, "user_code"),
        page=page,
        page_with_code=with_code if isinstance(with_code, str) and is_safe_url(with_code) else "",
        seconds=_seconds(answer, "expires_in", _LONGEST),
        interval=_seconds(answer, "interval", _INTERVAL),
    )


def wait_for_tokens(
    fetcher: Fetcher, metadata: Metadata, client_id: str, device: Device, wait: Callable[[float], None]
) -> Tokens:
    """Return the tokens of the person who logged in.

    Args:
        fetcher: client that asks the provider.
        metadata: metadata of the provider.
        client_id: ID of this program as a client.
        device: the login that has begun.
        wait: function that waits for some seconds.

    Raises:
        ProviderError: the person refused, or took too long.
    """
    form = {"grant_type": _GRANT, "device_code": device.code, "client_id": client_id}
    waited, interval = 0.0, device.interval
    while waited < device.seconds:
        wait(interval)
        waited += interval
        answer = fetcher.post(metadata.token_endpoint, form)
        error = answer.get("error")
        if error is None:
            return _tokens(answer, "")
        if error == "slow_down":
            interval += _SLOWER
        elif error != "authorization_pending":
            raise ProviderError(f"the login failed: {_printable(error)}")
    raise ProviderError("nobody logged in within the time that the provider gives: run the command again")


def renew(fetcher: Fetcher, metadata: Metadata, client_id: str, refresh_token: str) -> Tokens:
    """Return new tokens.

    Raises:
        ProviderError: the provider gives none: the person has to log in again.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
    answer = fetcher.post(metadata.token_endpoint, form)
    if "error" in answer:
        raise ProviderError(f"the login has ended ({_printable(answer['error'])}): run 'lognotary login'")
    return _tokens(answer, refresh_token)


def revoke(fetcher: Fetcher, metadata: Metadata, client_id: str, refresh_token: str) -> None:
    """Have the provider forget a login (RFC 7009), if it can.

    Raises:
        ProviderError: the provider cannot be reached.
    """
    if metadata.revocation_endpoint and refresh_token:
        form = {"token": refresh_token, "token_type_hint": "refresh_token", "client_id": client_id}
        fetcher.post(metadata.revocation_endpoint, form)


def _tokens(answer: Mapping[str, Any], refresh_token: str) -> Tokens:
    renewed = answer.get("refresh_token", refresh_token)
    return Tokens(_text(answer, "id_token"), renewed if isinstance(renewed, str) else "")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        reason = f": {_printable(answer['error'])}" if "error" in answer else ""
        raise ProviderError(f"the OpenID provider gave no {name}{reason}")
    return value


def _seconds(answer: Mapping[str, Any], name: str, usual: float) -> float:
    value = answer.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
        return usual
    return float(value)


def _printable(error: object) -> str:
    text = str(error)[:100]
    return text if text.isprintable() else "its error cannot be printed"
