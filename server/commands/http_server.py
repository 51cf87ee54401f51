"""The server that commands ask over HTTP: its URL, the authorities that its certificate may be of, a token for it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from server.commands.api_channel import read_pem
from server.commands.api_token import exposed_token_warning, find_token
from server.commands.arguments.options import API_VARIABLE
from server.commands.arguments.server_url import DEFAULT_URL
from server.commands.output import complain
from server.settings.errors import ConfigError
from server.settings.secure_urls import is_safe_url

__all__ = ["given_ca", "given_token", "given_url"]

_HTTPS = "https://"
_PORT = 7318


def given_url(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Return the URL of the server's HTTP API: from ``--url``, else on the host of the gRPC API of the variable.

    Args:
        options: the arguments.
        environ: environment variables.

    Raises:
        ConfigError: a token must not be sent to the host of the variable, because it is not known to have TLS.
    """
    if options.url:
        return str(options.url).rstrip("/")
    variable = API_VARIABLE[0]
    api = environ.get(variable, "")
    if not api:
        return DEFAULT_URL
    is_https = api.lower().startswith(_HTTPS)
    host = api[len(_HTTPS) if is_https else 0 :].rpartition(":")[0]
    scheme = "https" if is_https or environ.get(f"{variable}_CA") else "http"
    url = f"{scheme}://{host}:{_PORT}"
    if not host or not is_safe_url(url):
        raise ConfigError(f"{variable}: {api} gives no URL with https://: give --url, or https:// in {variable}")
    return url


def given_ca(options: argparse.Namespace, environ: Mapping[str, str]) -> Path | None:
    """Return the file of ``--api-ca`` or its variable; None for the authorities of the system.

    Raises:
        ConfigError: it cannot be read, or has no certificate.
    """
    problems: list[str] = []
    read_pem("ca", options.api_ca, environ, problems)
    if problems:
        raise ConfigError(problems[0])
    file = options.api_ca or environ.get(f"{API_VARIABLE[0]}_CA")
    return Path(file) if file else None


def given_token(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Return the token of ``--token-file`` or its variable; empty if there is none.

    Raises:
        ConfigError: it cannot be read, or is no token.
    """
    problems: list[str] = []
    token = find_token(options.token_file, environ, problems)
    if problems:
        raise ConfigError(problems[0])
    if options.token_file and (warning := exposed_token_warning(options.token_file)):
        complain(warning)
    return token
