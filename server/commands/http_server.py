"""The server that commands ask over HTTP: its URL, a client with the files of certificates, a token for it."""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Mapping
from pathlib import Path

from server.commands.api_channel import read_pem
from server.commands.api_token import exposed_token_warning, find_token
from server.commands.arguments.options import API_VARIABLE
from server.commands.arguments.server_url import DEFAULT_URL
from server.commands.output import complain
from server.login.fetching import Fetcher
from server.settings.errors import ConfigError
from server.settings.secure_urls import is_safe_url

__all__ = ["client_of_server", "given_token", "given_url"]

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


def client_of_server(options: argparse.Namespace, environ: Mapping[str, str]) -> Fetcher:
    """Return a client with the files of ``--api-ca``, ``--api-cert`` and ``--api-key``, or of their variables.

    Raises:
        ConfigError: a file cannot be read, has not what it should, or certificate and key do not belong together.
    """
    problems: list[str] = []
    files: dict[str, Path] = {}
    for name in ("ca", "cert", "key"):
        own = getattr(options, f"api_{name}")
        if read_pem(name, own, environ, problems) is not None:
            files[name] = Path(own or environ[f"{API_VARIABLE[0]}_{name.upper()}"])
    for there, missing in (("cert", "key"), ("key", "cert")):
        if there in files and missing not in files:
            problems.append(f"--api-{there} is given without --api-{missing}: give both")
    if problems:
        raise ConfigError(problems[0])
    client = (files["cert"], files["key"]) if "cert" in files else None
    if client is not None:
        try:
            ssl.create_default_context().load_cert_chain(*client, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(
                f"--api-key: {client[1]} is not the key of the certificate in {client[0]}, or it is encrypted: give "
                "another file"
            ) from error
    return Fetcher(files.get("ca"), "--api-ca", client, "--api-cert and --api-key")


def _no_password() -> str:
    raise ValueError("the key is encrypted")


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
