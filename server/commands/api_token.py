"""The token with which the commands call the API.

It comes from a file or a variable, never from the command line, which other users of the machine see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from server.commands.arguments.options import TOKEN_VARIABLE
from server.errors.files import is_exposed, unreadable
from server.settings.regular_files import read_regular

__all__ = ["NO_CREDENTIALS", "WRONG_CREDENTIALS", "exposed_token_warning", "find_token", "with_token"]

NO_CREDENTIALS = "give a token with --token-file or LOGNOTARY_TOKEN, or run 'lognotary login'"
WRONG_CREDENTIALS = (
    "the server does not accept those that were given: a token may be unknown there, expired or revoked; 'lognotary "
    "tokens list' on the server's machine shows its state"
)
_MOST_BYTES = 1 << 20  # of a token: those of other issuers may be long


def find_token(file: str | None, environ: Mapping[str, str], problems: list[str]) -> str:
    """Return the token; empty if none is given.

    Args:
        file: file that the command line names; None for none.
        environ: environment variables.
        problems: gets a sentence if the token cannot be used.
    """
    if not file:
        return _checked(environ.get(TOKEN_VARIABLE[0], ""), TOKEN_VARIABLE[0], problems)
    try:
        text = read_regular(file, _MOST_BYTES).decode()
    except (OSError, ValueError) as error:
        problems.append(f"--token-file: {unreadable(file, error)}")
        return ""
    if not text.strip():
        problems.append(f"--token-file: {file} is empty: put a token into it")
    return _checked(text, "--token-file", problems)


def exposed_token_warning(file: str) -> str:
    """Return a warning about a file with a token that others can read; empty if there is none."""
    try:
        others_read = is_exposed(Path(file).stat())
    except OSError:  # what is wrong with it has been said
        return ""
    return f"warning: the token in {file} can be read by other users: run chmod 600 {file}" if others_read else ""


def with_token(channel: grpc.Channel, token: str) -> grpc.Channel:
    """Return a channel whose calls have a token, if there is one."""
    return grpc.intercept_channel(channel, _Bearer(token)) if token else channel


def _checked(text: str, place: str, problems: list[str]) -> str:
    token = text.strip()
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        problems.append(f"{place}: this is not a token: it must be one word of printable characters")  # never the text
        return ""
    return token


class _Details(NamedTuple):
    method: str
    timeout: float | None
    metadata: list[tuple[str, str | bytes]]
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, token: str) -> None:
        self._entry = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return continuation(self._added(details), request)

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return continuation(self._added(details), request)

    def _added(self, details: Any) -> _Details:
        metadata = [*(details.metadata or ()), self._entry]
        return _Details(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            getattr(details, "wait_for_ready", None),
            getattr(details, "compression", None),
        )
