"""The login with which commands call the gRPC API, if they have no token."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from server.commands.api_channel import ApiTarget
from server.commands.logins_file import logins_file

__all__ = ["with_login"]


def with_login(target: ApiTarget) -> ApiTarget:
    """Return a server to call with the token of the login at it; as it is if there is none.

    Raises:
        LoginsFileError: the file of logins cannot be read or written.
        ProviderError: the token has expired, and the provider gives no new one.
    """
    if not logins_file().exists():
        return target
    # Imported here: a client of HTTP takes a tenth of a second, and few who run commands have a login.
    from server.commands.logins import client_of_provider, login_token

    host = target.address.rpartition(":")[0].strip("[]")
    with closing(client_of_provider()) as fetcher:
        return replace(target, token=login_token(host, fetcher, secure=target.tls))
