"""Names of callers, between which time is shared."""

from __future__ import annotations

from starlette.requests import Request

from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.current import calling
from server.api.callers import caller_of_peer, caller_of_request

PROXY = "ipv4:10.0.0.7:4711"
REQUEST = Request({"type": "http", "headers": [], "client": ("10.0.0.7", 4711)})


def test_callers_behind_one_proxy_have_shares_of_their_own() -> None:
    names = set()
    for name, tenant in (("alice", "shop"), ("bob", "shop"), ("bob", "depot")):
        grants = (Grant(Role.VIEWER, frozenset({tenant})),)
        with calling(Caller(name, CallerKind.TOKEN, grants, "203.0.113.5")):
            assert caller_of_peer(PROXY) == caller_of_request(REQUEST)
            names.add(caller_of_peer(PROXY))
    assert len(names) == 3


def test_callers_without_credentials_are_told_apart_by_address() -> None:
    with calling(Caller("local", CallerKind.LOCAL)):
        assert caller_of_peer(PROXY) == caller_of_request(REQUEST) == "10.0.0.7"
    assert caller_of_peer("ipv6:[2001:db8::1]:1") == caller_of_peer("ipv6:%5B2001:db8::2%5D:1")
