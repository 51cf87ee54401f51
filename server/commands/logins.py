"""Logins that ``lognotary login`` has kept: a file that only its owner can read, in the user's configuration."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from server.access.requirement import is_loopback
from server.commands.logins_file import logins_file
from server.data_dir.atomic_files import replace_file
from server.data_dir.locked_files import locked
from server.errors.base import LognotaryError
from server.errors.files import unreadable, unwritable
from server.login.device_flow import discover, renew
from server.login.fetching import Fetcher

__all__ = ["KeptLogin", "LoginsFileError", "client_of_provider", "fresh", "keep", "kept", "login_token"]

_EARLY = 60.0  # seconds before its expiry at which a token is renewed


class LoginsFileError(LognotaryError):
    """The file of logins cannot be read or written."""


@dataclass(frozen=True, slots=True, repr=False)
class KeptLogin:
    """Login at a server; without ``repr``, so that its tokens get into no message.

    Attributes:
        issuer: issuer of the tokens.
        client_id: ID of the client that the tokens are for.
        id_token: token that the server accepts.
        refresh_token: token that gives new ones; empty if there is none.
    """

    issuer: str
    client_id: str
    id_token: str
    refresh_token: str


def client_of_provider() -> Fetcher:
    """Return a client of OpenID providers, which trusts the authorities of the system or of ``SSL_CERT_FILE``."""
    return Fetcher(None, "the variable SSL_CERT_FILE")


def kept(file: Path) -> dict[str, KeptLogin]:
    """Return the logins of a file by the URL of their server; none if there is no file.

    Raises:
        LoginsFileError: the file cannot be read, or others can read it.
    """
    try:
        if file.stat().st_mode & 0o077:
            raise LoginsFileError(f"{file} can be read by other users: run chmod 600 {file}, and log in again")
        return {url: KeptLogin(**login) for url, login in json.loads(file.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LoginsFileError(unreadable(file, error)) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise LoginsFileError(f"{file} is damaged: remove it, and log in again") from error


def keep(file: Path, url: str, login: KeptLogin | None) -> None:
    """Keep a login for a server, or forget it.

    Args:
        file: the file.
        url: URL of the server.
        login: the login; None to forget it.

    Raises:
        LoginsFileError: the file cannot be read or written.
    """
    with _excluding_others(file):
        _replace(file, url, login)


@contextlib.contextmanager
def _excluding_others(file: Path) -> Iterator[None]:
    """Exclude other commands that change the file until the block ends."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(file))
        except OSError as error:
            raise LoginsFileError(unwritable(file, error)) from error
        yield


def _replace(file: Path, url: str, login: KeptLogin | None) -> None:
    logins = kept(file)
    logins.pop(url, None)
    if login is not None:
        logins[url] = login
    try:
        content = {each: asdict(entry) for each, entry in logins.items()}
        replace_file(file, json.dumps(content, indent=2), mode=0o600)
    except OSError as error:
        raise LoginsFileError(unwritable(file, error)) from error


def fresh(file: Path, url: str, fetcher: Fetcher) -> KeptLogin | None:
    """Return the login for a server, with a token that is still valid; None if there is none.

    Of several commands at once, one renews the token, and the others wait for it: a provider that gives a new refresh
    token each time takes a second use of the same one for theft, and ends the login (RFC 9700, section 4.14.2).

    Raises:
        LoginsFileError: the file cannot be read or written.
        ProviderError: the token has expired, and the provider gives no new one.
    """
    login = kept(file).get(url)
    if login is None or not _is_to_be_renewed(login):
        return login
    with _excluding_others(file):
        login = kept(file).get(url)
        if login is None or not _is_to_be_renewed(login):
            return login
        tokens = renew(fetcher, discover(fetcher, login.issuer), login.client_id, login.refresh_token)
        login = replace(login, id_token=tokens.id_token, refresh_token=tokens.refresh_token)
        _replace(file, url, login)
        return login


def _is_to_be_renewed(login: KeptLogin) -> bool:
    return bool(login.refresh_token) and _expiry(login.id_token) - _EARLY <= time.time()


def _expiry(token: str) -> float:
    """Return the time at which a token expires, in seconds since the epoch; 0 if that cannot be read."""
    try:
        part = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError, RecursionError):
        return 0.0


def login_token(host: str, fetcher: Fetcher, *, secure: bool, file: Path | None = None) -> str:
    """Return a valid token of the login at a server; empty if there is no login on its host, or there are several.

    Args:
        host: host name of the server, such as the host of its gRPC API.
        fetcher: client that asks the provider.
        secure: True if the token will be sent over TLS; otherwise, it is only given for this machine.
        file: the file; None for the usual one.

    Raises:
        LoginsFileError: the file cannot be read or written.
        ProviderError: the token has expired, and the provider gives no new one.
    """
    path = file or logins_file()
    urls = [url for url in kept(path) if urlsplit(url).hostname == host]
    if len(urls) != 1 or not (secure or is_loopback(host)):
        return ""
    login = fresh(path, urls[0], fetcher)
    return login.id_token if login else ""
