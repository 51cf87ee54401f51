"""Events of tokens that are created, revoked or removed, by the command line or by whoever changes their file."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from server.access.errors import TokenError
from server.access.recorded_tokens import RecordedToken, read_recorded, recorded_tokens, write_recorded
from server.access.tokens import Tokens
from server.access_log.access_log import AccessLog
from server.access_log.event import SERVER, AccessEvent, Outcome
from server.errors.files import reason_of
from server.process.pools import Pool
from server.retry.trouble import Trouble

__all__ = ["note_token_changes", "token_changes"]

_logger = logging.getLogger(__name__)

_INTERVAL = 0.5  # seconds between looks at the tokens


def token_changes(before: Iterable[RecordedToken], after: Iterable[RecordedToken]) -> Iterator[AccessEvent]:
    """Yield an event for each token that was created, revoked or removed, with who did it if the file says so."""
    old, new = ({token.id: token for token in tokens} for tokens in (before, after))
    for token_id, token in new.items():
        if token_id not in old:
            yield _of_token("token.create", token, token.created_by)
        if token.revoked is not None and (token_id not in old or old[token_id].revoked is None):
            yield _of_token("token.revoke", token, token.revoked_by)
    for token_id, token in old.items():
        if token_id not in new:
            yield _of_token("token.remove", token)


def _of_token(action: str, token: RecordedToken, by: str = "") -> AccessEvent:
    limits = {"limits": token.limits, "streams": token.streams}
    about = {
        "id": token.id,
        "roles": token.roles,
        **{name: value for name, value in limits.items() if value},
        "tenant": token.tenant,
        "created": token.created,
        "expires": token.expires,
        "revoked": token.revoked,
    }
    asked = json.dumps(about, separators=(",", ":"))
    return AccessEvent(action, Outcome.SUCCESS, SERVER, "", token.name, "token", "admin", asked, changed_by=by)


async def note_token_changes(
    log: AccessLog, tokens: Callable[[], Tokens], file: Path, pool: Pool, is_ready: Callable[[], bool]
) -> None:
    """Record changes of tokens, also those made while the server was down; never ends.

    A change that is not acknowledged when the server ends is recorded again after its start, so a change may be
    recorded twice, but is not lost.

    Args:
        log: the access log.
        tokens: returns the tokens of now.
        file: file of the tokens that are on record.
        pool: pool in whose threads the file is read and written.
        is_ready: returns whether the server accepts records: until the first time, nothing is noted, as each start with
            new tokens would otherwise begin with refused records.
    """
    noted = written = await pool.run(partial(_read, file))
    trouble = Trouble(_logger, f"the tokens on record are not written to {file}", "the tokens on record are written")
    seen: Tokens | None = None
    found: list[AccessEvent] = []
    waiting: list[AccessEvent] = []
    was_ready = False
    while True:
        now = tokens()
        if now is not seen:
            current = recorded_tokens(now)
            found += token_changes(noted, current)
            noted, seen = current, now
        was_ready = was_ready or is_ready()
        if was_ready:
            for event in found:
                log.note(event)
            waiting += found
            found.clear()
        if was_ready and noted != written and not log.is_waiting(waiting):
            waiting.clear()
            if await pool.run(partial(_write, file, noted, trouble)):
                written = noted
        await asyncio.sleep(_INTERVAL)


def _read(file: Path) -> tuple[RecordedToken, ...]:
    try:
        return read_recorded(file)
    except TokenError as error:
        _logger.error("all tokens are recorded as if they had just been created: %s", error)  # noqa: TRY400 - told whole
        return ()


def _write(file: Path, tokens: tuple[RecordedToken, ...], trouble: Trouble) -> bool:
    try:
        write_recorded(file, tokens)
    except OSError as error:
        trouble.goes_on(reason_of(error))
        return False
    trouble.ends()
    return True
