"""``lognotary tokens``: the tokens of senders and programs, in the file of tokens."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.access.callers import Role
from server.access.errors import TokenError
from server.access.tenants import DEFAULT_TENANT
from server.access.token_file import change_tokens, read_tokens, token_as_json, tokens_path
from server.access.token_text import digest_of, new_token
from server.access.token_uses import read_uses
from server.access.tokens import Token, Tokens
from server.access.wanted_tokens import READERS, WantedToken
from server.commands.changed_by import changed_by
from server.commands.file_owner import act_as_owner
from server.commands.output import complain, complain_lines, say, say_json
from server.commands.token_lines import show_new, text_of_new, token_lines, token_output
from server.data_dir.directory import is_of_server
from server.notary.origin import Stream
from server.settings.settings import Settings, load_settings

__all__ = ["create", "list_tokens", "revoke", "rotate"]


def create(options: argparse.Namespace) -> int:
    """Create a token; return the exit status."""
    text, now = new_token(), int(time.time())
    token = _wanted(options).token(digest_of(text), now, changed_by())

    def change(tokens: Tokens) -> tuple[Tokens, Tokens]:
        changed = tokens.created(token, now)
        write(text_of_new(token_as_json(token), text, options) + "\n")
        return changed, tokens

    with token_output(options) as write:
        settings = _settings(options)
        file = _file(settings)
        before = change_tokens(file, change)
    complain_lines(*(f"lognotary: {each}" for each in _notes(token, settings, file)))
    if not before.are_for_api and Tokens((token,)).are_for_api:
        complain(
            "this is the first token for the API: unless authentication is off, the server now requires credentials "
            "from callers on its own machine too (give commands the token with --token-file or LOGNOTARY_TOKEN)"
        )
    return show_new(token_as_json(token), text, options)


def rotate(options: argparse.Namespace) -> int:
    """Replace a token; return the exit status."""
    text, now = new_token(), int(time.time())
    expires = None if options.expires is None else now + options.expires

    def change(tokens: Tokens) -> tuple[Tokens, tuple[Token, ...]]:
        changed = tokens.rotated(options.name, digest_of(text), now, options.overlap, expires, changed_by())
        old, new = changed.valid(options.name, now)
        write(text_of_new(token_as_json(new), text, options) + "\n")
        return changed, (old, new)

    with token_output(options) as write:
        old, new = change_tokens(_existing(_file(_settings(options))), change)
    complain(
        f"the old token, {old.id}, stays valid until "
        + (_time(old.expires) if old.expires else f"it is revoked with 'lognotary tokens revoke {old.id}'")
    )
    return show_new(token_as_json(new), text, options)


def revoke(options: argparse.Namespace) -> int:
    """Revoke tokens; return the exit status."""
    now = int(time.time())
    file = _existing(_file(_settings(options)))
    revoked = change_tokens(file, lambda tokens: tokens.revoked(options.token, now, changed_by()))
    for token in revoked:
        say(f"token {token.name}, {token.id}, is revoked: a running server refuses it within a second")
    return 0


def list_tokens(options: argparse.Namespace) -> int:
    """List the tokens; return the exit status."""
    settings = _settings(options)
    file, now = _file(settings), time.time()
    tokens, uses = read_tokens(file), read_uses(settings.data_dir)
    if options.json:
        say_json(json.dumps([_as_json(token, uses.get(token.id), now) for token in tokens.all], indent=2))
    elif not tokens.all:
        complain(f"there are no tokens in {file}: create one with 'lognotary tokens create NAME'")
    else:
        for token in tokens.all:
            say(*token_lines(_as_json(token, uses.get(token.id), now)))
    return 0


def _notes(token: Token, settings: Settings, file: Path) -> Iterator[str]:
    """Return sentences about what a new token cannot do, or not yet."""
    yield f"the token is added to {file}"
    if not settings.tokens_file and not is_of_server(settings.data_dir):
        yield (
            f"no server has used the data directory {settings.data_dir.absolute()} yet: if yours has another, give it "
            "with --data-dir, because it does not accept this token"
        )
    for grant in token.grants:
        if grant.role in READERS and grant.tenants == frozenset({DEFAULT_TENANT}):
            yield f"as {grant.role.value}, it reads the default tenant only: give --all-tenants for all, or --tenant"
        if grant.role is Role.OPERATOR and grant.tenants is not None:
            yield (
                "warning: as operator of a tenant, it can do no more than 'lognotary tenants list', because what "
                "operators do is about the whole server: leave --tenant out, or give --role auditor"
            )


def _settings(options: argparse.Namespace) -> Settings:
    if os.environ.get("LOGNOTARY_API"):
        complain(
            "LOGNOTARY_API is set, but this command works on a file of this machine: for the tokens of that server, "
            'give --api "$LOGNOTARY_API"'
        )
    return load_settings(vars(options), os.environ)


def _file(settings: Settings) -> Path:
    file = tokens_path(settings.data_dir, settings.tokens_file).absolute()
    act_as_owner(file, settings.data_dir.absolute())
    return file


def _existing(file: Path) -> Path:
    if not file.exists():
        raise TokenError(
            f"there are no tokens in {file}: give the server's data directory with --data-dir, or create one with "
            "'lognotary tokens create NAME'"
        )
    return file


def _wanted(options: argparse.Namespace) -> WantedToken:
    return WantedToken(
        options.name,
        tuple(map(Role, options.role or [Role.SENDER.value])),
        options.tenant or DEFAULT_TENANT,
        options.all_tenants,
        frozenset(map(Stream, options.stream)),
        frozenset(options.service),
        frozenset(options.environment),
        options.expires,
    )


def _as_json(token: Token, used: int | None, now: float) -> dict[str, Any]:
    last = {} if used is None else {"last_used": _time(used)}
    return {**token_as_json(token), "state": _state(token, now), **last}


def _state(token: Token, now: float) -> str:
    denial = token.denial(now)
    return denial.value if denial else "valid"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
