"""Messages about tokens, and the tokens that requests ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import tokens_pb2 as messages
from server.access.callers import Grant, Role
from server.access.errors import TokenError
from server.access.tenants import DEFAULT_TENANT, check_tenant
from server.access.tokens import Token, Tokens, check_token_name
from server.access.wanted_tokens import READERS, WantedToken
from server.api.errors import InvalidArgumentError
from server.api.given_texts import optional_text
from server.errors.suggestions import not_one_of
from server.notary.errors import MalformedError
from server.notary.origin import Stream

__all__ = ["given_seconds", "notes_of", "token_message", "wanted_token"]

_VALID = "valid"
_MOST = 100  # items of a list
_SENDERS = (Role.SENDER, Role.ADMIN)


def wanted_token(request: messages.CreateTokenRequest) -> WantedToken:
    """Return the token that a request asks for.

    Raises:
        InvalidArgumentError: there can be no such token.
    """
    try:
        name = check_token_name(request.name)
    except TokenError as error:
        raise InvalidArgumentError(f"name: {error}") from error
    try:
        tenant = check_tenant(request.tenant) if request.tenant else DEFAULT_TENANT
    except MalformedError as error:
        raise InvalidArgumentError(f"tenant: {error}") from error
    roles = _words("roles", request.roles, [role.value for role in Role]) or [Role.SENDER.value]
    wanted = WantedToken(
        name,
        tuple(map(Role, roles)),
        tenant,
        request.all_tenants,
        frozenset(map(Stream, _words("streams", request.streams, [stream.value for stream in Stream]))),
        _names("services", request.services),
        _names("environments", request.environments),
        given_seconds(request, "lifetime_seconds"),
    )
    _check_limits(wanted)
    return wanted


def _check_limits(wanted: WantedToken) -> None:
    limits = {
        "all_tenants": wanted.all_tenants,
        "services": wanted.services,
        "environments": wanted.environments,
    }
    if wanted.all_tenants and wanted.tenant:
        raise InvalidArgumentError("tenant and all_tenants are given: give one of them")
    for name, value in limits.items():
        if value and not set(wanted.roles) & set(READERS):
            readers = " or ".join(role.value for role in READERS)
            raise InvalidArgumentError(f"{name}: it is about what may be read: give the role {readers} too")
    if wanted.streams and not set(wanted.roles) & set(_SENDERS):
        raise InvalidArgumentError(f"streams: they are about what may be sent: give the role {Role.SENDER.value} too")


def _words(name: str, given: Sequence[str], known: Sequence[str]) -> list[str]:
    for word in given:
        if word not in known:
            raise InvalidArgumentError(f"{name}: {not_one_of(word, known)}")
    return list(dict.fromkeys(given))


def _names(name: str, given: Sequence[str]) -> frozenset[str]:
    if len(given) > _MOST:
        raise InvalidArgumentError(f"{name}: give at most {_MOST}")
    for text in given:
        if not optional_text(name, text):
            raise InvalidArgumentError(f"{name}: an empty name matches no record: leave it out")
    return frozenset(given)


def given_seconds(request: messages.CreateTokenRequest | messages.RotateTokenRequest, name: str) -> int | None:
    """Return a number of seconds that a request has; None if it has none.

    Raises:
        InvalidArgumentError: it is 0, which some would take for "at once", and others for "never".
    """
    if not request.HasField(name):
        return None
    seconds: int = getattr(request, name)
    if not seconds:
        raise InvalidArgumentError(f"{name}: give at least 1, or leave it out")
    return seconds


def token_message(token: Token, now: float, used: int | None = None) -> messages.TokenInfo:
    """Return a token as a message.

    Args:
        token: the token.
        now: the time, in seconds since the epoch.
        used: time of its last use, in seconds since the epoch; None if it is unknown.
    """
    denial = token.denial(now)
    return messages.TokenInfo(
        name=token.name,
        id=token.id,
        state=denial.value if denial else _VALID,
        grants=map(_grant, token.grants),
        tenant=token.tenant,
        streams=sorted(stream.value for stream in token.streams or ()),
        created=Timestamp(seconds=token.created),
        expires=_time(token.expires),
        revoked=_time(token.revoked),
        created_by=token.created_by,
        revoked_by=token.revoked_by,
        last_used=_time(used),
    )


def _grant(grant: Grant) -> messages.TokenGrant:
    return messages.TokenGrant(
        role=grant.role.value,
        tenants=_limit(grant.tenants),
        services=_limit(grant.services),
        environments=_limit(grant.environments),
    )


def _limit(names: Collection[str] | None) -> messages.TokenLimit | None:
    return None if names is None else messages.TokenLimit(names=sorted(names))


def _time(seconds: int | None) -> Timestamp | None:
    return None if seconds is None else Timestamp(seconds=seconds)


def notes_of(token: Token, before: Tokens) -> Iterator[str]:
    """Yield sentences about what a new token cannot do, and what changes with it.

    Args:
        token: the token.
        before: all tokens before it.
    """
    for role in _limited_to_the_default_tenant(token.grants):
        yield f"as {role.value}, it reads the default tenant only: give all_tenants for all, or a tenant"
    if any(grant.role is Role.OPERATOR and grant.tenants is not None for grant in token.grants):
        yield (
            "as operator of a tenant, it can do no more than list the tenant's usage, because what operators do is "
            "about the whole server: leave the tenant out, or give the role auditor"
        )
    if not before.are_for_api and Tokens((token,)).are_for_api:
        yield (
            "this is the first token for the API: unless authentication is off, the server now requires credentials "
            "from callers on its own machine too"
        )


def _limited_to_the_default_tenant(grants: Iterable[Grant]) -> Iterator[Role]:
    return (grant.role for grant in grants if grant.role in READERS and grant.tenants == frozenset({DEFAULT_TENANT}))
