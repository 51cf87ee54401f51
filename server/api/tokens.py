"""Administration of tokens: the same file, and the same lock, as with ``lognotary tokens``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from lognotary.v1 import tokens_pb2 as messages
from server.access.callers import CallerKind
from server.access.current import current_caller
from server.access.errors import TokenError
from server.access.given_roles import check_given
from server.access.token_file import change_tokens, read_tokens
from server.access.token_text import digest_of, id_of, is_token, new_token
from server.access.tokens import Token, Tokens
from server.api.errors import ConflictError, InvalidArgumentError, NotFoundError
from server.api.given_texts import optional_text
from server.api.local_callers import check_local, check_on_machine
from server.api.token_messages import given_seconds, notes_of, token_message, wanted_token

__all__ = ["TokenAdministration"]

_Result = TypeVar("_Result")


class TokenAdministration:
    """The tokens of one server. Every method blocks, so call it in a thread."""

    def __init__(
        self,
        file: Path,
        uses: Callable[[], Mapping[str, int]],
        allowed: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Change a file of tokens.

        Args:
            file: the file.
            uses: returns the times of the last use of tokens, in seconds since the epoch, by the identifiers of tokens.
            allowed: value of the setting ``administration``.
            clock: returns the time, in seconds since the epoch.
        """
        self._file = file
        self._uses = uses
        self._allowed = allowed
        self._clock = clock

    def list_tokens(self, request: messages.ListTokensRequest, caller: str) -> messages.ListTokensResponse:
        """Answer ``ListTokens``; raises ApiError."""
        check_on_machine(caller)
        now, uses = self._clock(), self._uses()
        try:
            tokens = read_tokens(self._file)
        except TokenError as error:
            raise ConflictError(str(error)) from error
        return messages.ListTokensResponse(
            tokens=[
                token_message(token, now, uses.get(token.id))
                for token in tokens.all
                if request.ended or token.denial(now) is None
            ]
        )

    def create(self, request: messages.CreateTokenRequest, caller: str) -> messages.CreateTokenResponse:
        """Answer ``CreateToken``; raises ApiError and ForbiddenError."""
        check_local(caller, self._allowed)
        wanted, by = wanted_token(request), _changed_by(request.actor, caller)
        check_given(current_caller(), wanted.roles)
        text, now = new_token(), int(self._clock())
        token = wanted.token(digest_of(text), now, by)

        def change(tokens: Tokens) -> tuple[Tokens, Tokens]:
            try:
                return tokens.created(token, now), tokens
            except TokenError as error:
                raise ConflictError(f"nothing was changed: {error}") from error

        before = self._change(change)
        return messages.CreateTokenResponse(token=token_message(token, now), text=text, notes=notes_of(token, before))

    def rotate(self, request: messages.RotateTokenRequest, caller: str) -> messages.RotateTokenResponse:
        """Answer ``RotateToken``; raises ApiError and ForbiddenError."""
        check_local(caller, self._allowed)
        by = _changed_by(request.actor, caller)
        overlap, lifetime = (given_seconds(request, f"{name}_seconds") for name in ("overlap", "lifetime"))
        text, now = new_token(), int(self._clock())
        expires = None if lifetime is None else now + lifetime

        def change(tokens: Tokens) -> tuple[Tokens, tuple[Token, Token]]:
            valid = tokens.valid(request.name, now)
            if not valid:
                raise NotFoundError(f"there is no valid token named {request.name[:80]!r}: list them to see all")
            # The new token has the roles of the old one, so whoever gets it could have been given the old one.
            check_given(current_caller(), (grant.role for token in valid for grant in token.grants))
            try:
                changed = tokens.rotated(request.name, digest_of(text), now, overlap, expires, by)
            except TokenError as error:
                raise ConflictError(f"nothing was changed: {error}") from error
            old, new = changed.valid(request.name, now)
            return changed, (old, new)

        old, new = self._change(change)
        return messages.RotateTokenResponse(token=token_message(new, now), text=text, old=token_message(old, now))

    def revoke(self, request: messages.RevokeTokenRequest, caller: str) -> messages.RevokeTokenResponse:
        """Answer ``RevokeToken``; raises ApiError."""
        check_local(caller, self._allowed)
        wanted, by = request.name_or_id, _changed_by(request.actor, caller)
        if is_token(wanted):
            raise InvalidArgumentError(
                "name_or_id: this is a token itself, which must not be in requests: give its ID, "
                f"{id_of(digest_of(wanted))}"
            )
        if not wanted:
            raise InvalidArgumentError("name_or_id: it is missing: ListTokens shows names and IDs")
        now = int(self._clock())

        def change(tokens: Tokens) -> tuple[Tokens, tuple[Token, ...]]:
            try:
                return tokens.revoked(wanted, now, by)
            except TokenError as error:
                raise NotFoundError(
                    f"there is no valid token with the name or ID {wanted[:80]!r}: list them to see all"
                ) from error

        revoked = self._change(change)
        return messages.RevokeTokenResponse(tokens=[token_message(token, now) for token in revoked])

    def _change(self, change: Callable[[Tokens], tuple[Tokens, _Result]]) -> _Result:
        """Change the file.

        Raises:
            ConflictError: the file cannot be read or written; it is as it was.
            ApiError, ForbiddenError: raised by ``change``; the file is as it was.
        """
        try:
            return change_tokens(self._file, change)
        except TokenError as error:
            raise ConflictError(
                f"nothing was changed, because the server cannot change its file of tokens: {error}. Where the server "
                "must not write to it, change the tokens with 'lognotary tokens' on a machine that may"
            ) from error


def _changed_by(claimed: str, address: str) -> str:
    """Return who changes a token, in words: the caller whom the server knows, from where, and whom he claims to be.

    Raises:
        InvalidArgumentError: what he claims is too long, or has several lines.
    """
    known = current_caller()
    is_known = known is not None and known.kind is not CallerKind.LOCAL
    who = f"{known.name} ({known.kind.value})" if known is not None and is_known else "somebody without credentials"
    actor = optional_text("actor", claimed)
    return f"{who} from {address or 'an unknown address'}" + (f", who claims to act for {actor}" if actor else "")
