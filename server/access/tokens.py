"""Tokens: named credentials of senders and of programs that call the API, of which only digests are kept."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field, replace

from server.access.callers import Grant, Role
from server.access.errors import Denial, TokenError, UnauthenticatedError
from server.access.tenants import DEFAULT_TENANT
from server.access.token_text import LENGTH, digest_of, id_of, is_token
from server.notary.origin import Stream

__all__ = ["NO_TOKENS", "Token", "Tokens", "check_token_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{12}", re.ASCII)
_MOST_VALID = 2  # of one name: the one that is replaced, and the new one


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its text.

    Attributes:
        name: name of who has it; two tokens of one name are valid only while one replaces the other.
        digest: SHA-256 of its text, 32 bytes.
        grants: the roles that it has.
        tenant: the tenant to whom the records belong that are sent with it; empty for the default one.
        streams: the streams that may be sent with it; None for all.
        created: time of creation, in seconds since the epoch.
        expires: time from which it is no longer valid, in seconds since the epoch; None if it does not expire.
        revoked: time at which somebody revoked it, in seconds since the epoch; None if nobody did.
        created_by: who created it, as the command line stated it, or as the API knew the caller; empty if that is not
            known.
        revoked_by: who revoked it, as the command line stated it, or as the API knew the caller; empty if that is not
            known.
    """

    name: str
    digest: bytes
    grants: tuple[Grant, ...] = (Grant(Role.SENDER),)
    tenant: str = DEFAULT_TENANT
    streams: frozenset[Stream] | None = None
    created: int = 0
    expires: int | None = None
    revoked: int | None = None
    created_by: str = ""
    revoked_by: str = ""

    @property
    def id(self) -> str:
        """Public identifier."""
        return id_of(self.digest)

    @property
    def label(self) -> str:
        """Name and public identifier, for people."""
        return f"{self.name} ({self.id})"

    @property
    def may_send(self) -> bool:
        """True if it may be used to send records."""
        return any(
            grant.role in (Role.SENDER, Role.ADMIN) and (grant.tenants is None or self.tenant in grant.tenants)
            for grant in self.grants
        )

    def denial(self, now: float) -> Denial | None:
        """Return why it is not valid at a time, in seconds since the epoch; None if it is valid."""
        # Whatever the time is: the clock of the machine on which it was revoked may be ahead of this one's.
        if self.revoked is not None:
            return Denial.REVOKED
        return Denial.EXPIRED if self.expires is not None and self.expires <= now else None


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens of a server, those that are no longer valid too.

    Attributes:
        all: the tokens, the oldest first.
    """

    all: tuple[Token, ...] = ()
    _by_digest: dict[bytes, Token] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_digest", {token.digest: token for token in self.all})

    @property
    def are_for_api(self) -> bool:
        """True if one of them is for the API, or was when it was valid."""
        return any(grant.role is not Role.SENDER for token in self.all for grant in token.grants)

    def check(self, text: str, now: float) -> Token:
        """Return the token with this text.

        Args:
            text: text that was presented.
            now: the time, in seconds since the epoch.

        Raises:
            UnauthenticatedError: the text is not a valid token.
        """
        if len(text) != LENGTH:
            raise UnauthenticatedError(Denial.MALFORMED)
        # The lookup takes a time that depends on the digest, which tells nothing about the text: who tries texts cannot
        # choose digests that approach another one. That alone closes the timing channel; the comparison in constant
        # time costs nothing beside the hash, and does not depend on this argument.
        digest = digest_of(text)
        token = self._by_digest.get(digest)
        if token is None or not hmac.compare_digest(token.digest, digest):
            raise UnauthenticatedError(Denial.UNKNOWN if is_token(text) else Denial.MALFORMED)
        if (denial := token.denial(now)) is not None:
            raise UnauthenticatedError(denial, token=token.label)
        return token

    def valid(self, name: str, now: float) -> tuple[Token, ...]:
        """Return the valid tokens of a name, the oldest first."""
        return tuple(token for token in self.all if token.name == name and token.denial(now) is None)

    def created(self, token: Token, now: float) -> Tokens:
        """Return these tokens and a new one.

        Raises:
            TokenError: there is a valid token of the same name.
        """
        check_token_name(token.name)
        if self.valid(token.name, now):
            raise TokenError(
                f"there is a valid token {token.name!r}: replace it with 'lognotary tokens rotate {token.name}', or "
                "give another name"
            )
        return Tokens((*self.all, token))

    def rotated(
        self, name: str, digest: bytes, now: int, overlap: int | None, expires: int | None = None, by: str = ""
    ) -> Tokens:
        """Return these tokens and a new one that replaces the valid one of its name, whose roles and limits it gets.

        Args:
            name: the name.
            digest: digest of the new token.
            now: the time, in seconds since the epoch.
            overlap: seconds for which the old one stays valid; None for as long as it is not revoked.
            expires: time from which the new one is no longer valid; None for the lifetime of the old token.
            by: who does this.

        Raises:
            TokenError: there is no valid token of this name, or one is being replaced already.
        """
        valid = self.valid(name, now)
        if not valid:
            raise TokenError(f"there is no valid token {name!r}: create one with 'lognotary tokens create {name}'")
        if len(valid) >= _MOST_VALID:
            raise TokenError(
                f"two tokens {name!r} are valid already: revoke the older one first, with 'lognotary tokens revoke "
                f"{valid[0].id}'"
            )
        [old] = valid
        if expires is None and old.expires is not None:
            expires = now + (old.expires - old.created)
        new = replace(old, digest=digest, created=now, expires=expires, created_by=by)
        ends = [time for time in (old.expires, None if overlap is None else now + overlap) if time is not None]
        left = replace(old, expires=min(ends, default=None))
        return Tokens((*(left if token is old else token for token in self.all), new))

    def revoked(self, name_or_id: str, now: int, by: str = "") -> tuple[Tokens, tuple[Token, ...]]:
        """Return these tokens, and those that are revoked by this: the one with an identifier, or all of a name.

        Args:
            name_or_id: identifier of a token, or name of several.
            now: the time, in seconds since the epoch.
            by: who does this.

        Raises:
            TokenError: there is no such token that is valid.
        """
        named = [token for token in self.all if name_or_id in (token.id, token.name)]
        chosen = {token.digest for token in named if token.denial(now) is None}
        if not chosen:
            state = "no valid token" if named else "no token"
            raise TokenError(f"there is {state} {name_or_id!r}: 'lognotary tokens list' shows all")
        changed = tuple(
            replace(token, revoked=now, revoked_by=by) if token.digest in chosen else token for token in self.all
        )
        return Tokens(changed), tuple(token for token in changed if token.digest in chosen)


NO_TOKENS = Tokens()
"""No tokens at all."""


def check_token_name(name: str) -> str:
    """Return the name of a token.

    Raises:
        TokenError: the text cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise TokenError(
            f"{name[:80]!r} is not the name of a token: up to 64 letters, digits, '.', '_' and '-', of which the first "
            "is a letter or digit"
        )
    if _ID.fullmatch(name):
        raise TokenError(f"{name!r} cannot be the name of a token, because it looks like the identifier of one")
    return name
