"""``lognotary sessions``: the sessions of people who have logged in on pages."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from server.commands.changed_by import changed_by
from server.commands.file_owner import act_as_owner
from server.commands.output import complain, say, say_json
from server.errors.base import LognotaryError
from server.errors.files import reason_of
from server.login.revocations import ALL, Revocation, add_revocation, read_revocations, revocations_path
from server.login.sessions import Session, public_id, read_sessions, sessions_path
from server.settings.settings import Settings, load_settings

__all__ = ["SessionsError", "list_sessions", "revoke"]


class SessionsError(LognotaryError):
    """The sessions cannot be read or ended; the message says why, and what to do."""


def list_sessions(options: argparse.Namespace) -> int:
    """List the open sessions; return the exit status."""
    settings = load_settings(vars(options), os.environ)
    sessions = _open(settings)
    if options.json:
        told = [
            {
                "id": session_id,
                "name": session.identity.name,
                "begun": _time(session.begun),
                "used": _time(session.used),
            }
            for session_id, session in sessions.items()
        ]
        say_json(json.dumps(told, indent=2))
    elif not sessions:
        complain(f"nobody has a session on a page of the server with the data directory {settings.data_dir}")
    else:
        for session_id, session in sessions.items():
            say(f"{session_id}  {session.identity.name}  since {_time(session.begun)}")
    return 0


def revoke(options: argparse.Namespace) -> int:
    """End sessions; return the exit status."""
    settings = load_settings(vars(options), os.environ)
    file = revocations_path(settings.data_dir.absolute())
    act_as_owner(file, settings.data_dir.absolute())
    of = ALL if options.all else options.session
    revocation = Revocation(of, time.time(), changed_by())
    sessions = _open(settings)
    ended = [
        session
        for session_id, session in sessions.items()
        if revocation.ends(session_id, session.identity.name, session.begun)
    ]
    if not ended and not options.all:
        raise SessionsError(
            f"there is no session of {of!r} in {sessions_path(settings.data_dir)}: give the server's data directory "
            "with --data-dir, and a name or an ID of 'lognotary sessions list'"
        )
    try:
        add_revocation(file, revocation, revocation.at - settings.login.session_age)
    except (OSError, ValueError) as error:
        raise SessionsError(f"the sessions cannot be revoked: {file}: {_reason(error)}") from error
    for session in ended:
        say(f"the session of {session.identity.name} since {_time(session.begun)} ends: a running server does that now")
    if options.all:
        say("all sessions end: people log in again")
    return 0


def _open(settings: Settings) -> Mapping[str, Session]:
    """Return the open sessions by their public IDs, the latest login first."""
    now = time.time()
    try:
        revocations = read_revocations(revocations_path(settings.data_dir))
        found = read_sessions(sessions_path(settings.data_dir))
    except (OSError, ValueError) as error:
        raise SessionsError(f"the sessions in {settings.data_dir} cannot be read: {_reason(error)}") from error
    by_id = {public_id(digest): session for digest, session in found.items()}
    return {
        session_id: session
        for session_id, session in sorted(by_id.items(), key=lambda item: -item[1].begun)
        if now - session.begun <= settings.login.session_age
        and not any(each.ends(session_id, session.identity.name, session.begun) for each in revocations)
    }


def _reason(error: Exception) -> str:
    return reason_of(error) if isinstance(error, OSError) else str(error)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
