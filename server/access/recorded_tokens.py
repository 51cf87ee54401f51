"""The tokens that are on record: ``access/recorded-tokens.json`` in the data directory.

A server compares them with the tokens of its file, so that it notices changes that were made while it was down. The
file has neither tokens nor their digests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.access.errors import TokenError
from server.access.token_file import grant_as_json
from server.access.tokens import Tokens
from server.data_dir.atomic_files import replace_file
from server.errors.files import unreadable

__all__ = ["RecordedToken", "read_recorded", "recorded_tokens", "recorded_tokens_path", "write_recorded"]


@dataclass(frozen=True, slots=True)
class RecordedToken:
    """A token, as records of its changes name it.

    Attributes:
        id: its public identifier.
        name: its name.
        roles: names of its roles.
        tenant: the tenant to whom the records belong that are sent with it; empty for the default one.
        created: time of creation, in seconds since the epoch.
        expires: time from which it is no longer valid, in seconds since the epoch; None if it does not expire.
        revoked: time at which it was revoked, in seconds since the epoch; None if it was not.
        created_by: who created it, as the command line stated it; empty if that is not known.
        revoked_by: who revoked it, as the command line stated it; empty if that is not known.
        limits: roles that are limited to tenants, services or environments, each as an object of JSON with its limits.
        streams: names of the streams that may be sent with it; empty for all.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    tenant: str
    created: int
    expires: int | None
    revoked: int | None
    created_by: str = ""
    revoked_by: str = ""
    limits: tuple[Mapping[str, Any], ...] = ()
    streams: tuple[str, ...] = ()


def recorded_tokens(tokens: Tokens) -> tuple[RecordedToken, ...]:
    """Return tokens as they are recorded."""
    return tuple(
        RecordedToken(
            token.id,
            token.name,
            tuple(grant.role.value for grant in token.grants),
            token.tenant,
            token.created,
            token.expires,
            token.revoked,
            token.created_by,
            token.revoked_by,
            tuple(limited for limited in map(grant_as_json, token.grants) if len(limited) > 1),
            tuple(sorted(stream.value for stream in token.streams or ())),
        )
        for token in tokens.all
    )


def recorded_tokens_path(data_dir: Path) -> Path:
    """Return the path of the file in a data directory."""
    return data_dir / "access" / "recorded-tokens.json"


def read_recorded(file: Path) -> tuple[RecordedToken, ...]:
    """Read the tokens that are on record; none if the file does not exist.

    Raises:
        TokenError: the file cannot be read, or it is damaged.
    """
    try:
        members = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise TokenError(unreadable(file, error)) from error
    except ValueError as error:
        raise TokenError(f"{file} is damaged: it is not JSON") from error
    try:
        return tuple(map(_recorded, members))
    except (AttributeError, KeyError, TypeError) as error:
        raise TokenError(f"{file} is damaged: it is not a list of tokens") from error


def _recorded(member: dict[str, Any]) -> RecordedToken:
    listed = {name: tuple(member.get(name, ())) for name in ("limits", "streams")}
    return RecordedToken(**{**member, "roles": tuple(member["roles"]), **listed})


def write_recorded(file: Path, tokens: Iterable[RecordedToken]) -> None:
    """Write the tokens that are on record.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, json.dumps([asdict(token) for token in tokens]) + "\n", mode=0o600)
