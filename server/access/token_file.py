"""The file of tokens, JSON, which the commands change and all processes of a server read.

    {"version": 1, "tokens": [{"name": "checkout", "sha256": "…", "grants": [{"role": "sender"}], "created": "…"}]}

Absent members have no value. The file has no token, only digests; it is readable for its owner only all the same,
because the names, roles and tenants in it are nobody else's business.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from server.access.callers import Grant, Role
from server.access.errors import TokenError
from server.access.tenants import DEFAULT_TENANT, check_tenant
from server.access.tokens import NO_TOKENS, Token, Tokens, check_token_name
from server.data_dir.atomic_files import replace_file
from server.data_dir.locked_files import locked
from server.errors.base import LognotaryError
from server.errors.files import is_changeable, unreadable, unwritable
from server.notary.origin import Stream

__all__ = [
    "change_tokens",
    "grant_as_json",
    "parse_tokens",
    "read_tokens",
    "token_as_json",
    "tokens_path",
    "tokens_text",
]

_VERSION = 1
_DIGEST_BYTES = 32

_Result = TypeVar("_Result")


def tokens_path(data_dir: Path, tokens_file: Path | None = None) -> Path:
    """Return the path of the file: the one that a setting names, else the one in the data directory."""
    return tokens_file or data_dir / "access" / "tokens.json"


def read_tokens(file: Path) -> Tokens:
    """Read the tokens; none if the file does not exist.

    Raises:
        TokenError: the file cannot be read, others may change it, or it is damaged.
    """
    try:
        content = _content(file)
    except (FileNotFoundError, NotADirectoryError):
        return NO_TOKENS
    except (OSError, UnicodeError) as error:
        raise TokenError(f"the tokens: {unreadable(file, error)}") from error
    return parse_tokens(content, str(file))


def _content(file: Path) -> str:
    # Opening a pipe would wait for its writer.
    with open(file, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        if is_changeable(status):  # whoever may change it can make an admin of anybody
            raise TokenError(
                f"the tokens: {file} can be changed by others (owner {status.st_uid}, mode "
                f"{stat.S_IMODE(status.st_mode):04o}): let it belong to the user who runs the server, and run chmod "
                f"600 {file}"
            )
        return opened.read().decode()


def change_tokens(file: Path, change: Callable[[Tokens], tuple[Tokens, _Result]]) -> _Result:
    """Change the tokens in the file, so that no change that is made at the same time is lost; return its result.

    If the file is a link, the file to which it leads is changed: other servers may have links to it, too.

    Args:
        file: the file; it is created if it does not exist, with its directory.
        change: returns the new tokens, and a result.

    Raises:
        TokenError: the file cannot be read or written, or it is damaged.
        LognotaryError: what ``change`` raises; the file stays as it is then.
    """
    try:
        file = file.resolve()
        with locked(file):
            tokens, result = change(read_tokens(file))
            replace_file(file, tokens_text(tokens), mode=0o600)
    except (OSError, RuntimeError) as error:  # the latter: links that lead to each other
        raise TokenError(f"the tokens: {unwritable(file, error)}") from error
    return result


def parse_tokens(content: str, name: str) -> Tokens:
    """Parse the content of the file.

    Args:
        content: the content.
        name: name of the file, for messages.

    Raises:
        TokenError: it is damaged.
    """
    try:
        return Tokens(tuple(map(_token, _listed(json.loads(content)))))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, LognotaryError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise TokenError(
            f"the file of tokens {name} is damaged: {reason[:200]}; restore it from a backup, or remove it and create "
            "new tokens"
        ) from error


def _listed(document: Any) -> list[Mapping[str, Any]]:
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise ValueError(f"it is not a file of tokens of version {_VERSION}")
    listed: list[Mapping[str, Any]] = document["tokens"]
    if not isinstance(listed, list):
        raise ValueError("its tokens are not a list")  # noqa: TRY004 - callers handle one error
    return listed


def tokens_text(tokens: Tokens) -> str:
    """Return the content of the file with these tokens."""
    listed = [{**token_as_json(token), "sha256": token.digest.hex()} for token in tokens.all]
    return json.dumps({"version": _VERSION, "tokens": listed}, indent=1) + "\n"


def token_as_json(token: Token) -> dict[str, Any]:
    """Return a token as an object of JSON, without its digest."""
    streams = None if token.streams is None else sorted(stream.value for stream in token.streams)
    members = {
        "name": token.name,
        "id": token.id,
        "grants": list(map(grant_as_json, token.grants)),
        "tenant": token.tenant or None,
        "streams": streams,
        "created": _time_text(token.created),
        "expires": _time_text(token.expires),
        "revoked": _time_text(token.revoked),
        "created_by": token.created_by or None,
        "revoked_by": token.revoked_by or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def grant_as_json(grant: Grant) -> dict[str, Any]:
    """Return a role with its limits as an object of JSON; no limit is no member."""
    limits = {"tenants": grant.tenants, "services": grant.services, "environments": grant.environments}
    return {"role": grant.role.value} | {name: sorted(each) for name, each in limits.items() if each is not None}


def _token(item: Mapping[str, Any]) -> Token:
    digest = bytes.fromhex(item["sha256"])
    if len(digest) != _DIGEST_BYTES:
        raise ValueError("a digest does not have 32 bytes")
    tenant, streams = item.get("tenant", DEFAULT_TENANT), item.get("streams")
    return Token(
        name=check_token_name(item["name"]),
        digest=digest,
        grants=tuple(map(_grant, item["grants"])),
        tenant=check_tenant(tenant) if tenant else DEFAULT_TENANT,
        streams=None if streams is None else frozenset(map(Stream, streams)),
        created=_seconds(item["created"]) or 0,
        expires=_seconds(item.get("expires")),
        revoked=_seconds(item.get("revoked")),
        created_by=str(item.get("created_by", "")),
        revoked_by=str(item.get("revoked_by", "")),
    )


def _grant(item: Mapping[str, Any]) -> Grant:
    return Grant(Role(item["role"]), *(_texts(item.get(name)) for name in ("tenants", "services", "environments")))


def _texts(values: Any) -> frozenset[str] | None:
    if values is None:
        return None
    # A limit that is misread must not become no limit, or another one.
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("a limit of a role is not a list of texts")
    return frozenset(values)


def _time_text(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    seconds = int(datetime.fromisoformat(text).timestamp())
    _time_text(seconds)  # a time in the first or the last day there is has none in UTC
    return seconds
