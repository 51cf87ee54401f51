"""``lognotary login``, ``logout`` and ``whoami``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from http import HTTPStatus
from typing import Any

from server.access.callers import CallerKind
from server.commands.api_token import NO_CREDENTIALS, WRONG_CREDENTIALS
from server.commands.http_server import client_of_server, given_token, given_url
from server.commands.logins import KeptLogin, client_of_provider, fresh, keep, kept
from server.commands.logins_file import logins_file
from server.commands.output import complain, say, say_json
from server.login.device_flow import begin_device, discover, revoke, wait_for_tokens
from server.login.errors import ProviderError
from server.login.fetching import Fetcher

__all__ = ["login", "logout", "whoami"]


_UNKNOWN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)  # of a server without the page: with and without credentials


def login(options: argparse.Namespace) -> int:
    """Log in at the provider of a server, in any browser; return the exit status."""
    url = given_url(options, os.environ)
    with (
        contextlib.closing(client_of_server(options, os.environ)) as at_server,
        contextlib.closing(client_of_provider()) as at_provider,
    ):
        issuer, client_id, scopes = _provider(at_server, url)
        metadata = discover(at_provider, issuer)
        device = begin_device(at_provider, metadata, client_id, scopes)
        say(f"open {device.page_with_code or device.page}", f"and confirm the code {device.user_code}")
        tokens = wait_for_tokens(at_provider, metadata, client_id, device, time.sleep)
        kept_login = KeptLogin(issuer, client_id, tokens.id_token, tokens.refresh_token)
        who = at_server.get(f"{url}/login/whoami", tokens.id_token)
        keep(logins_file(), url, kept_login)
    say(f"✔ logged in as {who.get('name')}: {_roles(who)}")
    return 0


def logout(options: argparse.Namespace) -> int:
    """Forget the login at a server, here and at the provider; return the exit status."""
    url, file = given_url(options, os.environ), logins_file()
    found = kept(file).get(url)
    if found is None:
        say(f"there is no login at {url}")
        return 0
    keep(file, url, None)
    with contextlib.closing(client_of_provider()) as at_provider:
        try:
            revoke(at_provider, discover(at_provider, found.issuer), found.client_id, found.refresh_token)
        except ProviderError as error:
            complain(f"the login is forgotten here, but the provider could not be told: {error}")
    say(f"✔ logged out of {url}")
    return 0


def whoami(options: argparse.Namespace) -> int:
    """Show as whom a server knows the caller; return the exit status."""
    url = given_url(options, os.environ)
    token = given_token(options, os.environ) or _login_token(url)
    with contextlib.closing(client_of_server(options, os.environ)) as at_server:
        try:
            who = at_server.get(f"{url}/login/whoami", token)
        except ProviderError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            if not token:
                say(f"no token is given, and there is no login at {url}: {NO_CREDENTIALS}")
                return 1
            raise ProviderError(f"{error}: {WRONG_CREDENTIALS}") from error
    if options.json:
        say_json(json.dumps(who, indent=2))
    elif who.get("kind") == CallerKind.LOCAL.value:
        say(f"this server needs no credentials: {_roles(who)}")
    else:
        say(f"{who.get('name')}: {_roles(who)}")
    return 0


def _provider(at_server: Fetcher, url: str) -> tuple[str, str, list[str]]:
    """Return issuer, client ID and scopes for a login at a server."""
    try:
        config = at_server.get(f"{url}/login/config")
    except ProviderError as error:
        if error.status not in _UNKNOWN:
            raise
        config = {}
    issuer, client_id, scopes = config.get("issuer"), config.get("client_id"), config.get("scopes")
    if not isinstance(issuer, str) or not isinstance(client_id, str) or not isinstance(scopes, list):
        raise ProviderError(
            f"{url} has no OpenID provider to log in at: use a token (--token-file or LOGNOTARY_TOKEN), or set "
            "oidc_issuer and oidc_cli_client_id on the server"
        )
    return issuer, client_id, [str(scope) for scope in scopes]


def _login_token(url: str) -> str:
    with contextlib.closing(client_of_provider()) as at_provider:
        found = fresh(logins_file(), url, at_provider)
    return found.id_token if found else ""


def _roles(who: dict[str, Any]) -> str:
    roles = who.get("roles")
    shown = []
    for grant in roles if isinstance(roles, list) else []:
        limits = "; ".join(_limit(name, values) for name, values in grant.items() if name != "role")
        shown.append(f"{grant.get('role')} ({limits})" if limits else str(grant.get("role")))
    return ", ".join(shown) or "no role"


def _limit(name: str, values: list[str]) -> str:
    if name == "tenants":  # as in 'lognotary tokens list'
        return " or ".join(f"tenant {value}" if value else "default tenant" for value in values)
    return f"{name} {', '.join(map(str, values))}"
