"""``lognotary tokens`` with ``--api``: the tokens of a server, over its API."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from lognotary.v1 import tokens_pb2 as messages
from lognotary.v1.tokens_pb2_grpc import TokenServiceStub
from server.commands.api_client import call
from server.commands.changed_by import changed_by
from server.commands.output import complain, complain_lines, say, say_json, shown
from server.commands.token_lines import show_new, text_of_new, token_lines, token_output

__all__ = ["create", "list_tokens", "revoke", "rotate"]

_LIMITS = ("tenants", "services", "environments")


def create(options: argparse.Namespace) -> int:
    """Create a token; return the exit status."""
    request = messages.CreateTokenRequest(
        name=options.name,
        roles=options.role,
        tenant=options.tenant or "",
        all_tenants=options.all_tenants,
        streams=options.stream,
        services=options.service,
        environments=options.environment,
        lifetime_seconds=options.expires,
        actor=changed_by(),
    )

    def work(tokens: TokenServiceStub) -> int:
        with token_output(options) as write:
            answer = shown(tokens.CreateToken(request))
            made = _attributes(answer.token)
            write(text_of_new(made, answer.text, options) + "\n")
        complain_lines(*(f"lognotary: {note}" for note in answer.notes))
        return show_new(made, answer.text, options)

    return _call(options, work)


def rotate(options: argparse.Namespace) -> int:
    """Replace a token; return the exit status."""
    request = messages.RotateTokenRequest(
        name=options.name,
        overlap_seconds=options.overlap,
        lifetime_seconds=options.expires,
        actor=changed_by(),
    )

    def work(tokens: TokenServiceStub) -> int:
        with token_output(options) as write:
            answer = shown(tokens.RotateToken(request))
            made, old = _attributes(answer.token), _attributes(answer.old)
            write(text_of_new(made, answer.text, options) + "\n")
        ends = old.get("expires", f"it is revoked with 'lognotary tokens revoke {old['id']}'")
        complain(f"the old token, {old['id']}, stays valid until {ends}")
        return show_new(made, answer.text, options)

    return _call(options, work)


def revoke(options: argparse.Namespace) -> int:
    """Revoke tokens; return the exit status."""
    request = messages.RevokeTokenRequest(name_or_id=options.token, actor=changed_by())

    def work(tokens: TokenServiceStub) -> int:
        for token in shown(tokens.RevokeToken(request)).tokens:
            say(f"token {token.name}, {token.id}, is revoked: the server refuses it within a second")
        return 0

    return _call(options, work)


def list_tokens(options: argparse.Namespace) -> int:
    """List the tokens; return the exit status."""

    def work(tokens: TokenServiceStub) -> int:
        answer = tokens.ListTokens(messages.ListTokensRequest(ended=True))
        listed = [_with_state(token) for token in (answer if options.json else shown(answer)).tokens]
        if options.json:
            say_json(json.dumps(listed, indent=2))
        elif not listed:
            complain(
                "there are no tokens at this server: create one with 'lognotary tokens create NAME --api HOST:PORT'"
            )
        else:
            for each in listed:
                say(*token_lines(each))
        return 0

    return _call(options, work)


def _call(options: argparse.Namespace, work: Callable[[TokenServiceStub], int]) -> int:
    def with_channel(channel: grpc.Channel) -> int:
        return work(TokenServiceStub(channel))

    return call(options.api, with_channel)


def _with_state(token: messages.TokenInfo) -> dict[str, Any]:
    last = {"last_used": token.last_used.ToJsonString()} if token.HasField("last_used") else {}
    return {**_attributes(token), "state": token.state, **last}


def _attributes(token: messages.TokenInfo) -> dict[str, Any]:
    """Return the attributes of a token as JSON, as ``token_as_json`` does of one in the file."""
    found: dict[str, Any] = MessageToDict(token, preserving_proto_field_name=True)
    grants = []
    for grant in token.grants:
        limits = {name: list(getattr(grant, name).names) for name in _LIMITS if grant.HasField(name)}
        grants.append({"role": grant.role, **limits})
    found.pop("state", None)
    found.pop("last_used", None)
    return {**found, "grants": grants}
