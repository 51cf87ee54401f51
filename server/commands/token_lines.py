"""Tokens for people: lines about tokens, from the file or from the API, and a new one, which is shown once."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from server.access.callers import Role
from server.access.wanted_tokens import READERS
from server.commands.output import complain, say, say_json
from server.commands.secret_file import secret_file

__all__ = ["show_new", "text_of_new", "token_lines", "token_output"]

_READERS = frozenset(role.value for role in READERS)


def token_output(options: argparse.Namespace) -> AbstractContextManager[Callable[[str], None]]:
    """Return a context with a function that takes the new token for the file of ``--output``, if there is one."""
    return secret_file(Path(options.output)) if options.output else nullcontext(lambda _: None)


def text_of_new(shown: Mapping[str, Any], text: str, options: argparse.Namespace) -> str:
    """Return what is printed of a new token, or written to the file of ``--output``.

    Args:
        shown: its attributes, as JSON.
        text: the token itself.
        options: the arguments of the command.
    """
    return json.dumps({"token": text, **shown}, indent=2) if options.json else text


def show_new(shown: Mapping[str, Any], text: str, options: argparse.Namespace) -> int:
    """Print a new token, unless it is in a file; arguments as of ``text_of_new``. Returns the exit status."""
    ends = f"until {shown['expires']}" if "expires" in shown else "until it is revoked"
    valid = f"token {shown['name']}, {shown['id']}, is valid {ends}; it is"
    if options.output:
        complain(f"{valid} in {options.output} only")
    elif options.json:
        say_json(text_of_new(shown, text, options))
    else:
        complain(f"{valid} not shown again:")
        say(text)
    return 0


def token_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines about a token, given its attributes as JSON, with its state and its last use."""
    yield f"{shown['id']}  {shown['name']}  {shown['state']}"
    yield f"    {'; '.join(_details(shown))}"


def _details(shown: Mapping[str, Any]) -> Iterator[str]:
    yield ", ".join(map(_role, shown["grants"])) or "no role"
    if "tenant" in shown:
        yield f"tenant {shown['tenant']}"
    if "streams" in shown:
        yield f"streams {', '.join(shown['streams'])}"
    yield f"created {shown['created']}{_by(shown, 'created_by')}"
    if "revoked" in shown:
        yield f"revoked {shown['revoked']}{_by(shown, 'revoked_by')}"
    elif "expires" in shown:
        yield f"expires {shown['expires']}"
    yield f"last used {shown['last_used']}" if "last_used" in shown else "never used"


def _by(shown: Mapping[str, Any], name: str) -> str:
    return f" by {shown[name]}" if name in shown else ""


def _role(grant: Mapping[str, Any]) -> str:
    role: str = grant["role"]
    texts = [f"{name} {' or '.join(grant[name + 's'])}" for name in ("service", "environment") if name + "s" in grant]
    if role != Role.SENDER.value and "tenants" in grant:
        texts.append(" or ".join(f"tenant {tenant}" if tenant else "default tenant" for tenant in grant["tenants"]))
    elif role in _READERS:
        texts.append("all tenants")
    return role + (f" ({', '.join(texts)})" if texts else "")
